"""What can be given as a file: patterns, folders, standard input under a name."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from talonschema.cli import main
from talonschema.paths import STDIN, paths

CLEAN = '{"customerSession": {"profileId": "a"}}'
BAD = '{"customerSession": {"profileId": 1}}'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(*names: str, content: str = CLEAN) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content, "utf-8")


def names(*arguments: str) -> list[str]:
    return [each.name for each in paths(list(arguments)) if not each.error]


def errors(*arguments: str) -> list[tuple[str, str]]:
    return [(each.name, each.error) for each in paths(list(arguments)) if each.error]


def test_patterns() -> None:
    write("f/a.json", "f/b/c.json", "f/b/d/e.json", "f/b/x.txt", "g.json")
    assert names("f/**/*.json") == ["f/a.json", "f/b/c.json", "f/b/d/e.json"]
    assert names("f/*.json") == ["f/a.json"]
    assert names("f/[ab].json", "?.json") == ["f/a.json", "g.json"]
    assert names("*/b") == ["f/b/c.json", "f/b/d/e.json"]
    assert names("f/**") == ["f/a.json", "f/b/c.json", "f/b/d/e.json", "f/b/x.txt"]


def test_a_pattern_that_matches_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert errors("fixtures/**/*.json") == [("fixtures/**/*.json", "no file matches this pattern")]
    assert main(["check", "fixtures/*.json"]) == 3
    expected = "talonschema: error: fixtures/*.json: no file matches this pattern\n"
    assert capsys.readouterr() == ("", expected)


def test_a_file_whose_name_looks_like_a_pattern() -> None:
    write("a[1].json", "a1.json")
    assert names("a[1].json") == ["a[1].json"]


def test_folders() -> None:
    write("d/b.json", "d/a/c.yaml", "d/a/d.yml", "d/e.ndjson", "d/f.jsonl", "d/g.txt")
    write("d/.git/x.json", "d/.x.json")
    assert names("d") == ["d/a/c.yaml", "d/a/d.yml", "d/b.json", "d/e.ndjson", "d/f.jsonl"]


def test_folders_with_what_is_no_file() -> None:
    write("d/a.json", "d/b.json/c.txt")
    os.mkfifo("d/pipe.json")
    Path("d/broken.json").symlink_to("none")
    assert names("d") == ["d/a.json", "d/broken.json"]


def test_an_empty_folder() -> None:
    write("d/notes.txt")
    ((name, error),) = errors("d")
    assert name == "d"
    assert error.startswith("no files to check (*.json, *.ndjson,")


def test_standard_input_stays_as_it_is() -> None:
    assert names(STDIN) == ["-"]


def given(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content.encode())))


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("carts/a.json", BAD, "carts/a.json:1:35:"),
        ("a.ndjson", f"{CLEAN}\n{BAD}\n", "a.ndjson:2:35:"),
        ("a.yaml", f"{CLEAN}\n---\n{BAD}\n", "a.yaml:3:35:"),
    ],
)
def test_standard_input_under_a_name(
    name: str,
    content: str,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given(content, monkeypatch)
    arguments = ["check", "-", "--stdin-filename", name]
    assert main([*arguments, "--format", "concise"]) == 1
    assert capsys.readouterr().out.startswith(where)
    given(content, monkeypatch)
    assert main([*arguments, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["files"][0]["path"] == name


def test_settings_of_files_hold_for_the_name_of_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(
        "talonschema.toml",
        content="""
[[files]]
glob = "returns/*.json"
operation = "return"
[[files]]
glob = "old/*"
ignore = ["schema/type"]
reason = "kept as they were recorded"
""",
    )
    given(BAD, monkeypatch)
    assert main(["check", "-", "--stdin-filename", "old/a.json"]) == 0
    given("{}", monkeypatch)
    assert main(["check", "-", "--stdin-filename", "returns/a.json"]) == 1
    assert '"return" is required and missing' in capsys.readouterr().out
    given(BAD, monkeypatch)
    assert main(["check", "-"]) == 1


def test_lines_take_the_settings_of_their_file(capsys: pytest.CaptureFixture[str]) -> None:
    write("talonschema.toml", content='[[files]]\nglob = "*.jsonl"\noperation = "return"\n')
    write("a.jsonl", content="{}\n")
    write("b.ndjson", content="{}\n")
    assert main(["check", "--jobs", "2", "a.jsonl", "b.ndjson"]) == 1
    out = capsys.readouterr().out
    assert '"return" is required and missing' in out
    assert "b.ndjson" not in out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["a.json", "--stdin-filename", "b.json"], "give - as a file, too"),
        (["a.json", "--session-key", "/a"], "--session-key is for --sequence"),
        (
            ["a.json", "--sequence", "--session-key", "a"],
            "a JSON Pointer, which begins with a slash",
        ),
        (["a.json", "--sequence", "--jobs", "2"], "leave --jobs out"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.json")
    assert main(["check", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert told in err
