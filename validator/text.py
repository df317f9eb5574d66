"""Text: what the command prints. Nothing is decided or written here."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .states import DEFAULT_STATE, Move, New

if TYPE_CHECKING:
    from .batch import Batch
    from .code import Code, Example
    from .finding import Finding
    from .report import Report

FORMAT_VERSION = 1
"""Version of the JSON documents; it grows when a key changes its meaning or goes away."""

WIDTH = 100
_EXAMPLE_CHARACTERS = 400
_EXAMPLE_LINES = 60
_ENDPOINTS = {
    "update": "PUT /v2/customer_sessions/{id}",
    "return": "POST /v2/customer_sessions/{id}/returns",
    "reopen": "PUT /v2/customer_sessions/{id}/reopen",
}
_TOLD = (
    *("name", "severity", "summary", "why", "fix", "source", "confidence"),
    *("editions", "models"),
)
_PLURALS = {"error": "errors", "warning": "warnings", "info": "infos"}


class Outcome(NamedTuple):
    """What came of one file: a report, reports on its lines, or why it could not be read."""

    path: str
    report: Report | None = None
    batch: Batch | None = None
    error: str = ""


def printable(text: str) -> str:
    """Return `text` with escapes for what would break its line or command a terminal."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _text_report(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield the lines about each file as it comes."""
    for outcome in outcomes:
        name = "<stdin>" if outcome.path == "-" else outcome.path
        if outcome.report is not None:
            yield _printed(_finding_lines(name, outcome.report))
            yield _printed([f"{name}: {_verdict(outcome.report)}"])
        elif outcome.batch is not None:
            for number, report in outcome.batch:
                yield _printed(_finding_lines(name, report, number))
            yield _printed([f"{name}: {_tally(outcome.batch)}"])


def _printed(lines: Iterable[str]) -> str:
    return "".join(f"{printable(line)}\n" for line in lines)


def _finding_lines(name: str, report: Report, number: int | None = None) -> Iterator[str]:
    """Yield the lines about each finding; `number` is the payload's own line in the file."""
    if number is not None:
        name = f"{name}:{number}"
    for each in report.findings:
        place = str(each.column) if number and each.line is not None else _place(each)
        yield f"{name}:{place}: {each.severity}[{each.code}] {each.message}"
        if each.hint:
            yield f"    hint: {each.hint}"
    if report.omitted is None:
        yield f"{name}: there are more findings than were counted"
    elif report.omitted:
        yield f"{name}: {_count(report.omitted, 'more finding', 'more findings')} not shown"


def _verdict(report: Report) -> str:
    counts = Counter(str(each.severity) for each in report.findings)
    told = ", ".join(
        _count(counts[severity], severity, plural)
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


def _tally(batch: Batch) -> str:
    payloads = _count(batch.payloads, "payload", "payloads")
    if not batch.bad:
        return f"ok ({payloads})"
    lines = (
        f", {_count(batch.unreadable, 'line', 'lines')} not readable" if batch.unreadable else ""
    )
    return f"errors in {batch.bad} of {payloads}{lines}"


def _place(finding: Finding) -> str:
    if finding.line is not None:
        return f"{finding.line}:{finding.column}"
    if finding.parameter is not None:
        return f"(parameter {finding.parameter})"
    return finding.pointer or "(root)"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _json_report(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield one document about all files, piece by piece."""
    ok = True
    comma = ""
    yield f'{{\n  "version": {FORMAT_VERSION},\n  "files": ['
    for outcome in outcomes:
        yield f"{comma}\n"
        comma = ","
        if outcome.batch is not None:
            yield from _json_batch(outcome.path, outcome.batch)
            ok = ok and not outcome.batch.bad
            continue
        report = outcome.report
        ok = ok and report is not None and report.ok
        about = {"error": outcome.error} if report is None else report.to_dict()
        yield _indented({"path": outcome.path, **about}, 4)
    yield f'\n  ],\n  "ok": {json.dumps(ok)}\n}}\n'


def _json_batch(path: str, batch: Batch) -> Iterator[str]:
    yield f'    {{\n      "path": {json.dumps(path)},\n      "results": ['
    comma = ""
    for number, report in batch:
        yield f"{comma}\n{_indented({'line': number, **report.to_dict()}, 8)}"
        comma = ","
    yield f'\n      ],\n      "payloads": {batch.payloads},\n'
    yield f'      "ok": {json.dumps(not batch.bad)}\n    }}'


def _indented(data: Any, by: int) -> str:
    return textwrap.indent(_document(data).rstrip("\n"), " " * by)


def _document(data: Any) -> str:
    """Return `data` as JSON in ASCII, which any output and any reader can take."""
    return json.dumps(_plain(data), indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Return `value` with texts in place of what JSON has no form for."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return str(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        from .code import shown

        return shown(value)
    return value


REPORTS: dict[str, Callable[[Iterable[Outcome]], Iterator[str]]] = {
    "text": _text_report,
    "json": _json_report,
}
"""How the outcomes of a check are told, by the name of the format."""


def table_of_codes(codes: Iterable[Code]) -> str:
    """Return a table of codes with their summaries."""
    rows = [(code.name, code.severity, _editions(code), code.summary) for code in codes]
    return _table(("code", "severity", "edition", "summary"), rows)


def _editions(code: Code) -> str:
    from .code import EDITIONS

    return "all" if code.editions == EDITIONS else ", ".join(code.editions)


def _json_codes(codes: Iterable[Code]) -> str:
    """Return the codes with everything but their examples."""
    rules = [{name: getattr(code, name) for name in _TOLD} for code in codes]
    return _document({"version": FORMAT_VERSION, "rules": rules})


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
    ]
    for title, examples in (("Bad", code.bad), ("Good", code.good)):
        parts += [_example(title, each) for each in examples]
    return "".join(parts)


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
    told = "".join(f"    {printable(line)}\n" for line in lines)
    return f"\n{textwrap.fill(head, WIDTH, subsequent_indent='  ')}\n{told}"


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
