"""YAML: what its documents mean, what is refused, and where all of it stands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given
from hypothesis import strategies as st

from talonschema.cli import main
from talonschema.findings.finding import Span
from talonschema.findings.pointer import to_pointer
from talonschema.reading import yaml_composer
from talonschema.reading.document import MAX_BYTES
from talonschema.reading.positions import JsonPositions, Position, steps
from talonschema.reading.yaml_reader import Payload, payloads


@pytest.fixture(params=["native", "python"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by PyYAML's native parser, and by the one in Python that stands in for it."""
    if request.param == "python":
        monkeypatch.setattr(yaml_composer, "_LOADER", yaml.BaseLoader)
    else:
        assert yaml.__with_libyaml__


def single_payload(text: str) -> Payload:
    (found,) = payloads(text)
    return found


def value(text: str) -> Any:
    found = single_payload(text).document
    assert found.readable
    assert found.problems == ()
    return found.value


def problems(text: str) -> list[tuple[str, str, int | None, int | None]]:
    return [
        (each.code, to_pointer(each.path), each.line, each.column)
        for found in payloads(text)
        for each in found.document.problems
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("Null", None),
        ("''", ""),
        ("'null'", "null"),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01T12:00:00Z", "2020-01-01T12:00:00Z"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("12", 12),
        ("-12", -12),
        ("+12", 12),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("0b1", "0b1"),
        ("1e3", 1000.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("+1.0E-2", 0.01),
        ("1.2.3", "1.2.3"),
        ("=", "="),
        ("'12'", "12"),
        ('"12"', "12"),
        ("|\n  12\n", "12\n"),
        (">-\n  a\n  b\n", "a b"),
        ("9" * 4300, int("9" * 4300) if sys.get_int_max_str_digits() >= 4300 else None),
    ],
)
def test_scalars_are_those_of_the_core_schema(text: str, expected: Any) -> None:
    found = value(f"a: {text}")["a"]
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1", [("yaml/alias", "", 1, 4)]),
        ("a: 1\nb: *a", [("yaml/alias", "", 2, 4)]),
        ("a:\n  <<: {b: 1}", [("yaml/alias", "/a", 2, 3)]),
        ("a: !!str 1", [("yaml/tag", "", 1, 4)]),
        ("a: !mine {}", [("yaml/tag", "", 1, 4)]),
        ("a: 1\nb: 2\na: 3", [("json/duplicate-key", "/a", 3, 1)]),
        ("a: 1\n'a': 2", [("json/duplicate-key", "/a", 2, 1)]),
        ("b:\n  1: x\n  ok: z", [("json/key-type", "/b", 2, 3)]),
        ("b:\n  true: y\n", [("json/key-type", "/b", 2, 3)]),
        ("'1': x\n1: y", [("json/key-type", "", 2, 1)]),
        ("? [a]\n: 1", [("json/key-type", "", 1, 3)]),
        ("a: .nan", [("json/not-finite", "/a", 1, 4)]),
        ("b: [-.inf]", [("json/not-finite", "/b/0", 1, 5)]),
        ("a: .nan\n---\n{}", [("json/not-finite", "/a", 1, 4)]),
        ("a: 1e999", [("json/number-range", "/a", 1, 4)]),
        ("a: " + "9" * 4301, [("json/number-range", "/a", 1, 4)]),
        ("\ta: 1", [("yaml/syntax", "", 1, 1)]),
        ("a: [1,\nb", [("yaml/syntax", "/a", 2, 2)]),
        ("a: 1\n\x07b: 2", [("yaml/syntax", "", 2, 1)]),
        ("é: 'ü\x07'", [("yaml/syntax", "", 1, 6)]),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, expected: list[tuple[str, str, int, int]]) -> None:
    assert problems(text) == expected


def test_aliases_cannot_blow_up() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60))]
    assert problems("\n".join(lines)) == [("yaml/alias", "", 1, 5)]


@pytest.mark.parametrize("opening", ["[", "- ", "{a: "])
def test_deep_nesting_is_refused(opening: str) -> None:
    ((code, pointer, line, column),) = problems(opening * 100_000)
    assert (code, line, column) == ("json/too-deep", 1, 100 * len(opening) + 1)
    assert pointer.count("/") == 100


@pytest.mark.parametrize(
    ("opening", "column"),
    [("a:\n  - [x, ", 9), ("{a: {b: ", 9), ("- {c: [1, ", 11), ("--- [", 6), ("a: [1, ", 8)],
)
def test_depth_is_judged_wherever_the_parser_looks_ahead(opening: str, column: int) -> None:
    above = opening.count("[") + opening.count("{") + ("a:\n" in opening) * 2
    above += opening.startswith("- ") + opening.startswith("a: ")
    ((code, _, line, at),) = problems(opening + "[" * 2000)
    assert (code, at) == ("json/too-deep", column + 100 - above)
    assert line == opening.count("\n") + 1


