"""Globs: patterns of paths, as a settings file has them.

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
"""The characters that make a name a pattern."""


def below(path: str, folder: str) -> list[str] | None:
    """Return the names that lead from `folder` to a file, None if it isn't below it."""
    # A path may lead there by a link only, as that of the working directory in a shell may.
    for form in (os.path.abspath, os.path.realpath):
        with suppress(ValueError, OSError):  # on another drive, or nowhere
            names = os.path.relpath(form(path), form(folder)).split(os.sep)
            if names[0] != os.pardir:
                return names
    return None


def matches(glob: str, names: list[str]) -> bool:
    """Return True if a pattern is for the file that the names lead to."""
    if "/" not in glob:
        return fnmatchcase(names[-1], glob)
    # How many of the names the steps so far can stand for.
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
    """A glob that keeps whether it was for anything."""

    def __init__(self, pattern: str, folder: str, place: Path = ()) -> None:
        """Take a pattern that counts from `folder`, and its place in the settings."""
        self.pattern = pattern
        self.place = place
        self.used = False
        self._folder = folder

    def is_for(self, names: list[str]) -> bool:
        """Return True for the file that the names lead to."""
        found = matches(self.pattern, names)
        self.used = self.used or found
        return found

    def lies_in(self, folders: Iterable[str]) -> bool:
        """Return True if one of `folders` has all that the pattern can be for.

        What begins with a dot is passed over in a folder, and so counts as in none.
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
    """Return True if a glob is for what is at `path`, or for a folder below `folder` it lies in."""
    names = below(path, folder)
    if names is None:
        return False
    ways = [names[:length] for length in range(1, len(names) + 1)]
    # Each glob is asked: those that are for nothing are reported.
    return bool([glob for glob in globs if any(glob.is_for(way) for way in ways)])
