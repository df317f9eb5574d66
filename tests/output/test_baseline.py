"""The baseline: what is known is silenced, and only that."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from talonschema.output.fingerprint import fingerprint

Run = Callable[..., tuple[int, str, str]]

KNOWN = ("--baseline", "known.json")
WRITE = (*KNOWN, "--write-baseline")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, content: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(content, "utf-8")
    return name


def entries(name: str = "known.json") -> list[dict[str, object]]:
    data = json.loads(Path(name).read_text("utf-8"))
    assert data["version"] == 1
    found: list[dict[str, object]] = data["findings"]
    return found


def test_only_what_is_new_is_reported(run: Run) -> None:
    write("a.json", '{"state": "opn", "x": 1}')
    write("b.json", '{"state": "opn"}')
    status, out, err = run("check", "a.json", "b.json", *WRITE)
    assert (status, out) == (0, "")
    assert err.splitlines() == [
        "talonschema: note: known.json: 3 findings written",
        "talonschema: note: 3 findings silenced",
    ]
    assert run("check", ".", *KNOWN) == (0, "", "talonschema: note: 3 findings silenced\n")
    write("a.json", '{"new": 1,\n\n"state": "opn", "x": 1, "profileId": 7}')
    status, out, _ = run("check", "a.json", "b.json", *KNOWN, "--format", "concise")
    assert status == 1
    assert [line.partition(":")[0] for line in out.splitlines()] == ["a.json", "a.json"]
    assert "/new:" in out
    assert "/profileId:" in out


def test_the_file_is_sorted_and_stable(run: Run) -> None:
    write("sub/b ä.json", '{"state": "opn", "profileId": 7}')
    write("a.json", '{"state": "open", "z": 1, "b": 1}')
    run("check", "sub", "a.json", *WRITE)
    first = Path("known.json").read_bytes()
    run("check", "a.json", "sub/b ä.json", *WRITE)
    assert Path("known.json").read_bytes() == first
    digest = fingerprint("payload/unknown-property", "a.json", "/b", "")
    assert first.decode().splitlines()[3] == (
        f'    {{"fingerprint": "{digest}", "count": 1, "file": "a.json",'
        ' "code": "payload/unknown-property", "pointer": "/b"},'
    )
    assert [(each["file"], each["pointer"]) for each in entries()] == [
        ("a.json", "/b"),
        ("a.json", "/z"),
        ("sub/b%20%C3%A4.json", "/state"),
        ("sub/b%20%C3%A4.json", "/profileId"),
    ]
    run("check", "none.json", *WRITE)
    assert entries() == []


def test_fingerprints_are_those_of_sarif(run: Run) -> None:
    write("a b.json", '{"state": "opn"}')
    write("log.ndjson", '{"state": "opn"}\n{"state": "opn"}\n')
    run("check", ".", *WRITE)
    _, out, _ = run("check", "a b.json", "log.ndjson", "--format", "sarif")
    marks = [
        each["partialFingerprints"]["primaryLocationLineHash"].partition(":")[0]
        for each in json.loads(out)["runs"][0]["results"]
    ]
    assert sorted(marks) == sorted(
        str(each["fingerprint"]) for each in entries() for _ in range(int(str(each["count"])))
    )


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_lines_that_are_alike_are_counted(run: Run, jobs: str) -> None:
    write("log.ndjson", '{"state": "opn"}\n' * 3)
    run("check", "log.ndjson", *WRITE, "--jobs", jobs)
    assert [each["count"] for each in entries()] == [3]
    write("log.ndjson", '{"state": "opn"}\n' * 5)
    status, out, err = run("check", "log.ndjson", *KNOWN, "--jobs", jobs, "--format", "concise")
    assert (status, err) == (1, "talonschema: note: 3 findings silenced\n")
    assert [line.split(":")[1] for line in out.splitlines()] == ["4", "5"]


def test_what_is_gone_is_noted_of_files_that_were_checked(run: Run) -> None:
    write("a.json", '{"state": "opn"}')
    write("b.json", '{"state": "opn"}')
    run("check", ".", *WRITE)
    gone = "talonschema: note: known.json: %s; update it with --write-baseline\n"
    write("a.json", "{}")
    assert run("check", "b.json", *KNOWN)[2] == "talonschema: note: 1 finding silenced\n"
    assert run("check", "a.json", *KNOWN) == (0, "", gone % "1 finding no longer exists")
    assert run("check", "a.json", *KNOWN, "--select", "cart") == (0, "", "")
    Path("b.json").unlink()
    assert run("check", "a.json", *KNOWN) == (0, "", gone % "2 findings no longer exist")
    write("a.json", '{"state": ')
    Path("b.json").touch()
    assert "gone" not in run("check", "a.json", *KNOWN)[2]


def test_paths_count_from_the_root_of_the_repository(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    write("sub/a.json", '{"state": "opn"}')
    write("talonschema.toml", 'baseline = "known.json"\n')
    run("check", "sub", "--write-baseline")
    monkeypatch.chdir("sub")
    assert run("check", "a.json") == (0, "", "talonschema: note: 1 finding silenced\n")
    assert run("check", "a.json", "--no-config")[0] == 1


def test_what_has_a_reason_is_not_written(run: Run) -> None:
    table = '[[files]]\nglob = "*"\nignore = ["schema/type"]\nreason = "so"\n'
    write("talonschema.toml", table)
    write("a.yaml", "state: opn # talonschema: ignore schema so\nprofileId: 7\nx: 1\n")
    run("check", "a.yaml", *WRITE)
    assert [each["pointer"] for each in entries()] == ["/x"]


def test_all_findings_are_written_whatever_is_shown(run: Run) -> None:
    write("a.json", json.dumps(dict.fromkeys(map(str, range(250)), 1) | {"state": "open"}))
    run("check", "a.json", *WRITE, "--max-findings", "3")
    assert len(entries()) == 250
    assert run("check", "a.json", *KNOWN, "--max-findings", "3")[1] == ""


def test_texts_that_cannot_be_read_are_never_known(run: Run) -> None:
    write("a.json", '{"state": ')
    assert run("check", "a.json", *WRITE)[0] == 3
    assert entries() == []


def test_an_interrupted_check_leaves_the_file(run: Run) -> None:
    write("known.json", '{"version": 1, "findings": []}')
    write("talonschema.toml", '[[files]]\nglob = "b.json"\npolicy = "none.toml"\n')
    write("b.json", "{}")
    before = Path("known.json").read_bytes()
    status, _, _ = run("check", write("a.json", "{}"), "b.json", *WRITE)
    assert status == 2
    assert Path("known.json").read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == [
        "a.json",
        "b.json",
        "known.json",
        "talonschema.toml",
    ]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "there is no baseline known.json: create it with --write-baseline"),
        ("[", "the baseline known.json can't be read: it is not JSON"),
        ("[]", "known.json is not a baseline of version 1"),
        ('{"version": 2, "findings": []}', "known.json is not a baseline of version 1"),
        ('{"version": 1}', "the baseline known.json has an invalid entry"),
        ('{"version": 1, "findings": [{"fingerprint": "a"}]}', "has an invalid entry"),
        ('{"version": 1, "findings": [{"fingerprint": 1, "count": 1}]}', "has an invalid entry"),
        (
            '{"version": 1, "findings": [{"fingerprint": "1", "count": true}]}',
            "has an invalid entry",
        ),
        ('{"version": 1, "findings": [[]]}', "has an invalid entry"),
    ],
)
def test_faulty_files_are_refused(run: Run, content: str | None, fault: str) -> None:
    if content is not None:
        write("known.json", content)
    status, out, err = run("check", write("a.json", "{}"), *KNOWN)
    assert (status, out) == (2, "")
    assert fault in err
    assert len(err.splitlines()) == 1


def test_options_that_make_no_sense_are_refused(run: Run) -> None:
    write("a.json", "{}")
    status, _, err = run("check", "a.json", "--write-baseline")
    assert status == 2
    assert "--write-baseline requires a file: name it with --baseline" in err
    assert run("check", "a.json", *WRITE, "--output-file", "known.json")[0] == 2
    command = [sys.executable, "-m", "talonschema", "check", "a.json", "--write-baseline"]
    done = subprocess.run(
        [*command, "--baseline", "a.json/b.json"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == ("talonschema: error: a.json/b.json: can't be written: Not a directory\n")
