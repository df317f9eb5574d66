"""Settings files: where they are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from talonschema.config.discovery import at, find
from talonschema.reading.toml_reader import TomlError

Run = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("files", "folder", "path"),
    [
        ([], "", None),
        (["talonschema.toml"], "", "talonschema.toml"),
        (["talonschema.toml"], "a/b", "../../talonschema.toml"),
        (["pyproject.toml"], "a", "../pyproject.toml"),
        (["talonschema.toml", "pyproject.toml"], "a", "../talonschema.toml"),
        (["a/pyproject.toml", "talonschema.toml"], "a", "pyproject.toml"),
        (["a/other.toml", "talonschema.toml"], "a/b", "../../talonschema.toml"),
        (["a/b/c/talonschema.toml"], "a/b", None),
    ],
)
def test_the_nearest_settings_are_taken(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    files: list[str],
    folder: str,
    path: str | None,
) -> None:
    tmp_path = Path.cwd()
    for name in files:
        head = "[tool.talonschema]\n" if name.endswith("pyproject.toml") else ""
        write(name, f'{head}naming = "snake"\n')
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / folder)
    found = find()
    assert (found and found.path) == path
    assert found is None or found.top == {"naming": "snake"}


@pytest.mark.parametrize(
    "shared",
    [
        "",
        "[tool.ruff]\n",
        "# talonschema\n",
        'dependencies = ["talonschema"]\n',
        "tool = 'talonschema'\n",
        "[talonschema]\nedition = 1\n",
        "this is no TOML, and says nothing of it\n",
    ],
)
def test_a_pyproject_without_the_table_is_passed_over(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    write("talonschema.toml", "")
    write("a/pyproject.toml", shared)
    monkeypatch.chdir(tmp_path / "a")
    found = find()
    assert found is not None
    assert found.path == "../talonschema.toml"


def test_a_folder_of_that_name_is_passed_over(write: Write, tmp_path: Path) -> None:
    write("pyproject.toml", "[tool.talonschema]\n")
    (tmp_path / "talonschema.toml").mkdir()
    found = find()
    assert found is not None
    assert found.path == "pyproject.toml"


def test_a_file_that_is_named_has_to_have_settings(write: Write) -> None:
    write("pyproject.toml", "[tool.other]\n")
    with pytest.raises(TomlError, match=r"has no table \[tool.talonschema\]"):
        at("pyproject.toml")
    with pytest.raises(TomlError, match="can't be read"):
        at("missing.toml")
    write("any.toml", "dry = true\n")
    assert at("any.toml").top == {"dry": True}


def test_in_a_folder_that_is_gone_there_are_no_settings(
    run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.json", '{"customerSession": {"profileId": 88}}')
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert find() is None
    assert run("config")[0] == 0
    assert run("check", str(path))[0] == 1
