"""Paths: the files that arguments of a command stand for."""

import os
from collections.abc import Iterator
from typing import NamedTuple

STDIN = "-"
LINES = (".ndjson", ".jsonl")
"""The ends of the names of files that have one payload a line."""
YAML = (".yaml", ".yml")
ENDS = (".json", *LINES, *YAML)
_SIGNS = "*?["


class Path(NamedTuple):
    """A file, or why there is none."""

    name: str
    error: str = ""


def paths(arguments: list[str]) -> Iterator[Path]:
    """Yield the files that each argument stands for.

    A folder stands for the files below it that end in one of `ENDS`, sorted; what begins with a dot
    is passed over. A pattern that is no file stands for what it matches, as in a shell, and ``**``
    in it for any number of folders.
    """
    for argument in arguments:
        if argument == STDIN:
            yield Path(argument)
        elif os.path.isdir(argument):
            yield from _below(argument)
        elif _is_pattern(argument):
            yield from _matching(argument)
        else:
            yield Path(argument)


def _below(folder: str) -> Iterator[Path]:
    failures: list[OSError] = []
    found = []
    for place, folders, names in os.walk(folder, onerror=failures.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            os.path.join(place, name)
            for name in names
            if name.endswith(ENDS) and not name.startswith(".") and _is_file(place, name)
        ]
    for failure in failures:
        yield Path(failure.filename, f"can't be read: {failure.strerror or failure}")
    if not found and not failures:
        ends = ", ".join(f"*{end}" for end in ENDS)
        yield Path(folder, f"no files to check ({ends}) in this directory")
    yield from map(Path, sorted(found))


def _is_file(folder: str, name: str) -> bool:
    """Tell whether there is a file, or a link to none, whose reading will tell why."""
    path = os.path.join(folder, name)
    # To read a pipe that nobody writes to would take forever.
    return os.path.isfile(path) or not os.path.exists(path)


def _is_pattern(argument: str) -> bool:
    # Whoever has a file of that name means it.
    return any(sign in argument for sign in _SIGNS) and not os.path.lexists(argument)


def _matching(pattern: str) -> Iterator[Path]:
    from glob import glob

    found: dict[str, Path] = {}
    for name in sorted(glob(pattern, recursive=True)):
        if not os.path.isdir(name):
            found.setdefault(name, Path(name))
        elif "**" not in pattern:
            # With ** the files below it match by themselves.
            found |= {each.name: each for each in _below(name)}
    if not found:
        yield Path(pattern, "no file matches this pattern")
    yield from found.values()
