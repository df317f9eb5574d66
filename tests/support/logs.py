"""Logs: files that a lake may have, and what the command finds in them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
SCRIPTS: Final = Path(sys.executable).parent

_ODD = (
    b"",
    b' {"customerSession":\r{"state": "ajar"}}\r',
    b" \t",
    b'{"customerSession": ',
    b'{"customerSession": {"state": "open", "state": "open"}}',
    '{"customerSession": {"profileId": "Zoë", "state": "open"}}'.encode("latin-1"),
    '{"customerSession": {"profileId": "Zoë\u2028", "stat": "open"}}'.encode(),
    b"[]",
)
"""Lines that readers of text and of JSON may take in different ways."""

_COLUMNS = ("code", "severity", "pointer", "parameter", "column", "message", "hint")

Result = dict[str, Any]
Results = dict[tuple[str, int], Result]
"""Results with findings, by the name of a file and the number of a line."""


def payloads() -> list[bytes]:
    """Return lines with one payload each, good and bad, real ones and odd ones."""
    files = [*ROOT.glob("tests/payloads/*.json"), *ROOT.glob("examples/*/*.json")]
    return [*_ODD, *(b" ".join(path.read_bytes().splitlines()) for path in sorted(files)), *_ODD]


def calls() -> list[bytes]:
    """Return lines with one call each, on sessions that take turns and name themselves anyhow."""
    lines = []
    for state in ("open", "closed", "open", "cancelled"):
        for number in range(12):
            session = {"profileId": f"cust-{number}", "state": state}
            name = f"order-{number}"
            lines += [
                {"integrationId": name, "payload": {"customerSession": session}},
                {"customerSession": {"integrationId": f"{name}-b", **session}},
                {"operation": "update", "payload": {"integrationId": f"{name}-c", **session}},
                {"payload": {"customerSession": {"integrationId": f"{name}-d", **session}}},
                {"customerSession": session},
            ]
    return [*_ODD, *(json.dumps(line).encode() for line in lines)]


def write(path: Path, lines: Iterable[bytes]) -> Path:
    """Write a log."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def by_command(*arguments: str | Path) -> Results:
    """Return what `talonschema check` finds."""
    done = subprocess.run(
        [SCRIPTS / "talonschema", "check", "--format", "json", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1, 3), done.stderr
    return {
        (Path(file["path"]).name, result["line"]): common_fields(result)
        for file in json.loads(done.stdout)["files"]
        for result in file["results"]
    }


def by_line(rows: Iterable[Mapping[str, Any]], files: Iterable[Path]) -> Results:
    """Return the rows with findings by file and line, where keys are in the order of lines.

    Each line has its row, unless it is blank.
    """
    numbers = {
        path.name: [
            number
            for number, line in enumerate(path.read_bytes().split(b"\n"), 1)
            if line and not line.isspace()
        ]
        for path in files
    }
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in numbers}
    for row in sorted(rows, key=lambda row: list(row["key"].values())):
        found[Path(row["key"]["file"]).name].append(row)
    return {
        (name, number): common_fields(row)
        for name, lines in numbers.items()
        for number, row in zip(lines, found[name], strict=True)
        if row["findings"]
    }


def common_fields(result: Mapping[str, Any]) -> Result:
    """Return what the command and rows have in common; lines count from different places."""
    findings = [
        {name: finding.get(name) or None for name in _COLUMNS} for finding in result["findings"]
    ]
    return {**{name: result[name] for name in ("ok", "model", "omitted")}, "findings": findings}
