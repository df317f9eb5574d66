"""Path: the notation of files in settings."""

import os


def is_path(previous: str) -> bool:
    """Return True if a value of the setting `previous` is the path of a file."""
    return previous.lower().endswith(".json") or os.path.basename(previous) != previous
