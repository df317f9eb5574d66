"""The scanner of JSON text: what it reads, what it reports, and that nothing stops it."""

from __future__ import annotations

import json
import math
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.search import draws
from support.strategies import json_documents
from talonschema.reading.json_scanner import Scan, scan

PROPERTY = settings(max_examples=draws(300), deadline=None, derandomize=True, database=None)
SIZE = 2 * 2**20

# Pieces of JSON in any order: far more often almost JSON than any characters are.
pieces = st.lists(
    st.sampled_from(
        [
            *"[]{},:\"' \n\t\\/.-+eE019atn#\ufeff\xa0\0\ud800\udc00é😀",
            *("true", "false", "null", "NaN", "-Infinity", "Infinity", "True", "None", "undefined"),
            *('"a"', '"a":', '"b": 1', '{"a":1', '"\\u0061":2', "12", "-0", "1.5", "1e5", "1e999"),
            *("\\ud83d", "\\ude00", "\\u00", "\\n", "...", "//", "/*", "[1, 2]", '{"a": []}'),
        ]
    ),
    max_size=14,
).map("".join)
texts = pieces | st.text() | json_documents.map(json.dumps)


@st.composite
def mutated_texts(draw: st.DrawFn) -> str:
    """Return JSON text with a few characters cut out, doubled or put in."""
    text = json.dumps(draw(json_documents), ensure_ascii=draw(st.booleans()))
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(text)))
        end = begin + draw(st.integers(0, 3))
        text = text[:begin] + draw(pieces | st.just(text[begin:end] * 2)) + text[end:]
    return text


def refuse_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError
    return dict(pairs)


def refuse(_token: str) -> object:
    raise ValueError


def parse_finite(token: str) -> float:
    if math.isinf(float(token)):
        raise ValueError
    return float(token)


def depth(value: object) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def parse_strictly(text: str) -> object:
    """Return what the standard library reads; raise ValueError where I-JSON forbids it."""
    value = json.loads(
        text, object_pairs_hook=refuse_repeats, parse_constant=refuse, parse_float=parse_finite
    )
    json.dumps(value, ensure_ascii=False).encode()
    if depth(value) > 100:
        raise ValueError
    return value


def codes(result: Scan) -> list[str]:
    return [problem.code for problem in result.problems]


@PROPERTY
@given(texts | mutated_texts())
@example('{"a":1,"\\u0061":2}')
@example("\ufeff1")
@example('"\ud83d\\ude00"')
@example("[" * 100 + "]" * 100)
@example("[" * 101 + "]" * 101)
@example("-0")
@example("1E400")
@example("9" * 4300)
@example("9" * 4301)
def test_accepts_what_a_strict_standard_library_accepts(text: str) -> None:
    result = scan(text)
    try:
        expected = parse_strictly(text)
    except ValueError:
        assert result.problems
    else:
        assert result.problems == ()
        assert result.complete
        assert repr(result.value) == repr(expected)


@PROPERTY
@given(json_documents, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_round_trip(value: object, ascii_only: bool, indent: int | str | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert scan(text) == Scan(value, (), complete=True)


@PROPERTY
@given(texts | mutated_texts())
def test_every_problem_has_a_place_in_the_text(text: str) -> None:
    result = scan(text)
    lines = text.split("\n")
    places = []
    for problem in result.problems:
        assert problem.line is not None
        assert problem.column is not None
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        places.append((problem.line, problem.column))
    if "json/lone-surrogate" not in codes(result):
        assert places == sorted(places)
    if not result.complete:
        assert result.value is None
        assert codes(result)[-1] in {"json/syntax", "json/too-deep"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "b": [2, {"a": 3}], "a": {"c": 4}}', {"a": {"c": 4}, "b": [2, {"a": 3}]}),
        ("[NaN, 1, -Infinity, Infinity]", [None, 1, None, None]),
        ('{"a": 1e999, "b": -1e999, "c": 1e-999}', {"a": None, "b": None, "c": 0.0}),
        ('["\\ud800", "a\\udfffb", "\\ud83d\\ude00"]', [None, None, "😀"]),
        ('["\ud800", "a"]', [None, "a"]),
        ('{"\\ud800": "a"}', {"\ud800": "a"}),
        ("[" + "9" * 4301 + "]", [None]),
    ],
)
def test_goes_on_after_a_bad_value(text: str, value: object) -> None:
    result = scan(text)
    assert result.problems
    assert result.complete
    assert result.value == value


@pytest.mark.parametrize(
    "text", ["0", "-0", "-0.0", "1.0", "1e2", "1E+2", "-12", "0.1", "1" * 309, "-" + "7" * 4300]
)
def test_numbers_are_those_of_the_standard_library(text: str) -> None:
    assert repr(scan(text).value) == repr(json.loads(text))
    assert scan(text).problems == ()


def test_long_integers_do_not_depend_on_the_limit_of_the_interpreter() -> None:
    limit = sys.get_int_max_str_digits()
    try:
        for digits in (640, 0):
            sys.set_int_max_str_digits(digits)
            assert scan("-" + "9" * 4300).value == -(10**4300) + 1
            assert codes(scan("9" * 4301)) == ["json/number-range"]
    finally:
        sys.set_int_max_str_digits(limit)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("[1, hello world, and more]", {"found": "hello world, and mor"}),
        ("[1\n\n  x\ny]", {"found": "x"}),
        ('"a\nb"', {"found": '\nb"'}),
        (" \n ", {"found": ""}),
        ("[1, ", {"found": ""}),
        ("-Infinity", {"found": "-Infinity"}),
        ('{"a": 1, "a": 2}', {"key": "a"}),
        ("1e999", {}),
        ('"\\ud800"', {}),
    ],
)
def test_payload_is_in_values_only(text: str, values: dict[str, object]) -> None:
    (problem,) = scan(text).problems
    assert problem.values == values


