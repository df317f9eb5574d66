"""Concise: a line for each finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..display.terminal import Style, printable
from ..files.results import FileResults, PayloadResult
from ..findings.finding import Finding
from .summary import by_line, position, rest, verdict

_PLAIN = Style()


def report(outcomes: Iterable[FileResults], style: Style = _PLAIN) -> Iterator[str]:
    """Yield a line for each finding as soon as it is known."""
    for outcome in outcomes:
        for result in outcome:
            for each in by_line(result.report):
                yield _line(outcome, result, each, style)
            yield rest(outcome, result)
        if style.verbose:
            yield verdict(outcome)


def _line(outcome: FileResults, result: PayloadResult, finding: Finding, style: Style) -> str:
    place = printable(position(outcome.name, result, finding))
    level = style.paint(str(finding.severity), str(finding.severity))
    # The pointer distinguishes findings on the same line, or without a line.
    at = f"{finding.pointer}: " if finding.pointer else ""
    text = printable(f"[{finding.code}] {at}{finding.message}")
    return f"{style.paint(place, 'strong')}: {level}{text}\n"
