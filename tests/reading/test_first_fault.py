"""The first fault: equal in code, kind and place to what the scanner finds, where both look."""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.util import find_spec

import pytest

from talonschema.reading import document, first_fault

EFFORT = document.Effort(problems=20, tokens=10)
LONG = ", ".join(["1"] * 20)
# Releases of jiter before 0.18 place an unpaired surrogate one character later.
_OLD_JITER = pytest.mark.skipif(
    find_spec("jiter") is not None and tuple(map(int, version("jiter").split(".")[:2])) < (0, 18),
    reason="this jiter places surrogates elsewhere",
)


@pytest.mark.parametrize(
    ("fault", "code", "kind"),
    [
        ('{"a": 1, "a": 2}', "json/duplicate-key", None),
        ('{"é": 1,\n"é": 2}', "json/duplicate-key", None),
        ("1" * 5000, "json/number-range", None),
        ("[" * 300 + "]" * 300, "json/too-deep", None),
        ("[" * 120 + "]" * 120, "json/too-deep", None),
        ('"\\ud800"', "json/lone-surrogate", None),
        ('"\\udc00"', "json/lone-surrogate", None),
        ('"\\ud800\\u0041"', "json/lone-surrogate", None),
        ('"\ud800"', "json/lone-surrogate", None),
        ("1,", "json/syntax", "trailing-comma"),
        ("1] 2", "json/syntax", "trailing-data"),
        ("{a: 1}", "json/syntax", "expected-key"),
        ('{"a" 1}', "json/syntax", "expected-colon"),
        ("1 2", "json/syntax", "expected-comma"),
        ('"abc', "json/syntax", "unterminated-string"),
        ('"a\x01"', "json/syntax", "control-character"),
        ('"\\q"', "json/syntax", "bad-escape"),
        ("01", "json/syntax", "bad-number"),
        ("tru", "json/syntax", "bad-literal"),
        ("'a'", "json/syntax", "expected-value"),
    ],
)
def test_a_fault_beyond_the_effort_has_its_code(fault: str, code: str, kind: str | None) -> None:
    text = f"[{LONG}, {fault}]"
    found = document.reread(text, EFFORT)
    (problem,) = found.problems
    assert not found.readable
    assert (problem.code, problem.params.get("kind")) == (code, kind)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ('{"a": 1, "a": 2}', "json/duplicate-key"),
        ("1" * 5000, "json/number-range"),
        ("-" + "1" * 4301, "json/number-range"),
        ("-" + "1" * 4300 + ",", "json/syntax"),
        ("[" * 120 + "]" * 120, "json/too-deep"),
        ('"\\ud800"', "json/lone-surrogate"),
        ('"\ud800"', "json/lone-surrogate"),
        ("NaN", "json/syntax"),
        ("1 2", "json/syntax"),
    ],
)
def test_a_fault_beyond_the_effort_has_its_code_without_jiter(
    fault: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_fault, "jiter", None)
    (problem,) = document.reread(f"[{LONG}, {fault}]", EFFORT).problems
    assert problem.code == code
    if code == "json/duplicate-key":
        assert problem.values == {"key": "a"}


@pytest.mark.parametrize(
    "written", [r"a\"é", r"\t\n", r"\u0000", r"\\n", "\u200b", r"\u001f'", r"\ud83d\ude00"]
)
def test_a_key_is_what_the_text_means(written: str) -> None:
    found = first_fault.find(f'{{"{written}": 1, "{written}": 2}}', 100)
    assert found.values == {"key": json.loads(f'"{written}"')}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('["é", 1,\n"é" 2]', (2, 5)),
        ('["é"\n,\n\n é]', (4, 2)),
        ("[1,\nx]", (2, 1)),
        ("x", (1, 1)),
        ("[é]", (1, 2)),
        ("[😀😀]", (1, 2)),
        ('[1, 2, 3,\n"éé" 2]', (2, 6)),
        ('["a", 1,\n2,\n"éé" 2]', (3, 6)),
        ('["é', (1, 3)),
        pytest.param('["\ud800", x]', (1, 3), marks=_OLD_JITER),
        ('["abc\n"]', (2, 1)),
        ("", (1, 1)),
    ],
)
def test_its_place_counts_characters(text: str, place: tuple[int, int]) -> None:
    problem = first_fault.find(text, 100)
    assert (problem.line, problem.column) == place


def test_what_is_known_of_it() -> None:
    key = first_fault.find('{"aé": 1,\n "aé": 2}', 100)
    assert (key.code, key.values) == ("json/duplicate-key", {"key": "aé"})
    number = first_fault.find("1" * 5000, 100)
    assert number.params == {"limit": "4300 digits"}
    for depth in (120, 300):
        deep = first_fault.find("[" * depth + "]" * depth, 100)
        assert (deep.code, deep.params) == ("json/too-deep", {"limit": 100})
    assert first_fault.find("[1, [2", 100).params == {"kind": "unexpected-end"}
    for text in ("[NaN]", "[Infinity]"):
        assert first_fault.find(text, 100).code == "json/syntax"


def test_without_a_native_parser_it_has_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_fault, "jiter", None)
    problem = first_fault.find('["a",\n 1 2]', 100)
    assert (problem.code, problem.line, problem.column) == ("json/syntax", 2, 4)
    assert problem.params == {"kind": "expected-value"}
    assert first_fault.find("[" * 120 + "]" * 120, 100).params == {"limit": 100}


def test_the_scan_ends_with_the_problems() -> None:
    text = "{" + ", ".join(['"a": 1'] * 50) + "}"
    found = document.reread(text, document.Effort(problems=5, tokens=10_000))
    assert not found.readable
    assert [each.code for each in found.problems] == ["json/duplicate-key"] * 5


def test_a_diagnosis_within_the_effort_is_the_complete_one() -> None:
    text = '{"a": 1, "a": 2, "b": 1e999}'
    assert document.reread(text, document.Effort(20, 100)) == document.reread(text)
