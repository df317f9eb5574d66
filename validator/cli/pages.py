"""Text: what the command prints. Nothing is decided or written here."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import schemas
from ..checking.report import FORMAT_VERSION
from ..model.states import DEFAULT_STATE, Move, New
from ..output.json_text import document
from ..output.terminal import printable

if TYPE_CHECKING:
    from ..findings.code import Code, Example

WIDTH = 100
_EXAMPLE_CHARACTERS = 400
_EXAMPLE_LINES = 60
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
    """Return the codes with everything but their examples."""
    rules = [{name: getattr(code, name) for name in _TOLD} for code in codes]
    return document({"version": FORMAT_VERSION, "rules": rules})


RULES: dict[str, Callable[[Iterable[Code]], str]] = {"text": table_of_codes, "json": _json_codes}
"""How codes are listed, by the name of the format."""


def explanation(code: Code) -> str:
    """Return everything about a code."""
    parts = [
        f"{code.name}\n",
        _entry("What", code.summary),
        _entry("Why", code.why),
        _entry("Fix", code.fix),
        _entry("Severity", code.severity),
        _entry("Editions", ", ".join(code.editions)),
        _entry("Models", ", ".join(code.models) or "any"),
        _entry("Source", f"{code.source} ({code.confidence})"),
        _entry("Refused", _refusal(code)),
    ]
    for title, examples in (("Bad", code.bad), ("Good", code.good)):
        parts += [_example(title, each) for each in examples]
    return "".join(parts)


def _refusal(code: Code) -> str:
    return "no" if code.refusal is None else f"by the API ({code.refusal})"


def _entry(title: str, content: str) -> str:
    start = f"  {title:10}"
    return textwrap.fill(content, WIDTH, initial_indent=start, subsequent_indent=" " * 12) + "\n"


def _example(title: str, example: Example) -> str:
    kind, content = _data(example.data)
    context = "; ".join(f"{name}: {_context(each)}" for name, each in example.context.items())
    about = "; ".join(filter(None, (kind, context)))
    head = f"{title} example" + (f" ({about})" if about else "")
    lines = content.splitlines()
    if len(lines) > _EXAMPLE_LINES:
        lines[_EXAMPLE_LINES:] = [f"... (and so on, {len(lines)} lines)"]
    text = "".join(f"    {printable(line)}\n" for line in lines)
    return f"\n{textwrap.fill(head, WIDTH, subsequent_indent='  ')}\n{text}"


def _context(value: Any) -> str:
    if isinstance(value, New) or value == "NEW":
        return "new"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _data(data: Any) -> tuple[str, str]:
    """Return the kind of an example, where it isn't a JSON value, and the text that shows it."""
    if data is None:
        return "no body", ""
    if isinstance(data, bytes):
        return "bytes", _cut(data.decode(errors="backslashreplace"))
    if isinstance(data, str):
        return ("text", _cut(data)) if data else ("empty text", "")
    try:
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
        if json.loads(text) == data:
            return "", text
    except (TypeError, ValueError):
        pass
    return "Python", _cut(repr(data))


def _cut(text: str) -> str:
    if len(text) <= _EXAMPLE_CHARACTERS:
        return text
    return f"{text[:40]}... (and so on, {len(text)} characters)"


def table_of_moves(moves: Mapping[str, Iterable[Move]]) -> str:
    """Return a table of the legal moves of the given editions."""
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
        " and leaves the state of one that exists.\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return aligned columns; the last one is wrapped to fit into the width."""
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
