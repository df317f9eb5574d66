"""Density: the distribution of findings over the lines of a file."""

from __future__ import annotations

from ...findings.code import Severity

BINS = 120
"""The most bins of a file: as many as a phone can show side by side."""

Counts = dict[Severity, int]


class Density:
    """A histogram of findings over lines, whose bins double in width as the file grows."""

    def __init__(self) -> None:
        """Begin with bins of one line."""
        self.width = 1
        """The width of a bin in lines."""
        self.lines = 0
        """The number of lines known so far."""
        self._bins: list[Counts] = [{} for _ in range(BINS)]

    def add(self, line: int, severity: Severity) -> None:
        """Count a finding."""
        self.extend(line)
        counts = self._bins[(line - 1) // self.width]
        counts[severity] = counts.get(severity, 0) + 1

    def extend(self, line: int) -> None:
        """Extend the file to at least `line` lines."""
        self.lines = max(self.lines, line)
        while self.lines > BINS * self.width:
            self.width *= 2
            pairs = zip(self._bins[::2], self._bins[1::2], strict=True)
            joined = [
                {level: first.get(level, 0) + second.get(level, 0) for level in first | second}
                for first, second in pairs
            ]
            self._bins = joined + [{} for _ in range(BINS - len(joined))]

    def bins(self) -> list[Counts]:
        """Return the counts of the bins of the file."""
        return self._bins[: -(-self.lines // self.width)]
