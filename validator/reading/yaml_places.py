"""YAML places: the positions of the parts of a document in a YAML text."""

from __future__ import annotations

from ..findings.finding import Finding, Span
from .lines import Lines
from .positions import Position, steps


class Part:
    """A value in the text, and those in it."""

    __slots__ = ("end", "key", "parts", "start")

    def __init__(self, start: int, key: tuple[int, int] | None = None) -> None:
        """Begin at the offset `start`; `key` is where the key of the value is."""
        self.start = start
        self.end = start
        self.key = key
        self.parts: dict[str, Part] = {}


class YamlPlaces:
    """The positions of the parts of a document."""

    def __init__(self, lines: Lines) -> None:
        """Find places by `lines`."""
        self._lines = lines
        self.root: Part | None = None
        self._faults: dict[tuple[int, int], tuple[Span, Span | None]] = {}

    def note(self, span: Span, other: Span | None = None) -> None:
        """Keep the place of a fault of the text, and what it relates to."""
        self._faults[span.line, span.column] = (span, other)

    def span(self, start: int, end: int) -> Span:
        """Return the place between two offsets."""
        return Span(*self._lines.locate(start), *self._lines.locate(end))

    def find(self, pointer: str) -> Position | None:
        """Return the place of a value, or of what should hold it."""
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
        """Return the place of a fault of the text; beside a key, that of the same one before."""
        return self._faults[finding.line or 1, finding.column or 1]
