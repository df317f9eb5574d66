"""Paths: the files named by the arguments of a command."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from .exclusion import GitIgnore, IsExcluded, nothing_excluded

STDIN = "-"
JSON = (".json",)
LINES = (".ndjson", ".jsonl")
"""The extensions of files with one payload per line."""
YAML = (".yaml", ".yml")
HAR = (".har",)
ENDS = (*JSON, *LINES, *YAML, *HAR)
COMMENTED = (".jsonc", ".json5")
"""The extensions of supersets of JSON, which are skipped in folders."""
_SIGNS = "*?["


def ends(name: str | None, endings: tuple[str, ...]) -> bool:
    """Return True if the name of a file ends in one of `endings`, ignoring case."""
    return name is not None and name.lower().endswith(endings)


class Path(NamedTuple):
    """A file, or the reason why there is none."""

    name: str
    error: str = ""
    note: str = ""
    """The note on a file that is skipped."""


def paths(
    arguments: list[str], excluded: IsExcluded = nothing_excluded, *, repeated: bool = False
) -> Iterator[Path]:
    """Yield the files that the arguments name, each once unless they may be `repeated`.

    Files that are `excluded`, or in an excluded folder, are skipped, even if they are named. Below
    a folder, so are files that git ignores.

    A folder stands for the files below it with an extension in `ENDS`, sorted, except for names
    that begin with a dot. A pattern that is not the name of a file stands for its matches, as in a
    shell, with ``**`` for any number of folders. Neither follows links to folders, which may form
    cycles, and neither includes anything but files, such as pipes.
    """
    known: set[str] = set()
    for argument in arguments:
        for path in _paths_of(argument, excluded):
            if path.name == STDIN or path.error or path.note:
                yield path
                continue
            # The path has to be resolved only if it may go through a link.
            form = os.path.realpath if os.pardir in path.name else os.path.abspath
            if repeated or (where := form(path.name)) not in known:
                if not repeated:
                    known.add(where)
                yield path


def _paths_of(argument: str, excluded: IsExcluded) -> Iterator[Path]:
    if argument == STDIN:
        yield Path(argument)
    elif os.path.isdir(argument):
        yield from _below(argument, excluded)
    elif _is_pattern(argument):
        yield from _matching(argument, excluded)
    elif not excluded(argument):
        yield Path(argument)


def _below(folder: str, excluded: IsExcluded) -> Iterator[Path]:
    failures: list[OSError] = []
    found = []
    commented = []
    git = GitIgnore(folder)
    for place, folders, names in os.walk(folder, onerror=failures.append):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and not excluded(os.path.join(place, name))
            and not git.ignores(place, name, is_folder=True)
        ]
        taken = [
            os.path.join(place, name)
            for name in names
            if ends(name, (*ENDS, *COMMENTED))
            and not name.startswith(".")
            and _is_file(place, name)
            and not excluded(os.path.join(place, name))
            and not git.ignores(place, name, is_folder=False)
        ]
        found += [name for name in taken if ends(name, ENDS)]
        commented += [name for name in taken if ends(name, COMMENTED)]
    for name in sorted(commented):
        yield Path(name, note="skipped: JSON with comments is not supported")
    for failure in failures:
        yield Path(failure.filename, f"can't be read: {failure.strerror or failure}")
    if not found and not failures:
        listed = ", ".join(f"*{end}" for end in ENDS)
        yield Path(folder, f"no files to check ({listed}) in this directory")
    yield from map(Path, sorted(found))


def _is_file(folder: str, name: str) -> bool:
    """Return True for a file, or a broken link, which is reported when it is read."""
    path = os.path.join(folder, name)
    # Reading a pipe without a writer would block for ever.
    return os.path.isfile(path) or not os.path.exists(path)


def _is_pattern(argument: str) -> bool:
    # A file of that name takes precedence.
    return any(sign in argument for sign in _SIGNS) and not os.path.lexists(argument)


def _matching(pattern: str, excluded: IsExcluded) -> Iterator[Path]:
    found: dict[str, Path] = {}
    for name in sorted(_matches(pattern)):
        if os.path.isdir(name):
            if "**" not in pattern:
                # With **, the files below it match themselves.
                found |= {each.name: each for each in _below(name, excluded)}
        elif _is_file("", name):
            found.setdefault(name, Path(name))
    if not found:
        yield Path(pattern, "no file matches this pattern")
    yield from (each for each in found.values() if not excluded(each.name))


def _matches(pattern: str) -> Iterator[str]:
    """Yield the matches of a pattern as `glob.glob` does, but without links in ``**``."""
    from glob import escape, glob

    steps = pattern.split("/")
    if "**" not in steps:
        yield from glob(pattern)
        return
    index = steps.index("**")
    rest = "/".join(steps[index + 1 :]) or "*"
    start = "/".join(steps[:index])
    tops = glob(f"{start}/") if start else [os.sep if index else ""]
    if any(sign in start for sign in _SIGNS):
        tops = [top for top in tops if not os.path.islink(top.rstrip("/"))]
    for top in tops:
        for folder, folders, _ in os.walk(top or os.curdir):
            folders[:] = [name for name in folders if not name.startswith(".")]
            within = folder if top else os.path.relpath(folder, os.curdir)
            prefix = "" if within == os.curdir else escape(os.path.join(within, ""))
            yield from _matches(prefix + rest)