@pytest.mark.parametrize(
    ("nested", "expected"),
    [
        ("[" * 99, ("yaml/syntax", 0, 104)),
        ("[" * 100, ("json/too-deep", 100, 104)),
        ("[{a: " * 60, ("json/too-deep", 100, 251)),
        ("[]," * 150, ("yaml/syntax", 1, 455)),
    ],
)
def test_depth_is_judged_before_a_character_that_yaml_has_not(
    nested: str, expected: tuple[str, int, int]
) -> None:
    ((code, pointer, _, column),) = problems(f"[a, {nested}\x07")
    assert (code, pointer.count("/"), column) == expected


def test_a_fault_below_the_limit_is_no_matter_of_depth() -> None:
    ((code, *_),) = problems("[" * 99 + "}")
    assert code == "yaml/syntax"


@pytest.mark.parametrize("marker", ["", "---\n", "--- ", "...\n---\n"])
def test_json_keeps_its_own_limits(marker: str) -> None:
    text = '{"gift": "\\ud83c\\udf82", "' + "k" * 2000 + '": ["\x7f"]}'
    assert value(marker + text) == json.loads(text)
    assert [each.document.value for each in payloads(f"{marker}{text}\n---\n[1]\n")] == [
        json.loads(text),
        [1],
    ]


def test_places_in_a_later_document_of_json() -> None:
    text = '{"a": 1}\n--- {"b": "\\ud83c\\udf82", "b": [2]}\n'
    _, second = payloads(text)
    places = second.find_places(["/b/0", ""])
    assert places.find("/b/0") == Position(Span(2, 33, 2, 34))
    (problem,) = second.document.problems
    assert (problem.code, problem.line, problem.column) == ("json/duplicate-key", 2, 27)
    assert problem.params == {"first_line": 2, "first_column": 6}


def test_places_on_later_lines_of_a_later_document_of_json() -> None:
    text = '[]\n--- {"a": [1e999,\n1e999], "b": 2,\n"b": 3}\n'
    assert problems(text) == [
        ("json/number-range", "/a/0", 2, 12),
        ("json/number-range", "/a/1", 3, 1),
        ("json/duplicate-key", "/b", 4, 1),
    ]
    _, second = payloads(text)
    assert second.document.problems[-1].params == {"first_line": 3, "first_column": 9}


@pytest.mark.parametrize(
    ("item", "code", "column"),
    [
        ('"\\ud83c"', "json/lone-surrogate", 19),
        ("1e999", "json/number-range", 18),
        ("[" * 100 + "]" * 100, "json/too-deep", 117),
    ],
)
def test_json_with_faults_keeps_its_own_limits(item: str, code: str, column: int) -> None:
    ((found, _, line, at),) = problems(f'["\\ud83c\\udf82", {item}]')
    assert (found, line, at) == (code, 1, column)


def test_json_beyond_the_depth_is_the_last_that_is_read() -> None:
    deep = "[" * 101 + "]" * 101
    assert problems(f"{deep}\n---\n[1e999]\n") == [("json/too-deep", "/0" * 100, 1, 101)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1]\n---\n", [[1], None]),
        ("[1]\n...\n", [[1]]),
        ("[1]\n---\n---\n[2]\n", [[1], None, [2]]),
    ],
)
def test_empty_documents_between_those_of_json(text: str, expected: list[Any]) -> None:
    assert [each.document.value for each in payloads(text)] == expected


def test_depth_up_to_the_limit() -> None:
    assert problems("[" * 100 + "]" * 100) == []


def test_of_duplicate_keys_the_last_counts_and_both_are_reported() -> None:
    found = single_payload("a: 1\nb: 0\na: 2\n")
    assert found.document.value == {"a": 2, "b": 0}
    (problem,) = found.document.problems
    assert problem.params == {"first_line": 1, "first_column": 1}
    assert problem.related == (("a",),)


def test_documents_are_payloads() -> None:
    text = "a: 1\n---\n# nothing\n---\n- 2\n...\n"
    assert [each.document.value for each in payloads(text)] == [{"a": 1}, None, [2]]
    assert [each.start for each in payloads(text)] == [0, 5, 19]
    assert single_payload("\x07").start == 0
    assert list(payloads("# nothing\n")) == []


def test_what_is_missing_has_the_place_of_what_should_hold_it() -> None:
    places = single_payload("a:\n  b: 1\n").find_places(["/a/c", "/a/b/0/d"])
    assert places.find("/a/c") == Position(Span(2, 3, 2, 7))
    assert places.find("/a/b/0/d") == Position(Span(2, 6, 2, 7))


