"""The conformance suite of reading: each text has one verdict, whatever way it comes in.

cases/README.md describes the format of the texts. What each parser makes of them is compared in
test_document.py.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import Run

from talonschema import Report, Validator
from talonschema.files.documents import yaml_documents
from talonschema.gateway.decision import DecisionCore
from talonschema.gateway.messages import Request
from talonschema.gateway.settings import Settings
from talonschema.reading import document

Case = Mapping[str, Any]
Places = list[tuple[str, int, int]]
FILES = sorted((Path(__file__).parents[1] / "cases" / "json").glob("*.json"))
VERDICTS = {"accept", "reject", "defined"}
KEYS = {"description", "verdict", "reason", "text", "bytes_hex", "problems", "yaml", "gateway"}


def load(path: Path) -> list[Case]:
    tests: list[Case] = json.loads(path.read_text("utf-8"))["tests"]
    return tests


ALL = [case for path in FILES for case in load(path)]
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
VALIDATOR = Validator()
CORE = DecisionCore(Settings(edition="2022-06", store="memory:"))


def source(case: Case) -> bytes:
    return bytes.fromhex(case["bytes_hex"]) if "bytes_hex" in case else case["text"].encode()


def places(problems: Iterable[Mapping[str, Any]], *, line: int = 1) -> Places:
    """Return the faults of the text, in its order, with lines from the one it begins on."""
    found = [(each["code"], each["line"], each["column"]) for each in problems]
    found = [(code, at - line + 1, column) for code, at, column in found if is_of_text(code)]
    return sorted(found, key=lambda each: each[1:])


def is_of_text(code: str) -> bool:
    return code.startswith(("json/", "yaml/"))


def places_of(report: Report) -> Places:
    return places(each._asdict() for each in report.findings)


@each_file
def test_each_verdict_has_a_reason_and_places(path: Path) -> None:
    for case in load(path):
        assert case.keys() <= KEYS, case
        assert ("text" in case) != ("bytes_hex" in case), case
        assert case["verdict"] in VERDICTS, case
        assert re.match(r"RFC (8259|7493), section [1-9]", case["reason"]), case
        if case["verdict"] != "defined":
            assert bool(case["problems"]) == (case["verdict"] == "reject"), case


def test_there_are_texts_of_each_verdict() -> None:
    verdicts = Counter(case["verdict"] for case in ALL)
    assert verdicts.keys() == VERDICTS
    assert min(verdicts.values()) >= 40


@each_file
def test_bytes_and_text_have_one_verdict(path: Path) -> None:
    for case in load(path):
        data = source(case)
        forms: list[Any] = [data, bytearray(data), memoryview(data)]
        if not any(each["code"] == "json/encoding" for each in case["problems"]):
            forms.append(data.decode())
        for form in forms:
            report = VALIDATOR.check(form)
            assert (
                places_of(report) == places_of(report.located(form)) == places(case["problems"])
            ), case
            assert VALIDATOR.is_valid(form) == report.ok, case


@each_file
def test_the_gateway_refuses_what_is_refused(path: Path) -> None:
    kind = ("content-type", "application/json")
    for case in load(path):
        decision = CORE.examine(Request("PUT", "/v2/customer_sessions/1", (kind,), source(case)))
        if "gateway" in case:
            assert decision.codes == (case["gateway"],), case
            continue
        codes = {each for each in decision.codes if is_of_text(each)}
        assert codes == {each["code"] for each in case["problems"]}, case
        if codes:
            assert decision.refusal is not None, case
            # Answers in the API's form have the line and no column.
            errors = json.loads(decision.refusal.body)["errors"]
            lines = sorted(int(e["source"]["line"]) for e in errors if "line" in e["source"])
            assert lines == sorted(each["line"] for each in case["problems"]), case


def yaml_problems(case: Case) -> list[Mapping[str, Any]] | None:
    """Return what YAML finds, None for what is left to its own grammar."""
    if "yaml" in case:
        own: list[Mapping[str, Any]] = case["yaml"]["problems"]
        return own
    if any(each["code"] == "json/syntax" for each in case["problems"]):
        return None
    found: list[Mapping[str, Any]] = case["problems"]
    return found


@each_file
def test_yaml_reads_json_as_json(path: Path) -> None:
    for case in load(path):
        data = source(case)
        found = list(yaml_documents(data))
        problems = [problem._asdict() for each in found for problem in each.document.problems]
        lines = document.decode(data).split("\n")
        for code, line, column in places(problems):
            assert code
            assert column <= len(lines[line - 1]) + 1, case
        expected = yaml_problems(case)
        if expected is not None:
            assert places(problems) == places(expected), case
        if expected == [] == case["problems"]:
            (only,) = found
            assert repr(only.document.value) == repr(document.reread(data).value), case


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_files_have_the_verdicts(suffix: str, run: Run, tmp_path: Path) -> None:
    expected = {}
    for number, case in enumerate(ALL):
        problems = yaml_problems(case) if suffix == "yaml" else case["problems"]
        if problems is not None:
            path = tmp_path / f"{number:03}.{suffix}"
            path.write_bytes(source(case))
            expected[str(path)] = places(problems)
    _, out, _ = run("check", str(tmp_path), "--format", "json")
    assert {each["path"]: places(each["findings"]) for each in json.loads(out)["files"]} == expected


def test_lines_have_the_verdicts(run: Run, tmp_path: Path) -> None:
    # What has several lines is no line, and blank ones are passed over.
    cases = [case for case in ALL if b"\n" not in source(case) and source(case).strip()]
    path = tmp_path / "payloads.ndjson"
    path.write_bytes(b"\n".join(map(source, cases)))
    _, out, _ = run("check", str(path), "--format", "json")
    (file,) = json.loads(out)["files"]
    found = {each["line"]: places(each["findings"], line=each["line"]) for each in file["results"]}
    for number, case in enumerate(cases, start=1):
        assert found.get(number, []) == places(case["problems"]), case
