"""What the forms for programs hold of each finding: codes, fingerprints, places and severities."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

import pytest

from support.outputs import (
    REQUEST,
    outcome,
    read_github,
    read_gitlab,
    read_junit,
    read_sarif,
    render,
    sarif_results,
)
from talonschema.checking.registry import CODES
from talonschema.checking.report import Report
from talonschema.files.results import FileResults, PayloadResult
from talonschema.findings.code import Severity
from talonschema.findings.finding import Finding
from talonschema.output.repository import from_root
from talonschema.output.sarif import LEVELS


def test_gitlab_gets_each_finding_with_its_severity_and_lines() -> None:
    payload = b'{"state": "opn",\n "coupon": 1}'
    (other, entry) = read_gitlab(render("gitlab", [outcome("a.json", payload)]))
    assert (entry["check_name"], entry["severity"]) == ("schema/enum", "major")
    assert entry["location"] == {"path": "a.json", "lines": {"begin": 1, "end": 1}}
    assert (other["severity"], other["location"]["lines"]["begin"]) == ("minor", 2)


def test_gitlab_gets_what_could_not_be_read() -> None:
    unreadable = FileResults("none.json", error="can't be read: No such file or directory")
    (entry,) = read_gitlab(render("gitlab", [unreadable]))
    assert (entry["check_name"], entry["severity"]) == ("file/unreadable", "blocker")


def fingerprints(*outcomes: FileResults) -> dict[str, str]:
    return {
        each["partialFingerprints"]["primaryLocationLineHash"]: each["ruleId"]
        for each in sarif_results(*outcomes)
    }


def test_a_rule_of_sarif_has_all_of_its_code() -> None:
    every = tuple(Finding(name, Severity.INFO, "", "m", "") for name in CODES)
    report = Report(ok=True, findings=every, model="M", edition="2022-06")
    run = read_sarif(render("sarif", [FileResults("a.json", [PayloadResult(report, b"")])]))
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
    run = read_sarif(render("sarif", [check]))
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
    (command,) = read_github(render("github", [check]))
    assert (command["line"], "col" in command) == ("1", False)
    assert "(parameter now)" in command["data"]


def test_standard_input_has_no_file() -> None:
    stdin = outcome("-", REQUEST)
    for result in sarif_results(stdin):
        physical = result["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"] == {"uri": "stdin"}
    for command in read_github(render("github", [stdin])):
        assert not {"file", "line", "col", "endLine", "endColumn"} & command.keys()
        assert command["data"].startswith("<stdin>:1:")
    assert read_junit(render("junit", [stdin]))[0].attrib["name"] == "<stdin>"


def test_columns_are_those_of_characters() -> None:
    (result,) = sarif_results(
        outcome("a.json", '{"a😀": 0}'.encode(), select=["payload"], model="NewCustomerSessionV2")
    )
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (region["startColumn"], region["endColumn"]) == (2, 6)
    run = read_sarif(render("sarif", []))
    assert run["columnKind"] == "unicodeCodePoints"


def test_severities_are_those_of_github() -> None:
    levels = {
        severity: read_github(
            render("github", [outcome("a", b'{"x": 1}', severity={"payload": severity})])
        )[0]["command"]
        for severity in Severity
    }
    assert levels == {"error": "error", "warning": "warning", "info": "notice"}


def test_a_payload_that_is_not_json_is_an_error_of_junit() -> None:
    lines = outcome("a.ndjson", b"{}", b"{", b'{"state": 1}', b'{"State": "open"}', lines=True)
    suites = read_junit(render("junit", [lines]))
    kinds = {case.attrib["name"]: [each.tag for each in case] for case in suites[0]}
    assert kinds == {
        "a.ndjson:1": [],
        "a.ndjson:2": ["error"],
        "a.ndjson:3": ["failure"],
        "a.ndjson:4": ["system-out"],
    }


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
