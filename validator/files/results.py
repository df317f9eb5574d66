"""Results: those of one file."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..checking.report import Report
from ..findings.code import Severity


class PayloadResult(NamedTuple):
    """The result of one payload."""

    report: Report
    """Its findings know their places in the file."""
    source: bytes
    """The source of the payload."""
    line: int | None = None
    """The line it stands on, where a file has one payload a line."""


class ReadError(Exception):
    """The rest of a file can't be read; the text has the reason."""


class FileResults:
    """The results of one file: an iterator with totals, or the error that prevented reading."""

    def __init__(
        self,
        path: str,
        results: Iterable[PayloadResult] = (),
        *,
        error: str = "",
        lines: bool = False,
        source: bytes = b"",
    ) -> None:
        """Take the results of the file at `path`; `lines`: it has one payload a line.

        `source` is the text of a file in YAML, whose comments may silence findings.
        """
        self.path = path
        self.error = error
        """Why the file could not be read, or no further."""
        self.lines = lines
        self.source = source
        self.bad = 0
        """How many payloads have errors."""
        self.severities = dict.fromkeys(Severity, 0)
        """How many findings have each severity."""
        self.unreadable = 0
        """How many payloads are not JSON."""
        self.omitted: int | None = 0
        """How many findings reports omit; None if some report did not count them."""
        self.last: Report | None = None
        """The last of the reports."""
        self.results = results
        """As they were given, to be wrapped: to iterate over these counts nothing."""

    @property
    def name(self) -> str:
        """The path as it is shown."""
        return "<stdin>" if self.path == "-" else self.path

    @property
    def payloads(self) -> int:
        """How many payloads there were, once all results were taken."""
        return getattr(self.results, "payloads", 0 if self.error else 1)

    @property
    def unrecognised(self) -> int:
        """How many documents were passed over, once all results were taken."""
        return getattr(self.results, "unrecognised", 0)

    @property
    def silenced(self) -> int:
        """How many findings were silenced, once all results were taken."""
        return getattr(self.results, "silenced", 0)

    @property
    def passed_over(self) -> bool:
        """The file is one document, which was passed over."""
        return not self.lines and self.unrecognised > 0

    def __iter__(self) -> Iterator[PayloadResult]:
        """Yield the results of the payloads with findings, in order."""
        try:
            for result in self.results:
                report = result.report
                self.bad += not report.ok
                self.unreadable += report.unreadable
                for each in report.findings:
                    self.severities[each.severity] += 1
                if self.omitted is not None:
                    more = report.omitted
                    self.omitted = None if more is None else self.omitted + more
                self.last = report
                yield result
        except ReadError as error:
            self.error = str(error)
