"""Embedded: positions in a JSON text that is the content of a string in another JSON text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from ..findings.finding import Finding, Span
from .lines import Lines
from .positions import JsonPositions, Position

_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.")


class EmbeddedPositions:
    """The positions of the parts of an inner text, as lines and columns of the outer one."""

    def __init__(
        self, outer: str, lines: Lines, string: Span, inner: str, pointers: Iterable[str]
    ) -> None:
        """Locate `pointers` in `inner`, the decoded content of the string at `string`."""
        self._lines = lines
        self._inner_lines = Lines(inner)
        self._places = JsonPositions(inner, pointers, lines=self._inner_lines)
        start = lines.offset(string.line, string.column) + 1
        end = lines.offset(string.end_line, string.end_column) - 1
        # The offsets after each escape in both texts.
        self._inner, self._outer = [0], [start]
        for match in _ESCAPE.finditer(outer, start, end):
            length = match.start() - self._outer[-1]
            self._inner.append(self._inner[-1] + length + 1)
            self._outer.append(match.end())

    def find(self, pointer: str) -> Position | None:
        """Return the position of a requested value, or that of its parent if it is missing."""
        place = self._places.find(pointer)
        if place is None:
            return None
        return Position(self._outer_span(place.value), place.key and self._outer_span(place.key))

    def fault(self, finding: Finding) -> tuple[Span, Span | None]:
        """Return the position of a fault of the text, and of the related place."""
        span, other = self._places.fault(finding)
        return self._outer_span(span), other and self._outer_span(other)

    def _outer_span(self, span: Span) -> Span:
        start = self._offset(self._inner_lines.offset(span.line, span.column))
        end = self._offset(self._inner_lines.offset(span.end_line, span.end_column))
        return Span(*self._lines.locate(start), *self._lines.locate(end))

    def _offset(self, inner: int) -> int:
        index = bisect_right(self._inner, inner) - 1
        return self._outer[index] + inner - self._inner[index]
