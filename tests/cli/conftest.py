"""What tests of the command share: a working directory to write files in."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.cli import Write


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the working directory and returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes, name: str = "a.json") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write
