"""What tests of settings share: a folder to write files in, and tables for some of its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]

LAYERS = """\
edition = "2026-06"
ignore = ["cart"]

[[files]]
glob = "a/**"
edition = "2022-06"
dry = true

[[files]]
glob = ["*.txt", "a/b/*.json"]
edition = "2026-06"
naming = "snake"
ignore = ["schema/type",
  "cart"]
reason = "it is so"
"""


@pytest.fixture
def layers() -> str:
    """Return settings with tables that overlap."""
    return LAYERS


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file below the working directory."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: str = "") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write
