"""What is passed over as unrecognised, in each form of output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from talonschema.cli import main

Run = Callable[..., tuple[int, str, str]]

SKIP = "--skip-unrecognised"
ONE = "talonschema: note: 1 unrecognised document skipped\n"
TWO = "talonschema: note: 2 unrecognised documents skipped\n"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("package.json").write_text('{"dependencies": {}, "version": "1"}', "utf-8")
    Path("bad.json").write_text('{"state": "opn"}', "utf-8")
    Path("log.ndjson").write_text(
        '{"level": "info"}\n{"state": "opn"}\n{"state": "open"}\n', "utf-8"
    )


def test_unrecognised_documents_are_passed_over_and_counted(run: Run) -> None:
    assert run("check", "package.json")[0] == 1
    assert run("check", "package.json", SKIP) == (0, "", ONE)
    status, out, err = run("check", ".", SKIP, "--format", "concise")
    assert (status, err) == (1, TWO)
    assert [line.partition(" ")[0] for line in out.splitlines()] == [
        "./bad.json:1:11:",
        "./log.ndjson:2:11:",
    ]


def test_the_setting_holds_for_all_files_or_some(run: Run) -> None:
    Path("talonschema.toml").write_text("skip_unrecognised = true\n", "utf-8")
    assert run("check", "package.json") == (0, "", ONE)
    assert run("check", "package.json", "--no-config")[0] == 1
    table = '[[files]]\nglob = "*.ndjson"\nskip_unrecognised = true\n'
    Path("talonschema.toml").write_text(table, "utf-8")
    assert run("check", "package.json")[0] == 1
    assert run("check", "log.ndjson", "--select", "payload") == (0, "", ONE)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_programs_get_the_counts(run: Run, jobs: str) -> None:
    status, out, _ = run("check", ".", SKIP, "--format", "json", "--jobs", jobs)
    found = json.loads(out)
    assert status == 1
    assert [(each["path"], each.get("payloads")) for each in found["files"]] == [
        ("./bad.json", None),
        ("./log.ndjson", 2),
    ]
    assert found["unrecognised"] == 2
    _, out, _ = run("check", ".", SKIP, "--statistics")
    assert out.splitlines()[-1] == "2 errors in 2 of 2 files; 2 unrecognised documents skipped"


def test_statistics_have_the_counts_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", ".", SKIP, "--format", "json", "--statistics"]) == 1
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["files"], found["payloads"], found["unrecognised"], err) == (2, 3, 2, "")


@pytest.mark.parametrize("form", ["github", "gitlab", "junit", "sarif"])
def test_no_form_mentions_a_file_that_is_passed_over(run: Run, form: str) -> None:
    _, out, _ = run("check", ".", SKIP, "--format", form)
    assert "bad.json" in out
    assert "package.json" not in out


def test_a_second_output_passes_over_the_same(run: Run) -> None:
    run("check", ".", SKIP, "--output-file", "json=found.json")
    _, out, _ = run("check", "bad.json", "log.ndjson", SKIP, "--format", "json")
    found = json.loads(Path("found.json").read_text("utf-8"))
    assert found["unrecognised"] == 2
    assert [each["path"] for each in found["files"]] == ["./bad.json", "./log.ndjson"]
    assert [f.get("results") for f in found["files"]] == [
        f.get("results") for f in json.loads(out)["files"]
    ]


def test_a_verbose_check_names_what_is_passed_over(run: Run) -> None:
    _, out, _ = run("check", ".", SKIP, "--verbose", "--format", "concise")
    assert "./log.ndjson: errors in 1 of 2 payloads\n" in out
    assert out.endswith("./package.json: skipped: it does not look like a payload\n")


@pytest.mark.parametrize(
    "options",
    [
        ("--select", "cart"),
        ("--ignore", "payload"),
        ("--severity", "payload=info"),
        ("--max-findings", "1"),
    ],
)
def test_what_is_reported_does_not_matter(run: Run, options: tuple[str, str]) -> None:
    Path("package.json").write_text('{"name": 1, "name": 2, "dependencies": {}}', "utf-8")
    assert run("check", "package.json", SKIP, *options) == (0, "", ONE)


def test_documents_with_a_named_model_are_checked(run: Run) -> None:
    status, out, err = run("check", "package.json", SKIP, "--model", "IntegrationRequest")
    assert (status, err) == (1, "")
    assert "schema/required" in out


def test_texts_that_are_no_json_are_not_passed_over(run: Run) -> None:
    Path("bad.json").write_text('{"level": ', "utf-8")
    assert run("check", "bad.json", SKIP)[0] == 3


def test_entries_of_a_sequence_are_passed_over(run: Run) -> None:
    Path("calls.json").write_text('[{"level": "info"}, {"state": "closed"}]', "utf-8")
    assert run("check", "--sequence", "calls.json", SKIP, "--ignore", "identity") == (0, "", ONE)
