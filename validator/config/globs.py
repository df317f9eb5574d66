"""Globs: patterns of paths in a settings file.

They are relative to a folder and written with slashes. In a name, ``*`` matches any characters,
``?`` one and ``[abc]`` one of some; ``**`` matches any number of folders. A pattern without a slash
matches the name of a file in any folder. Globs are case-sensitive.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from fnmatch import fnmatchcase

from ..findings.pointer import Path

SIGNS = "*?["
"""The characters that only patterns have."""


def below(path: str, folder: str) -> list[str] | None:
    """Return the path from `folder` to a file as names, None if the file is elsewhere."""
    # A path may lead below it only through a link, such as a shell's working directory.
    for form in (os.path.abspath, os.path.realpath):
        with suppress(ValueError, OSError):  # on another drive, or deleted
            names = os.path.relpath(form(path), form(folder)).split(os.sep)
            if names[0] != os.pardir:
                return names
    return None


def matches(glob: str, names: list[str]) -> bool:
    """Return True if a pattern matches a path of names."""
    if "/" not in glob:
        return fnmatchcase(names[-1], glob)
    # The numbers of names that the steps so far can match.
    reached = {0}
    for step in glob.split("/"):
        if step == "**":
            reached = set(range(min(reached, default=len(names) + 1), len(names) + 1))
        elif step not in {"", "."}:
            reached = {
                count + 1
                for count in reached
                if count < len(names) and fnmatchcase(names[count], step)
            }
    return len(names) in reached


class Glob:
    """A glob that records whether it has matched."""

    def __init__(self, pattern: str, folder: str, place: Path = ()) -> None:
        """Initialise with a pattern relative to `folder`, and its place in the settings."""
        self.pattern = pattern
        self.place = place
        self.used = False
        self._folder = folder

    def is_for(self, names: list[str]) -> bool:
        """Return True if the glob matches a path of names, and record it."""
        found = matches(self.pattern, names)
        self.used = self.used or found
        return found

    def lies_in(self, folders: Iterable[str]) -> bool:
        """Return True if all possible matches of the pattern are below one of `folders`.

        Names that begin with a dot are ignored in folders, and so are not below any.
        """
        steps = self.pattern.split("/")
        if any(step.startswith(".") and step != "." for step in steps):
            return False
        start: list[str] = []
        for step in steps[:-1]:
            if any(sign in step for sign in SIGNS):
                break
            start.append(step)
        base = os.path.abspath(os.path.join(self._folder, *filter(None, start)))
        return any(below(base, folder) is not None for folder in folders)


def excludes(globs: Iterable[Glob], path: str, folder: str) -> bool:
    """Return True if a glob matches `path`, or a folder below `folder` that contains it."""
    names = below(path, folder)
    if names is None:
        return False
    ways = [names[:length] for length in range(1, len(names) + 1)]
    # All globs are matched, since those that match nothing are reported.
    return bool([glob for glob in globs if any(glob.is_for(way) for way in ways)])