def test_nothing_has_a_place_in_a_document_whose_value_is_refused() -> None:
    assert single_payload("!mine x").find_places([""]).find("") is None


def test_the_place_of_a_scalar_ends_with_its_last_character() -> None:
    places = single_payload("aX: bX  # c\n'd' : 'e' \n").find_places(["/aX", "/d"])
    assert places.find("/aX") == Position(Span(1, 5, 1, 7), Span(1, 1, 1, 3))
    assert places.find("/d") == Position(Span(2, 7, 2, 10), Span(2, 1, 2, 4))


def test_the_place_of_a_block_scalar_ends_with_its_last_line() -> None:
    places = single_payload("? |\n  k\n\n: |\n  v\n\n").find_places(["/k\n"])
    assert places.find("/k\n") == Position(Span(4, 3, 5, 4), Span(1, 3, 2, 4))


@pytest.mark.parametrize("number", [".nan", "1e999", "9" * 4301])
def test_numbers_that_are_refused_have_no_value(number: str) -> None:
    assert single_payload(f"a: {number}").document.value == {"a": None}


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


def pointers(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[str]:
    yield to_pointer(above)
    items = value.items() if isinstance(value, dict) else ()
    for key, below in enumerate(value) if isinstance(value, list) else items:
        yield from pointers(below, (*above, key))


@given(json_values, st.sampled_from([None, 1, 3]))
def test_json_is_read_as_json(data: Any, indent: int | None) -> None:
    text = json.dumps(data, indent=indent)
    if not isinstance(data, (dict, list)):
        # A scalar is read by PyYAML, which refuses surrogates as escapes and some characters.
        assume("\\ud" not in text and "\x7f" not in text)
    found = single_payload(text)
    assert repr(found.document.value) == repr(data)
    wanted = list(pointers(data))
    places, expected = found.find_places(wanted), JsonPositions(text, wanted)
    for pointer in wanted:
        assert places.find(pointer) == expected.find(pointer)


@given(json_values, st.sampled_from(["block", "flow"]), st.sampled_from(["\n", "\r\n"]))
@example({"a": ["b", {"c": "d: e", "f": []}], "g": {}, "é😀": "x\ny\n"}, "block", "\n")
def test_places_as_other_programs_write_yaml(data: Any, style: str, end: str) -> None:
    text = yaml.safe_dump(
        data, allow_unicode=True, default_flow_style=style == "flow", line_break=end, width=10**9
    )
    assume("!!" not in text and not any(each in text for each in "\u0085\u2028\u2029\ufeff"))
    found = single_payload(text)
    # There are some with keys that PyYAML writes plain, for YAML 1.1, and that are numbers here.
    assume(not found.document.problems)
    lines = text.split("\n")
    wanted = list(pointers(found.document.value))
    places = found.find_places(wanted)
    for pointer in wanted:
        place = places.find(pointer)
        assert place is not None
        line, column, end_line, end_column = place.value
        cut = lines[line - 1 : end_line]
        cut[-1] = cut[-1][: end_column - 1]
        cut[0] = cut[0][column - 1 :]
        if line == end_line:
            again = single_payload(cut[0])
            held = found.document.value
            for step in steps(pointer):
                held = held[int(step)] if isinstance(held, list) else held[step]
            assert repr(again.document.value) == repr(held)
        if place.key is not None and place.key.line == place.key.end_line:
            key = lines[place.key.line - 1][place.key.column - 1 : place.key.end_column - 1]
            assert single_payload(f"- {key}").document.value == [steps(pointer)[-1]]


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,?\n\t \x00é\ufeff", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for each in payloads(text):
        json.dumps(each.document.value, allow_nan=False)
        for problem in each.document.problems:
            assert problem.line is not None
            assert each.places is None or each.places.root is None or each.places.find("")


# The command


def check(
    content: str | bytes, folder: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, str, str]:
    path = folder / "a.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    status = main(["check", *more, str(path)])
    out, err = capsys.readouterr()
    return status, out.replace(str(path), "a.yaml"), err.replace(str(path), "a.yaml")


BAD = """\
customerSession:
  profileId: cust-88120   # of the shop
  State: open
  cartItems:
    - name: Burr grinder
      sku: GRD-7
      quantity: 0
      price: 129
"""


def test_findings_have_their_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = check(BAD, tmp_path, capsys)
    assert (status, err) == (1, "")
    assert out.startswith("a.yaml:3:3: warning[payload/unknown-property] ")
    assert " 3 |   State: open\n   |   ^^^^^\n" in out
    assert "a.yaml:7:17: error[schema/minimum] 0 is less than 1\n" in out
    assert " 7 |       quantity: 0\n   |                 ^\n" in out


@pytest.mark.parametrize(
    ("text", "params", "end"),
    [
        ("a: &xy 1", {"kind": "anchors"}, 7),
        ("a: *xy", {"kind": "aliases"}, 7),
        ("<< : {b: 1}", {"kind": "merge keys"}, 3),
        ("- !mine x", {"tag": "!mine"}, 10),
        ("? [a]\n: 1", {"type": "array"}, 4),
        ("? {a: 1}\n: 1", {"type": "object"}, 4),
        ("12 : x", {"type": "integer"}, 3),
        ("a: " + "9" * 4301, {"limit": "4300 digits"}, 4305),
        ("a: 1e999 # x", {"limit": "double"}, 9),
        ("a: .inf # x", {"found": ".inf"}, 8),
        ("x: " + "[" * 100, {"limit": 100}, 104),
        ("ab: [!mine x, " + "[" * 100 + "\x07", {"tag": "!mine"}, 13),
        ("a: b: c", {"detail": "mapping values are not allowed"}, 6),
        ("a: x\x07x", {"detail": "characters are not allowed"}, 6),
        ("a: 'x", {"detail": "found unexpected end of stream"}, 6),
        ("a: [1\r\nb: 2", {"detail": "expected ',' or ']'"}, 3),
        ("a: 'b' X", {"detail": "expected"}, 9),
        ("a: *\r\nb", {"detail": "expected alphabetic or numeric character"}, 5),
    ],
)
def test_faults_say_what_they_are_about_and_where_it_ends(
    text: str,
    params: dict[str, Any],
    end: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, out, _ = check(text, tmp_path, capsys, "--format", "json")
    finding = json.loads(out)["files"][0]["findings"][-1]
    detail = params.get("detail", "")
    # What the parsers say differs in its first and last words.
    assert detail in finding["params"].get("detail", "")
    assert {**finding["params"], **({"detail": detail} if detail else {})} == params
    assert finding["end_column"] == end


def test_a_key_that_came_before_is_shown_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = check("a: 1\n'a': 2", tmp_path, capsys, "--format", "json")
    finding = json.loads(out)["files"][0]["findings"][-1]
    assert finding["params"] == {"first_line": 1, "first_column": 1, "key": "a"}
    assert finding["places"] == [Span(1, 1, 1, 2)._asdict()]


def test_a_payload_in_each_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"customerSession: {{}}\n---\n{BAD}---\na: &b 1\n"
    status, out, _ = check(text, tmp_path, capsys, "--format", "concise", "--verbose")
    assert status == 3
    assert [line.partition(" ")[0] for line in out.splitlines()] == [
        *("a.yaml:5:3:", "a.yaml:9:17:", "a.yaml:12:4:", "a.yaml:"),
    ]
    assert out.endswith("a.yaml: errors in 2 of 3 payloads, 1 unreadable\n")


@pytest.mark.parametrize(
    ("content", "status", "reported"),
    [
        ("\ufeffcustomerSession: {profileId: a}\n", 0, ""),
        ("", 3, "a.yaml:1:1: error[json/syntax] "),
        ("# nothing\n", 3, "a.yaml:1:"),
        (b"a: K\xf6ln", 3, "a.yaml:1:5: error[json/encoding] "),
        (b"\x00\x01\x02\xff", 3, "a.yaml:1:4: error[json/encoding] "),
        ("a: [", 3, "a.yaml:1:5: error[yaml/syntax] "),
        (b"#" * (MAX_BYTES + 1), 3, "a.yaml: error[json/too-large] "),
    ],
)
def test_odd_files(
    content: str | bytes,
    status: int,
    reported: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    got, out, err = check(content, tmp_path, capsys, "--format", "concise")
    assert (got, err) == (status, "")
    assert out.startswith(reported)
    assert out.count("\n") == bool(reported)


def test_redacted_output_shows_no_tag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = check("a: !secret 1", tmp_path, capsys, "--redact")
    assert status == 3
    assert "[redacted]" in out
    assert "secret" not in out


def test_a_reopening_has_no_body(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--operation", "reopen", "--previous", "closed", "--edition", "2026-06")
    assert check("", tmp_path, capsys, *options)[0] == 0


def test_without_the_extra_that_reads_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    for module in ("yaml_reader", "yaml_composer"):
        monkeypatch.delitem(sys.modules, f"talonschema.reading.{module}")
    for options in ((), ("--sequence",)):
        status, out, err = check(BAD, tmp_path, capsys, *options)
        assert (status, out) == (3, "")
        assert err == (
            "talonschema: error: a.yaml: reading YAML requires PyYAML:"
            " pip install 'talonschema[yaml]'\n"
        )
