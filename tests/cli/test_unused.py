"""Notes on settings that have no effect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

ENTRY = '[[files]]\nglob = "%s"\nignore = [%s]\nreason = "so"\n'


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("shop/a.json", '{"state": "opn"}')
    write("shop/old/b.json", "{}")


def write(name: str, content: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(content, "utf-8")
    return name


def notes(run: Run, *arguments: str) -> list[str]:
    """Return the notes of a check, but for counts."""
    _, _, err = run("check", *arguments)
    lines = [line.removeprefix("talonschema: note: ") for line in err.splitlines()]
    return [line for line in lines if not line.endswith(" silenced")]


# Globs


@pytest.mark.parametrize(
    ("glob", "arguments", "noted"),
    [
        ("shop/*.json", ["."], False),
        ("none.json", ["."], True),
        ("none/**", ["."], True),
        ("shop/none*.json", ["."], True),
        ("shop/none*.json", ["shop"], True),
        ("shop/none*.json", ["shop/old"], False),
        ("shop/none*.json", ["shop/a.json"], False),
        ("none.json", ["shop"], False),
        ("shop/*/none.json", ["shop/old"], False),
        # Of what a folder is not searched for, nothing is known.
        ("*.txt", ["."], False),
        (".github/*.json", ["."], False),
        ("none.*", ["."], True),
    ],
)
def test_a_glob_that_no_file_matches_is_noted(
    run: Run, glob: str, arguments: list[str], *, noted: bool
) -> None:
    write("talonschema.toml", f'[[files]]\nglob = ["{glob}"]\ndry = true\n')
    text = f"talonschema.toml:2: glob {glob}: matches none of the checked files"
    assert notes(run, *arguments) == [text] * noted


@pytest.mark.parametrize(
    ("glob", "noted"),
    [("old", False), ("shop/old", False), ("a.json", False), ("none", True), ("old/b.json", True)],
)
def test_a_glob_that_excludes_nothing_is_noted(run: Run, glob: str, *, noted: bool) -> None:
    text = f"exclude {glob}: there is no such file or folder"
    assert notes(run, ".", "--exclude", glob) == [f"--{text}"] * noted
    assert notes(run, "shop/a.json", "--exclude", glob) == []
    write("talonschema.toml", f'exclude = "{glob}"\n')
    assert notes(run, ".") == [f"talonschema.toml:1: {text}"] * noted


def test_each_glob_of_several_is_noted(run: Run) -> None:
    write("talonschema.toml", 'exclude = [\n"old",\n"none",\n"shop/old"]\n')
    assert notes(run, ".") == ["talonschema.toml:3: exclude none: there is no such file or folder"]


def test_what_git_ignores_counts_as_excluded(run: Run) -> None:
    Path(".git").mkdir()
    write(".gitignore", "old\n")
    assert notes(run, ".", "--exclude", "old") == []


# Entries


def test_an_entry_that_silences_nothing_is_noted(run: Run) -> None:
    write("talonschema.toml", ENTRY % ("shop/**", '"schema/enum",\n"cart"'))
    assert notes(run, ".") == ["talonschema.toml:4: ignore cart silences nothing"]
    # Other files may have what it is for.
    assert notes(run, "shop/a.json") == []
    assert notes(run, "shop/old") == []
    # What is not looked for is not found.
    assert notes(run, ".", "--select", "schema") == []
    assert notes(run, ".", "--ignore", "cart") == []


def test_an_entry_for_files_that_were_not_read_is_not_noted(run: Run) -> None:
    write("talonschema.toml", ENTRY % ("shop/**", '"cart"'))
    write("shop/a.json", '{"state": ')
    assert notes(run, ".") == []


def test_an_entry_for_another_place_is_noted(run: Run) -> None:
    table = ENTRY % ("*", '"schema"')
    write("pyproject.toml", f"[tool.talonschema]\n[[tool.talonschema.files]]{table[9:]}")
    assert notes(run, ".") == []
    write("pyproject.toml", Path("pyproject.toml").read_text("utf-8") + 'pointer = "/profileId"\n')
    assert notes(run, ".") == ["pyproject.toml:4: ignore schema silences nothing"]


# Select


@pytest.mark.parametrize(
    ("settings", "options", "noted"),
    [
        ('ignore = ["cart"]', ["--select", "cart/negative-price"], ["cart/negative-price"]),
        ('ignore = ["cart"]', ["--select", "cart,schema"], ["cart"]),
        ('ignore = ["cart/negative-price"]', ["--select", "cart"], []),
        ('ignore = ["schema"]', ["--select", "cart"], []),
        ('select = ["cart"]', ["--ignore", "cart"], ["cart"]),
        ('select = ["cart"]\nignore = ["cart"]', [], ["cart"]),
        ('ignore = ["cart"]', [], []),
    ],
)
def test_a_select_that_settings_undo_is_noted(
    run: Run, settings: str, options: list[str], noted: list[str]
) -> None:
    write("talonschema.toml", f"{settings}\n")
    found = notes(run, "shop/a.json", *options)
    assert [line.split()[2] for line in found] == noted


def test_the_note_names_both_places(run: Run) -> None:
    write("talonschema.toml", 'ignore = ["cart"]\n')
    assert notes(run, "shop/a.json", "--select", "cart") == [
        "select of cart (--select) is overridden by ignore (talonschema.toml:1)"
    ]


def test_notes_change_no_exit_status(run: Run) -> None:
    write("talonschema.toml", 'exclude = "none"\nignore = ["cart"]\n')
    status, out, err = run("check", ".", "--select", "cart", "--fail-on", "warning")
    assert (status, out, len(err.splitlines())) == (0, "", 2)
