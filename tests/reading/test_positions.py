"""Places of findings: in any JSON text, however it is written, they hold what the finding is about.

Texts are written by a writer that notes where it puts what, so the places are known beforehand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talonschema import NEW, Policy, Report, Severity, Validator, check
from talonschema.checking.registry import CODES
from talonschema.findings.code import Example
from talonschema.findings.finding import Finding, Span
from talonschema.findings.pointer import to_pointer
from talonschema.reading.document import decode
from talonschema.reading.lines import Lines
from talonschema.reading.positions import JsonPositions, locate_findings, steps

keys = st.sampled_from(["", "a", "~", "/", "~1", "0", "é", "😀", '"', "\\", "\n", "a b"]) | st.text(
    max_size=3
)
spaces = st.text(alphabet=" \t\r\n", max_size=3)


class Member(NamedTuple):
    key: str
    value: Any


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        # Keys may come twice.
        | st.lists(st.builds(Member, keys, inner), min_size=1, max_size=4).map(tuple)
    ),
    max_leaves=15,
)


class Writer:
    """Writes JSON in any layout, and notes where each value and key is."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.text = ""
        self.values: dict[str, tuple[int, int]] = {}
        self.keys: dict[str, tuple[int, int]] = {}
        self._draw = draw

    def write(self, value: Any, path: tuple[str | int, ...] = ()) -> None:
        self._space()
        start = len(self.text)
        if isinstance(value, tuple):
            self._object(value, path)
        elif isinstance(value, list):
            self._array(value, path)
        elif isinstance(value, str):
            self._string(value)
        else:
            self.text += json.dumps(value)
        self.values[to_pointer(path)] = (start, len(self.text))
        self._space()

    def _space(self) -> None:
        self.text += self._draw(spaces)

    def _string(self, value: str) -> None:
        self.text += '"'
        for each in value:
            plain = json.dumps(each, ensure_ascii=False)[1:-1]
            if self._draw(st.booleans()):
                units = each.encode("utf-16-be", "surrogatepass")
                plain = "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
            self.text += plain
        self.text += '"'

    def _object(self, members: tuple[Member, ...], path: tuple[str | int, ...]) -> None:
        self.text += "{"
        for index, (key, value) in enumerate(members):
            self.text += "," if index else ""
            pointer = to_pointer((*path, key))
            for known in (self.values, self.keys):
                for other in [o for o in known if o == pointer or o.startswith(f"{pointer}/")]:
                    del known[other]
            self._space()
            start = len(self.text)
            self._string(key)
            end = len(self.text)
            self._space()
            self.text += ":"
            self.write(value, (*path, key))
            self.keys[pointer] = (start, end)
        self.text += "}"

    def _array(self, elements: list[Any], path: tuple[str | int, ...]) -> None:
        self.text += "["
        for index, value in enumerate(elements):
            self.text += "," if index else ""
            self.write(value, (*path, index))
        self.text += "]"


@st.composite
def documents(draw: st.DrawFn) -> Writer:
    writer = Writer(draw)
    writer.write(draw(values))
    return writer


def slow_place(text: str, offset: int) -> tuple[int, int]:
    """Return the line and column of an offset, counted character by character."""
    line = column = 1
    for each in text[:offset]:
        line, column = (line + 1, 1) if each == "\n" else (line, column + 1)
    return line, column


def span(text: str, start: int, end: int) -> Span:
    return Span(*slow_place(text, start), *slow_place(text, end))


def cut(text: str, where: Span | Finding) -> str:
    """Return the text of a place, cut out line by line."""
    assert where.line is not None
    assert where.column is not None
    assert where.end_line is not None
    assert where.end_column is not None
    lines = text.split("\n")[where.line - 1 : where.end_line]
    lines[-1] = lines[-1][: where.end_column - 1]
    lines[0] = lines[0][where.column - 1 :]
    return "\n".join(lines)


@given(documents(), st.data())
def test_places_are_where_they_were_written(document: Writer, data: st.DataObject) -> None:
    text = document.text
    wanted = data.draw(st.lists(st.sampled_from(sorted(document.values)), max_size=4))
    places = JsonPositions(text, wanted)
    for pointer in wanted:
        place = places.find(pointer)
        assert place is not None
        assert place.value == span(text, *document.values[pointer])
        key = document.keys.get(pointer)
        assert place.key == (None if key is None else span(text, *key))
        if key is not None:
            assert json.loads(cut(text, place.key or place.value)) == steps(pointer)[-1]
        value = json.loads(text)
        for step in steps(pointer):
            value = value[int(step)] if isinstance(value, list) else value[step]
        assert repr(json.loads(cut(text, place.value))) == repr(value)