def test_lines_end_at_line_feeds_and_columns_count_characters() -> None:
    (problem,) = scan('{"😀é": 1,\r\n\r "b": [\n\r\n\tx]}').problems
    assert (problem.line, problem.column) == (4, 2)


@pytest.mark.parametrize(
    "filler", [" ", "\n", " " * 50 + "\n", " " * 40_000 + "\n\n", "\n" + " " * 40_000]
)
def test_places_in_long_texts(filler: str) -> None:
    keys = [f'"k{i}": NaN' for i in range(7)]
    text = "{" + ("," + filler * (50_000 // len(filler) + 1)).join(keys) + "}"
    for number, problem in enumerate(scan(text).problems):
        before = text[: text.index("NaN", text.index(f'"k{number}"'))]
        assert problem.line == before.count("\n") + 1
        assert problem.column == len(before) - before.rfind("\n")
        assert problem.path == (f"k{number}",)
    assert len(scan(text).problems) == 7


def test_the_limits_can_be_set() -> None:
    assert scan("[[1]]", max_depth=2) == Scan([[1]], (), complete=True)
    (problem,) = scan("[[1]]", max_depth=1).problems
    assert (problem.code, problem.path, problem.params) == ("json/too-deep", (0,), {"limit": 1})
    assert codes(scan("[]", max_depth=0)) == ["json/too-deep"]
    assert codes(scan("1", max_depth=0)) == []


def test_the_last_problem_gives_way_to_the_one_that_stops_the_scan() -> None:
    assert codes(scan("[NaN, NaN, NaN]", max_problems=2)) == ["json/not-finite"] * 2
    assert codes(scan("[NaN, NaN, x]", max_problems=2)) == ["json/not-finite", "json/syntax"]
    assert codes(scan("[NaN, NaN, x]", max_problems=0)) == ["json/syntax"]
    assert codes(scan("[NaN, x]")) == ["json/not-finite", "json/syntax"]


def test_what_stops_the_scan_leaves_no_value() -> None:
    for text, most in (("[1, x]", None), ("[1, 2]", 2), ("[1, 2]", 3), ("[1]", 0)):
        assert scan(text, max_tokens=most)[::2] == (None, False)
    assert scan("[1, 2]", max_tokens=4) == Scan([1, 2], (), complete=True)
    # The problems come to an end before the tokens do.
    for most in (2, 3, 9):
        result = scan("[NaN, 1]", max_problems=1, max_tokens=most)
        assert (result.value, codes(result), result.complete) == (None, ["json/not-finite"], False)


def test_the_problems_are_counted() -> None:
    assert len(scan("[" + "NaN," * 1001 + "1]").problems) == 1000


@pytest.mark.parametrize(
    ("text", "column"),
    [('{"a": "b\\ud800", "c": "\\ud800"}', 9), ('{"a\\ud800": "\\ud800", "b": 1}', 4)],
)
def test_an_unpaired_surrogate_is_where_it_is_written(text: str, column: int) -> None:
    assert scan(text).problems[0].column == column
    raw = text.replace("\\ud800", "\ud800")
    assert scan(raw).problems[0].column == column


HOSTILE = {
    "brackets": ("[" * SIZE, "json/too-deep"),
    "braces": ('{"a":' * (SIZE // 5), "json/too-deep"),
    "brackets and braces": ('[{"a":' * (SIZE // 6), "json/too-deep"),
    "empty arrays": ("[" + "[]," * (SIZE // 3) + "1]", None),
    "digits": ("1" * SIZE, "json/number-range"),
    "fraction": ("0." + "1" * SIZE, None),
    "exponent": ("1e" + "1" * SIZE, "json/number-range"),
    "digits and a letter": ("1" * SIZE + "x", "json/syntax"),
    "escapes": ('"' + "\\u0041" * (SIZE // 6) + '"', None),
    "open escapes": ('"' + "\\u0041" * (SIZE // 6), "json/syntax"),
    "half escapes": ('"' + "\\u" * (SIZE // 2), "json/syntax"),
    "surrogates": ('"' + "\\ud800" * (SIZE // 6) + '"', "json/lone-surrogate"),
    "strings of surrogates": ("[" + '"\\ud800",' * (SIZE // 9) + "1]", "json/lone-surrogate"),
    "quotes": ('"' * SIZE, "json/syntax"),
    "backslashes": ('"' + "\\" * SIZE, "json/syntax"),
    "spaces": (" " * SIZE, "json/syntax"),
    "spaces and a letter": ("[1" + " " * SIZE + "x", "json/syntax"),
    "line breaks": ("\n" * SIZE + "x", "json/syntax"),
    "letters": ("a" * SIZE, "json/syntax"),
    "commas": ("[" + "," * SIZE, "json/syntax"),
    "duplicate keys": ("{" + '"a":1,' * 200_000 + '"a":1}', "json/duplicate-key"),
    "duplicate keys, lines": ("{" + '"a":1,\n' * 200_000 + '"a":1}', "json/duplicate-key"),
    "not a number": ("[" + "NaN," * 200_000 + "1]", "json/not-finite"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_in_linear_time(name: str) -> None:
    text, code = HOSTILE[name]
    begin = time.thread_time()
    result = scan(text)
    # About one second at worst; a quadratic step takes minutes.
    assert time.thread_time() - begin < 10
    assert result.problems[0].code == code if code else not result.problems
    assert len(result.problems) <= 1000
