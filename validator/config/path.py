"""Path: a file as settings name it."""

import os


def is_path(previous: str) -> bool:
    """Return True if what the setting `previous` takes is written as the path of a file."""
    return previous.lower().endswith(".json") or os.path.basename(previous) != previous
