"""The forms of output: each is as it was, and valid."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unicodedata import combining, east_asian_width

import pytest
from jsonschema import Draft202012Validator

import talonschema
from support import goldens, valid
from support.corpus import corpus
from support.outputs import PROGRAMS, READ, REQUEST, outcome, render
from talonschema import cli
from talonschema.files.results import FileResults, PayloadResult
from talonschema.output import FORMATS, form
from talonschema.output.json import schema
from talonschema.output.json_text import document

# Golden files and validity


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", goldens.CASES)
def test_output_is_as_it_was(name: str, case: str) -> None:
    with goldens.inputs():
        printed = goldens.output_of_check("--format", name, *goldens.CASES[case])
    assert printed == goldens.golden_file(case, name).read_bytes().decode(), "see `make golden`"


def test_there_is_no_golden_file_without_a_case() -> None:
    found = {path for path in goldens.FOLDER.glob("*/*.*") if path.parent != goldens.INPUT}
    assert found == {goldens.golden_file(case, name) for name in FORMATS for case in goldens.CASES}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("case", goldens.CASES)
def test_golden_files_are_valid(name: str, case: str) -> None:
    READ[name](goldens.golden_file(case, name).read_bytes().decode())


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_output_of_every_payload_on_file_is_valid(name: str) -> None:
    outcomes = [
        outcome(f"{number}.json", item.text.encode(), model=item.model, edition=item.edition)
        for number, item in enumerate(corpus())
    ]
    assert sum(bool(result.report.findings) for each in outcomes for result in each) > 100
    READ[name](render(name, outcomes))


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_to_report(name: str) -> None:
    READ[name](render(name, []))
    READ[name](render(name, [outcome("a.json", b"{}")]))
    READ[name](render(name, [outcome("a.ndjson", lines=True)]))
    assert render("github", [outcome("a.json", b"{}")]) == ""


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
    log = valid.output(render("json", [outcome("a.json", b"{}")]))
    assert not valid.OUTPUT.is_valid({**log, **change})


def test_reports_of_the_library_are_valid() -> None:
    of_report = valid.OUTPUT.evolve(schema={"$ref": f"{valid.SCHEMA['$id']}#/$defs/Report"})
    for item in corpus()[::7]:
        report = talonschema.check(item.text, model=item.model, edition=item.edition)
        of_report.validate(json.loads(document(report.to_dict(skipped=True))))
    of_report.validate(talonschema.check("{,}").to_dict(skipped=True))


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
    render(name, [outcome("a.json", REQUEST)])
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
