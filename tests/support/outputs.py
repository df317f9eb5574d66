"""The forms of output: printed for files, and read as the programs do that they are for."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xmlschema
from jsonschema import Draft7Validator, Draft202012Validator

import talonschema
from support import page, valid
from talonschema.files.results import FileResults, PayloadResult
from talonschema.output import form

VENDOR = Path(__file__).parents[1] / "vendor"
PROGRAMS = ("json", "sarif", "github", "gitlab", "junit", "html")

SARIF = Draft7Validator(json.loads((VENDOR / "sarif-2.1.0.json").read_bytes()))
JUNIT = xmlschema.XMLSchema(VENDOR / "junit-10.xsd")


def render(name: str, outcomes: Iterable[FileResults]) -> str:
    return "".join(form(name)(outcomes))


class Lines(list[PayloadResult]):
    """What came of a file with one payload a line."""

    @property
    def payloads(self) -> int:
        return len(self)


def outcome(path: str, *payloads: bytes, lines: bool = False, **call: Any) -> FileResults:
    results = Lines(
        PayloadResult(
            talonschema.check(payload, **call).located(payload, line=number if lines else 1),
            payload,
            number if lines else None,
        )
        for number, payload in enumerate(payloads, 1)
    )
    return FileResults(path, results, lines=lines)


_URI = re.compile(r"(file:///)?([A-Za-z0-9._~/-]|%[0-9A-F]{2})+")


def read_sarif(text: str) -> dict[str, Any]:
    """Return the only run of a log that is valid."""
    log = valid.read(text)
    SARIF.validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    fingerprints = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        for each in (location, *result.get("relatedLocations", ())):
            physical = each["physicalLocation"]
            uri = physical["artifactLocation"]["uri"]
            assert _URI.fullmatch(uri), uri
            assert physical["region"]["startLine"] >= 1
        fingerprints.add(result["partialFingerprints"]["primaryLocationLineHash"])
    assert len(fingerprints) == len(run["results"])
    assert len({rule["id"] for rule in rules}) == len(rules)
    return run  # type: ignore[no-any-return]


_COMMAND = re.compile(r"::(error|warning|notice) ?(.*?)::(.*)")


def unescape(text: str, escapes: str) -> str:
    """Undo escapes as the runner does, the per cent sign last."""
    for each in escapes:
        text = text.replace(f"%{ord(each):02X}", each)
    return text


def read_github(text: str) -> list[dict[str, str]]:
    """Return the commands, as the runner reads them, line by line."""
    assert not text or text.endswith("\n")
    commands = []
    for line in re.split(r"\r\n|\r|\n", text)[:-1]:
        match = _COMMAND.fullmatch(line)
        assert match, line
        pairs = [each.partition("=") for each in filter(None, match[2].split(","))]
        commands.append(
            {"command": match[1], "data": unescape(match[3], "\r\n%")}
            | {name: unescape(value, "\r\n:,%") for name, _, value in pairs}
        )
    return commands


# What the page "Code Quality" of GitLab's documentation requires of each entry.
GITLAB = Draft202012Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "additionalProperties": False,
            "properties": {
                "description": {"type": "string", "minLength": 1},
                "check_name": {"type": "string", "minLength": 1},
                "fingerprint": {"type": "string", "minLength": 1},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "additionalProperties": False,
                    "properties": {
                        "path": {"type": "string", "pattern": r"^(?!\./)."},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "additionalProperties": False,
                            "properties": {
                                "begin": {"type": "integer", "minimum": 1},
                                "end": {"type": "integer", "minimum": 1},
                            },
                        },
                    },
                },
            },
        },
    }
)


def read_gitlab(text: str) -> list[dict[str, Any]]:
    """Return the entries of a Code Quality report; GitLab drops those with equal fingerprints."""
    entries: Any = valid.read(text)
    GITLAB.validate(entries)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    return entries  # type: ignore[no-any-return]


def read_junit(text: str) -> ET.Element:
    assert text.isascii()
    JUNIT.validate(text)
    suites = ET.fromstring(text)  # noqa: S314 - it is ours
    for suite in suites:
        cases = list(suite)
        assert int(suite.attrib["tests"]) == len(cases)
        for kind in ("failure", "error"):
            found = sum(case.find(kind) is not None for case in cases)
            assert int(suite.attrib[f"{kind}s"]) == found
    return suites


READ = {
    "json": valid.output,
    "sarif": read_sarif,
    "github": read_github,
    "gitlab": read_gitlab,
    "junit": read_junit,
    "html": page.read,
}


REQUEST = b'{"couponCodes": ["XMAS-20", "XMAS-20"], "state": "x"}'


def sarif_results(*outcomes: FileResults) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_sarif(render("sarif", outcomes))["results"]
    return found
