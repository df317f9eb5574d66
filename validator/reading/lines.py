"""Lines: the 1-based lines and columns of offsets in a text, whose lines end with a line feed."""

from __future__ import annotations

import re

_BLOCK = 1 << 14
_BREAK = re.compile("\n")


class Lines:
    """An index of lines, which is fast for many offsets, many lines and long lines."""

    def __init__(self, text: str) -> None:
        """Wrap a text, which is indexed on first use."""
        self._text = text
        self._before: list[int] = []
        self._starts: list[int] = []
        self._block = -1
        self._ends: list[int] = []
        """The ends of the lines in the last block, for the next call."""

    def locate(self, offset: int) -> tuple[int, int]:
        """Return the line and column of `offset`."""
        if not self._before:
            self._index()
        block = offset // _BLOCK
        begin = block * _BLOCK
        line = self._before[block] + self._text.count("\n", begin, offset) + 1
        start = self._text.rfind("\n", begin, offset) + 1 or self._starts[block]
        return line, offset - start + 1

    def start(self, line: int) -> int:
        """Return the offset at which `line` starts, at most the end of the text."""
        if not self._before:
            self._index()
        from bisect import bisect_left

        block = max(0, bisect_left(self._before, line - 1) - 1)
        index = line - 1 - self._before[block]
        if index <= 0:
            return self._starts[block]
        if block != self._block:
            begin = block * _BLOCK
            self._block = block
            self._ends = [each.end() for each in _BREAK.finditer(self._text, begin, begin + _BLOCK)]
        return self._ends[index - 1] if index <= len(self._ends) else len(self._text)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line and column, at most the end of the text."""
        return min(self.start(line) + column - 1, len(self._text))

    def _index(self) -> None:
        breaks = start = 0
        for begin in range(0, len(self._text) + 1, _BLOCK):
            self._before.append(breaks)
            self._starts.append(start)
            breaks += self._text.count("\n", begin, begin + _BLOCK)
            start = self._text.rfind("\n", begin, begin + _BLOCK) + 1 or start