@given(documents(), keys)
def test_a_missing_value_is_where_its_object_is(document: Writer, key: str) -> None:
    for pointer, where in document.values.items():
        missing = pointer + to_pointer((key,))
        if missing not in document.values:
            place = JsonPositions(document.text, [f"{missing}/x/0"]).find(f"{missing}/x/0")
            assert place is not None
            assert place.value == span(document.text, *where)
            assert place.key is None


@given(st.text(alphabet='[]{}",:0a\\u \n-', max_size=20), st.lists(keys.map(lambda k: f"/{k}")))
def test_any_text_is_looked_through(text: str, wanted: list[str]) -> None:
    pointers = [to_pointer(tuple(steps(each))) for each in wanted]
    places = JsonPositions(text, pointers)
    for pointer in pointers:
        place = places.find(pointer)
        assert place is None or json.loads(cut(text, place.value)) is not ...


@given(st.text(alphabet="ab\n\r", max_size=40), st.integers(1, 7))
def test_lines_and_offsets_are_each_others_inverse(text: str, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("talonschema.reading.lines._BLOCK", block)
        lines = Lines(text)
        for offset in range(len(text) + 1):
            assert lines.locate(offset) == slow_place(text, offset)
            assert lines.offset(*lines.locate(offset)) == offset
        assert lines.offset(text.count("\n") + 2, 1) == len(text)


def texts_at_findings(
    text: str | bytes, **arguments: Any
) -> dict[str, tuple[str, tuple[int, int]]]:
    """Return what is at the place of each finding, by its code, and where it begins."""
    report = Validator().check(text, **arguments).located(text)
    shown = decode(text)
    return {
        each.code: (cut(shown, each), (each.line or 0, each.column or 0))
        for each in report.findings
        if each.line
    }


ITEM = '"name": "A", "sku": "a"'


@pytest.mark.parametrize(
    ("text", "code", "shown", "at"),
    [
        ('{"state":\t"opn"}', "schema/enum", '"opn"', (1, 11)),
        ('\ufeff{"state": "opn"}', "schema/enum", '"opn"', (1, 11)),
        ('{\r\n"state": "opn"}', "schema/enum", '"opn"', (2, 10)),
        ('{\r"state": "opn"}', "schema/enum", '"opn"', (1, 12)),
        ('{"a😀": 1, "state": "opn"}', "schema/enum", '"opn"', (1, 20)),
        ('{"st\\u0061te": "opn"}', "schema/enum", '"opn"', (1, 16)),
        ('{"State": "open"}', "payload/unknown-property", '"State"', (1, 2)),
        ('{"customerSession": {"total": 1}}', "payload/read-only-property", '"total"', (1, 22)),
        (f'{{"cartItems": [{{{ITEM}}}]}}', "schema/required", f"{{{ITEM}}}", (1, 16)),
        ('{"state": "opn", "state": "open"}', "json/duplicate-key", '"state"', (1, 18)),
        ("[]", "schema/type", "[]", (1, 1)),
        ('{"attributes": {"x": 1e999}}', "json/number-range", "1e999", (1, 22)),
        ('{"attributes": {"x": -Infinity}}', "json/not-finite", "-Infinity", (1, 22)),
        ('{"attributes": {"x": "a\\ud83db"}}', "json/lone-surrogate", "\\ud83d", (1, 24)),
        ('{"state": tru}', "json/syntax", "tru", (1, 11)),
        ('{"state":\r\n "open}', "json/syntax", '"open}', (2, 2)),
        ('{"state": "open",}', "json/syntax", ",", (1, 17)),
        ('{"state": "open" "a": 1}', "json/syntax", '"a"', (1, 18)),
        ('{"state": "a\nb"}', "json/syntax", "", (1, 13)),
        ('{"state": "a\r\nb"}', "json/syntax", "", (1, 13)),
        ('{"state":', "json/syntax", "", (1, 10)),
        ("", "json/syntax", "", (1, 1)),
        ("[" * 101 + "]" * 101, "json/too-deep", "[", (1, 101)),
    ],
)
def test_findings_point_at_what_they_are_about(
    text: str, code: str, shown: str, at: tuple[int, int]
) -> None:
    assert texts_at_findings(text)[code] == (shown, at)
    assert texts_at_findings(text.encode())[code] == (shown, at)


@pytest.mark.parametrize("depth", [10, 99, 3000])
def test_deep_places(depth: int) -> None:
    text = '[{"a":' * depth + " 1" + "}]" * depth
    pointer = "/0/a" * depth
    place = JsonPositions(text, [pointer]).find(pointer)
    if depth < 1000:
        assert place is not None
        assert place.value == (1, 6 * depth + 2, 1, 6 * depth + 3)
    else:
        # No report is about anything that deep; nothing is raised all the same.
        assert place is None


def test_what_lies_beside_is_passed_over_whatever_its_numbers() -> None:
    text = f'{{"a": [{"9" * 5000}, 1e999, NaN, -Infinity, {{"b": "\\ud83d"}}], "b": true}}'
    place = JsonPositions(text, ["/b"]).find("/b")
    assert place is not None
    assert cut(text, place.value) == "true"


def test_elements_of_long_arrays_are_counted() -> None:
    text = "[" + ", ".join(f'"{index}"' for index in range(3000)) + "]"
    for index in (0, 1, 1023, 1024, 1025, 2047, 2048, 2500, 2999):
        pointers = [f"/{index}", "/x", "/2999"]
        places = JsonPositions(text, pointers)
        for wanted in (index, 2999):
            place = places.find(f"/{wanted}")
            assert place is not None
            assert cut(text, place.value) == f'"{wanted}"'


def test_the_last_of_equal_keys_counts_with_all_that_it_holds() -> None:
    text = '{"a": {"b": 1, "c": [2]}, "a": 3}'
    for pointer in ("/a", "/a/b", "/a/c/0"):
        place = JsonPositions(text, ["/a", "/a/b", "/a/c/0"]).find(pointer)
        assert place is not None
        assert cut(text, place.value) == "3"


def test_what_is_missing_in_nothing_is_where_that_is() -> None:
    text = '{"a": {}, "b": [ ], "c": 1}'
    places = JsonPositions(text, ["/a/x", "/b/0", "/c"])
    for pointer, shown in (("/a/x", "{}"), ("/b/0", "[ ]"), ("/c", "1")):
        place = places.find(pointer)
        assert place is not None
        assert cut(text, place.value) == shown


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ('{1: 2, "a": 3}', "/a"),
        ('{"b" 2, "a": 3}', "/a"),
        ('{"\\u0062"; 2, "a": 3}', "/a"),
        ('{"b": 2 "a": 3}', "/a"),
        ('{"b": {} "a": 3}', "/a"),
        ('{"b": 2; "a": 3}', "/a"),
        ("[1 2, 3]", "/2"),
        ("[{} 2]", "/1"),
        ("[1: 2]", "/1"),
        ("[1} ", "/0"),
        ('{"a": 1]', "/a"),
        ("", ""),
    ],
)
def test_what_is_no_json_has_no_places(text: str, pointer: str) -> None:
    places = JsonPositions(text, ["", pointer])
    assert places.find("") is None


