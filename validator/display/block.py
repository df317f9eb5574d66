"""Block: the text of a finding in the style of compilers, with lines of the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..findings.finding import Finding
from .terminal import Style, printable

if TYPE_CHECKING:
    from .excerpt import Excerpts

_GUTTER = 2


class Block(NamedTuple):
    """The text of a finding."""

    text: str
    gutter: int
    """The width of its line numbers."""


def block(
    place: str, finding: Finding, style: Style, excerpts: Excerpts | None = None, *, see: bool
) -> Block:
    """Return the text of a finding at `place`, with its lines if there are `excerpts`.

    With `see`, it refers to the explanation of the code.
    """
    level = style.paint(f"{finding.severity}[{finding.code}]", str(finding.severity))
    message = style.paint(printable(finding.message), "strong")
    lines = [f"{style.paint(printable(place), 'strong')}: {level} {message}"]
    gutter = _GUTTER
    if excerpts is not None and finding.span is not None:
        from .excerpt import Mark

        marks = [Mark(span, "-", "frame", "related") for span in finding.places if span]
        marks.append(Mark(finding.span, "^", str(finding.severity)))
        gutter = max(gutter, *(len(str(mark.span.line)) for mark in marks))
        lines += excerpts.lines(marks, gutter)
    for title, about in _notes(finding, place, see=see):
        lines.append(note(title, about, gutter, style))
    return Block("\n".join(lines) + "\n", gutter)


def note(title: str, about: str, gutter: int, style: Style) -> str:
    """Return a line below a finding, without a line feed."""
    sign = style.paint("=", "frame")
    return f"{'':>{gutter}} {sign} {style.paint(f'{title}:', 'strong')} {printable(about)}"


def _notes(finding: Finding, place: str, *, see: bool) -> Iterator[tuple[str, str]]:
    if finding.pointer and finding.pointer != place:
        yield "at", finding.pointer
    if finding.hint:
        yield "hint", finding.hint
    if see:
        yield "see", f"talonschema explain {finding.code}"
