"""Parsed Python values of any shape: every copy of them is JSON."""

from __future__ import annotations

import json
from unittest.mock import MagicMock, Mock

from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.odd_values import (
    GOOD,
    TYPES_OF_JSON,
    UNUSABLE,
    BrokenDict,
    BrokenList,
    Nameless,
    Pairs,
    Text,
    Word,
    types_in,
)
from support.search import draws
from support.strategies import json_documents
from talonschema.reading.document import read, reread
from talonschema.reading.python_values import plain

PROPERTY = settings(max_examples=draws(300), deadline=None, derandomize=True, database=None)


# Without those that Hypothesis itself could not show.
TRICKY = (Text, Nameless, Mock, MagicMock, BrokenList, BrokenDict)
odd = st.sampled_from(
    [value for value, _ in GOOD[1:7] + GOOD[8:] if type(value) not in TRICKY and value != 10**5000]
    + [value for value, _ in UNUSABLE if type(value) not in TRICKY]
)
characters = st.characters(exclude_categories=())
keys = (
    st.text(characters, max_size=3)
    | st.integers()
    | st.none()
    | st.builds(Word, st.text(max_size=3))
)
python_values = st.recursive(
    odd | st.floats() | st.decimals() | st.fractions() | st.text(characters) | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | st.lists(st.tuples(keys, inner), max_size=4).map(lambda pairs: Pairs(*pairs))
        | inner.map(lambda value: [value, value, {"a": value}])
    ),
    max_leaves=25,
)


@PROPERTY
@given(json_documents)
def test_json_documents_stay_as_they_are(value: object) -> None:
    copy, problems = plain(value)
    assert problems == []
    assert repr(copy) == repr(value)


@PROPERTY
@given(python_values)
def test_every_copy_is_json(value: object) -> None:
    copy, problems = plain(value)
    assert types_in(copy) <= TYPES_OF_JSON
    assert plain(copy)[0] == copy
    assert plain(copy)[1] == []
    again, problems_again = plain(value)
    assert again == copy
    assert repr(problems_again) == repr(problems)


@PROPERTY
@given(json_documents)
@example([0, {"0": [0.0], "b": -1.5e20}, "0"])
def test_infinite_numbers_of_a_text_are_found_in_its_value_too(value: object) -> None:
    text = json.dumps(value).replace("0", "1e999")
    result = read(text)
    if not result.problems:
        found = plain(result.value)[1]
        assert {problem.code for problem in found} <= {"json/not-finite"}
        assert [p.path for p in found] == [p.path for p in reread(text).problems]
