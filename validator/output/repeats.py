"""Repeats: findings that many lines of a file share, each as one entry with a count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from ..display.block import Block
from ..findings.finding import Finding
from .summary import count

MAX_HELD = 1 << 20
"""Characters of entries that wait for the end of their file; with more, they are written."""
_LINES_SHOWN = 3

_Key: TypeAlias = tuple[str | None, ...]


class _Entry:
    """The text of the first finding of its kind, and the further lines that have one."""

    __slots__ = ("_further", "_last", "_shown", "block")

    def __init__(self, block: Block, line: int) -> None:
        self.block = block
        self._last = line
        self._further = 0
        self._shown: list[int] = []

    def add(self, line: int) -> None:
        if line == self._last:
            return
        self._last = line
        self._further += 1
        if len(self._shown) < _LINES_SHOWN:
            self._shown.append(line)

    @property
    def about(self) -> str:
        """Which further lines there are, nothing if there are none."""
        if not self._further:
            return ""
        shown = ", ".join(map(str, self._shown))
        more = ", ..." if self._further > len(self._shown) else ""
        return f"on {count(self._further, 'more line', 'more lines')}: {shown}{more}"


class Repeats:
    """The findings of a file with one payload a line, gathered."""

    def __init__(self) -> None:
        """Begin with no finding."""
        self._entries: dict[_Key, _Entry] = {}
        self._held = 0

    @property
    def full(self) -> bool:
        """No more should be kept: the entries are to be taken."""
        return self._held > MAX_HELD

    def add(self, finding: Finding, line: int, block: Callable[[Finding], Block]) -> None:
        """Take a finding on a line; `block` makes its text, if it is the first of its kind."""
        key = (
            *(finding.code, finding.severity, finding.pointer),
            *(finding.message, finding.hint, finding.parameter),
        )
        known = self._entries.get(key)
        if known is not None:
            known.add(line)
            return
        entry = self._entries[key] = _Entry(block(finding), line)
        self._held += len(entry.block.text) + sum(map(len, filter(None, key)))

    def take(self) -> Iterator[tuple[Block, str]]:
        """Yield each entry and a text about its further lines, and keep none."""
        entries, self._entries, self._held = self._entries, {}, 0
        for each in entries.values():
            yield each.block, each.about
