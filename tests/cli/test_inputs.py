"""What can be given as a file: standard input, pipes, directories, and what can't be read."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.cli import CLEAN, MAIN, NOT_JSON, WRONG_TYPE, Run, Write, codes, start
from talonschema import cli
from talonschema.reading import document


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CLEAN.encode())))
    expected = "<stdin>: ok (IntegrationRequest, edition 2022-06)\n"
    assert run("check", "--verbose", "-")[:2] == (0, expected)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_of_a_process(name: str) -> None:
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with start(MAIN, "check", "--format", "json", name, **pipes) as process:
        out, err = process.communicate(WRONG_TYPE.encode())
    assert (process.returncode, err) == (1, b"")
    assert json.loads(out)["files"][0]["path"] == name
    assert codes(out.decode()) == ["schema/type"]


def test_standard_input_only_once(run: Run) -> None:
    status, out, err = run("check", "-", "-")
    assert (status, out) == (2, "")
    assert "only once" in err


def test_closed_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    message = "talonschema: error: -: can't be read: standard input is closed\n"
    assert run("check", "-") == (3, "", message)


def test_closed_output(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.main(["check", write(WRONG_TYPE)]) == 3
    assert cli.main(["check", "missing"]) == 3
    assert cli.main(["check", write(CLEAN)]) == 0
    for command in (["rules"], ["states"], ["--version"], ["schema", "CartItem"], ["config"]):
        assert cli.main(command) == 3
    assert cli.main(["check", "--format", "sarif", write(CLEAN)]) == 3


def test_fifo(write: Write) -> None:
    os.mkfifo(Path(write(CLEAN)).with_name("fifo"))
    with start(MAIN, "check", "--verbose", "fifo", stdout=subprocess.PIPE) as process:
        Path("fifo").write_text(CLEAN, "utf-8")
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert out == b"fifo: ok (IntegrationRequest, edition 2022-06)\n"


def test_directory(run: Run, write: Write) -> None:
    for name in (
        *("d/b.json", "d/a/z.json", "d/a/c.json", "d/notes.txt", "d/e.jsonl"),
        *("d/.hidden.json", "d/.git/x.json"),
    ):
        write(CLEAN, name)
    status, out, _ = run("check", "--verbose", "d")
    assert status == 0
    assert [line.partition(":")[0] for line in out.splitlines()] == [
        "d/a/c.json",
        "d/a/z.json",
        "d/b.json",
        "d/e.jsonl",
    ]


def test_directory_without_json(run: Run, write: Write) -> None:
    write("", "d/notes.txt")
    message = (
        "no files to check (*.json, *.ndjson, *.jsonl, *.yaml, *.yml, *.har) in this directory"
    )
    message = f"talonschema: error: d: {message}\n"
    assert run("check", "d") == (3, "", message)


def test_directory_that_cannot_be_listed(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(CLEAN, "d/a.json")

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    message = "talonschema: error: d: can't be read: Permission denied\n"
    assert run("check", "d") == (3, "", message)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.json", "No such file or directory"),
        ("a.json/below", "Not a directory"),
        ("nul\0.json", "embedded null byte"),
    ],
)
def test_other_files_are_checked_though_one_cannot_be_read(
    run: Run, write: Write, name: str, reason: str
) -> None:
    bad = write(WRONG_TYPE)
    status, out, err = run("check", name, bad)
    shown = name.replace("\0", "\\x00")
    assert status == 3
    assert err == f"talonschema: error: {shown}: can't be read: {reason}\n"
    assert out.startswith("a.json:1:35: error[schema/type] ")


def test_file_that_is_not_json(run: Run, write: Write) -> None:
    status, out, err = run("check", "--verbose", write(NOT_JSON), write(CLEAN, "b.json"))
    first, *_, not_json, clean = out.splitlines()
    assert (status, err) == (3, "")
    assert first.startswith("a.json:2:18: error[json/syntax] ")
    assert not_json == "a.json: 1 error (unreadable)"
    assert clean.startswith("b.json: ok ")


def test_fault_of_the_text_in_json_that_can_be_read(run: Run, write: Write) -> None:
    status, out, _ = run("check", write('{"customerSession": {"profileId": "a"},\n"a": 1, "a": 2}'))
    assert status == 1
    assert "a.json:2:9: error[json/duplicate-key] " in out


def test_file_that_is_too_large(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 50)
    status, out, _ = run("check", "--format", "json", write(b" " * 60))
    assert status == 3
    assert codes(out) == ["json/too-large"]
