"""JSON: a document for all files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator

from ..checking.report import FORMAT_VERSION
from ..files.results import FileResults
from .json_text import indent
from .summary import Totals


def report(outcomes: Iterable[FileResults]) -> Iterator[str]:
    """Yield the document for all files, piece by piece."""
    totals = Totals()
    comma = ""
    yield f'{{\n  "version": {FORMAT_VERSION},\n  "files": ['
    for outcome in outcomes:
        if outcome.passed_over:
            totals.finish(outcome)
            continue
        yield f"{comma}\n"
        comma = ","
        if outcome.error:
            yield indent({"path": outcome.path, "error": outcome.error}, 4)
        elif outcome.lines:
            yield from _lines(outcome)
        else:
            for result in outcome:
                yield indent({"path": outcome.path, **result.report.to_dict(skipped=True)}, 4)
        totals.finish(outcome)
    counts = f'"silenced": {totals.silenced},\n  "unrecognised": {totals.unrecognised}'
    yield f'\n  ],\n  {counts},\n  "ok": {json.dumps(totals.ok)}\n}}\n'


def _lines(outcome: FileResults) -> Iterator[str]:
    yield f'    {{\n      "path": {json.dumps(outcome.path)},\n      "results": ['
    comma = ""
    for result in outcome:
        report = result.report.to_dict(skipped=True)
        yield f"{comma}\n{indent({'line': result.line, **report}, 8)}"
        comma = ","
    yield f'\n      ],\n      "payloads": {outcome.payloads},\n'
    yield f'      "ok": {json.dumps(not outcome.bad)}\n    }}'


def schema() -> str:
    """Return the JSON Schema of the document."""
    path = os.path.join(os.path.dirname(__file__), "report.schema.json")
    with open(path, encoding="utf-8") as file:
        return file.read()
