"""Repository: paths that do not depend on the working directory."""

from __future__ import annotations

import os
from collections.abc import Callable

FILE = "file://"
"""The prefix of the URI of a file outside the repository."""


def from_root() -> Callable[[str], str]:
    """Return a function that makes paths relative to the root of the repository, with slashes.

    The root is the nearest folder with an entry ``.git``, from the working directory upwards, or
    else the working directory. Paths outside it become absolute.
    """
    root = _root(os.getcwd())

    def from_root(path: str) -> str:
        full = os.path.abspath(path)
        try:
            inside = os.path.commonpath((root, full)) == root
        except ValueError:
            inside = False  # on another drive, or not a path
        return (os.path.relpath(full, root) if inside else full).replace(os.sep, "/")

    return from_root


def uri_from_root() -> Callable[[str], str]:
    """Return a function that converts paths to URIs, relative to the root of the repository.

    Paths outside it get the scheme ``file``; standard input (``-``) is ``stdin``.
    """
    from urllib.parse import quote

    place = from_root()

    def uri(path: str) -> str:
        if path == "-":
            return "stdin"
        placed = place(path)
        quoted = quote(placed, encoding="utf-8", errors="surrogateescape")
        return f"{FILE}{quoted}" if placed.startswith("/") else quoted

    return uri


def exists(uri: str) -> bool:
    """Return True if the file of a URI from `uri_from_root` exists."""
    from urllib.parse import unquote

    path = unquote(uri.removeprefix(FILE), errors="surrogateescape")
    return uri == "stdin" or os.path.exists(os.path.join(_root(os.getcwd()), path))


def _root(start: str) -> str:
    folder = start
    while not os.path.exists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return start
        folder = above
    return folder
