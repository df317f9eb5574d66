"""The example payloads: the good ones have no finding, the bad ones have an error."""

from __future__ import annotations

from pathlib import Path

import pytest

import talonschema
from support.cli import BAD, GOOD


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_examples_have_no_finding(path: Path) -> None:
    report = talonschema.check(path.read_bytes())
    assert report.findings == ()
    assert report.ok


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_examples_have_an_error(path: Path) -> None:
    report = talonschema.check(path.read_bytes())
    assert report.errors
    assert report.model is not None


def test_there_are_examples() -> None:
    assert len(GOOD) >= 5
    assert len(BAD) >= 7
