"""Statistics: the numbers of findings by code and severity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..checking.report import FORMAT_VERSION
from ..files.results import FileResults, PayloadResult
from ..findings.code import Severity
from .json_text import document
from .summary import Totals

_HEAD = ("count", "severity", "code", "files")


class Tally(NamedTuple):
    """The findings of one code and severity."""

    code: str
    severity: Severity
    count: int  # type: ignore[assignment]  # nobody counts in the tuple
    files: int
    """The number of files with such a finding."""


class Statistics(Totals):
    """Counts of findings by code and severity."""

    def __init__(self) -> None:
        """Begin with counts of zero."""
        super().__init__()
        self._counts: dict[tuple[str, Severity], int] = {}
        self._files: dict[tuple[str, Severity], int] = {}
        self._in_file: set[tuple[str, Severity]] = set()

    def add(self, result: PayloadResult) -> None:
        """Count the findings of a payload."""
        for each in result.report.findings:
            key = each.code, each.severity
            self._counts[key] = self._counts.get(key, 0) + 1
            self._in_file.add(key)

    def finish(self, outcome: FileResults) -> None:
        """Count a file after all its payloads."""
        super().finish(outcome)
        for key in self._in_file:
            self._files[key] = self._files.get(key, 0) + 1
        self._in_file = set()

    def tallies(self) -> list[Tally]:
        """Return the counts, the highest first."""
        found = [Tally(*key, number, self._files[key]) for key, number in self._counts.items()]
        return sorted(found, key=lambda each: (-each.count, -each.severity.rank, each.code))


def text(outcomes: Iterable[FileResults]) -> Iterator[str]:
    """Yield a table of counts, and a line with the totals."""
    found = _statistics(outcomes)
    rows = [
        _HEAD,
        *((str(t.count), str(t.severity), t.code, str(t.files)) for t in found.tallies()),
    ]
    if len(rows) > 1:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for number, severity, code, files in rows:
            yield (
                f"{number:>{widths[0]}}  {severity:{widths[1]}}  {code:{widths[2]}}"
                f"  {files:>{widths[3]}}\n"
            )
        yield "\n"
    yield f"{found.text()}\n"


def json(outcomes: Iterable[FileResults]) -> Iterator[str]:
    """Yield a document with the counts."""
    found = _statistics(outcomes)
    data: dict[str, Any] = {
        "version": FORMAT_VERSION,
        "statistics": [
            {**each._asdict(), "severity": str(each.severity)} for each in found.tallies()
        ],
        "severities": {str(level): number for level, number in found.by_severity.items()},
        "files": found.files,
        "files_with_findings": found.files_with_findings,
        "files_unreadable": found.unreadable,
        "payloads": found.payloads,
        "omitted": found.omitted,
        "silenced": found.silenced,
        "unrecognised": found.unrecognised,
        "ok": found.ok,
    }
    yield document(data)


FORMS = {"text": text, "json": json}
"""The forms of statistics by format."""


def _statistics(outcomes: Iterable[FileResults]) -> Statistics:
    found = Statistics()
    for outcome in outcomes:
        for result in outcome:
            found.add(result)
        found.finish(outcome)
    return found
