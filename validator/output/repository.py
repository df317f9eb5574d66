"""Place: where files are, for readers of the output that know no working directory."""

from __future__ import annotations

import os
from collections.abc import Callable


def from_root() -> Callable[[str], str]:
    """Return a function that gives a path as seen from the root of the repository, with slashes.

    The root is the nearest folder with an entry ``.git``, from the working directory upwards, or
    else the working directory. A path outside of it is given from the root of the file system.
    """
    root = _root(os.getcwd())

    def from_root(path: str) -> str:
        full = os.path.abspath(path)
        try:
            inside = os.path.commonpath((root, full)) == root
        except ValueError:
            inside = False  # on another drive, or no path at all
        return (os.path.relpath(full, root) if inside else full).replace(os.sep, "/")

    return from_root


def _root(start: str) -> str:
    folder = start
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return start
        folder = above
    return folder
