"""Entries: findings, and the explanations of their codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...display.excerpt import Excerpts, Mark, Piece
from ...files.results import PayloadResult
from ...findings.code import Code, Severity
from ...findings.finding import Finding
from .text import text

_POINTER = 400
"""The most characters of a pointer that are shown, since keys may have any length."""


def finding(result: PayloadResult, found: Finding, excerpts: Excerpts | None) -> str:
    """Return the HTML of a finding, with its lines if there are `excerpts`."""
    code, place = text(found.code), text(_place(result, found))
    pointer = f"<code>{text(_truncate(found.pointer))}</code> " if found.pointer else ""
    why = f'<a class="why" href="#{code}">{code}</a>'
    parts = [
        _head(found.severity, found.code, found.message),
        f'<p class="place"><span>{place}</span> {pointer}{why}</p>\n',
    ]
    if excerpts and found.span:
        marks = [Mark(span, "", "related") for span in found.places if span]
        marks.append(Mark(found.span, "", str(found.severity)))
        parts += ['<div class="excerpt">', *_lines(excerpts, marks), "</div>\n"]
    if found.hint:
        parts.append(f'<p class="hint"><b>Hint</b> {text(found.hint)}</p>\n')
    parts.append("</article>\n")
    return "".join(parts)


def unreadable(code: str, reason: str) -> str:
    """Return the entry of a file that could not be read."""
    return f"{_head(Severity.ERROR, code, reason)}</article>\n"


def explanation(code: Code) -> str:
    """Return the explanation of a code."""
    name = text(code.name)
    return (
        f'<article class="code" id="{name}"><h3>{name}</h3>\n<div><p>{_prose(code.summary)}</p>\n'
        f"<p><b>Why</b> {_prose(code.why)}</p>\n<p><b>Fix</b> {_prose(code.fix)}</p>\n"
        f"<p><b>Source</b> {_prose(code.source)} ({code.confidence})</p></div></article>\n"
    )


def _prose(content: str) -> str:
    """Return the HTML of a text with names in backticks."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", text(content))


def _head(severity: Severity, code: str, message: str) -> str:
    return (
        f'<article class="finding" data-severity="{severity}" data-code="{text(code)}">'
        f'<h4><span class="level {severity}">{severity}</span> {text(message)}</h4>\n'
    )


def _place(result: PayloadResult, found: Finding) -> str:
    line = found.line or result.line
    place = f"line {line}" if line else ""
    if found.parameter is not None:
        return ", ".join(filter(None, (place, f"parameter {found.parameter}")))
    return f"{place}, column {found.column}" if found.column else place


def _lines(excerpts: Excerpts, marks: list[Mark]) -> Iterator[str]:
    for number, pieces in excerpts.pieces(marks):
        shown = "".join(map(_piece, pieces)).rstrip()
        yield f"<div><b>{number}</b> <code>{shown}</code></div>"


def _piece(piece: Piece) -> str:
    shown = text(piece.text.replace("\t", "    "))
    return f'<mark class="{piece.style}">{shown}</mark>' if piece.style else shown


def _truncate(pointer: str) -> str:
    return pointer if len(pointer) <= _POINTER else f"{pointer[:_POINTER]}..."
