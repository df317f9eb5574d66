"""Pages: the texts that commands print."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .. import schemas
from ..checking.report import FORMAT_VERSION
from ..model.states import DEFAULT_STATE, Move
from ..output.json_text import document

if TYPE_CHECKING:
    from ..findings.code import Code

WIDTH = 100
_ENDPOINTS = {
    "update": "PUT /v2/customer_sessions/{id}",
    "return": "POST /v2/customer_sessions/{id}/returns",
    "reopen": "PUT /v2/customer_sessions/{id}/reopen",
}
_TOLD = (
    *("name", "severity", "summary", "why", "fix", "source", "confidence", "refusal"),
    *("editions", "models"),
)


def table_of_codes(codes: Iterable[Code]) -> str:
    """Return a table of codes with their summaries."""
    rows = [(code.name, code.severity, _editions(code), code.summary) for code in codes]
    return _table(("code", "severity", "edition", "summary"), rows)


def _editions(code: Code) -> str:
    return "all" if code.editions == schemas.EDITIONS else ", ".join(code.editions)


def _json_codes(codes: Iterable[Code]) -> str:
    """Return the codes as JSON, without their examples."""
    rules = [{name: getattr(code, name) for name in _TOLD} for code in codes]
    return document({"version": FORMAT_VERSION, "rules": rules})


RULES: dict[str, Callable[[Iterable[Code]], str]] = {"text": table_of_codes, "json": _json_codes}
"""The functions that list codes, by format."""


def table_of_moves(moves: Mapping[str, Iterable[Move]]) -> str:
    """Return a table of the legal transitions in the given editions."""
    editions: dict[Move, list[str]] = {}
    for edition, own in moves.items():
        for move in own:
            editions.setdefault(move, []).append(edition)
    rows = []
    for move, having in editions.items():
        where = "all" if len(having) == len(moves) > 1 else ", ".join(having)
        start = move.start or "new"
        rows.append((start, move.end, move.operation, where, _ENDPOINTS[move.operation]))
    table = _table(("from", "to", "operation", "edition", "by"), rows)
    return (
        f"{table}\nAn update without a state creates a session as {DEFAULT_STATE},"
        " and keeps the state of an existing one.\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return aligned columns, of which the last is wrapped to the width."""
    *columns, _ = zip(head, *rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    rest = WIDTH - sum(width + 2 for width in widths)
    lines = []
    for *cells, last in (head, *rows):
        start = "".join(f"{cell:{width}}  " for cell, width in zip(cells, widths, strict=True))
        for line in textwrap.wrap(last, rest):
            lines.append(start + line)
            start = " " * len(start)
    return "".join(f"{line}\n" for line in lines)
