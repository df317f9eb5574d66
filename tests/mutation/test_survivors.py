"""The list of survivors names code that is there."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

import talonschema

SURVIVORS: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("survivors.toml").read_text("utf-8")
)["survivors"]


@pytest.mark.parametrize("entry", SURVIVORS, ids=lambda entry: entry["reason"][:40])
def test_each_survivor_is_a_change_of_a_line_that_is_there(entry: dict[str, Any]) -> None:
    assert entry.keys() == {"module", "reason", "changes"}
    assert entry["reason"].endswith(".")
    source = (Path(talonschema.__file__).parent / entry["module"]).read_text("utf-8")
    text = " ".join(line.strip() for line in source.splitlines())
    for change in entry["changes"]:
        old, arrow, new = change.partition(" -> ")
        assert arrow
        assert old != new
        assert old in text
