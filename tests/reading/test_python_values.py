"""Parsed Python values: what each counts as, and that none of them does harm."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import fractions
import io
import json
import numbers
import time
import types
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import MagicMock, Mock

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.strategies import json_documents
from talonschema.reading.document import read, reread
from talonschema.reading.python_values import plain

PROPERTY = settings(max_examples=300, deadline=None, derandomize=True, database=None)


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "fooled"

    def __repr__(self) -> str:
        return "fooled"

    def __getitem__(self, _index: object) -> str:
        return "fooled"

    def encode(self, *_arguments: object) -> bytes:
        raise RuntimeError

    def isascii(self) -> bool:
        raise RuntimeError


class Word(str):
    __slots__ = ()


class Number(int):
    def __int__(self) -> int:
        return 666

    def __index__(self) -> int:
        return 666


class Real(float):
    __slots__ = ()

    def __float__(self) -> float:
        return 666.0


class Money(Decimal):
    def __str__(self) -> str:
        return "fooled"

    def is_finite(self) -> bool:
        raise RuntimeError


class Colour(str, enum.Enum):  # noqa: UP042 - the older way is still common
    RED = "red"


class Plain(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


class Pairs(Mapping[Any, Any]):
    """A mapping of any pairs, which may share a key as those of web frameworks do."""

    def __init__(self, *pairs: tuple[Any, Any]) -> None:
        self._pairs = pairs

    def __getitem__(self, key: object) -> object:
        return next(value for name, value in self._pairs if name == key)

    def __iter__(self) -> Iterator[Any]:
        return (name for name, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def items(self) -> Any:
        return self._pairs


class Broken(Mapping[str, Any]):
    def __getitem__(self, key: str) -> object:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def __len__(self) -> int:
        raise RuntimeError


class BrokenList(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError


class BrokenDict(dict[str, Any]):
    def items(self) -> Any:
        return [1, 2, 3]


class NamelessMeta(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError


class Nameless(metaclass=NamelessMeta):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError


@numbers.Integral.register
class Whole:
    def __int__(self) -> int:
        return 7


@numbers.Real.register
class Single:
    def __init__(self, value: float = 1.5) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"Single({self.value})"


@numbers.Integral.register
class BrokenWhole:
    def __int__(self) -> int:
        raise RuntimeError


def numpy_bool(name: str, *, value: bool) -> object:
    """Return what looks like a NumPy boolean, without NumPy."""
    kind = type(name, (), {"__module__": "numpy", "item": lambda _self: value})
    return kind()


GOOD = [
    ({"a": 1}, {"a": 1}),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(int, a=1), {"a": 1}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (collections.UserDict(a=1), {"a": 1}),
    (collections.ChainMap({"a": 1}, {"a": 2, "b": 3}), {"a": 1, "b": 3}),
    ({Text("a"): 1, Colour.RED: 2}, {"a": 1, "red": 2}),
    ([1, 2], [1, 2]),
    ((1, (2,)), [1, [2]]),
    (Point(1, 2), [1, 2]),
    ((), []),
    ("é😀\0", "é😀\0"),
    (Text("a"), "a"),
    (Text("é"), "é"),
    (Colour.RED, "red"),
    (True, True),
    (None, None),
    (Number(5), 5),
    (Level.HIGH, 3),
    (10**5000, 10**5000),
    (Whole(), 7),
    (1.0, 1.0),
    (Real(2.5), 2.5),
    (Single(), 1.5),
    (Decimal("1.10"), Decimal("1.10")),
    (Money("1.10"), Decimal("1.10")),
    (Decimal("1E+999999"), Decimal("1E+999999")),
    (Decimal("2.00"), 2),
    (Plain.RED, Plain.RED.value),
    (numpy_bool("bool_", value=True), True),
    (numpy_bool("bool", value=False), False),
]
TYPES_OF_JSON = {dict, list, str, int, float, Decimal, bool, type(None)}


def types_in(value: object) -> set[type]:
    inner: list[object] = []
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list):
        inner = value
    return {type(value)}.union(*map(types_in, inner))


@pytest.mark.parametrize(("value", "expected"), GOOD, ids=[type(v).__name__ for v, _ in GOOD])
def test_what_counts_as_json(value: object, expected: object) -> None:
    for given_, copy_ in ((value, expected), ({"a": [value]}, {"a": [expected]})):
        copy, problems = plain(given_)
        assert problems == []
        assert copy == copy_
        assert types_in(copy) == types_in(copy_) <= TYPES_OF_JSON


UNUSABLE = [
    ({1, 2}, "set"),
    (frozenset(), "frozenset"),
    (b"a", "bytes"),
    (bytearray(b"a"), "bytearray"),
    (memoryview(b"a"), "memoryview"),
    (range(3), "range"),
    (iter([]), "list_iterator"),
    ({}.keys(), "dict_keys"),
    (collections.deque([1]), "deque"),
    (collections.UserList([1]), "UserList"),
    (collections.UserString("a"), "UserString"),
    (dt.date(2024, 1, 1), "date"),
    (dt.time(12), "time"),
    (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "datetime"),
    (dt.timedelta(days=1), "timedelta"),
    (Path("session.json"), type(Path()).__name__),
    (io.StringIO("{}"), "StringIO"),
    (io.BytesIO(b"{}"), "BytesIO"),
    (read, "function"),
    (attrs.make_class("Attrs", ["a"])(1), "Attrs"),
    (uuid.UUID(int=0), "UUID"),
    (fractions.Fraction(1, 2), "Fraction"),
    (1j, "complex"),
    (object(), "object"),
    (int, "type"),
    (..., "ellipsis"),
    (Broken(), "Broken"),
    (BrokenList([1]), "BrokenList"),
    (BrokenDict(a=1), "BrokenDict"),
    (BrokenWhole(), "BrokenWhole"),
    (Nameless(), "Nameless"),
    (Mock(spec=str), "Mock"),
    (Mock(spec=dict), "Mock"),
    (MagicMock(spec=float), "MagicMock"),
]
REMEDIES = {
    **dict.fromkeys(["set", "frozenset", "dict_keys"], "set"),
    **dict.fromkeys(["bytes", "bytearray", "memoryview"], "bytes"),
    **dict.fromkeys(["range", "list_iterator", "deque", "UserList"], "iterable"),
    **dict.fromkeys(["UUID", "UserString"], "text"),
    **dict.fromkeys(["datetime"], "datetime"),
    **dict.fromkeys(["date", "time"], "date"),
    **dict.fromkeys(["PosixPath", "WindowsPath"], "path"),
    **dict.fromkeys(["StringIO", "BytesIO"], "file"),
    **dict.fromkeys(["function", "type"], "call"),
    "timedelta": "duration",
    "Fraction": "fraction",
    "ndarray": "array",
    "Attrs": "attrs",
}


@pytest.mark.parametrize(("value", "name"), UNUSABLE, ids=[name for _, name in UNUSABLE])
def test_what_json_cannot_carry(value: object, name: str) -> None:
    copy, problems = plain({"a": [1, value, 2], "b": 3})
    assert copy == {"a": [1, None, 2], "b": 3}
    (problem,) = problems
    assert problem.code == "json/unsupported-type"
    assert problem.path == ("a", 1)
    assert problem.values == {"type": name}
    assert problem.params.get("kind", "") == REMEDIES.get(name, "")
    assert plain(value)[0] is None
    assert plain(value)[1] == [problem._replace(path=())]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (-float("inf"), "-Infinity"),
        (Real("nan"), "NaN"),
        (Single(float("inf")), "Infinity"),
        (Decimal("NaN"), "NaN"),
        (Decimal("-Infinity"), "-Infinity"),
        (Decimal("sNaN"), "sNaN"),
        (Money("Infinity"), "Infinity"),
        (Decimal("NaN" + "1" * 25), "NaN" + "1" * 17),
    ],
    ids=repr,
)
def test_numbers_that_are_not_finite(value: object, found: str) -> None:
    copy, (problem,) = plain([value])
    assert copy == [None]
    assert (problem.code, problem.path) == ("json/not-finite", (0,))
    assert problem.values == {"found": found}


def report(value: object, **limits: Any) -> tuple[Any, list[tuple[str, tuple[Any, ...]]]]:
    copy, problems = plain(value, **limits)
    return copy, [(problem.code.removeprefix("json/"), problem.path) for problem in problems]


def test_keys_that_are_not_strings() -> None:
    copy, problems = plain({"a": {1: [float("nan")], None: 2, "b": 3, (1, 2): 4}})
    assert copy == {"a": {"b": 3}}
    assert [(p.code, p.path, p.values) for p in problems] == [
        ("json/key-type", ("a",), {"type": name}) for name in ("int", "NoneType", "tuple")
    ]


def test_keys_that_come_twice() -> None:
    copy, (problem,) = plain([Pairs(("a", 1), ("b", 2), (Text("a"), 3))])
    assert copy == [{"a": 3, "b": 2}]
    assert problem.code == "json/duplicate-key"
    assert problem.path == (0, "a")
    assert problem.params == {"first_line": None, "first_column": None}
    assert problem.values == {"key": "a"}
    assert report(Pairs(("a", 1), ("a", 2))) == ({"a": 2}, [("duplicate-key", ("a",))])


def test_unpaired_surrogates_are_characters() -> None:
    value = {"a": ["\ud800", Text("x\udfff"), "é"], "\udc00": "b"}
    assert report(value) == ({"a": ["\ud800", "x\udfff", "é"], "\udc00": "b"}, [])


def test_problems_are_in_document_order() -> None:
    value = {"b": [float("nan"), {1: 2, "x": 1j}], 3: 4, "a": {"c": b"", "\ud800": set()}}
    assert report(value)[1] == [
        ("not-finite", ("b", 0)),
        ("key-type", ("b", 1)),
        ("unsupported-type", ("b", 1, "x")),
        ("key-type", ()),
        ("unsupported-type", ("a", "c")),
        ("unsupported-type", ("a", "\ud800")),
    ]
    assert report(value, max_problems=2)[1] == report(value)[1][:2]
    assert report(value, max_problems=0) == (report(value)[0], [])


def test_the_value_is_not_changed_and_not_shared_with_the_copy() -> None:
    value = {"a": [{"b": [float("inf")]}, {}, []], 1: 2}
    before = repr(value)
    copy: Any = plain(value)[0]
    copy["a"][0]["b"].append(1)
    copy["a"][1]["c"] = 1
    copy["a"][2].append(1)
    copy["a"].append(1)
    assert repr(value) == before


def test_cycles() -> None:
    loop: dict[str, Any] = {"b": 1}
    loop["a"] = [0, {"c": loop}]
    assert report(loop) == ({"b": 1, "a": [0, {"c": None}]}, [("circular", ("a", 1, "c"))])
    array: list[Any] = []
    array += [array, (array,)]
    assert report(array) == ([None, [None]], [("circular", (0,)), ("circular", (1, 0))])
    proxied: dict[str, Any] = {}
    proxied["a"] = types.MappingProxyType(proxied)
    copy, problems = report(proxied)
    # The proxy is another object at first, the second time round it is the same.
    assert copy == {"a": {"a": None}}
    assert problems == [("circular", ("a", "a"))]


def test_shared_values_are_no_cycles_and_stay_shared() -> None:
    shared: list[Any] = [1, 2.5]
    copy, problems = report({"a": shared, "b": [shared, shared]})
    assert copy == {"a": [1, 2.5], "b": [[1, 2.5], [1, 2.5]]}
    assert copy["a"] is copy["b"][0] is copy["b"][1]
    assert problems == []


def test_problems_of_shared_values_are_reported_at_each_place() -> None:
    shared: list[Any] = [1, float("nan")]
    copy, problems = report({"a": shared, "b": [shared]})
    assert copy == {"a": [1, None], "b": [[1, None]]}
    assert problems == [("not-finite", ("a", 1)), ("not-finite", ("b", 0, 1))]


def test_sharing_cannot_blow_up() -> None:
    value: Any = 1
    for _ in range(100):
        value = [value, {"a": value}] if _ % 2 else (value, value)
    begin = time.thread_time()
    plain(value, max_depth=200)
    plain(value)
    for _ in range(100):
        value = [value, value]
    assert {code for code, _ in report(value)[1]} == {"too-deep"}
    assert time.thread_time() - begin < 5


def nested(depth: int, innermost: object = 1) -> object:
    for number in range(depth):
        innermost = [innermost] if number % 2 else {"a": innermost}
    return innermost


def test_nesting() -> None:
    assert report(nested(100)) == (nested(100), [])
    copy, problems = plain(nested(101))
    assert copy != nested(101)
    (problem,) = problems
    assert problem.code == "json/too-deep"
    assert problem.params == {"limit": 100}
    assert problem.path == ("a", 0) * 50
    assert report([[]], max_depth=1) == ([None], [("too-deep", (0,))])
    assert report([[], {}, ()], max_depth=2) == ([[], {}, []], [])
    assert report({}, max_depth=0) == (None, [("too-deep", ())])
    assert report(1, max_depth=0) == (1, [])


def test_nesting_of_shared_values_counts_at_each_place() -> None:
    shared = [[[1]]]
    assert report([shared, [shared]], max_depth=5)[1] == []
    assert report([shared, [shared]], max_depth=4)[1] == [("too-deep", (1, 0))]
    empty: list[Any] = []
    inner = [empty]
    assert report([inner, [inner]], max_depth=4)[1] == []
    assert report([inner, [inner]], max_depth=3)[1] == [("too-deep", (1, 0))]
    uneven = [[[1]], [2]]
    assert report([uneven, [[uneven]]], max_depth=6)[1] == []
    assert report([uneven, [[uneven]]], max_depth=5)[1] == [("too-deep", (1, 0, 0))]
    outer = [shared]
    assert report([shared, outer, [[outer]]], max_depth=7)[1] == []
    assert report([shared, outer, [[outer]]], max_depth=6)[1] == [("too-deep", (2, 0, 0))]


def test_deep_values_are_cut_at_the_limit() -> None:
    begin = time.thread_time()
    copy, problems = plain(nested(100_000))
    assert [problem.code for problem in problems] == ["json/too-deep"]
    assert copy == plain(nested(102))[0]
    assert time.thread_time() - begin < 10


def test_members_that_change_meanwhile() -> None:
    value: dict[str, Any] = {}

    class Meddler(Mapping[str, Any]):
        def __getitem__(self, key: str) -> object:
            return key

        def __iter__(self) -> Iterator[str]:
            value.pop("b", None)
            value["c"] = 1
            return iter("x")

        def __len__(self) -> int:
            return 1

    value.update(a=Meddler(), b=2)
    assert report(value) == ({"a": {"x": "x"}, "b": 2}, [])


def test_interrupts_are_not_swallowed() -> None:
    class Slow(Mapping[str, Any]):
        def __getitem__(self, key: str) -> object:
            raise KeyboardInterrupt

        def __iter__(self) -> Iterator[str]:
            return iter("a")

        def __len__(self) -> int:
            return 1

    with pytest.raises(KeyboardInterrupt):
        plain([Slow()])


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
