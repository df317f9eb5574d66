"""Screen: what is kept of the results of a check, before any form of output has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..checking.codes import UNRECOGNISED
from .results import FileResults, PayloadResult


class Screen:
    """The choice of the results of a file."""

    def __init__(self, *, skips_unrecognised: bool) -> None:
        """Make a screen; `skips_unrecognised`: documents that resemble no payload are left out."""
        self._skips_unrecognised = skips_unrecognised

    def leaves_out(self, result: PayloadResult) -> bool:
        """Return True for a document that is passed over."""
        return self._skips_unrecognised and any(
            each.code == UNRECOGNISED.name for each in result.report.findings
        )


def screened(outcome: FileResults, screen: Screen) -> FileResults:
    """Return the results of a file that a screen keeps, in place of all."""
    if outcome.error:
        return outcome
    results = ScreenedResults(outcome.results, screen)
    if not outcome.lines:
        # Forms ask whether a file is passed over before they take its result.
        results.take()
    return FileResults(outcome.path, results, lines=outcome.lines)


class ScreenedResults:
    """Results as a screen keeps them, and counts of what it does not."""

    def __init__(self, results: Iterable[PayloadResult], screen: Screen) -> None:
        """Take the results of a file."""
        self._results = results
        self._screen = screen
        self._taken: list[PayloadResult] | None = None
        self.unrecognised = 0
        """How many documents were passed over so far."""

    @property
    def payloads(self) -> int:
        """How many payloads there were so far."""
        return getattr(self._results, "payloads", 1) - self.unrecognised

    def take(self) -> None:
        """Take all results now, so that the counts are complete."""
        self._taken = list(self._kept())

    def __iter__(self) -> Iterator[PayloadResult]:
        """Yield what is kept, in order."""
        return self._kept() if self._taken is None else iter(self._taken)

    def _kept(self) -> Iterator[PayloadResult]:
        for result in self._results:
            if self._screen.leaves_out(result):
                self.unrecognised += 1
            else:
                yield result
