"""Ranking: the files with the most findings."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappush, heappushpop
from typing import NamedTuple

from ...findings.code import Severity
from .density import Density

RANKED = 20
"""The most files in the ranking, so that their chart fits on a page."""


class Ranked(NamedTuple):
    """A file with findings."""

    name: str
    counts: Mapping[Severity, int]
    anchor: str
    """The id of the file's section, empty if it has none."""
    density: Density | None
    """The density of findings in a file with one payload per line."""

    @property
    def total(self) -> int:
        """The number of its findings."""
        return sum(self.counts.values())


class Ranking:
    """The files with the most findings, and the sum of all others."""

    def __init__(self) -> None:
        """Begin without files."""
        self.other_files = 0
        self.other_findings = 0
        self._known = 0
        self._heap: list[tuple[int, int, Ranked]] = []

    def add(self, file: Ranked) -> None:
        """Rank a file; of those with the same number of findings, earlier ones come first."""
        self._known += 1
        entry = file.total, -self._known, file
        if len(self._heap) < RANKED:
            heappush(self._heap, entry)
            return
        _, _, other = heappushpop(self._heap, entry)
        self.other_files += 1
        self.other_findings += other.total

    def files(self) -> list[Ranked]:
        """Return the first files."""
        return [file for _, _, file in sorted(self._heap, reverse=True)]
