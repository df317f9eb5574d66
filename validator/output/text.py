"""Text: findings as a compiler prints them, each with its line of the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..files.results import FileResults, PayloadResult
from ..findings.finding import Finding
from .summary import ordered, rest, verdict, where
from .terminal import Style, printable

_PLAIN = Style()


def report(outcomes: Iterable[FileResults], style: Style = _PLAIN) -> Iterator[str]:
    """Yield the findings of each file as they come."""
    explained: set[str] = set()
    gap = ""
    for outcome in outcomes:
        for result in outcome:
            for block in _told(outcome, result, style, explained):
                yield gap + block
                gap = "\n"
            yield rest(outcome, result)
        if style.verbose:
            yield verdict(outcome)


def _told(
    outcome: FileResults, result: PayloadResult, style: Style, explained: set[str]
) -> Iterator[str]:
    """Yield the text of each finding; the first of each code refers to its explanation."""
    if not result.report.findings:
        return
    from .excerpt import Excerpts, Mark

    excerpts = None
    for each in ordered(result.report):
        lines = [_head(outcome.name, result, each, style)]
        gutter = 2
        if style.quoting and each.span is not None:
            excerpts = excerpts or Excerpts(result.source, result.line or 1, style)
            marks = [Mark(span, "-", "frame", "related") for span in each.places if span]
            marks.append(Mark(each.span, "^", str(each.severity)))
            gutter = max(gutter, *(len(str(mark.span.line)) for mark in marks))
            lines += excerpts.lines(marks, gutter)
        for title, about in _notes(each, explained):
            sign = style.paint("=", "frame")
            title_text = style.paint(f"{title}:", "strong")
            lines.append(f"{'':>{gutter}} {sign} {title_text} {printable(about)}")
        explained.add(each.code)
        yield "\n".join(lines) + "\n"


def _head(name: str, result: PayloadResult, finding: Finding, style: Style) -> str:
    place = style.paint(printable(where(name, result, finding)), "strong")
    level = style.paint(f"{finding.severity}[{finding.code}]", str(finding.severity))
    return f"{place}: {level} {style.paint(printable(finding.message), 'strong')}"


def _notes(finding: Finding, explained: set[str]) -> Iterator[tuple[str, str]]:
    if finding.pointer:
        yield "at", finding.pointer
    if finding.hint:
        yield "hint", finding.hint
    if finding.code not in explained:
        yield "see", f"talonschema explain {finding.code}"
