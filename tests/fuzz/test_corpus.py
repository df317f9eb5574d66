"""The corpus of the fuzzer: no input in it breaks a promise, now that each was looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz import run
from fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_breaks_no_promise(target: str) -> None:
    inputs = sorted((CORPUS / target).iterdir())
    assert inputs
    for each in inputs:
        TARGETS[target](each.read_bytes())


def test_the_fuzzer_knows_each_target() -> None:
    assert tuple(TARGETS) == run.TARGETS
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
