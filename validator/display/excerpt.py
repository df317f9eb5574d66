"""Excerpt: lines of a source with marks under the places of findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from ..findings.finding import Span
from ..reading.document import decode
from ..reading.lines import Lines
from .terminal import Style, printable

_TAB = 4
_CUT = "..."


class Mark(NamedTuple):
    """A marked span and its style."""

    span: Span
    character: str
    style: str
    label: str = ""


class Piece(NamedTuple):
    """A part of a line, with the style of its mark, if it has one."""

    text: str
    style: str = ""


class Excerpts:
    """Excerpts from the source of a payload."""

    def __init__(self, source: bytes | str, first: int, style: Style) -> None:
        """Wrap a source that begins on line `first` of its file."""
        self._text = decode(source)
        self._lines = Lines(self._text)
        self._first = first
        self._style = style

    def lines(self, marks: Sequence[Mark], gutter: int) -> Iterator[str]:
        """Yield each marked line and its marks below; `gutter` is the width of line numbers."""
        paint = self._style.paint
        bar = paint("|", "frame")
        shown = 0
        for mark in sorted(marks, key=lambda mark: (mark.span.line, mark.span.column)):
            line = mark.span.line
            start, end, cut = self._window(mark.span, gutter)
            number = f"{line if line != shown or cut else '':>{gutter}}"
            above, under = self._rows(mark, start, end)
            if line != shown or cut:
                if shown and line > shown + 1:
                    yield f"{'':>{gutter}} {paint(_CUT, 'frame')}"
                yield f"{paint(number, 'frame')} {bar} {above}"
            label = f" {mark.label}" if mark.label else ""
            yield f"{'':>{gutter}} {bar} {under[0]}{paint(under[1] + label, mark.style)}"
            shown = line

    def pieces(self, marks: Sequence[Mark]) -> Iterator[tuple[int, list[Piece]]]:
        """Yield the number of each marked line and its pieces, without escapes.

        A piece with several marks has the style of the last one in `marks`. A truncated line is
        repeated for each mark on it.
        """
        by_line = sorted(marks, key=lambda mark: mark.span.line)
        for number, group in groupby(by_line, key=lambda mark: mark.span.line):
            together = list(group)
            start, end, cut = self._window(together[0].span, 0)
            if not cut:
                yield number, self._pieces(together, start, end)
                continue
            for mark in together:
                yield number, self._pieces([mark], *self._window(mark.span, 0)[:2])

    def _pieces(self, marks: Sequence[Mark], start: int, end: int) -> list[Piece]:
        begin = self._lines.start(marks[0].span.line - self._first + 1)
        stop = self._text.find("\n", begin)
        stop = len(self._text) if stop < 0 else stop
        # The end of a line, which can also be marked, is shown as a blank.
        line = self._text[start:end] + " "
        styled = []
        for mark in marks:
            left = min(begin + mark.span.column - 1, end) - start
            right = min(self._end(mark.span, stop), end) - start
            styled.append((left, max(left + 1, right), mark.style))
        found = [Piece(_CUT)] if start > begin else []
        edges = {0, end - start, *(edge for left, right, _ in styled for edge in (left, right))}
        for left, right in pairwise(sorted(edges)):
            covering = [style for first, last, style in styled if first <= left < last]
            found.append(Piece(line[left:right], covering[-1] if covering else ""))
        if self._text[end:stop].strip():
            found.append(Piece(_CUT))
        return found

    def _window(self, span: Span, gutter: int) -> tuple[int, int, bool]:
        """Return the offsets of the shown part of a line, and whether the line is truncated."""
        begin = self._lines.start(span.line - self._first + 1)
        stop = self._text.find("\n", begin)
        stop = len(self._text) if stop < 0 else stop
        stop -= stop > begin and self._text[stop - 1] == "\r"
        room = self._style.width - gutter - 3
        # Characters too far from the mark can't fit, and need not be measured.
        column = begin + span.column - 1
        left, right = max(begin, column - room), min(stop, column + room)
        if (left, right) == (begin, stop) and _cells(self._text[begin:stop]) <= room:
            return begin, stop, False
        room -= 2 * len(_CUT)
        ended = self._end(span, stop)
        # The marked part has priority, then the text before it, then the text after it.
        text = self._text
        right, used = _rightwards(text, column, min(stop, max(ended, column + 1)), room)
        left, more = _leftwards(text, column, begin, (room - used) // 2)
        used += more
        right, more = _rightwards(text, right, stop, room - used)
        used += more
        left, _ = _leftwards(text, left, begin, room - used)
        return left, right, (left, right) != (begin, stop)

    def _end(self, span: Span, stop: int) -> int:
        if span.end_line != span.line:
            return stop
        begin = self._lines.start(span.line - self._first + 1)
        return min(stop, begin + span.end_column - 1)

    def _rows(self, mark: Mark, start: int, end: int) -> tuple[str, tuple[str, str]]:
        """Return the shown part of a line, and the space and mark below it."""
        text, span = self._text, mark.span
        begin = self._lines.start(span.line - self._first + 1)
        column = begin + span.column - 1
        before = _CUT if start > begin else ""
        stop = text.find("\n", begin)
        stop = len(text) if stop < 0 else stop
        after = _CUT if text[end:stop].strip() else ""
        above = before + _printable(text[start:end]).rstrip() + after
        ended = min(end, max(self._end(span, stop), column))
        width = max(1, _cells(text[column:ended].rstrip() or text[column:ended]))
        space = " " * (len(before) + _cells(text[start:column]))
        return above, (space, mark.character * width)


def _rightwards(text: str, start: int, stop: int, room: int) -> tuple[int, int]:
    """Return the offset up to which the text from `start` fits into `room` cells, and its cells."""
    near = text[start : min(stop, start + max(0, room))]
    if near.isascii() and near.isprintable():
        return start + len(near), len(near)
    used = 0
    while start < stop and used < room:
        used += _cells(text[start])
        start += 1
    return start, used


def _leftwards(text: str, start: int, stop: int, room: int) -> tuple[int, int]:
    """Return the same as `_rightwards`, for the characters before `start`."""
    near = text[max(stop, start - max(0, room)) : start]
    if near.isascii() and near.isprintable():
        return start - len(near), len(near)
    used = 0
    while start > stop and used < room:
        start -= 1
        used += _cells(text[start])
    return start, used


def _printable(text: str) -> str:
    """Return the shown form of a text: tabs as blanks, unprintable characters as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " * _TAB if each == "\t" else printable(each) for each in text)


def _cells(text: str) -> int:
    """Return the number of terminal cells of the shown form of a text."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(_cell, text))


def _cell(character: str) -> int:
    if character == "\t":
        return _TAB
    if character.isascii() and character.isprintable():
        return 1
    spelt = printable(character)
    if spelt != character:
        return len(spelt)
    from unicodedata import combining, east_asian_width

    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
