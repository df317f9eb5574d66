"""The changelog has the form of Keep a Changelog, and whatever names a version names the same."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from itertools import pairwise

import talonschema
from support.pages import PAGES, ROOT, name, tokens

CHANGELOG = ROOT / "CHANGELOG.md"
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
"""In the order of https://keepachangelog.com/en/1.1.0/."""
VERSION = version("talonschema")
RELEASE = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)")


def headings() -> Iterator[tuple[str, str]]:
    """Yield the headings, each with its level."""
    for opening, inline in pairwise(tokens(CHANGELOG)):
        if opening.type == "heading_open":
            yield opening.tag, inline.content


def test_releases_are_listed_from_the_newest() -> None:
    releases = [text for level, text in headings() if level == "h2"]
    if releases[0] == "[Unreleased]":
        del releases[0]
    matches = list(map(RELEASE.fullmatch, releases))
    assert matches
    assert all(matches), releases
    parts = [each.groups() for each in matches if each]
    assert ".".join(parts[0][:3]) == VERSION
    keys = [(tuple(map(int, numbers)), date.fromisoformat(day)) for *numbers, day in parts]
    for newer, older in pairwise(keys):
        assert newer[0] > older[0]
        assert newer[1] >= older[1]


def test_changes_are_sorted_by_their_kind() -> None:
    assert next(headings()) == ("h1", "Changelog")
    kinds: list[str] = []
    for level, text in [*headings()][1:]:
        assert level in {"h2", "h3"}, text
        if level == "h2":
            kinds = []
        else:
            kinds.append(text)
            assert kinds == sorted(set(kinds), key=KINDS.index), text


def test_each_kind_has_changes() -> None:
    previous = ("", "")
    for level, text in [*headings(), ("h2", "the end")]:
        assert level == "h3" or previous[0] != "h2", f"{previous[1]} has no kind of changes"
        previous = level, text
    after_kinds = [
        third.type
        for first, third in zip(tokens(CHANGELOG), tokens(CHANGELOG)[3:], strict=False)
        if first.tag == "h3" and first.type == "heading_open"
    ]
    assert set(after_kinds) <= {"bullet_list_open", "paragraph_open"}


def test_a_version_is_declared_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == VERSION == talonschema.__version__
    sources = [*(ROOT / "validator").rglob("*.py"), *(ROOT / "schemas").rglob("*.py")]
    assert sources
    assert [path for path in sources if f'"{VERSION}"' in path.read_text("utf-8")] == []


def test_pages_name_the_release_to_install() -> None:
    for page in PAGES:
        named = re.findall(r"(?:talonschema@|rev: )v([\d.]+)", page.read_text("utf-8"))
        assert set(named) <= {VERSION}, name(page)
