"""Globs: the files that each is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talonschema.config.globs import below, matches


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("a.json", "a.json", True),
        ("a.json", "deep/down/a.json", True),
        ("*.json", "deep/a.json", True),
        ("a?.json", "ab.json", True),
        ("a[bc].json", "ac.json", True),
        ("a[!bc].json", "ac.json", False),
        ("*.json", "a.jsonl", False),
        ("*.JSON", "a.json", False),
        ("./a.json", "a.json", True),
        ("./a.json", "deep/a.json", False),
        ("/a.json", "a.json", True),
        ("/a.json", "deep/a.json", False),
        ("deep/*.json", "deep/a.json", True),
        ("deep/*.json", "deep/down/a.json", False),
        ("deep/*.json", "other/deep/a.json", False),
        ("deep//*.json", "deep/a.json", True),
        ("*/a.json", "a.json", False),
        ("*/a.json", "deep/a.json", True),
        ("**/a.json", "a.json", True),
        ("**/a.json", "deep/down/a.json", True),
        ("deep/**", "deep/down/a.json", True),
        ("deep/**", "deeper/a.json", False),
        ("deep/**/a.json", "deep/a.json", True),
        ("deep/**/a.json", "deep/down/under/a.json", True),
        ("**/down/**/*.json", "deep/down/a.json", True),
        ("**/down/**/*.json", "deep/up/a.json", False),
        ("deep/", "deep/a.json", False),
        ("deep/**/up/**/a.json", "deep/up/a.json", True),
        ("deep/*/**", "deep/a.json", True),
        ("other/**", "deep/a.json", False),
        ("**/" * 40 + "*/" * 9 + "a.json", "x/" * 9 + "a.json", True),
        ("**/*/" * 40 + "a.json", "x/" * 40 + "b.json", False),
        (".*", ".hidden.json", True),
        ("*", ".hidden.json", True),
    ],
)
def test_globs(tmp_path: Path, glob: str, path: str, expected: bool) -> None:
    names = below(str(tmp_path / path), str(tmp_path))
    assert names == path.split("/")
    assert matches(glob, names) is expected


def test_files_outside_of_the_folder_are_not_meant(tmp_path: Path) -> None:
    assert below(str(tmp_path.parent / "a.json"), str(tmp_path)) is None
    assert below(str(tmp_path) + "-2/a.json", str(tmp_path)) is None
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert below(str(tmp_path / "link" / "a.json"), str(tmp_path / "real")) == ["a.json"]
    assert below(str(tmp_path / "real" / "a.json"), str(tmp_path / "link")) == ["a.json"]
    assert below(str(tmp_path / "link" / "a.json"), str(tmp_path)) == ["link", "a.json"]


STEPS = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=6)


@given(STEPS, st.data())
def test_any_path_is_matched_by_globs_made_of_it(path: list[str], data: st.DataObject) -> None:
    glob: list[str] = []
    for step in path:
        glob += data.draw(
            st.sampled_from([[step], ["*"], [step[0] + "*"], ["**", step], ["?" * len(step)]])
        )
    start = data.draw(st.integers(0, len(glob)))
    assert matches("/" + "/".join(glob), path)
    assert matches("**/" + "/".join(glob), ["z", *path])
    assert matches("/".join([*glob[:start], "**", *glob[start:]]), path)
    assert not matches("/" + "/".join([*glob, "z"]), path)
