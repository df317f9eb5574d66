"""GitLab: a Code Quality report, which GitLab shows in merge requests.

Source: Code Quality report format in GitLab's documentation, a subset of Code Climate's: an array
of objects with `description`, `check_name`, `fingerprint`, `severity` and `location`. Paths are
relative to the root of the repository, without ``./``, and fingerprints are unique.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..files.results import FileResults, PayloadResult
from ..findings.finding import Finding
from .fingerprint import Fingerprints, fingerprint
from .json_text import indent
from .repository import from_root
from .summary import omission

SEVERITIES = {"error": "major", "warning": "minor", "info": "info"}


def report(outcomes: Iterable[FileResults]) -> Iterator[str]:
    """Yield the array for all files, one entry at a time."""
    place = from_root()
    comma = ""
    yield "["
    for outcome in outcomes:
        path = "stdin" if outcome.path == "-" else place(outcome.path)
        for entry in _entries(outcome, path):
            yield f"{comma}\n{indent(entry, 2)}"
            comma = ","
    yield "\n]\n" if comma else "]\n"


def _entries(outcome: FileResults, path: str) -> Iterator[dict[str, Any]]:
    if outcome.error:
        yield _about_file(path, "file/unreadable", outcome.error, "blocker")
    fingerprints = Fingerprints(path)
    rest: int | None = 0
    for result in outcome:
        for finding in result.report.findings:
            yield _entry(path, result, finding, fingerprints.of(finding))
        more = result.report.omitted
        rest = None if rest is None or more is None else rest + more
    if rest != 0:
        yield _about_file(path, "file/omitted", omission(rest), "info")


def _entry(path: str, result: PayloadResult, finding: Finding, mark: str) -> dict[str, Any]:
    lines = {"begin": finding.line or result.line or 1}
    if finding.end_line is not None:
        lines["end"] = finding.end_line
    hint = f" ({finding.hint})" if finding.hint else ""
    return {
        "description": f"{finding.message}{hint}",
        "check_name": finding.code,
        "fingerprint": mark,
        "severity": SEVERITIES[finding.severity],
        "location": {"path": path, "lines": lines},
    }


def _about_file(path: str, name: str, text: str, severity: str) -> dict[str, Any]:
    return {
        "description": text,
        "check_name": name,
        "fingerprint": fingerprint(name, path),
        "severity": severity,
        "location": {"path": path, "lines": {"begin": 1}},
    }
