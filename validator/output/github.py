"""GitHub: workflow commands, which GitHub shows as annotations of a pull request.

Source: Workflow commands for GitHub Actions, and `packages/core/src/command.ts` of actions/toolkit
for escapes. An annotation has columns only if it is within a single line (REST API for check runs).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from ..files.results import FileResults, PayloadResult
from ..findings.finding import Finding
from .repository import from_root
from .summary import omission, position

Properties: TypeAlias = dict[str, str | int]

COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}

_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = {**_DATA, ord(":"): "%3A", ord(","): "%2C"}


def report(outcomes: Iterable[FileResults]) -> Iterator[str]:
    """Yield a command for each finding, and for each file that could not be read."""
    place = from_root()
    for outcome in outcomes:
        # Standard input is not a file of the repository.
        file: Properties = {} if outcome.path == "-" else {"file": place(outcome.path)}
        if outcome.error:
            yield _command("error", file, f"{outcome.name}: {outcome.error}")
        for result in outcome:
            for finding in result.report.findings:
                yield _annotation(outcome.name, file, result, finding)
            if result.report.omitted != 0:
                text = f"{outcome.name}: {omission(result.report.omitted)}"
                yield _command("notice", file and {**file, "line": result.line or 1}, text)


def _annotation(name: str, file: Properties, result: PayloadResult, finding: Finding) -> str:
    properties = {**file, **_lines(result, finding)} if file else {}
    properties["title"] = f"talonschema {finding.code}"
    hint = f"\nhint: {finding.hint}" if finding.hint else ""
    # The log of the job shows only the text.
    text = f"{position(name, result, finding)}: {finding.message}{hint}"
    return _command(COMMANDS[finding.severity], properties, text)


def _lines(result: PayloadResult, finding: Finding) -> Properties:
    at = finding.span
    if at is None:
        return {"line": finding.line or result.line or 1}
    lines: Properties = {"line": at.line, "endLine": at.end_line}
    if at.line != at.end_line:
        return lines
    # The end column is inclusive, as is the end line.
    return {**lines, "col": at.column, "endColumn": max(at.column, at.end_column - 1)}


def _command(name: str, properties: Properties, data: str) -> str:
    options = ",".join(
        f"{key}={str(value).translate(_PROPERTY)}" for key, value in properties.items()
    )
    return f"::{name}{' ' if options else ''}{options}::{data.translate(_DATA)}\n"
