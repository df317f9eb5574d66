"""Payloads inside documents, by `--at` and the setting `at`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from talonschema import check
from talonschema.cli import main
from talonschema.files.documents import CheckedPayload, place_results, select, yaml_documents

BAD = {"customerSession": {"state": "opn"}}
GOOD = {"customerSession": {"state": "open"}}
CASES = {"cases": [{"request": GOOD, "name": 1}, {"request": BAD}], "state": "no payload"}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    status = main(["check", "--format", "concise", *arguments])
    out, err = capsys.readouterr()
    return status, (out + err).splitlines()


def write(name: str, *parts: Any) -> str:
    Path(name).write_text("\n".join(map(json.dumps, parts)), "utf-8")
    return name


def files(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    main(["check", "--format", "json", *arguments])
    return json.loads(capsys.readouterr().out)["files"]


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", [()]),
        ("a/*/b", [("a", 0, "b"), ("a", 2, "b")]),
        ("*", [("a",), ("c/d",), ("*",)]),
        ("a/02", []),
        ("a/-1", []),
        ("a/9", []),
        ("a/b", []),
        ("a/0/b/x", []),
    ],
)
def test_values_are_selected(pointer: str, found: list[tuple[Any, ...]]) -> None:
    value = {"a": [{"b": 1}, 2, {"b": None}], "c/d": {}, "*": 1}
    steps = pointer.split("/") if pointer else []
    assert [path for path, _ in select(value, steps)[0]] == found


@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a.ndjson"])
def test_each_value_is_a_payload_with_its_place_in_the_file(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    status, lines = run(capsys, "--at", "/cases/*/request", "--verbose", write(name, CASES))
    column = json.dumps(CASES).index('"opn"') + 1
    assert status == 1
    place = f"{name}:1:{column}: error[schema/enum] /cases/1/request/customerSession/state"
    assert lines == [
        f'{place}: "opn" is not one of the allowed values',
        f"{name}: errors in 1 of 2 payloads",
    ]


def test_yaml_in_block_style_is_located(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yml").write_text("a: &x 1\n---\nb:\n  state: open\n---\nb:\n  state: opn\n", "utf-8")
    status, lines = run(capsys, "--at", "/b", "a.yml")
    assert status == 3
    assert lines[0].startswith("a.yml:1:4: error[yaml/alias]")
    Path("a.yml").write_text("b:\n  state: open\n---\nb:\n  state: opn\n", "utf-8")
    status, lines = run(capsys, "--at", "/b", "a.yml")
    assert status == 1
    assert [line[:31] for line in lines] == ["a.yml:5:10: error[schema/enum] "]


def test_related_places_count_from_the_root(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.json").write_text('{"r": {"state": "open", "state": "closed"}, "s": 1}', "utf-8")
    (file,) = files(capsys, "--at", "/r", "a.json")
    ((finding,),) = [each["findings"] for each in file["results"]]
    assert finding["code"] == "json/duplicate-key"
    assert finding["pointer"] == "/r/state"
    assert finding["column"] == 25


def test_faults_beside_the_payloads_are_not_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.json").write_text('{"r": {"state": "open"}, "s": 1, "s": 2}', "utf-8")
    assert run(capsys, "--at", "/r", "a.json") == (0, [])
    Path("a.json").write_text('{"r": {"state": "open"}, "r": {"state": "open"}}', "utf-8")
    assert run(capsys, "--at", "/r", "a.json")[0] == 1
    Path("a.json").write_text('{"r": {"state": "open"}', "utf-8")
    assert run(capsys, "--at", "/r", "a.json")[0] == 3


def test_model_and_operation_are_those_of_the_payloads(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = write("a.json", {"r": {"customerSession": {}}})
    assert run(capsys, "--at", "/r", name)[0] == 0
    status, lines = run(capsys, "--at", "/r", "--operation", "return", name)
    assert status == 1
    assert "schema/required" in lines[0]
    assert run(capsys, "--at", "/r", "--model", "CartItem", name)[0] == 1


@pytest.mark.parametrize(
    ("pointer", "place", "hint"),
    [
        ("/case", "", "the pointer resolves as far as (root), which has the keys cases, state"),
        ("/cases/7", "/cases", "the pointer resolves as far as /cases, which is an array of 2"),
        ("/state/x", "/state", "the pointer resolves as far as /state, which is a string"),
    ],
)
def test_nothing_found_is_an_error(
    capsys: pytest.CaptureFixture[str], pointer: str, place: str, hint: str
) -> None:
    (file,) = files(capsys, "--at", pointer, write("a.json", CASES))
    ((finding,),) = [each["findings"] for each in file["results"]]
    assert finding["code"] == "payload/nothing-at-pointer"
    assert finding["message"] == f"there is nothing at {pointer}"
    assert (finding["pointer"], finding["hint"]) == (place, hint)
    assert finding["line"] == 1
    assert not file["ok"]


def test_nothing_found_can_be_ignored_and_redacted(capsys: pytest.CaptureFixture[str]) -> None:
    name = write("a.ndjson", {"level": "info"}, {"payload": BAD})
    status, lines = run(capsys, "--at", "/payload", name)
    assert status == 1
    assert [line.partition(": ")[0] for line in lines] == ["a.ndjson:1:1", "a.ndjson:2:43"]
    _, lines = run(capsys, "--at", "/payload", "--ignore", "payload", name)
    assert [line.partition(": ")[0] for line in lines] == ["a.ndjson:2:43"]
    (file,) = files(capsys, "--at", "/payload", "--redact", name)
    assert "level" not in json.dumps(file)


def test_several_processes_find_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    name = write("a.ndjson", *[{"p": [GOOD, BAD]}, {"p": [BAD]}] * 50)
    alone = run(capsys, "--at", "/p/*", "--verbose", name)
    assert run(capsys, "--at", "/p/*", "--verbose", "--jobs", "2", name) == alone
    assert len(alone[1]) == 101
    assert alone[1][-1] == "a.ndjson: errors in 100 of 150 payloads"


def test_settings_name_the_place_for_some_files(capsys: pytest.CaptureFixture[str]) -> None:
    Path("talonschema.toml").write_text('[[files]]\nglob = "c*.json"\nat = "/cases/*/request"\n')
    write("cases.json", CASES)
    write("plain.json", GOOD)
    status, lines = run(capsys, "cases.json", "plain.json")
    assert status == 1
    assert [line.partition(":")[0] for line in lines] == ["cases.json"]
    status, lines = run(capsys, "--sequence", "cases.json")
    assert status == 2
    assert "--sequence can't be combined with at (for cases.json)" in lines[0]


def test_the_flag_takes_a_pointer(capsys: pytest.CaptureFixture[str]) -> None:
    status, lines = run(capsys, "--at", "request", write("a.json", CASES))
    assert status == 2
    assert "--at is 'request'; expected a JSON Pointer" in lines[0]


def test_the_lines_of_a_file_are_counted_once_for_all_its_documents() -> None:
    first, *others = yaml_documents(b"--- {state: opn}\n" * 50)
    assert all(each.lines is first.lines for each in others)
    for number, each in enumerate([first, *others], start=1):
        (result,) = place_results(each, [CheckedPayload("", check(each.document.value))])
        assert [(one.line, one.column) for one in result.report.findings] == [(number, 13)]
        assert result.line == number
