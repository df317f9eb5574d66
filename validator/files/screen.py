"""Screen: a filter of the results of a check, before any form of output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..checking.codes import UNRECOGNISED
from ..findings.code import Severity
from .results import FileResults, PayloadResult

if TYPE_CHECKING:
    from ..checking.report import Report
    from ..findings.finding import Finding
    from .silence import Silence


class Screen:
    """A filter of the results of a file."""

    def __init__(
        self, silences: Sequence[Silence], max_findings: int, *, skips_unrecognised: bool
    ) -> None:
        """Remove silenced findings, and all but the worst `max_findings` of a payload.

        If `skips_unrecognised` is True, documents that resemble no payload are left out.
        """
        self._silences = silences
        self._max_findings = max_findings
        self._skips_unrecognised = skips_unrecognised

    def leaves_out(self, result: PayloadResult) -> bool:
        """Return True for a document that is passed over."""
        return self._skips_unrecognised and any(
            each.code == UNRECOGNISED.name for each in result.report.findings
        )

    def apply(self, report: Report) -> tuple[Report, int]:
        """Return a filtered report, and the number of silenced findings.

        Faults of unreadable texts are never silenced.
        """
        found = report.findings
        if not report.unreadable:
            found = tuple(each for each in found if not self._silent(each))
        silenced = len(report.findings) - len(found)
        worst = _worst(found, self._max_findings)
        if len(worst) == len(report.findings):
            return report, 0
        more = None if report.omitted is None else report.omitted + len(found) - len(worst)
        # Parts that were not examined may have errors.
        ok = report.ok or (
            report.omitted == 0 and not any(each.severity is Severity.ERROR for each in found)
        )
        return report._replace(ok=ok, findings=worst, omitted=more), silenced

    def _silent(self, finding: Finding) -> bool:
        return any(each.takes(finding) for each in self._silences)


def _worst(findings: tuple[Finding, ...], limit: int) -> tuple[Finding, ...]:
    """Return the worst findings up to a limit, in their original order."""
    if len(findings) <= limit:
        return findings
    ranked = sorted(range(len(findings)), key=lambda index: -findings[index].severity.rank)
    return tuple(findings[index] for index in sorted(ranked[:limit]))


def apply_screen(outcome: FileResults, screen: Screen) -> FileResults:
    """Return the filtered results of a file."""
    if outcome.error:
        return outcome
    results = ScreenedResults(outcome.results, screen, several=outcome.lines)
    if not outcome.lines:
        # Forms of output ask whether a file is passed over before they consume its result.
        results.take()
    return FileResults(outcome.path, results, lines=outcome.lines)


class ScreenedResults:
    """Filtered results, and counts of what was removed."""

    def __init__(self, results: Iterable[PayloadResult], screen: Screen, *, several: bool) -> None:
        """Filter the results of a file, which may have `several` payloads."""
        self._results = results
        self._screen = screen
        self._several = several
        self._taken: list[PayloadResult] | None = None
        self.unrecognised = 0
        """The number of documents passed over so far."""
        self.silenced = 0
        """The number of findings silenced so far."""

    @property
    def payloads(self) -> int:
        """The number of payloads so far."""
        return getattr(self._results, "payloads", 1) - self.unrecognised

    def take(self) -> None:
        """Consume all results, so that the counts are complete."""
        self._taken = list(self._screen_all())

    def __iter__(self) -> Iterator[PayloadResult]:
        """Yield the filtered results, in order."""
        return self._screen_all() if self._taken is None else iter(self._taken)

    def _screen_all(self) -> Iterator[PayloadResult]:
        for result in self._results:
            if self._screen.leaves_out(result):
                self.unrecognised += 1
                continue
            report, silenced = self._screen.apply(result.report)
            self.silenced += silenced
            # Of several payloads, only those with findings have a result.
            if report.findings or report.omitted != 0 or not self._several:
                yield result._replace(report=report)
