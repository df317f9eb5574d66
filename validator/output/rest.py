"""Rest: lines about the findings that a report leaves out."""

from __future__ import annotations

from ..files.results import FileResults, PayloadResult
from .summary import count
from .terminal import printable


def rest(outcome: FileResults, result: PayloadResult) -> str:
    """Return a line about findings that are not shown, nothing if there are none."""
    if result.report.omitted == 0:
        return ""
    name = f"{outcome.name}:{result.line}" if result.line else outcome.name
    return printable(f"{name}: {omitted(result.report.omitted)}") + "\n"


def omitted(number: int | None) -> str:
    """Return the text about `number` findings that are not shown; None: they were not counted."""
    if number is None:
        return "there are more findings than were counted"
    return f"{count(number, 'more finding', 'more findings')} not shown"
