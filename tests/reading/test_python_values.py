"""Parsed Python values: what each counts as, and that none of them does harm."""

from __future__ import annotations

import time
import types
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from support.odd_values import (
    GOOD,
    REMEDIES,
    TYPES_OF_JSON,
    UNUSABLE,
    Money,
    Pairs,
    Real,
    Single,
    Text,
    types_in,
)
from talonschema.reading import normalizer
from talonschema.reading.python_values import is_plain, plain


@pytest.mark.parametrize(("value", "expected"), GOOD, ids=[type(v).__name__ for v, _ in GOOD])
def test_what_counts_as_json(value: object, expected: object) -> None:
    for given_, copy_ in ((value, expected), ({"a": [value]}, {"a": [expected]})):
        copy, problems = plain(given_)
        assert problems == []
        assert copy == copy_
        assert types_in(copy) == types_in(copy_) <= TYPES_OF_JSON


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
    beside = report(Pairs(("a", 1), (Text("a"), 2), ("b", 1j)))
    assert beside == (
        {"a": 2, "b": None},
        [("duplicate-key", ("a",)), ("unsupported-type", ("b",))],
    )
    assert report(Pairs(("a", 1), ("a", 2))) == ({"a": 2}, [("duplicate-key", ("a",))])


def test_unpaired_surrogates_are_characters() -> None:
    value = {"a": ["\ud800", Text("x\udfff"), "é"], "\udc00": "b"}
    assert report(value) == ({"a": ["\ud800", "x\udfff", "é"], "\udc00": "b"}, [])


def test_problems_are_in_document_order(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"b": [float("nan"), {1: 2, "x": 1j}], 3: 4, "a": {"c": b"", "\ud800": set()}}
    assert report(value)[1] == [
        ("not-finite", ("b", 0)),
        ("key-type", ("b", 1)),
        ("unsupported-type", ("b", 1, "x")),
        ("key-type", ()),
        ("unsupported-type", ("a", "c")),
        ("unsupported-type", ("a", "\ud800")),
    ]
    copy, problems = report(value)
    for most in (2, 0):
        monkeypatch.setattr(normalizer, "MOST_PROBLEMS", most)
        assert report(value) == (copy, problems[:most])


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


def nested_containers(depth: int, innermost: object = 1) -> object:
    for number in range(depth):
        innermost = [innermost] if number % 2 else {"a": innermost}
    return innermost


def test_nesting() -> None:
    assert report(nested_containers(100)) == (nested_containers(100), [])
    copy, problems = plain(nested_containers(101))
    assert copy != nested_containers(101)
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


def test_scalars_have_no_height() -> None:
    for scalar in (1.5, "é", Text("a"), Decimal(1), Single()):
        shared = [[scalar]]
        assert report([shared, [shared]], max_depth=4)[1] == []
        assert report([shared, [shared]], max_depth=3)[1] == [("too-deep", (1, 0))]


def test_decimals_without_a_fraction_are_integers_as_long_as_those_of_a_text() -> None:
    copy, problems = plain([Decimal("1E+4299"), Decimal("1E+4300"), Decimal("-2.50")])
    assert problems == []
    assert [type(each) for each in copy] == [int, Decimal, Decimal]
    assert copy == [10**4299, Decimal("1E+4300"), Decimal("-2.5")]


def test_a_thousand_problems_are_noted() -> None:
    problems = plain([1j] * 1001)[1]
    assert [each.path for each in problems] == [(index,) for index in range(1000)]


def test_only_numpys_booleans_are_known_by_their_names() -> None:
    for module, name in (("other", "bool"), ("numpy", "void")):
        odd = type(name, (), {"__module__": module, "item": lambda _self: True})
        assert report([odd()]) == ([None], [("unsupported-type", (0,))])


def test_models_are_in_wire_names_unless_asked_for_otherwise() -> None:
    model = type("Model", (), {"attribute_map": {"a": "b"}, "openapi_types": {"a": "str"}, "a": 1})
    assert plain(model()) == ({"b": 1}, [])
    assert plain(model(), wire=False) == ({"a": 1}, [])


@pytest.mark.parametrize("value", [{"a": [1, None]}, [{}, "é", 1.5, True], "a", None, 0, {}])
def test_plain_values_show_to_be_such(value: object) -> None:
    assert is_plain(value)
    assert is_plain([value])


@pytest.mark.parametrize(
    "value",
    [(1,), Text("a"), Decimal(1), float("nan"), -float("inf"), {1: 2}, {Text("a"): 1}, 1j],
    ids=repr,
)
def test_other_values_do_not(value: object) -> None:
    assert not is_plain(value)
    assert not is_plain([value])
    assert not is_plain({"a": {"b": value}, "c": 1})


def test_nesting_in_members_of_enumerations_counts_at_each_place() -> None:
    nested: Any = Enum("nested", {"LIST": [[[]]]})
    shared = {"x": nested.LIST}
    _, problems = plain({"a": shared, "b": [[shared]]}, max_depth=6)
    assert [(each.code, each.path) for each in problems] == [("json/too-deep", ("b", 0, 0))]
    _, problems = plain({"a": shared, "b": [[shared]]}, max_depth=7)
    assert problems == []


def test_what_is_nested_too_deep_is_left_open() -> None:
    for most in range(5):
        assert is_plain(nested_containers(most + 1), max_depth=most)
        assert not is_plain(nested_containers(most + 2), max_depth=most)


def test_deep_values_are_cut_at_the_limit() -> None:
    begin = time.thread_time()
    copy, problems = plain(nested_containers(100_000))
    assert [problem.code for problem in problems] == ["json/too-deep"]
    assert copy == plain(nested_containers(102))[0]
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
