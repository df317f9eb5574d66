"""Summary: counts and texts that the forms for human readers share."""

from __future__ import annotations

from collections import Counter

from ..checking.report import Report
from ..display.terminal import printable
from ..files.results import FileResults, PayloadResult
from ..findings.code import Severity
from ..findings.finding import Finding

_PLURALS = {"error": "errors", "warning": "warnings", "info": "infos"}


class Totals:
    """The counts for all files; numbers of findings exclude those that reports omit."""

    def __init__(self) -> None:
        """Begin with counts of zero."""
        self.files = 0
        self.files_with_findings = 0
        self.unreadable = 0
        """The number of files that could not be read completely."""
        self.payloads = 0
        self.by_severity = dict.fromkeys(Severity, 0)
        self.omitted: int | None = 0
        """The number of findings that reports omit; None if a report did not count them."""
        self.unrecognised = 0
        """The number of documents that were passed over."""
        self.silenced = 0
        """The number of silenced findings."""
        self.ok = True

    def finish(self, outcome: FileResults) -> None:
        """Count a file whose results have all been consumed."""
        self.unrecognised += outcome.unrecognised
        self.silenced += outcome.silenced
        if outcome.passed_over:
            return
        self.files += 1
        self.files_with_findings += any(outcome.severities.values())
        self.unreadable += bool(outcome.error)
        self.payloads += outcome.payloads
        for level, number in outcome.severities.items():
            self.by_severity[level] += number
        more = outcome.omitted
        self.omitted = None if self.omitted is None or more is None else self.omitted + more
        self.ok = self.ok and not outcome.error and not outcome.bad

    def text(self) -> str:
        """Return a line with the counts."""
        counts = [
            count(number, level, _PLURALS[level])
            for level, number in self.by_severity.items()
            if number
        ]
        total = " and ".join(filter(None, (", ".join(counts[:-1]), *counts[-1:]))) or "no findings"
        files = count(self.files, "file", "files")
        where = f"{self.files_with_findings} of {files}" if counts else files
        line = f"{total} in {where}"
        if self.omitted != 0:
            number = "an unknown number" if self.omitted is None else self.omitted
            line += f"; {number} more not shown"
        if self.unreadable:
            line += f"; {count(self.unreadable, 'file', 'files')} unreadable"
        return "; ".join((line, *self.left_out()))

    def left_out(self) -> list[str]:
        """Return a text for each kind of result that is not reported."""
        texts = []
        if self.silenced:
            texts.append(f"{count(self.silenced, 'finding', 'findings')} silenced")
        if self.unrecognised:
            documents = count(self.unrecognised, "unrecognised document", "unrecognised documents")
            texts.append(f"{documents} skipped")
        return texts


def by_line(report: Report) -> list[Finding]:
    """Return the findings in order of lines; those without a line come first."""
    return sorted(report.findings, key=lambda each: (each.line or 0, each.column or 0))


def position(name: str, result: PayloadResult, finding: Finding) -> str:
    """Return the file of a finding and, if they are known, its line and column."""
    if finding.parameter is not None:
        name = f"{name}:{result.line}" if result.line else name
        return f"{name}: (parameter {finding.parameter})"
    if finding.line is not None:
        return f"{name}:{finding.line}:{finding.column}"
    return f"{name}:{result.line}" if result.line else name


def verdict(outcome: FileResults) -> str:
    """Return a line with the outcome of a file whose results have all been consumed."""
    if outcome.error:
        return ""
    if outcome.passed_over:
        return printable(f"{outcome.name}: skipped: it does not look like a payload") + "\n"
    text = _tally(outcome) if outcome.lines else _verdict(outcome.last)
    return printable(f"{outcome.name}: {text}") + "\n"


def _verdict(report: Report | None) -> str:
    if report is None:
        return "nothing was checked"
    counts = Counter(str(each.severity) for each in report.findings)
    text = ", ".join(
        count(counts[severity], severity, plural)
        for severity, plural in _PLURALS.items()
        if counts[severity]
    )
    if text and report.omitted != 0:
        text = f"at least {text}"
    if report.ok:
        text = f"ok with {text}" if text else "ok"
    if report.unreadable:
        return f"{text} (unreadable)"
    return f"{text} ({report.model or 'no body'}, edition {report.edition})"


def _tally(outcome: FileResults) -> str:
    payloads = count(outcome.payloads, "payload", "payloads")
    if not outcome.bad:
        return f"ok ({payloads})"
    unread = f", {outcome.unreadable} unreadable" if outcome.unreadable else ""
    return f"errors in {outcome.bad} of {payloads}{unread}"


def count(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many}"


def rest(outcome: FileResults, result: PayloadResult) -> str:
    """Return a line about omitted findings, empty if there are none."""
    if result.report.omitted == 0:
        return ""
    name = f"{outcome.name}:{result.line}" if result.line else outcome.name
    return printable(f"{name}: {omission(result.report.omitted)}") + "\n"


def omission(number: int | None) -> str:
    """Return the text about `number` omitted findings, None if they were not counted."""
    if number is None:
        return "there are more findings than counted"
    return f"{count(number, 'more finding', 'more findings')} not shown"
