"""Words: what is told of a file in text for people, whatever its form."""

from __future__ import annotations

from collections import Counter

from ..checking.report import Report
from ..files.results import FileResults, PayloadResult
from ..findings.finding import Finding
from .terminal import printable

_PLURALS = {"error": "errors", "warning": "warnings", "info": "infos"}


def ordered(report: Report) -> list[Finding]:
    """Return the findings in order of their lines; those without a place come first."""
    return sorted(report.findings, key=lambda each: (each.line or 0, each.column or 0))


def where(name: str, result: PayloadResult, finding: Finding) -> str:
    """Return the file and the line and column of a finding, as far as they are known."""
    if finding.parameter is not None:
        name = f"{name}:{result.line}" if result.line else name
        return f"{name}: (parameter {finding.parameter})"
    if finding.line is not None:
        return f"{name}:{finding.line}:{finding.column}"
    return f"{name}:{result.line}" if result.line else name


def verdict(outcome: FileResults) -> str:
    """Return what came of a file whose results were all taken, as a line."""
    if outcome.error:
        return ""
    told = _tally(outcome) if outcome.lines else _told(outcome.last)
    return printable(f"{outcome.name}: {told}") + "\n"


def _told(report: Report | None) -> str:
    if report is None:
        return "nothing was checked"
    counts = Counter(str(each.severity) for each in report.findings)
    told = ", ".join(
        count(counts[severity], severity, plural)
        for severity, plural in _PLURALS.items()
        if counts[severity]
    )
    if told and report.omitted != 0:
        told = f"at least {told}"
    if report.ok:
        told = f"ok with {told}" if told else "ok"
    if report.unreadable:
        return f"{told} (not readable)"
    return f"{told} ({report.model or 'no body'}, edition {report.edition})"


def _tally(outcome: FileResults) -> str:
    payloads = count(outcome.payloads, "payload", "payloads")
    if not outcome.bad:
        return f"ok ({payloads})"
    unread = f", {outcome.unreadable} not readable" if outcome.unreadable else ""
    return f"errors in {outcome.bad} of {payloads}{unread}"


def count(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many}"
