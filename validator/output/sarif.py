"""SARIF: a log for code scanning with a single run.

Source: Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01, OASIS
Standard, and GitHub's page on its support for SARIF. Results are written as they are found;
the properties of the run follow them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..files.results import FileResults, PayloadResult
from ..findings.code import Code
from ..findings.finding import Finding, Span
from .fingerprint import Fingerprints
from .json_text import indent
from .repository import FILE, uri_from_root
from .summary import omission

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {"error": "error", "warning": "warning", "info": "note"}

_ROOT = "%SRCROOT%"
_ABOUT_ROOT = "The root of the repository; the working directory, where there is none."
_INDENT = 8


def report(outcomes: Iterable[FileResults]) -> Iterator[str]:
    """Yield the log for all files, piece by piece."""
    run = _Run()
    yield f'{{\n  "$schema": "{SCHEMA}",\n  "version": "2.1.0",\n  "runs": [\n    {{\n'
    yield '      "columnKind": "unicodeCodePoints",\n      "results": ['
    comma = ""
    for outcome in outcomes:
        for result in run.results(outcome):
            yield f"{comma}\n{indent(result, _INDENT)}"
            comma = ","
    yield "\n      ]"
    for key, value in run.about().items():
        yield f',\n      "{key}": {indent(value, 6).lstrip()}'
    yield "\n    }\n  ]\n}\n"


class _Run:
    """The data of the run, which is collected while its results are written."""

    def __init__(self) -> None:
        self._uri = uri_from_root()
        self._rules: dict[str, int] = {}
        self._notifications: list[dict[str, Any]] = []
        self._complete = True

    def about(self) -> dict[str, Any]:
        """Return the properties of the run except its results."""
        from .. import __version__
        from ..checking.registry import CODES

        driver = {
            "name": "talonschema",
            "version": __version__,
            "semanticVersion": __version__,
            "rules": [_rule(CODES[name]) for name in self._rules],
        }
        invocation = {
            "executionSuccessful": self._complete,
            "toolExecutionNotifications": self._notifications,
        }
        return {
            "tool": {"driver": driver},
            "invocations": [invocation],
            "originalUriBaseIds": {_ROOT: {"description": {"text": _ABOUT_ROOT}}},
        }

    def results(self, outcome: FileResults) -> Iterator[dict[str, Any]]:
        """Yield the results in a file."""
        artifact = self._artifact(outcome.path)
        if outcome.error:
            self._complete = False
            self._notify("error", outcome.error, artifact)
        fingerprints = Fingerprints(artifact["uri"])
        rest: int | None = 0
        for result in outcome:
            for finding in result.report.findings:
                # The only fingerprint that GitHub supports; its own is also a digest and a number.
                fingerprint = {"primaryLocationLineHash": fingerprints.of(finding)}
                entry = self._result(result, finding, artifact)
                yield {**entry, "partialFingerprints": fingerprint}
            more = result.report.omitted
            rest = None if rest is None or more is None else rest + more
        if rest != 0:
            self._notify("warning", omission(rest), artifact)

    def _result(
        self, result: PayloadResult, finding: Finding, artifact: dict[str, str]
    ) -> dict[str, Any]:
        hint = f"\nhint: {finding.hint}" if finding.hint else ""
        entry: dict[str, Any] = {
            "ruleId": finding.code,
            "ruleIndex": self._rules.setdefault(finding.code, len(self._rules)),
            "level": LEVELS[finding.severity],
            "message": {"text": f"{finding.message}{hint}"},
            "locations": [_location(artifact, _region(result, finding), _logical(finding))],
        }
        related = [
            {"id": number, **_location(artifact, _columns(at), _value(pointer))}
            | {"message": {"text": pointer or "the whole payload"}}
            for number, (pointer, at) in enumerate(
                zip(finding.related, finding.places, strict=False)
            )
            if at is not None
        ]
        if related:
            entry["relatedLocations"] = related
        return entry

    def _notify(self, level: str, text: str, artifact: dict[str, str]) -> None:
        location = {"physicalLocation": {"artifactLocation": artifact}}
        self._notifications.append(
            {"level": level, "message": {"text": text}, "locations": [location]}
        )

    def _artifact(self, path: str) -> dict[str, str]:
        uri = self._uri(path)
        if path == "-" or uri.startswith(FILE):
            return {"uri": uri}
        return {"uri": uri, "uriBaseId": _ROOT}


def _region(result: PayloadResult, finding: Finding) -> dict[str, int]:
    at = finding.span
    # GitHub rejects results without a line.
    return {"startLine": finding.line or result.line or 1} if at is None else _columns(at)


def _columns(at: Span) -> dict[str, int]:
    return {
        "startLine": at.line,
        "startColumn": at.column,
        "endLine": at.end_line,
        "endColumn": at.end_column,
    }


def _location(
    artifact: dict[str, str], region: dict[str, int], logical: dict[str, str] | None
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": artifact, "region": region},
    }
    if logical:
        entry["logicalLocations"] = [logical]
    return entry


def _logical(finding: Finding) -> dict[str, str] | None:
    if finding.parameter is not None:
        return {"name": finding.parameter, "kind": "parameter"}
    return _value(finding.pointer)


def _value(pointer: str) -> dict[str, str] | None:
    return {"fullyQualifiedName": pointer, "kind": "value"} if pointer else None


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.name,
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": code.why},
        "help": {
            "text": _help(code, "{0}: {1}"),
            "markdown": _help(code, "**{0}.** {1}").replace("<", "&lt;"),
        },
        "defaultConfiguration": {"level": LEVELS[code.severity]},
        "properties": {"tags": [code.group, str(code.confidence)]},
    }


def _help(code: Code, form: str) -> str:
    parts = {
        "Why it matters": code.why,
        "How to fix it": code.fix,
        "Source": f"{code.source} ({code.confidence})",
        "Examples": f"`talonschema explain {code.name}`",
    }
    return "\n\n".join(form.format(*part) for part in parts.items())
