"""Completions: what each shell offers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from talonschema.checking.registry import CODES
from talonschema.cli import COMMANDS, main
from talonschema.output import FORMATS
from talonschema.schemas import models

BASH = """
source "$1"
COMP_WORDS=(${2})
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_shtab_talonschema
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def script(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a file with the completions for the shell that the parameter names."""
    path = tmp_path / "completions"
    with path.open("w", encoding="utf-8") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", file)
        assert main(["completion", request.param]) == 0
    return path


def output(*command: str) -> set[str]:
    """Return the first word of each line that a shell prints, which must not complain."""
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return {line.split()[0] for line in done.stdout.splitlines() if line}


WORDS = [
    ("talonschema che", {"check"}),
    ("talonschema explain cart/quantity-s", {"cart/quantity-sum"}),
    ("talonschema check --format s", {"sarif"}),
    ("talonschema completion ba", {"bash"}),
    ("talonschema schema ReturnI", {"ReturnIntegrationRequest"}),
    ("talonschema catalog b", {"build"}),
]


@pytest.mark.parametrize(("words", "offered"), WORDS)
@pytest.mark.parametrize("script", ["bash"], indirect=True)
def test_bash(script: Path, words: str, offered: set[str]) -> None:
    assert output("bash", "-c", BASH, "bash", str(script), words) == offered


@pytest.mark.parametrize(("words", "offered"), WORDS)
@pytest.mark.parametrize("script", ["fish"], indirect=True)
def test_fish(script: Path, words: str, offered: set[str]) -> None:
    assert output("fish", "-c", f"source {script}; complete -C '{words}'") == offered


@pytest.mark.parametrize("script", ["zsh"], indirect=True)
def test_zsh_takes_the_script(script: Path) -> None:
    command = 'autoload -Uz compinit; compinit -u -D; eval "$(<$1)"; echo ${_comps[talonschema]}'
    assert output("zsh", "-fc", command, "zsh", str(script)) == {"_shtab_talonschema"}


@pytest.mark.parametrize("script", ["bash", "fish", "zsh"], indirect=True)
def test_everything_is_named(script: Path) -> None:
    text = script.read_text("utf-8")
    for name in (*COMMANDS, *CODES, *FORMATS, *models("2026-06")):
        assert name in text
