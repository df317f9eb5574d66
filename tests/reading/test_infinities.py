"""Infinities: the report on numbers beyond a double is what a whole reading reports."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talonschema.reading import document, infinities
from talonschema.reading.document import MAX_DEPTH

scalars = st.one_of(
    st.sampled_from(["1e999", "-1e999", "1e400", "0.5", "7", "null", "true", '""', '"a,b"', "{}"]),
    st.floats(allow_nan=False, allow_infinity=False).map(json.dumps),
)
texts = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5).map(lambda parts: f"[{' , '.join(parts)}]"),
        st.dictionaries(st.text(max_size=3).map(json.dumps), inner, max_size=4).map(
            lambda parts: "{" + ",\n".join(": ".join(each) for each in parts.items()) + "}"
        ),
    ),
    max_leaves=20,
)


def assert_same(text: str) -> None:
    read = document.read(text)
    assert not read.problems
    assert repr(infinities.diagnose(text, read.value)) == repr(document.reread(text))


@given(texts)
def test_it_reports_what_a_whole_reading_reports(text: str) -> None:
    assert_same(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * MAX_DEPTH + "1e999" + "]" * MAX_DEPTH,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "[1e999," + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "]",
        "[" + "1e999," * 1500 + "0]",
        "[" + "0," * 5000 + "1e999]",
        "\ufeff[1e999]",
        "1e999",
        '{"a": {}, "b": [[], ""], "c": 0}',
    ],
    ids=[
        "deepest",
        "too deep",
        "too deep, later",
        "very many",
        "far off",
        "byte order mark",
        "scalar",
        "none",
    ],
)
def test_limits(text: str) -> None:
    assert_same(text)
