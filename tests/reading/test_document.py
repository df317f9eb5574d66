"""Reading documents: the same answer with and without the native parser, for all inputs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.search import draws
from support.strategies import json_documents
from talonschema.findings.pointer import to_pointer
from talonschema.reading import document, first_fault, parsers
from talonschema.reading.document import MAX_BYTES, MAX_DEPTH, Document, read, reread
from talonschema.reading.parsers import verified_orjson
from talonschema.reading.python_values import plain

PROPERTY = settings(max_examples=draws(300), deadline=None, derandomize=True, database=None)
CASES = Path(__file__).parents[1] / "cases" / "json"

STRICT = {"json": document._accept_with_json}  # noqa: SLF001 - shows nowhere else
if find_spec("jiter"):
    STRICT["jiter"] = document._accept_with_jiter  # noqa: SLF001 - shows nowhere else
ACCEPTERS: dict[str, Callable[[bytes], object]] = dict(STRICT)
if find_spec("orjson"):
    ACCEPTERS |= {f"orjson over {name}": verified_orjson(strict) for name, strict in STRICT.items()}

scraps = st.binary(max_size=4) | st.sampled_from(
    [
        *(b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\n", b"\0", b"\xef\xbb\xbf", b"\xff"),
        *(b"NaN", b"1e999", b"-", b"0", b'"a":1,', b"\\ud800", b"\\ud83d\\ude00", b"\\\\ud800"),
        *(b"[" * 101, b"9" * 4301, b"// x", b"'", b"true", b"\xed\xa0\x80", b"\xc3", b"\\u00e9"),
    ]
)


@st.composite
def mutated_documents(draw: st.DrawFn) -> bytes:
    """Return a JSON document with a few bytes cut out, doubled or put in."""
    data = json.dumps(draw(json_documents), ensure_ascii=draw(st.booleans())).encode()
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(data)))
        end = begin + draw(st.integers(0, 3))
        data = data[:begin] + draw(scraps | st.just(data[begin:end] * 2)) + data[end:]
    return data


numbers = st.from_regex(r"-?[0-9]{0,25}\.?[0-9]{0,25}([eE][+-]?[0-9]{0,3})?", fullmatch=True)
escapes = st.lists(
    st.sampled_from(["\\ud83d", "\\ude00", "\\uD83D", "\\uDE00", "\\\\", "\\u0041", "u", "d800"]),
    max_size=6,
).map(lambda parts: '"' + "".join(parts) + '"')
spelt = st.lists(
    st.sampled_from(["a", '\\"', "\\u0022", "\\\\", "\\u005c", ":", "\\u0061", "e+"]), max_size=2
).map(lambda parts: '"' + "".join(parts) + '"')
members = st.tuples(spelt, st.sampled_from(["", " "]), spelt | st.just("1e19")).map(
    lambda parts: "{}{}:{}".format(*parts)
)
objects = st.lists(members, max_size=4).map(lambda parts: "{" + ",".join(parts) + "}")
sources = (
    objects.map(str.encode)
    | mutated_documents()
    | st.binary()
    | st.lists(scraps).map(b"".join)
    | (numbers | escapes).map(str.encode)
)


@contextmanager
def use_accepter(name: str) -> Iterator[None]:
    with patch.object(document.PARSER, "accept", ACCEPTERS[name]):
        yield


def read_document(source: bytes | str) -> Document:
    """Read as callers do: once more when a value shows what the fast parsers let through."""
    result = read(source)
    return reread(source) if result.readable and plain(result.value)[1] else result


@pytest.fixture(params=sorted(ACCEPTERS))
def _each_accepter(request: pytest.FixtureRequest) -> Iterator[None]:
    with use_accepter(request.param):
        yield


def load_cases(pattern: str = "*.json") -> list[dict[str, Any]]:
    return [
        case
        for path in sorted(CASES.glob(pattern))
        for case in json.loads(path.read_text(encoding="utf-8"))["tests"]
    ]


@pytest.mark.usefixtures("_each_accepter")
@pytest.mark.parametrize("name", sorted(path.name for path in CASES.glob("*.json")))
def test_cases(name: str) -> None:
    for case in load_cases(name):
        source = case["text"] if "text" in case else bytes.fromhex(case["bytes_hex"])
        expected = [{"params": {}, **problem} for problem in case["problems"]]
        for result in (read_document(source), reread(source)):
            assert [
                {
                    "code": problem.code,
                    "pointer": to_pointer(problem.path),
                    "line": problem.line,
                    "column": problem.column,
                    "params": problem.params,
                }
                for problem in result.problems
            ] == expected, case["description"]


def test_there_are_cases_of_every_kind() -> None:
    cases = load_cases()
    assert {problem["code"] for case in cases for problem in case["problems"]} == {
        "json/syntax",
        "json/duplicate-key",
        "json/not-finite",
        "json/number-range",
        "json/lone-surrogate",
        "json/too-deep",
        "json/encoding",
    }
    assert sum(not case["problems"] for case in cases) >= 15


@pytest.mark.parametrize("name", sorted(ACCEPTERS.keys() - {"json"}))
@PROPERTY
@given(sources)
@example(b'{"a":1,"\\u0061":2}')
@example(b'"\\ud800"')
@example(b'"\\ud83d\\ude00\\\\ud800"')
@example(b'{"\\ud800":1}')
@example(b"1e999")
@example(b"9" * 4300)
@example(b"9" * 4301)
@example(b"[" * 100 + b"]" * 100)
@example(b"[" * 150 + b"]" * 150)
@example(b"[" * 250 + b"]" * 250)
@example(b"[" * 100_000)
@example(b"-0")
@example(b"\xef\xbb\xbf{}")
@example(b"1\0 \0")
@example(b'{"a":1,"b":[{"a":2}],"a" : 3}')
@example(b'{"a":"\\u0022:","a":1}')
@example(b'{"\\"":1,"\\u0022":2}')
@example(b'{"\\\\":1,"\\u005c":"\\""}')
@example(b"[18446744073709551615,18446744073709551616,-9223372036854775809]")
@example(b'["e+19", 12345678901234567890123, "+"]')
def test_the_native_parsers_change_nothing(name: str, source: bytes) -> None:
    with use_accepter(name):
        fast = read_document(source)
    with use_accepter("json"):
        slow = read_document(source)
    assert repr(fast) == repr(slow) == repr(reread(source))


def refuse(data: bytes) -> object:
    raise AssertionError(data)


needs_orjson = pytest.mark.skipif(find_spec("orjson") is None, reason="orjson is not installed")


@needs_orjson
@pytest.mark.parametrize(
    "source",
    [
        b'{"a": "", "b": [{"a": -1.5e-300}], "\xc3\xa9": null}',
        b'{"a": "\\"", "b": "\\u00e9\\n/\\/", "c": 18446744073709551615}',
        b'{"as":"orjson writes it, though e+","b":1e+19,"\\\\":"\\n"}',
        b'"a+b, e and +"',
        b'["a+b", "e and +"]',
        b'["\\u00e9"]',
        b'{"a": "\\\\", "b": 1}',
        b"1",
    ],
)
def test_what_shows_to_be_good_is_not_read_twice(source: bytes) -> None:
    assert verified_orjson(refuse)(source) == json.loads(source)


@needs_orjson
@pytest.mark.parametrize(
    "source",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": 1, "\\u0061": "\\""}',
        b'{"a": "\\\\", "a": 1}',
        b'{"\\\\": 1, "\\u005c": 1}',
        b'{"a": 1, "a": "\\u0022"}',
        b'{"a": 1, "a": "\\u0022\\u0022"}',
        b'{"a": "\\\\", "a": "\\u005c"}',
        b"18446744073709551616",
        b"-9223372036854775809",
        b"1e999",
        b"[" * 300 + b"]" * 300,
        b"",
    ],
)
def test_what_does_not_show_to_be_good_is_left_to_a_strict_parser(source: bytes) -> None:
    asked: list[bytes] = []
    assert verified_orjson(asked.append)(source) is None
    assert asked == [source]


def test_an_orjson_that_writes_numbers_in_another_way_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What it has rounded would not show.
    other = SimpleNamespace(loads=json.loads, dumps=lambda _value: b"9223372036854775808.0")
    monkeypatch.setattr(parsers, "orjson", other)
    assert verified_orjson(refuse) is refuse


def test_reading_needs_no_native_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jiter", "orjson"):
        monkeypatch.setitem(sys.modules, name, None)

    def load_copy(module: ModuleType) -> Any:
        spec = find_spec(module.__name__)
        assert spec is not None
        assert spec.loader is not None
        copy = module_from_spec(spec)
        spec.loader.exec_module(copy)
        return copy

    assert load_copy(parsers).verified_orjson(refuse) is refuse
    assert load_copy(document).read(b'{"a": 1}') == ({"a": 1}, (), True)
    problem = load_copy(first_fault).find('["a",\n 1 2]', 100)
    assert (problem.code, problem.line, problem.column) == ("json/syntax", 2, 4)
    assert problem.params == {"kind": "expected-value"}


@needs_orjson
def test_many_documents_are_read_by_the_fastest_parser() -> None:
    asked: list[bytes] = []
    parser = document.Parser(asked.append)
    for _ in range(document.FEW):
        parser.accept(b"1")
    assert len(asked) == document.FEW
    assert parser.accept(b"1") == 1
    assert len(asked) == document.FEW


def test_a_parser_that_cannot_be_loaded_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    # None makes the import fail, as a lack of descriptors or a missing file does.
    monkeypatch.setitem(sys.modules, "talonschema.reading.parsers", None)
    asked: list[bytes] = []
    parser = document.Parser(asked.append)
    for _ in range(document.FEW + 5):
        parser.accept(b"{}")
    assert len(asked) == document.FEW + 5
    # Nor is it looked for with each document.
    monkeypatch.undo()
    for _ in range(2):
        parser.accept(b"{}")
    assert len(asked) == document.FEW + 7


@pytest.mark.usefixtures("_each_accepter")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, bytes.decode])
def test_every_kind_of_source(kind: Callable[[bytes], Any]) -> None:
    good = '{"a": ["é😀", 1, 1.0]}'.encode()
    assert read(kind(good)) == Document({"a": ["é😀", 1, 1.0]})
    assert read(kind(b"\xef\xbb\xbf" + good)) == Document({"a": ["é😀", 1, 1.0]})
    (problem,) = read(kind(b"\xef\xbb\xbf[1,\n x]")).problems
    assert (problem.line, problem.column) == (2, 2)
    assert reread(kind(good)) == read(good)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("orders/of today.json", "path"),
        ("a.yml", "path"),
        ("a.json\n", "bad-literal"),
        ("a.txt", "bad-literal"),
        ('["a.json', "unterminated-string"),
        (b"a.json", "bad-literal"),
    ],
)
def test_a_path_in_place_of_its_content(source: bytes | str, kind: str) -> None:
    (problem,) = read(source).problems
    assert (problem.code, problem.params) == ("json/syntax", {"kind": kind})


def test_a_good_document_is_read_again_with_little_effort() -> None:
    # As a caller does who meets an infinite number that a native parser let through.
    assert reread(b"[1]", document.Effort(problems=1, tokens=10)) == Document([1])


def test_nuls_in_utf_8_are_no_other_encoding() -> None:
    # They stand where those of UTF-16 do, but some are left in what is read as such.
    (problem,) = read(b"\0a\0b\0\0").problems
    assert problem.code == "json/syntax"


def test_memory_views_of_other_shapes() -> None:
    assert read(memoryview(b"[1  2]")[::1]) == read(b"[1  2]")
    assert read(memoryview(b"[_1_]_")[::2]) == Document([1])
    assert read(memoryview(b"[1, 2, 3").cast("I")).problems == read(b"[1, 2, 3").problems


@pytest.mark.parametrize("source", [None, 5, [], {}, object()])
def test_other_sources_are_a_mistake_of_the_caller(source: Any) -> None:
    with pytest.raises(TypeError, match="bytes"):
        read(source)
    with pytest.raises(TypeError, match="bytes"):
        reread(source)


@pytest.mark.usefixtures("_each_accepter")
def test_good_documents_are_not_scanned() -> None:
    with patch.object(document, "reread", side_effect=AssertionError):
        for source in ('{"a": "\\ud83d\\ude00\\\\ud800"}', b"\xef\xbb\xbf[1.5]", "\ufeff{}"):
            assert read(source).problems == ()
        # Left to the caller, who has to look at every value anyway.
        assert read("1e999").value == float("inf")
        assert read("[" * 101 + "]" * 101).problems == ()


@pytest.mark.usefixtures("_each_accepter")
@pytest.mark.parametrize("filler", [b" ", "é".encode(), b"\xff", b"\xef\xbb\xbf"])
def test_size_limit(filler: bytes) -> None:
    data = (filler * (MAX_BYTES + 1))[: MAX_BYTES + 1]
    for source in (data, bytearray(data), memoryview(data)):
        for result in (read(source), reread(source)):
            assert result.value is None
            assert not result.readable
            (problem,) = result.problems
            assert problem.code == "json/too-large"
            assert problem.params == {"limit": MAX_BYTES}
            assert problem.values == {"size": MAX_BYTES + 1}


@pytest.mark.usefixtures("_each_accepter")
@pytest.mark.parametrize("filler", ["x", "é", "\ud800"])
def test_size_limit_counts_bytes_of_text(filler: str) -> None:
    width = len(filler.encode(errors="surrogatepass"))
    text = '"' + filler * (MAX_BYTES // width) + '"'
    for result in (read(text), reread(text), read(text * 2)):
        assert [problem.code for problem in result.problems] == ["json/too-large"]
    assert read(text).problems[0].values == {"size": width * (MAX_BYTES // width) + 2}
    assert read(text * 2).problems[0].values == {"size": 2 * width * (MAX_BYTES // width) + 4}


def test_size_counts_each_unpaired_surrogate_as_three_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 10)
    for text in ("\ud800" * 4, "\ud800" * 11):
        (problem,) = read(text).problems
        assert problem.code == "json/too-large"
        assert problem.values == {"size": 3 * len(text)}


@pytest.mark.usefixtures("_each_accepter")
def test_the_largest_document_is_read() -> None:
    text = '"' + "x" * (MAX_BYTES - 2) + '"'
    assert reread(text) == Document(text[1:-1])
    with patch.object(document, "reread", side_effect=AssertionError):
        for source in (text, text.encode(), bytearray(text.encode())):
            assert read(source) == Document(text[1:-1])


@pytest.mark.usefixtures("_each_accepter")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('["\\ud800"]', "lone-surrogate"),
        ('{"\\uDFFF": 1}', "lone-surrogate"),
        ("[NaN]", "not-finite"),
        ("-Infinity", "not-finite"),
        ('{"a": 1, "a": 1}', "duplicate-key"),
        ("9" * 4301, "number-range"),
        ("[" * 100_000 + "]" * 100_000, "too-deep"),
    ],
)
def test_what_a_glance_at_the_value_does_not_show_is_found_at_once(text: str, code: str) -> None:
    assert [problem.code for problem in read(text).problems] == [f"json/{code}"]


@pytest.mark.usefixtures("_each_accepter")
def test_unpaired_surrogates_in_text() -> None:
    result = read('["a", "\ud800", "b"]')
    assert result.value == ["a", None, "b"]
    assert [(p.code, p.path, p.column) for p in result.problems] == [
        ("json/lone-surrogate", (1,), 8)
    ]


@pytest.mark.usefixtures("_each_accepter")
def test_unreadable_documents_have_no_value() -> None:
    for source in (b"\xff", b"[1", b"[" * 101, "[1 2]", b"", '{"a":1}'.encode("utf-16")):
        result = read(source)
        assert result.value is None
        assert not result.readable
        assert len(result.problems) == 1
    assert read(b"null") == Document(None)
    assert read(b"NaN").readable


@pytest.mark.usefixtures("_each_accepter")
@pytest.mark.parametrize("error", [ValueError, RecursionError, MemoryError])
def test_the_diagnosis_has_the_last_word(error: type[Exception]) -> None:
    with patch.object(document.PARSER, "accept", side_effect=error):
        assert read(b'{"a": [1, 2.5]}') == Document({"a": [1, 2.5]})


@pytest.mark.usefixtures("_each_accepter")
@pytest.mark.parametrize("limit", [640, 4300, 10_000, 0])
def test_long_integers_do_not_depend_on_the_limit_of_the_interpreter(limit: int) -> None:
    before = sys.get_int_max_str_digits()
    try:
        sys.set_int_max_str_digits(limit)
        assert read(b"9" * 4300) == Document(10**4300 - 1)
        assert read(b"-" + b"9" * 4300) == Document(-(10**4300) + 1)
        assert [p.code for p in read(b"9" * 4301).problems] == ["json/number-range"]
        assert [p.code for p in read(b"-" + b"9" * 4301).problems] == ["json/number-range"]
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.usefixtures("_each_accepter")
@pytest.mark.parametrize("unit", [b"[", b'{"a":', b'[{"a":'])
def test_deep_nesting(unit: bytes) -> None:
    begin = time.thread_time()
    for repeats in (101, 200, 1_000, 100_000):
        (problem,) = read(unit * repeats + b"1").problems[-1:]
        assert problem.code in {"json/syntax", "json/too-deep"}
        assert problem.code == "json/too-deep" or repeats * unit.count(b"[") < MAX_DEPTH
    assert time.thread_time() - begin < 10
