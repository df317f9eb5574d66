"""What can be given as a file: patterns, folders, standard input under a name."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from talonschema.cli import main
from talonschema.files.paths import STDIN, paths

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


def set_stdin(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
    set_stdin(content, monkeypatch)
    arguments = ["check", "-", "--stdin-filename", name]
    assert main([*arguments, "--format", "concise"]) == 1
    assert capsys.readouterr().out.startswith(where)
    set_stdin(content, monkeypatch)
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
    set_stdin(BAD, monkeypatch)
    assert main(["check", "-", "--stdin-filename", "old/a.json"]) == 0
    set_stdin("{}", monkeypatch)
    assert main(["check", "-", "--stdin-filename", "returns/a.json"]) == 1
    assert '"return" is required but missing' in capsys.readouterr().out
    set_stdin(BAD, monkeypatch)
    assert main(["check", "-"]) == 1


def test_lines_take_the_settings_of_their_file(capsys: pytest.CaptureFixture[str]) -> None:
    write("talonschema.toml", content='[[files]]\nglob = "*.jsonl"\noperation = "return"\n')
    write("a.jsonl", content="{}\n")
    write("b.ndjson", content="{}\n")
    assert main(["check", "--jobs", "2", "a.jsonl", "b.ndjson"]) == 1
    out = capsys.readouterr().out
    assert '"return" is required but missing' in out
    assert "b.ndjson" not in out


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["a.json", "--stdin-filename", "b.json"], "pass - as a file"),
        (["a.json", "--session-key", "/a"], "--session-key requires --sequence"),
        (
            ["a.json", "--sequence", "--session-key", "a"],
            "a JSON Pointer, which begins with a slash",
        ),
        (["a.json", "--sequence", "--jobs", "2"], "can't be combined with --jobs"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], reported: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write("a.json")
    assert main(["check", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert reported in err


# What must not be followed or read.


@pytest.mark.parametrize(
    "pattern", ["**/*.json", "fx/**/*.json", "./**/a.json", "**", "fx/**", "fx", "*/**/*.json"]
)
def test_links_in_circles_are_not_followed(pattern: str, folder: Path) -> None:
    write("fx/a.json", "fx/deep/er/b.json", "fx/.hidden/c.json")
    for name in ("self", "up", "fx/deep/er/top"):
        Path(name).symlink_to(folder, target_is_directory=True)
    Path("fx/self").symlink_to(".", target_is_directory=True)
    found = [Path(each) for each in names(pattern)]
    assert {each.resolve() for each in found} == {
        (folder / each).resolve()
        for each in (["fx/a.json"] if "a.json" in pattern else ["fx/a.json", "fx/deep/er/b.json"])
    }
    assert len(found) == len({each.resolve() for each in found})


def test_packages_that_link_each_other(folder: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        write(f"packages/{one}/session.json")
        modules = Path(f"packages/{one}/node_modules")
        modules.mkdir()
        (modules / other).symlink_to(folder / "packages" / other, target_is_directory=True)
    assert names("packages/**/*.json") == ["packages/a/session.json", "packages/b/session.json"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
@pytest.mark.parametrize("pattern", ["*.json", "**/*.json", "."])
def test_a_pipe_is_no_file_of_a_pattern(pattern: str) -> None:
    write("a.json")
    os.mkfifo("p.json")
    assert [os.path.normpath(each) for each in names(pattern)] == ["a.json"]
    assert errors("p*.json") == [("p*.json", "no file matches this pattern")]
    assert names("p.json") == ["p.json"]


def test_a_link_to_nothing_is_reported() -> None:
    Path("gone.json").symlink_to("nowhere")
    assert names("*.json") == ["gone.json"]


def test_several_stars_in_one_pattern() -> None:
    write("a/x/b/y/c.json", "a/b/c.json", "b/c.json", "c.json")
    assert names("**/b/**/c.json") == ["a/b/c.json", "a/x/b/y/c.json", "b/c.json"]


# Endings in capitals.


@pytest.mark.parametrize("arguments", [["."], ["*"], ["A.YAML", "b.NdJson", "D.JSON", "e.Yml"]])
def test_endings_in_capitals(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("A.YAML", "e.Yml"):
        write(name, content="state: opn\n")
    write("b.NdJson", content='{"state": "opn"}\n{"state": "opn"}\n')
    write("D.JSON", content='{"state": "opn"}')
    assert main(["check", "--format", "concise", *arguments]) == 1
    assert capsys.readouterr().out.count("error[schema/enum]") == 5


def test_endings_in_capitals_of_what_belongs_to_a_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("P.JSON", content='{"coupon_budget": true}')
    write("C.JSON", content='{"attributes": {"CustomerSession": {}}}')
    write("BEFORE.JSON", content='{"state": "closed"}')
    write("a.JSON", content='{"attributes": {"a": 1}, "state": "open"}')
    write("calls.NDJSON", content='{"state": "closed"}\n{"state": "open"}\n')
    more = ["--policy", "P.JSON", "--catalog", "C.JSON", "--previous", "BEFORE.JSON"]
    assert main(["check", "--format", "concise", *more, "a.JSON"]) == 1
    out = capsys.readouterr().out
    assert "catalog/unknown-attribute" in out
    assert "lifecycle/state-transition" in out
    assert main(["check", "--format", "concise", "--sequence", "calls.NDJSON"]) == 1
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"state: opn\n")))
    assert main(["check", "-", "--stdin-filename", "CART.YAML"]) == 1
