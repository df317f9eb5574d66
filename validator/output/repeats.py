"""Repeats: equal findings on many lines of a file, merged into an entry with a count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from ..display.block import Block
from ..findings.finding import Finding
from .summary import count

MAX_HELD = 1 << 20
"""Characters of entries that are held until the end of the file; beyond, they are written."""
_LINES_SHOWN = 3

_Key: TypeAlias = tuple[str | None, ...]


class _Entry:
    """The text of the first of equal findings, and the lines of the others."""

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
        """The text about the other lines, empty if there are none."""
        if not self._further:
            return ""
        shown = ", ".join(map(str, self._shown))
        more = ", ..." if self._further > len(self._shown) else ""
        return f"on {count(self._further, 'more line', 'more lines')}: {shown}{more}"


class Repeats:
    """The merged findings of a file with one payload per line."""

    def __init__(self) -> None:
        """Begin without findings."""
        self._entries: dict[_Key, _Entry] = {}
        self._held = 0

    @property
    def full(self) -> bool:
        """Whether the entries should be taken before more are added."""
        return self._held > MAX_HELD

    def add(self, finding: Finding, line: int, block: Callable[[Finding], Block]) -> None:
        """Add a finding on a line; `block` makes its text if it is the first of its kind."""
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
        """Yield all entries with the text about their other lines, and remove them."""
        entries, self._entries, self._held = self._entries, {}, 0
        for each in entries.values():
            yield each.block, each.about
