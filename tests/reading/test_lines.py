"""Lines: their offsets are those that counting finds, in whatever order they are asked for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talonschema.reading.lines import Lines

LONG = st.integers(0, 40_000).map(lambda size: "x" * size)
pieces = st.sampled_from(["\n", "\n" * 20_000, "x", "\r", "é\n"]) | LONG
texts = st.lists(pieces, max_size=5).map("".join)


@given(texts, st.data())
def test_lines_start_where_counting_finds_them(text: str, data: st.DataObject) -> None:
    lines = Lines(text)
    starts = [0, *(index + 1 for index, each in enumerate(text) if each == "\n")]
    for line in data.draw(st.lists(st.integers(1, len(starts) + 2), max_size=8)):
        expected = starts[line - 1] if line <= len(starts) else len(text)
        assert lines.start(line) == expected
        if line <= len(starts):
            assert lines.locate(expected) == (line, 1)


@pytest.mark.parametrize("block", [1, 2, 3, 5, 2**14])
def test_the_first_and_any_later_question_has_the_same_answer(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talonschema.reading.lines._BLOCK", block)
    for characters in itertools.product("a\n", repeat=6):
        text = "".join(characters)
        starts = [0, *(index + 1 for index, each in enumerate(text) if each == "\n")]
        wanted = [*starts, len(text), len(text)]
        asked = Lines(text)
        for line in sorted(range(1, len(wanted) + 1), key=lambda each: each % 3):
            assert Lines(text).start(line) == asked.start(line) == wanted[line - 1]
            assert asked.offset(line, 3) == min(wanted[line - 1] + 2, len(text))
        for offset in range(len(text) + 1):
            line = text.count("\n", 0, offset) + 1
            place = (line, offset - starts[line - 1] + 1)
            assert Lines(text).locate(offset) == asked.locate(offset) == place
