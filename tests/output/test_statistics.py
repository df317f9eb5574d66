"""Statistics equal the findings that other forms list."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from support import goldens
from talonschema.cli import main


@pytest.mark.parametrize("case", goldens.CASES)
def test_counts_are_those_of_the_findings(case: str) -> None:
    with goldens.inputs():
        arguments = goldens.CASES[case]
        listed = json.loads(goldens.output_of_check("--format", "json", *arguments))
        counted = json.loads(
            goldens.output_of_check("--format", "json", "--statistics", *arguments)
        )
        text = goldens.output_of_check("--statistics", *arguments)
    findings: Counter[tuple[str, str]] = Counter()
    files: Counter[tuple[str, str]] = Counter()
    for file in listed["files"]:
        reports = file.get("results", [file])
        own = [(f["code"], f["severity"]) for r in reports for f in r.get("findings", ())]
        findings.update(own)
        files.update(set(own))
    rows = counted["statistics"]
    assert {(r["code"], r["severity"]): r["count"] for r in rows} == findings
    assert {(r["code"], r["severity"]): r["files"] for r in rows} == files
    assert sum(counted["severities"].values()) == sum(findings.values())
    assert counted["files"] == len(listed["files"])
    assert counted["ok"] == listed["ok"]
    shown = {tuple(line.split()) for line in text.splitlines() if "/" in line}
    assert shown == {(str(r["count"]), r["severity"], r["code"], str(r["files"])) for r in rows}


def test_other_formats_have_no_statistics(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "a.json", "--statistics", "--format", "junit"]) == 2
    assert "--statistics supports text and json" in capsys.readouterr().err