def test_what_is_in_a_broken_container_has_no_place() -> None:
    assert JsonPositions('{"a": {"b": 1]', ["/a/b"]).find("/a/b") is None


def test_a_key_that_is_not_in_the_text_is_where_it_should_be() -> None:
    (finding,) = check({"State": "open"}).located('{"a": 1}').findings
    assert (finding.line, finding.column, finding.end_column) == (1, 1, 9)


def test_bytes_that_are_no_text() -> None:
    assert texts_at_findings(b'{"a": "K\xf6ln"}')["json/encoding"] == (
        "\N{REPLACEMENT CHARACTER}",
        (1, 9),
    )


def test_both_of_two_keys_are_reported() -> None:
    text = '{"state": "open",\n "state": "open"}'
    (finding,) = check(text).located(text, line=5).findings
    assert (finding.line, finding.column, finding.end_line, finding.end_column) == (6, 2, 6, 9)
    assert finding.related == ("/state",)
    assert finding.places == (Span(5, 2, 5, 9),)


def test_related_places() -> None:
    text = '{"couponCodes": ["XMAS-20", "XMAS-20"]}'
    (finding,) = check(text).located(text).findings
    assert cut(text, finding) == '"XMAS-20"'
    assert finding.places == (Span(1, 18, 1, 27),)
    reported = finding.to_dict()
    assert (reported["end_line"], reported["end_column"]) == (1, 38)
    assert reported["places"] == [{"line": 1, "column": 18, "end_line": 1, "end_column": 27}]


