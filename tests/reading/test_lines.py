"""Lines: their offsets are those that counting finds, in whatever order they are asked for."""

from __future__ import annotations

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
