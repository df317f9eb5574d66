"""YAML places: the positions of the values of a document in a YAML text."""

from __future__ import annotations

from ..findings.finding import Finding, Span
from .lines import Lines
from .positions import Position, steps


class Part:
    """A value in the text, with the values in it."""

    __slots__ = ("end", "key", "parts", "start")

    def __init__(self, start: int, key: tuple[int, int] | None = None) -> None:
        """Begin at the offset `start`; `key` is the range of the value's key."""
        self.start = start
        self.end = start
        self.key = key
        self.parts: dict[str, Part] = {}


class YamlPlaces:
    """The positions of the values of a document."""

    def __init__(self, lines: Lines) -> None:
        """Convert offsets with `lines`."""
        self._lines = lines
        self.root: Part | None = None
        self._faults: dict[tuple[int, int], tuple[Span, Span | None]] = {}

    def note(self, span: Span, other: Span | None = None) -> None:
        """Record the position of a fault of the text, and of the related place."""
        self._faults[span.line, span.column] = (span, other)

    def span(self, start: int, end: int) -> Span:
        """Return the span between two offsets."""
        return Span(*self._lines.locate(start), *self._lines.locate(end))

    def find(self, pointer: str) -> Position | None:
        """Return the position of a value, or that of its parent if it is missing."""
        part = self.root
        if part is None:
            return None
        for step in steps(pointer):
            below = part.parts.get(step)
            if below is None:
                return Position(self.span(part.start, part.end))
            part = below
        key = None if part.key is None else self.span(*part.key)
        return Position(self.span(part.start, part.end), key)

    def fault(self, finding: Finding) -> tuple[Span, Span | None]:
        """Return the position of a fault of the text, and that of the first of duplicate keys."""
        return self._faults[finding.line or 1, finding.column or 1]