def test_related_places_after_a_fault_of_the_text_are_unknown() -> None:
    (finding,) = check('{"couponCodes": ["XMAS-20", "XMAS-20"]}').findings
    places = JsonPositions('{"a": 1, "b": x}', ["/a", "/b"])
    (located,) = locate_findings([finding._replace(pointer="/a", related=("/b",))], places)
    assert (located.column, located.places) == (7, (None,))


def test_what_is_located_stays_so() -> None:
    text = '{"state": "open", "state": 1}'
    once = check(text).located(text, line=3)
    assert once.located(text, line=3) == once
    assert once.located(text) == once


def test_what_is_moved_is_where_it_would_have_been_found() -> None:
    text = '{"couponCodes": ["XMAS-20", "XMAS-20"],\n "state": 1, "state": 1, "return": NaN}'
    report = check(text)
    assert len(report.findings) > 3
    assert report.located(text).moved(6) == report.located(text, line=7)
    assert report.moved(0) is report


def test_what_is_not_in_the_text_has_no_place() -> None:
    report = check('{"state": "open"}', now="soon", dry=True)
    assert report.located('{"state": "open"}') == report
    found = check('{"state": 1}', now="soon").located('{"state": 1}').findings
    assert {each.line for each in found} == {None, 1}
    assert {each.line for each in found if each.parameter} == {None}
    assert check({"state": 1}).located("").findings[0].line is None


def test_snake_names_and_envelopes() -> None:
    text = '{"customer_session": {"cart_items": [{}], "cartItems": []}}'
    report = check(text, naming="snake").located(text)
    assert {(each.code, cut(text, each)) for each in report.findings if each.line} == {
        ("schema/required", "{}"),
        ("payload/unknown-property", '"cartItems"'),
    }


def test_an_error_response_names_lines_of_faults_of_the_text_only() -> None:
    text = '{"state": "opn", "state": "opn"}'
    sources = [each["source"] for each in check(text).located(text).to_error_response()["errors"]]
    assert sources == [{"line": "1"}, {"pointer": "/state"}]


def reports(example: Example) -> Iterator[tuple[str, Report]]:
    """Yield an example as it is written in several layouts, with the report on each."""
    context = dict(example.context)
    validator = Validator(
        edition=context.pop("edition", "2022-06"),
        policy=Policy.from_mapping(context.pop("policy", {})),
    )
    if context.get("previous") == "NEW":
        context["previous"] = NEW
    try:
        texts = [json.dumps(example.data, indent=indent) for indent in (None, 1)]
    except (TypeError, ValueError):
        return
    for text in texts:
        yield text, validator.check(text, **context).located(text)


@pytest.mark.parametrize("name", CODES)
def test_every_code_has_a_fitting_place(name: str) -> None:
    for example in CODES[name].bad:
        for text, report in reports(example):
            for each in report.findings:
                if each.code != name or each.parameter is not None or not each.pointer:
                    continue
                shown = json.loads(cut(text, each))
                value = json.loads(text)
                *above, last = steps(each.pointer)
                for step in above:
                    value = value[int(step)] if isinstance(value, list) else value[step]
                if CODES[name].about == "key":
                    assert shown == last
                elif isinstance(value, dict) and last not in value:
                    assert shown == value
                else:
                    held = value[int(last)] if isinstance(value, list) else value[last]
                    assert repr(shown) == repr(held)


def test_findings_of_the_examples_are_located() -> None:
    for path in (Path(__file__).parents[2] / "examples" / "bad").glob("*.json"):
        text = path.read_bytes()
        report = check(text).located(text)
        assert all(each.line and each.end_line for each in report.findings)
        assert any(each.severity is Severity.ERROR for each in report.findings)
