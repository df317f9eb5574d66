"""The forms of output: each is well formed and valid, and equal to the report."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tracemalloc
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unicodedata import combining, east_asian_width
from urllib.parse import unquote

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

import talonschema
from support import goldens, page, valid
from support.corpus import corpus
from talonschema import cli
from talonschema.checking.registry import CODES
from talonschema.checking.report import Report
from talonschema.files.results import FileResults, PayloadResult
from talonschema.findings.code import Severity
from talonschema.findings.finding import Finding, Span
from talonschema.output import FORMATS, form
from talonschema.output.json import schema
from talonschema.output.json_text import document
from talonschema.output.repository import from_root
from talonschema.output.sarif import LEVELS

VENDOR = Path(__file__).parents[1] / "vendor"
PROGRAMS = ("json", "sarif", "github", "gitlab", "junit", "html")

SARIF = Draft7Validator(json.loads((VENDOR / "sarif-2.1.0.json").read_bytes()))
JUNIT = xmlschema.XMLSchema(VENDOR / "junit-10.xsd")


def reported(name: str, outcomes: Iterable[FileResults]) -> str:
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


# Golden files


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", goldens.CASES)
def test_output_is_as_it_was(name: str, case: str) -> None:
    with goldens.inputs():
        printed = goldens.printed("--format", name, *goldens.CASES[case])
    assert printed == goldens.golden(case, name).read_bytes().decode(), "see `make golden`"


def test_there_is_no_golden_file_without_a_case() -> None:
    found = {path for path in goldens.FOLDER.glob("*/*.*") if path.parent != goldens.INPUT}
    assert found == {goldens.golden(case, name) for name in FORMATS for case in goldens.CASES}


# Each form is valid


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


def unescaped(text: str, escapes: str) -> str:
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
            {"command": match[1], "data": unescaped(match[3], "\r\n%")}
            | {name: unescaped(value, "\r\n:,%") for name, _, value in pairs}
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


def test_gitlab_gets_each_finding_with_its_severity_and_lines() -> None:
    payload = b'{"state": "opn",\n "coupon": 1}'
    (other, entry) = read_gitlab(reported("gitlab", [outcome("a.json", payload)]))
    assert (entry["check_name"], entry["severity"]) == ("schema/enum", "major")
    assert entry["location"] == {"path": "a.json", "lines": {"begin": 1, "end": 1}}
    assert (other["severity"], other["location"]["lines"]["begin"]) == ("minor", 2)


def test_gitlab_gets_what_could_not_be_read() -> None:
    unreadable = FileResults("none.json", error="can't be read: No such file or directory")
    (entry,) = read_gitlab(reported("gitlab", [unreadable]))
    assert (entry["check_name"], entry["severity"]) == ("file/unreadable", "blocker")


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


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("case", goldens.CASES)
def test_golden_files_are_valid(name: str, case: str) -> None:
    READ[name](goldens.golden(case, name).read_bytes().decode())


@pytest.mark.parametrize("name", PROGRAMS)
def test_output_of_every_payload_on_file_is_valid(name: str) -> None:
    outcomes = [
        outcome(f"{number}.json", item.text.encode(), model=item.model, edition=item.edition)
        for number, item in enumerate(corpus())
    ]
    assert sum(bool(result.report.findings) for each in outcomes for result in each) > 100
    READ[name](reported(name, outcomes))


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_to_report(name: str) -> None:
    READ[name](reported(name, []))
    READ[name](reported(name, [outcome("a.json", b"{}")]))
    READ[name](reported(name, [outcome("a.ndjson", lines=True)]))
    assert reported("github", [outcome("a.json", b"{}")]) == ""


def test_the_schema_of_the_output_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(("schema", "report")) == 0
    assert capsys.readouterr().out == schema()
    for option in (("--bundle",), ("--target", "draft-07"), ("--edition", "2026-06")):
        assert cli.main(("schema", "report", *option)) == 2
        assert capsys.readouterr().out == ""


def test_the_schema_of_the_output_is_valid_and_so_are_its_examples() -> None:
    whole = valid.SCHEMA
    Draft202012Validator.check_schema(whole)
    assert whole["$id"].startswith("https://talonschema.example/")
    parts = {"": whole, **{f"#/$defs/{name}": part for name, part in whole["$defs"].items()}}
    for pointer, part in parts.items():
        assert part["title"]
        assert part["description"]
        of_part = valid.OUTPUT.evolve(schema={"$ref": f"{whole['$id']}{pointer}"})
        for example in part.get("examples", ()):
            of_part.validate(example)


@pytest.mark.parametrize(
    "change",
    [
        {"ok": None},
        {"version": 2},
        {"files": [{"path": "a"}]},
        {"files": [{"path": "a", "error": "b", "results": [], "payloads": 1, "ok": True}]},
    ],
)
def test_the_schema_of_the_output_refuses(change: dict[str, Any]) -> None:
    log = valid.output(reported("json", [outcome("a.json", b"{}")]))
    assert not valid.OUTPUT.is_valid({**log, **change})


def test_reports_of_the_library_are_valid() -> None:
    of_report = valid.OUTPUT.evolve(schema={"$ref": f"{valid.SCHEMA['$id']}#/$defs/Report"})
    for item in corpus()[::7]:
        report = talonschema.check(item.text, model=item.model, edition=item.edition)
        of_report.validate(json.loads(document(report.to_dict(skipped=True))))
    of_report.validate(talonschema.check("{,}").to_dict(skipped=True))


# Whatever the text, it reads back the same


NASTY = st.sampled_from(
    [
        *("]]>", "--", "%0A", "%", "::", ":,=", "\r\n", "\t", "\0", "\x1b[31m", "\ud800", "\ufffe"),
        *("\x85", "\u2028", "&amp;", "<!--", '"', "\\", "{0}", "[a](b)", "::error::", "\U0001f600"),
    ]
)
TEXTS = st.lists(NASTY | st.text(st.characters(), max_size=3), max_size=4).map("".join)
# As the file system gives them: what is no UTF-8 is in surrogates.
PATHS = TEXTS.filter(lambda text: "\0" not in text and text not in {"", "-"}).map(
    lambda text: os.fsdecode(text.encode("utf-8", "surrogatepass"))
)
POINTERS = TEXTS.map(lambda text: f"/{text}" if text else "")
SPANS = st.builds(lambda a, b, c, d: Span(a, b, a + c, b + d), *[st.integers(1, 9)] * 4)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    code = draw(st.sampled_from(list(CODES.values())))
    span = draw(st.none() | SPANS)
    related = tuple(draw(st.lists(POINTERS, max_size=2)))
    return Finding(
        code=code.name,
        severity=draw(st.sampled_from(list(Severity))),
        pointer=draw(POINTERS),
        message=draw(TEXTS),
        hint=draw(TEXTS),
        params={draw(TEXTS): draw(TEXTS)},
        related=related,
        parameter=draw(st.none() | TEXTS.filter(bool)) if span is None else None,
        places=() if span is None else tuple(draw(st.none() | SPANS) for _ in related),
        **({} if span is None else span._asdict()),
    )


@st.composite
def results(draw: st.DrawFn) -> PayloadResult:
    found = tuple(draw(st.lists(findings(), max_size=3)))
    ok = all(each.severity != "error" for each in found)
    omitted = draw(st.none() | st.integers(0, 2))
    report = Report(ok=ok, findings=found, model="M", edition="2022-06", omitted=omitted)
    return PayloadResult(report, b"", draw(st.none() | st.integers(1, 99)))


def hinted(finding: Finding) -> str:
    return finding.message + (f"\nhint: {finding.hint}" if finding.hint else "")


@given(PATHS, results())
def test_any_text_is_the_same_in_json(path: str, result: PayloadResult) -> None:
    (file,) = valid.output(reported("json", [FileResults(path, [result])]))["files"]
    assert file == {"path": path, **json.loads(json.dumps(result.report.to_dict(skipped=True)))}


@given(PATHS, results())
def test_any_text_is_the_same_in_sarif(path: str, result: PayloadResult) -> None:
    run = read_sarif(reported("sarif", [FileResults(path, [result])]))
    for finding, entry in zip(result.report.findings, run["results"], strict=True):
        assert entry["ruleId"] == finding.code
        assert entry["level"] == LEVELS[finding.severity]
        assert entry["message"]["text"] == hinted(finding)
        (location,) = entry["locations"]
        if finding.span:
            at = location["physicalLocation"]["region"]
            assert tuple(at.values()) == finding.span
        if finding.parameter is None and finding.pointer:
            assert location["logicalLocations"] == [
                {"fullyQualifiedName": finding.pointer, "kind": "value"}
            ]
        assert len(entry.get("relatedLocations", ())) == sum(map(bool, finding.places))
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert bool(notes) == (result.report.omitted != 0)


@given(PATHS, results())
def test_any_text_is_the_same_in_commands_for_github(path: str, result: PayloadResult) -> None:
    commands = read_github(reported("github", [FileResults(path, [result])]))
    assert len(commands) == len(result.report.findings) + (result.report.omitted != 0)
    file = from_root()(path)
    for finding, command in zip(result.report.findings, commands, strict=False):
        assert command["data"].startswith(path)
        assert command["data"].endswith(f": {hinted(finding)}")
        assert command["title"] == f"talonschema {finding.code}"
        assert command["file"] == file
        if finding.span:
            assert command["line"] == str(finding.span.line)
            assert ("col" in command) == (finding.span.line == finding.span.end_line)


_LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text: str) -> str:
    return "".join(
        each if _LEGAL.match(each) else each.encode("unicode_escape").decode() for each in text
    )


@given(PATHS, results())
def test_any_text_is_the_same_in_junit(path: str, result: PayloadResult) -> None:
    suites = read_junit(reported("junit", [FileResults(path, [result])]))
    ((case,),) = suites
    assert suites[0].attrib["name"] == legal(path)
    name = f"{path}:{result.line}" if result.line else path
    assert case.attrib["name"] == legal(name)
    failure = case.find("failure")
    assert (failure is None) == result.report.ok
    if failure is not None:
        first, *others = result.report.errors
        more = f" (and {len(others)} more)" if others else ""
        assert failure.attrib == {"type": first.code, "message": legal(first.message) + more}
    text = "".join(each.text or "" for each in case)
    hints = sum(bool(each.hint) for each in result.report.findings)
    lines = len(result.report.findings) + hints + (result.report.omitted != 0)
    assert len(text.split("\n")) == max(1, lines)


@given(PATHS, results())
def test_any_text_is_shown_in_html(path: str, result: PayloadResult) -> None:
    root = page.read(reported("html", [FileResults(path, [result])]))
    entries = page.classed(root, "finding")
    for finding, entry in zip(in_order(result), entries, strict=True):
        assert entry.attrib["data-severity"] == finding.severity
        assert entry.attrib["data-code"] == finding.code
        assert "".join(entry[0].itertext()) == f"{finding.severity} {printable(finding.message)}"
        hints = page.classed(entry, "hint")
        assert ["".join(each.itertext()) for each in hints] == [
            f"Hint {printable(each)}" for each in [finding.hint] if each
        ]
    names = {"".join(each.itertext()) for each in page.classed(root, "name")}
    assert not entries or printable(path) in names


def in_order(result: PayloadResult) -> list[Finding]:
    return sorted(result.report.findings, key=lambda each: (each.line or 0, each.column or 0))


def printable(text: str) -> str:
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


@given(PATHS, TEXTS.filter(bool))
def test_any_error_is_the_same(path: str, error: str) -> None:
    (file,) = valid.output(reported("json", [FileResults(path, error=error)]))["files"]
    assert file == {"path": path, "error": error}
    (invocation,) = read_sarif(reported("sarif", [FileResults(path, error=error)]))["invocations"]
    assert not invocation["executionSuccessful"]
    (note,) = invocation["toolExecutionNotifications"]
    assert (note["level"], note["message"]["text"]) == ("error", error)
    (command,) = read_github(reported("github", [FileResults(path, error=error)]))
    assert (command["command"], command["data"]) == ("error", f"{path}: {error}")
    ((case,),) = read_junit(reported("junit", [FileResults(path, error=error)]))
    assert case[0].attrib["message"] == legal(error)


# What the forms say


REQUEST = b'{"couponCodes": ["XMAS-20", "XMAS-20"], "state": "x"}'


def sarif_results(*outcomes: FileResults) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_sarif(reported("sarif", outcomes))["results"]
    return found


def fingerprints(*outcomes: FileResults) -> dict[str, str]:
    return {
        each["partialFingerprints"]["primaryLocationLineHash"]: each["ruleId"]
        for each in sarif_results(*outcomes)
    }


def test_a_rule_of_sarif_has_all_of_its_code() -> None:
    every = tuple(Finding(name, Severity.INFO, "", "m", "") for name in CODES)
    report = Report(ok=True, findings=every, model="M", edition="2022-06")
    run = read_sarif(reported("sarif", [FileResults("a.json", [PayloadResult(report, b"")])]))
    for rule, code in zip(run["tool"]["driver"]["rules"], CODES.values(), strict=True):
        assert rule["id"] == code.name
        assert rule["shortDescription"]["text"] == code.summary
        assert rule["fullDescription"]["text"] == code.why
        assert rule["defaultConfiguration"]["level"] == LEVELS[code.severity]
        assert rule["properties"]["tags"] == [code.group, code.confidence]
        for part in (code.why, code.fix, code.source, f"`talonschema explain {code.name}`"):
            assert part in rule["help"]["text"]
        assert "<" not in rule["help"]["markdown"]


def test_fingerprints_stay_when_lines_move() -> None:
    moved = REQUEST.replace(b"{", b'{\n\n"profileId": "a",\n', 1)
    before, after = fingerprints(outcome("a.json", REQUEST)), fingerprints(outcome("a.json", moved))
    assert len(before) == 2
    assert after == before
    assert sarif_results(outcome("a.json", moved)) != sarif_results(outcome("a.json", REQUEST))


def test_fingerprints_differ_by_code_place_and_file() -> None:
    both = fingerprints(outcome("a.json", REQUEST), outcome("b.json", REQUEST))
    assert len(both) == 4
    # The same at the same place in each line is counted.
    lines = fingerprints(outcome("a.ndjson", REQUEST, REQUEST, REQUEST, lines=True))
    assert sorted(each.partition(":")[2] for each in lines) == ["1", "1", "2", "2", "3", "3"]
    fewer = fingerprints(outcome("a.ndjson", REQUEST, REQUEST, lines=True))
    assert fewer.items() < lines.items()


def test_a_severity_that_was_changed_is_the_level_of_results_only() -> None:
    check = outcome(
        "a.json",
        b'{"x": 1}',
        severity={"payload/unknown-property": "info"},
        model="NewCustomerSessionV2",
    )
    run = read_sarif(reported("sarif", [check]))
    assert [each["level"] for each in run["results"]] == ["note"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["defaultConfiguration"]["level"] == "warning"


def test_related_places_are_reported() -> None:
    (first, second) = sorted(sarif_results(outcome("a.json", REQUEST)), key=lambda r: r["ruleId"])
    assert first["ruleId"] == "codes/duplicate-coupon"
    (related,) = first["relatedLocations"]
    assert related["message"]["text"] == "/couponCodes/0"
    assert related["physicalLocation"]["region"]["startColumn"] == REQUEST.index(b'"XMAS') + 1
    assert "relatedLocations" not in second


def test_query_parameters_have_no_place_in_the_file() -> None:
    check = outcome("a.json", b"{}", now="soon", dry=True)
    (result,) = sarif_results(check)
    (location,) = result["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 1}
    assert location["logicalLocations"] == [{"name": "now", "kind": "parameter"}]
    (command,) = read_github(reported("github", [check]))
    assert (command["line"], "col" in command) == ("1", False)
    assert "(parameter now)" in command["data"]


def test_standard_input_has_no_file() -> None:
    stdin = outcome("-", REQUEST)
    for result in sarif_results(stdin):
        physical = result["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"] == {"uri": "stdin"}
    for command in read_github(reported("github", [stdin])):
        assert not {"file", "line", "col", "endLine", "endColumn"} & command.keys()
        assert command["data"].startswith("<stdin>:1:")
    assert read_junit(reported("junit", [stdin]))[0].attrib["name"] == "<stdin>"


def test_columns_are_those_of_characters() -> None:
    (result,) = sarif_results(
        outcome("a.json", '{"a😀": 0}'.encode(), select=["payload"], model="NewCustomerSessionV2")
    )
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startColumn"], region["endColumn"]) == (2, 6)
    run = read_sarif(reported("sarif", []))
    assert run["columnKind"] == "unicodeCodePoints"


def test_severities_are_those_of_github() -> None:
    levels = {
        severity: read_github(
            reported("github", [outcome("a", b'{"x": 1}', severity={"payload": severity})])
        )[0]["command"]
        for severity in Severity
    }
    assert levels == {"error": "error", "warning": "warning", "info": "notice"}


def test_a_payload_that_is_not_json_is_an_error_of_junit() -> None:
    lines = outcome("a.ndjson", b"{}", b"{", b'{"state": 1}', b'{"State": "open"}', lines=True)
    suites = read_junit(reported("junit", [lines]))
    kinds = {case.attrib["name"]: [each.tag for each in case] for case in suites[0]}
    assert kinds == {
        "a.ndjson:1": [],
        "a.ndjson:2": ["error"],
        "a.ndjson:3": ["failure"],
        "a.ndjson:4": ["system-out"],
    }


# Paths


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "a repository"
    (root / ".git").mkdir(parents=True)
    (root / "shop" / "eu").mkdir(parents=True)
    monkeypatch.chdir(root / "shop" / "eu")
    return root


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.json", "shop/eu/a.json"),
        ("./a.json", "shop/eu/a.json"),
        ("../b/../a.json", "shop/a.json"),
        ("../../a.json", "a.json"),
        ("{root}/a b.json", "a b.json"),
        ("{root}x/a.json", "{root}x/a.json"),
        ("/etc/a.json", "/etc/a.json"),
    ],
)
def test_paths_are_relative_to_the_root(repository: Path, path: str, expected: str) -> None:
    place = from_root()
    assert place(path.format(root=repository)) == expected.format(root=repository)


def test_without_a_repository_paths_are_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_root()("a/b.json") == "a/b.json"


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b%:ü😀.json", "shop/eu/a%20b%25%3A%C3%BC%F0%9F%98%80.json"),
        (os.fsdecode(b"\xff.json"), "shop/eu/%FF.json"),
        ("/etc/a b.json", "file:///etc/a%20b.json"),
    ],
)
def test_paths_are_uris_in_sarif(path: str, uri: str) -> None:
    result, *_ = sarif_results(outcome(path, REQUEST))
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == uri
    assert ("uriBaseId" in location) == (not path.startswith("/"))
    assert unquote(uri, errors="surrogateescape").endswith(path)


# Streams


# The counts above the findings of a page come last.
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "html"])
def test_what_is_known_is_reported_at_once(name: str) -> None:
    taken = []

    def outcomes() -> Iterator[FileResults]:
        for path in ("a.json", "b.json", "c.json"):
            taken.append(path)
            yield outcome(path, REQUEST)

    for piece in form(name)(outcomes()):
        if "a.json" in piece:
            break
    assert taken == ["a.json"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"), [("json", 800), ("sarif", 800), ("github", 3000), ("junit", 3000)]
)
def test_memory_does_not_grow_with_the_lines(
    name: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talonschema.output.junit._IN_MEMORY", 1 << 12)
    report = talonschema.check(REQUEST).located(REQUEST)
    reported(name, [outcome("a.json", REQUEST)])
    lines = (PayloadResult(report, REQUEST, number) for number in range(1, count))
    pieces = form(name)([FileResults("a.ndjson", lines, lines=True)])
    tracemalloc.start()
    written = sum(map(len, pieces))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > 700_000
    assert peak < written / 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
@pytest.mark.parametrize("name", ["M\u00fcller", "\u65e5\u672c", "\U0001f382", "e\u0301", "\u20ac"])
def test_marks_stand_below_what_is_printed(name: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"profileId": name, "state": "opn"}, ensure_ascii=False), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "talonschema", "check", str(path)],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    _, line, marks, *_ = done.stdout.decode(encoding).splitlines()
    wide = sum(east_asian_width(each) in "WF" for each in line)
    narrow = sum(bool(combining(each)) for each in line)
    assert marks.index("^") == line.index('"opn"') + wide - narrow
    assert marks.count("^") == len('"opn"')
