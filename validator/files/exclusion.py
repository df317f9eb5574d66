"""Exclusion: the files that are skipped because of globs and ``.gitignore``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IsExcluded: TypeAlias = Callable[[str], bool]
"""A predicate that returns True for the path of a file or folder to be skipped."""

_NAME = ".gitignore"


class _Rules(NamedTuple):
    """The patterns of a ``.gitignore``, and the absolute path of its folder."""

    folder: str
    spec: GitIgnoreSpec


class GitIgnore:
    """The ``.gitignore`` files that apply below a folder.

    They are those of the folder, of its subfolders, and of its parents up to the root of the
    repository. Source: the manual page gitignore(5); the other sources that it describes,
    ``$GIT_DIR/info/exclude`` and ``core.excludesFile``, are not read.
    """

    def __init__(self, folder: str) -> None:
        """Read the files above `folder`."""
        self._rules: dict[str, tuple[_Rules, ...]] = {}
        above: list[str] = []
        place = top = os.path.abspath(folder)
        while not os.path.lexists(os.path.join(place, ".git")):
            parent = os.path.dirname(place)
            if parent == place:
                above = []  # not in a repository
                break
            place = parent
            above.append(place)
        rules: tuple[_Rules, ...] = ()
        for each in reversed(above):
            rules = _with_rules(rules, each)
        # An ignored folder that is named explicitly is to be checked.
        self._above = () if _decide(rules, top, is_folder=True) else rules
        self._top = top

    def ignores(self, folder: str, name: str, *, is_folder: bool) -> bool:
        """Return True if git ignores the entry `name` of a folder that is not ignored itself."""
        path = os.path.join(os.path.abspath(folder), name)
        return _decide(self._rules_in(os.path.abspath(folder)), path, is_folder=is_folder)

    def _rules_in(self, folder: str) -> tuple[_Rules, ...]:
        known = self._rules.get(folder)
        if known is None:
            above = self._above if folder == self._top else self._rules_in(os.path.dirname(folder))
            known = self._rules[folder] = _with_rules(above, folder)
        return known


def _decide(rules: Sequence[_Rules], path: str, *, is_folder: bool) -> bool:
    """Return True if `rules` ignore a path; later rules take precedence."""
    for each in reversed(rules):
        relative = os.path.relpath(path, each.folder).replace(os.sep, "/")
        included = each.spec.check_file(f"{relative}/" if is_folder else relative).include
        if included is not None:
            return included
    return False


def _with_rules(rules: tuple[_Rules, ...], folder: str) -> tuple[_Rules, ...]:
    lines: Sequence[str] = ()
    # As in git, an unreadable file excludes nothing.
    with (
        suppress(OSError),
        open(os.path.join(folder, _NAME), encoding="utf-8", errors="surrogateescape") as file,
    ):
        lines = file.read().splitlines()
    if not lines:
        return rules
    from pathspec import GitIgnoreSpec

    return (*rules, _Rules(folder, GitIgnoreSpec.from_lines(lines)))


def nothing_excluded(_path: str) -> bool:
    """Return False: the default predicate."""
    return False
