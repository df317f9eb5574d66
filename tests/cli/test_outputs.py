"""``--output-file``: files equal what standard output would get, and are whole or as before."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support import goldens
from talonschema.cli import main
from talonschema.files import spool
from talonschema.output import FORMATS

BAD = '{"customerSession": {"profileId": 1}}'
MAIN = [sys.executable, "-m", "talonschema", "check", "--no-config"]


def names(folder: str | Path) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own, whose output may fail."""
    return subprocess.run([*MAIN, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text(BAD, "utf-8")
    return tmp_path


@pytest.mark.parametrize("in_memory", [0, 1 << 20])
@pytest.mark.parametrize("case", goldens.CASES)
def test_files_have_what_standard_output_gets(
    case: str, in_memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", in_memory)
    arguments = goldens.CASES[case]
    with goldens.inputs() as place:
        printed = {name: goldens.output_of_check("--format", name, *arguments) for name in FORMATS}
        (place / "out").mkdir()
        options = [f"--output-file={name}=out/{name}" for name in FORMATS]
        assert goldens.output_of_check(*options, *arguments) == printed["text"]
        for name in FORMATS:
            text = (place / "out" / name).read_text("utf-8")
            assert goldens.drop_versions(text) == printed[name]
        assert names("out") == sorted(FORMATS)


@pytest.mark.parametrize("status", [0, 1, 3])
def test_the_exit_status_is_unchanged(folder: Path, status: int) -> None:
    name = {0: "good.json", 1: "a.json", 3: "none.json"}[status]
    (folder / "good.json").write_text("{}", "utf-8")
    assert main(["check", name]) == status
    assert main(["check", name, "--output-file", "out", "--output-file", "sarif=log"]) == status
    assert (folder / "log").stat().st_size > 0


def test_a_bare_path_takes_the_place_of_standard_output(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "d").mkdir()
    assert main(["check", "a.json", "--format", "concise", "--output-file", "d/=x"]) == 1
    assert capsys.readouterr() == ("", "")
    assert (folder / "d/=x").read_text("utf-8").startswith("a.json:1:35: error[schema/type]")


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        (["jso=x"], "'jso' is not a format (did you mean 'json'?); to write to a file"),
        (["=x"], "'' is not a format (expected one of text, "),
        (["json="], "the path is missing"),
        (["-"], "the path is missing"),
        (["x", "y"], "the output of --format already goes to x"),
        (["json=x", "sarif=./x"], "two outputs can't share a file"),
        (["a.json"], "this file is also an input (./a.json)"),
        (["json=link.json"], "this file is also an input (./a.json)"),
        (["json=hard.txt"], "this file is also an input (./a.json)"),
        (["json=policy.toml"], "this file is also an input (policy.toml)"),
    ],
)
def test_refused(
    folder: Path, options: list[str], reported: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "policy.toml").write_text("coupon_budget = true\n", "utf-8")
    (folder / "link.json").symlink_to("a.json")
    (folder / "hard.txt").hardlink_to("a.json")
    before = names(".")
    flags = [f"--output-file={each}" for each in options]
    arguments = ["check", "--no-config", ".", "--exclude", "link.json", "--policy", "policy.toml"]
    assert main([*arguments, *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert reported in err
    assert err.count("\n") == 1
    assert (folder / "a.json").read_text("utf-8") == BAD
    assert names(".") == before


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("folder", "Is a directory"),
        ("a.json/x", "Not a directory"),
        ("x" * 300, "File name too long"),
    ],
)
def test_unwritable(folder: Path, path: str, reason: str) -> None:
    (folder / "folder").mkdir()
    done = run("a.json", "--output-file", f"json={path}")
    expected = f"talonschema: error: {path}: can't be written: {reason}\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", expected)
    assert names(".") == ["a.json", "folder"]


def test_missing_folders_are_made(folder: Path) -> None:
    done = run("a.json", "--output-file", "json=build/reports/a.json")
    assert done.returncode == 1
    assert json.loads((folder / "build/reports/a.json").read_text("utf-8"))["files"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk(folder: Path) -> None:
    assert folder == Path.cwd()
    done = run("a.json", "--output-file", "/dev/full")
    expected = "talonschema: error: /dev/full: can't be written: No space left on device\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", expected)


def test_links_and_modes_stay(folder: Path) -> None:
    target = folder / "report"
    target.write_text("before", "utf-8")
    target.chmod(0o600)
    (folder / "link").symlink_to(target)
    assert main(["check", "a.json", "--output-file", "json=link"]) == 1
    assert (folder / "link").is_symlink()
    assert target.read_text("utf-8").startswith("{")
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no /dev/fd")
def test_a_pipe_is_written_to(folder: Path) -> None:
    command = [*MAIN, "a.json", "--format", "concise", "--output-file", "/dev/stdout"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("a.json:1:35: ")


def test_an_interrupted_check_leaves_the_file_as_it_was(folder: Path) -> None:
    (folder / "a.ndjson").write_text(f"{BAD}\n" * 100_000, "utf-8")
    (folder / "log.json").write_text("before", "utf-8")
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from talonschema.cli import main; sys.exit(main())"
    )
    output = ("--verbose", "--output-file", "json=log.json")
    arguments = ["check", "--no-config", *output, "a.ndjson"]
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert (folder / "log.json").read_text("utf-8") == "before"
    assert names(folder) == ["a.json", "a.ndjson", "log.json"]
