"""Lines: the lines and columns of offsets in a text, both from 1. Lines end with a line feed."""

from __future__ import annotations

import re

_BLOCK = 1 << 14
_BREAK = re.compile("\n")


class Lines:
    """Lines and columns of offsets, fast for many offsets, long lines and many lines alike."""

    def __init__(self, text: str) -> None:
        """Take the text; it is split when the first place is needed."""
        self._text = text
        self._before: list[int] = []
        self._starts: list[int] = []
        self._block = -1
        self._ends: list[int] = []
        """The ends of the lines in a block, for the next line that is needed."""

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
        """Return the offset where `line` starts; the end of the text if there is no such line."""
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
        """Return the offset of a line and column, the end of the text if there is none such."""
        return min(self.start(line) + column - 1, len(self._text))

    def _index(self) -> None:
        breaks = start = 0
        for begin in range(0, len(self._text) + 1, _BLOCK):
            self._before.append(breaks)
            self._starts.append(start)
            breaks += self._text.count("\n", begin, begin + _BLOCK)
            start = self._text.rfind("\n", begin, begin + _BLOCK) + 1 or start
