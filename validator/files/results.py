"""Results: the results of a file."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..checking.report import Report
from ..findings.code import Severity


class PayloadResult(NamedTuple):
    """The result of one payload."""

    report: Report
    """The report, whose findings have positions in the file."""
    source: bytes
    """The text of the payload."""
    line: int | None = None
    """Its first line, if the file has several payloads."""


class ReadError(Exception):
    """Raised if the rest of a file can't be read; the text has the reason."""


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
        """Wrap the results of the file at `path`, which has several payloads if `lines` is True.

        `source` is the text of a YAML file, whose comments may silence findings.
        """
        self.path = path
        self.error = error
        """The reason why the file, or its rest, could not be read."""
        self.lines = lines
        self.source = source
        self.bad = 0
        """The number of payloads with errors."""
        self.severities = dict.fromkeys(Severity, 0)
        """The number of findings of each severity."""
        self.unreadable = 0
        """The number of payloads that are not JSON."""
        self.omitted: int | None = 0
        """The number of findings that reports omit; None if a report did not count them."""
        self.last: Report | None = None
        """The last report."""
        self.results = results
        """The original results, for wrappers: iterating over them updates no totals."""

    @property
    def name(self) -> str:
        """The displayed path."""
        return "<stdin>" if self.path == "-" else self.path

    @property
    def payloads(self) -> int:
        """The number of payloads, once all results were consumed."""
        return getattr(self.results, "payloads", 0 if self.error else 1)

    @property
    def unrecognised(self) -> int:
        """The number of documents that were passed over, once all results were consumed."""
        return getattr(self.results, "unrecognised", 0)

    @property
    def silenced(self) -> int:
        """The number of silenced findings, once all results were consumed."""
        return getattr(self.results, "silenced", 0)

    @property
    def passed_over(self) -> bool:
        """Whether the file is a single document, which was passed over."""
        return not self.lines and self.unrecognised > 0

    def __iter__(self) -> Iterator[PayloadResult]:
        """Yield the results of the payloads with findings, in order, and update the totals."""
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
