"""Excerpt: lines of a source with marks under what findings are about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..findings.finding import Span
from ..reading.document import decoded
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


class Excerpts:
    """The lines of a payload's source."""

    def __init__(self, source: bytes, first: int, style: Style) -> None:
        """Take a source that begins on line `first` of its file."""
        self._text = decoded(source)
        self._lines = Lines(self._text)
        self._first = first
        self._style = style

    def lines(self, marks: Sequence[Mark], gutter: int) -> Iterator[str]:
        """Yield each marked line, with its marks below; `gutter` is the width of the numbers."""
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

    def _window(self, span: Span, gutter: int) -> tuple[int, int, bool]:
        """Return the offsets of so much of a line as is shown, and whether that is not all."""
        begin = self._lines.start(span.line - self._first + 1)
        stop = self._text.find("\n", begin)
        stop = len(self._text) if stop < 0 else stop
        stop -= stop > begin and self._text[stop - 1] == "\r"
        room = self._style.width - gutter - 3
        # No character needs less than no cell, so what is far off needn't be looked at.
        column = begin + span.column - 1
        left, right = max(begin, column - room), min(stop, column + room)
        if (left, right) == (begin, stop) and _cells(self._text[begin:stop]) <= room:
            return begin, stop, False
        room -= 2 * len(_CUT)
        ended = self._end(span, stop)
        # What is marked comes first, then what is before it, then what is after it.
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
        """Return the shown part of a line, and below it the space before the mark and the mark."""
        text, span = self._text, mark.span
        begin = self._lines.start(span.line - self._first + 1)
        column = begin + span.column - 1
        before = _CUT if start > begin else ""
        stop = text.find("\n", begin)
        stop = len(text) if stop < 0 else stop
        after = _CUT if text[end:stop].strip() else ""
        above = before + _shown(text[start:end]).rstrip() + after
        ended = min(end, max(self._end(span, stop), column))
        width = max(1, _cells(text[column:ended].rstrip() or text[column:ended]))
        space = " " * (len(before) + _cells(text[start:column]))
        return above, (space, mark.character * width)


def _rightwards(text: str, start: int, stop: int, room: int) -> tuple[int, int]:
    """Return how far after `start` the characters fill so many cells, and how many they fill."""
    near = text[start : min(stop, start + max(0, room))]
    if near.isascii() and near.isprintable():
        return start + len(near), len(near)
    used = 0
    while start < stop and used < room:
        used += _cells(text[start])
        start += 1
    return start, used


def _leftwards(text: str, start: int, stop: int, room: int) -> tuple[int, int]:
    """Do what `_rightwards` does, for the characters before `start`."""
    near = text[max(stop, start - max(0, room)) : start]
    if near.isascii() and near.isprintable():
        return start - len(near), len(near)
    used = 0
    while start > stop and used < room:
        start -= 1
        used += _cells(text[start])
    return start, used


def _shown(text: str) -> str:
    """Return text as it is shown: tabs as blanks, what can't be printed as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " * _TAB if each == "\t" else printable(each) for each in text)


def _cells(text: str) -> int:
    """Return how many cells of a terminal a text takes as it is shown."""
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
