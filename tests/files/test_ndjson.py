"""Files with one payload a line."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

import talonschema
from talonschema import check
from talonschema.checking.report import Report
from talonschema.cli import main
from talonschema.files import ndjson
from talonschema.files.ndjson import Batch
from talonschema.reading.document import MAX_BYTES

GOOD = b'{"customerSession": {"state": "open"}}'
BAD = b'{"customerSession": {"state": "ajar"}}'
SLIP = b'{"customerSession": {"State": "open"}}'
BROKEN = b'{"customerSession": '


def write(folder: Path, *lines: bytes, name: str = "log.ndjson", end: bytes = b"\n") -> str:
    path = folder / name
    path.write_bytes(b"\n".join(lines) + end)
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    status = main(["check", *arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return status, out.splitlines()


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n \n"])
def test_findings_carry_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], end: bytes
) -> None:
    path = write(tmp_path, GOOD, b"", b" \t\r", BAD, SLIP, GOOD, BROKEN, end=end)
    status, lines = run(capsys, "--format", "concise", "--verbose", path)
    assert status == 3
    assert lines[0].startswith(f"{path}:4:31: error[schema/enum]")
    assert lines[1].startswith(f"{path}:5:22: warning[payload/")
    assert lines[2].startswith(f"{path}:7:{len(BROKEN)}: error[json/syntax]")
    assert lines[3:] == [f"{path}: errors in 2 of 5 payloads, 1 unreadable"]


def test_statuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for lines, status, tally in (
        ((GOOD, SLIP), 0, "ok (2 payloads)"),
        ((), 0, "ok (0 payloads)"),
        ((GOOD,), 0, "ok (1 payload)"),
        ((BAD, GOOD), 1, "errors in 1 of 2 payloads"),
    ):
        path = write(tmp_path, *lines, name="log.jsonl")
        got, reported = run(capsys, "--verbose", path)
        assert (got, reported[-1]) == (status, f"{path}: {tally}")


def test_a_missing_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "none.ndjson")
    assert main(["check", path]) == 3
    assert capsys.readouterr().err == (
        f"talonschema: error: {path}: can't be read: No such file or directory\n"
    )


def test_folders_hold_them_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write(tmp_path, GOOD, name="a.jsonl"), write(tmp_path, GOOD, name="b.ndjson")
    assert run(capsys, "--verbose", str(tmp_path))[1] == [
        f"{first}: ok (1 payload)",
        f"{second}: ok (1 payload)",
    ]


def test_json_has_a_result_for_each_line_with_findings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, GOOD, BAD, SLIP)
    other = write(tmp_path, GOOD, name="other.json")
    status, lines = run(capsys, "--format", "json", path, other)
    document: dict[str, Any] = json.loads("\n".join(lines))
    assert status == 1
    assert document["ok"] is False
    assert document["files"][0] == {
        "path": path,
        "results": [
            {"line": 2, **check(BAD).located(BAD, line=2).to_dict(skipped=True)},
            {"line": 3, **check(SLIP).located(SLIP, line=3).to_dict(skipped=True)},
        ],
        "payloads": 3,
        "ok": False,
    }
    assert document["files"][1]["ok"] is True


@pytest.mark.parametrize("form", ["text", "concise", "json"])
def test_processes_report_the_same_in_the_same_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(ndjson, "_CHUNK", 200)
    monkeypatch.setattr(ndjson, "_STRETCH", 300)
    lines = [(GOOD, BAD, SLIP, b"", BROKEN)[number * 7 % 5] for number in range(300)]
    path = write(tmp_path, *lines)
    alone = run(capsys, "--format", form, path)
    assert alone[0] == 3
    assert run(capsys, "--format", form, "--jobs", "3", path) == alone


@pytest.mark.parametrize("size", range(1, 40))
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_workers_read_what_one_process_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, end: str
) -> None:
    monkeypatch.setattr(ndjson, "_CHUNK", size)
    monkeypatch.setattr(ndjson, "_STRETCH", size)
    path = tmp_path / "log.ndjson"
    path.write_bytes(("\n".join(["a" * (number * 5 % 13) for number in range(9)]) + end).encode())
    with path.open("rb") as file:
        chunks = list(ndjson._chunks(file))  # noqa: SLF001 - the cuts show nowhere else
    with path.open("rb") as file:
        about = list(ndjson._stretches(file, str(path)))  # noqa: SLF001 - as above
    assert [path.read_bytes()[each.start : each.start + each.size] for each in about] == chunks


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="there is no /proc")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_file_that_has_no_size_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], jobs: str
) -> None:
    path = tmp_path / "log.ndjson"
    path.symlink_to("/proc/version")
    status, lines = run(capsys, "--jobs", jobs, "--format", "concise", str(path))
    assert status == 3
    assert lines[0].startswith(f"{path}:1:1: error[json/syntax]")


def test_a_file_that_goes_away_from_under_the_processes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = ndjson.Stretch(str(tmp_path / "gone"), 0, 10)
    monkeypatch.setattr(ndjson, "_stretches", lambda *_: iter([gone]))
    path = write(tmp_path, GOOD)
    assert main(["check", "--jobs", "2", path]) == 3
    reported = f"talonschema: error: {path}: can't be read: No such file or directory\n"
    assert capsys.readouterr() == ("", reported)


def test_options_reach_the_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, BAD, SLIP)
    options = ["--jobs", "2", "--ignore", "schema", "--severity", "payload=error"]
    status, lines = run(capsys, *options, "--format", "concise", path)
    assert status == 1
    assert [line.split(" ")[1] for line in lines] == ["error[payload/unknown-property]"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_line_that_is_too_large_is_reported_and_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], jobs: str
) -> None:
    path = write(tmp_path, GOOD, b'"' + b"x" * (2 * MAX_BYTES + 10) + b'"', BAD)
    status, lines = run(capsys, "--format", "concise", "--verbose", "--jobs", jobs, path)
    assert [line.partition("] ")[0] for line in lines] == [
        f"{path}:2: error[json/too-large",
        f"{path}:3:31: error[schema/enum",
        f"{path}: errors in 2 of 3 payloads, 1 unreadable",
    ]
    assert status == 3


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5", ""])
def test_jobs_are_a_number(capsys: pytest.CaptureFixture[str], jobs: str) -> None:
    assert main(["check", f"--jobs={jobs}", "x.ndjson"]) == 2
    assert "is not a number of processes of at least 1" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_it(tmp_path: Path) -> None:
    path = write(tmp_path, *[BAD] * 20_000)
    with subprocess.Popen(
        [sys.executable, "-m", "talonschema", "check", "--verbose", "--jobs", "2", path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert b"schema/enum" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr.read() == b""


@pytest.mark.slow
def test_no_thread_of_the_pool_is_left_behind() -> None:
    # At exit, concurrent.futures would wake it through a pipe that it may just be closing.
    from concurrent.futures import process

    line = b'{"state": "opn"}\n'
    batch = Batch(io.BytesIO(line * 4_000), None, maker, 2)
    assert sum(1 for _ in batch) == 4_000
    waking = process._threads_wakeups  # noqa: SLF001 - the list of threads has no public name
    assert dict(waking) == {}
    stopped = iter(Batch(io.BytesIO(line * 40_000), None, maker, 2))
    assert isinstance(stopped, Generator)
    next(stopped)
    stopped.close()
    assert dict(waking) == {}


def maker() -> Callable[[bytes], tuple[int, tuple[Report]]]:
    return one_payload


def one_payload(line: bytes) -> tuple[int, tuple[Report]]:
    return 1, (talonschema.check(line),)
