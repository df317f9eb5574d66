"""Files that are passed over: by globs, by `.gitignore`, and those that were taken already."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from talonschema.cli import main
from talonschema.files.paths import paths

BAD = '{"state": "opn"}'
RULES = """
node_modules/
*.log.json
!keep.log.json
/top.json
build/**
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(BAD, "utf-8")


def checked_files(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    main(["check", "--format", "concise", *arguments])
    return [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]


def test_git_ignores_the_same_files() -> None:
    names = [
        *("a.json", "b.log.json", "keep.log.json", "top.json", "sub/top.json", "build/x/a.json"),
        *("node_modules/p/a.json", "sub/node_modules/a.json", "sub/own.json", "sub/b.log.json"),
        *("sub/deep/own.json", "sub/deep/c.log.json", "ü/ä.json"),
    ]
    write(*names)
    Path(".gitignore").write_text(RULES, "utf-8")
    Path("sub/.gitignore").write_text("/own.json\n!b.log.json\n", "utf-8")
    subprocess.run(["git", "init", "-q"], check=True)
    listing = ["git", "ls-files", "-z", "--others", "--exclude-standard", "--", "*.json"]
    listed = subprocess.run(listing, check=True, capture_output=True).stdout.decode().split("\0")
    kept = sorted(filter(None, listed))
    assert "sub/b.log.json" in kept
    assert "sub/own.json" not in kept
    assert sorted(each.name.removeprefix("./") for each in paths(["."])) == kept
    below = [name for name in kept if name.startswith("sub/")]
    assert sorted(each.name for each in paths(["sub"])) == below


def test_what_is_named_is_checked_although_git_ignores_it() -> None:
    write("node_modules/p/a.json", "top.json")
    Path(".gitignore").write_text(RULES, "utf-8")
    Path(".git").mkdir()
    named = ["node_modules", "top.json", "*/p/*.json"]
    assert [each.name for each in paths(named)] == ["node_modules/p/a.json", "top.json"]


def test_without_a_repository_only_rules_below_the_folder_hold() -> None:
    write("a/x.json", "a/y.json")
    Path(".gitignore").write_text("x.json\n", "utf-8")
    Path("a/.gitignore").write_text("y.json\n", "utf-8")
    assert [each.name for each in paths(["a"])] == ["a/x.json"]


def test_globs_exclude_files_and_folders(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.json", "b.json", "old/c.json", "x/old/d.json", "x/e.json")
    every = ["a.json", "b.json", "old", "x/*/d.json", "x/e.json"]
    assert checked_files(capsys, *every, "--exclude", "old") == ["a.json", "b.json", "x/e.json"]
    assert checked_files(capsys, *every, "--exclude", "/old", "--exclude", "[ab].json") == [
        "x/old/d.json",
        "x/e.json",
    ]
    assert checked_files(capsys, ".", "--exclude", "x/**") == [
        "./a.json",
        "./b.json",
        "./old/c.json",
    ]


def test_settings_exclude_from_their_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.json", "x/old/d.json", "x/e.json")
    Path("talonschema.toml").write_text('exclude = ["x/old", "a.json"]\n', "utf-8")
    assert checked_files(capsys, ".", "a.json") == ["./x/e.json"]
    monkeypatch.chdir("x")
    assert checked_files(capsys, ".", "old/d.json") == ["./e.json"]
    assert checked_files(capsys, ".", "--exclude", "e.json", "--no-config") == ["./old/d.json"]


def test_a_glob_that_can_match_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--exclude", "../a.json", "."]) == 2
    assert "--exclude is '../a.json'; globs can't match files" in capsys.readouterr().err


def test_a_file_is_checked_once(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.json", "x/b.json")
    assert checked_files(
        capsys, "a.json", "./a.json", "x/../a.json", "*.json", "x", "x/b.json"
    ) == [
        "a.json",
        "x/b.json",
    ]


def test_a_file_counts_twice_in_a_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.json").write_text('{"state": "closed"}', "utf-8")
    assert main(["check", "--sequence", "a.json", "a.json"]) == 1
    assert "lifecycle/repeated-state" in capsys.readouterr().out


def test_json_with_comments_is_passed_over_with_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    write("a.json", "b.jsonc", "c.JSON5", ".d.jsonc")
    assert main(["check", "."]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "talonschema: note: ./b.jsonc: skipped: JSON with comments is not supported",
        "talonschema: note: ./c.JSON5: skipped: JSON with comments is not supported",
    ]
