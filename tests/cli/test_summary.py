"""The summary that ends the output on a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from support.pages import ROOT, blocks

COMMAND = (sys.executable, "-c", "import sys; from talonschema.cli import main; sys.exit(main())")


def terminal_output(folder: Path, *arguments: str, **environment: str) -> str:
    """Return what a check shows on a terminal."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PRE_COMMIT", "FORCE_COLOR", "NO_COLOR"}
    }
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "check", "--color", "never", *arguments],
        cwd=folder,
        env=kept | environment,
        stdout=follower,
        stderr=follower,
    ):
        os.close(follower)
        parts = []
        while True:
            try:
                part = os.read(leader, 1 << 16)
            except OSError:  # as Linux ends it
                break
            if not part:
                break
            parts.append(part)
    os.close(leader)
    return b"".join(parts).decode().replace("\r\n", "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.json").write_text('{"state": "opn", "x": 1}', "utf-8")
    (tmp_path / "b.json").write_text('{"state": "open"}', "utf-8")
    (tmp_path / "package.json").write_text('{"dependencies": {}}', "utf-8")
    return tmp_path


def test_a_terminal_gets_a_summary(folder: Path) -> None:
    assert terminal_output(folder, "b.json") == "no findings in 1 file\n"
    out = terminal_output(folder, "a.json", "b.json", "--format", "concise")
    assert out.endswith("\n\n1 error and 1 warning in 1 of 2 files\n")
    out = terminal_output(folder, "a.json", "b.json", "none.json", "--max-findings", "1")
    assert out.endswith("\n\n1 error in 1 of 3 files; 1 more not shown; 1 file unreadable\n")


def test_the_page_shows_a_summary() -> None:
    (block,) = (each for each in blocks(ROOT / "docs" / "cli.md") if each.language == "text")
    bad = ("examples/bad/duplicate-keys.json", "examples/bad/returns-nothing.json")
    assert terminal_output(ROOT, *bad, "examples/good").endswith(f"\n\n{block.text}")


def test_the_summary_counts_what_is_passed_over(folder: Path) -> None:
    assert terminal_output(folder, "package.json", "b.json", "--skip-unrecognised") == (
        "no findings in 1 file; 1 unrecognised document skipped\n"
    )


def test_programs_and_hooks_get_none(folder: Path) -> None:
    assert terminal_output(folder, "b.json", "--format", "github") == ""
    assert terminal_output(folder, "b.json", "--output-file", "out.txt") == ""
    assert (folder / "out.txt").read_text("utf-8") == ""
    assert terminal_output(folder, "b.json", PRE_COMMIT="1") == ""
    assert terminal_output(folder, "b.json", "--statistics") == "no findings in 1 file\n"
