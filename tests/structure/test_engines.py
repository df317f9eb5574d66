"""The two engines: the same findings for every payload, whatever it is made of."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import hashlib
import json
import numbers
import os
import subprocess
import sys
import types
import uuid
from collections import ChainMap, OrderedDict, UserDict, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.strategies import (
    ENGINES,
    damaged,
    json_values,
    kinds,
    places,
    put,
    sent_or_received,
    sessions,
    shuffled,
    slips,
)
from talonschema import NEW, Policy, Report, Validator
from talonschema.findings.pointer import to_pointer
from talonschema.schemas import EDITIONS

POLICY = Policy.from_mapping(
    {
        "coupon_budget": True,
        "referral_budget": True,
        "identifier_budget": True,
        "catalog": {
            "attributes": {
                "CustomerSession": {
                    "City": {"type": "string", "allowed": ["Berlin", ""]},
                    "days_2": "(list number)",
                },
                "CartItem": {"x": "time", "City": {"type": "number", "allowed": [0, 1.5]}},
            },
            "additional_costs": {"City": "session", "days_2": "item", "x": "both"},
            "priced_skus": ["0"],
        },
    }
)
STORED = {
    "state": "closed",
    "couponCodes": ["XMAS"],
    "referralCode": "NT2K54D9",
    "updateCount": 3,
    "cartItems": [
        {"name": "a", "sku": "0", "quantity": 2, "price": 1},
        {"name": "b", "sku": "1", "quantity": 3, "price": 1, "returnedQuantity": 1},
    ],
}
contexts = st.fixed_dictionaries(
    {},
    optional={
        "previous": st.sampled_from([NEW, "open", "closed", "cancelled", STORED, {}]),
        "dry": st.booleans(),
        "now": st.sampled_from(["2020-01-01T00:00:00Z", "soon"]),
    },
)


@cache
def validator(engine: Any, edition: str, *, informed: bool = False) -> Validator:
    return Validator(engine=engine, edition=edition, policy=POLICY if informed else None)


def both(payload: Any, edition: str, **context: Any) -> Report:
    """Check on both engines; return what they agree on."""
    one, other = (validator(name, edition, informed=True) for name in ENGINES)
    report = one.check(payload, **context)
    assert other.check(payload, **context).to_dict() == report.to_dict()
    assert "internal/rule-crash" not in {each.code for each in report.findings}
    return report


@settings(max_examples=150)
@given(st.data(), sent_or_received, contexts)
def test_valid_payloads(
    data: st.DataObject, kind: tuple[str, str], context: dict[str, Any]
) -> None:
    edition, model = kind
    payload = data.draw(sessions(edition, model))
    report = both(payload, edition, model=model, **context)
    assert [each for each in report.findings if each.code.startswith(("schema/", "json/"))] == []


@settings(max_examples=300)
@given(st.data(), sent_or_received, contexts)
def test_damaged_payloads(
    data: st.DataObject, kind: tuple[str, str], context: dict[str, Any]
) -> None:
    edition, model = kind
    payload = data.draw(damaged(sessions(edition, model)))
    before = copy.deepcopy(payload)
    both(payload, edition, model=model, **context)
    assert repr(payload) == repr(before)


@settings(max_examples=200)
@given(st.data(), sent_or_received, contexts)
def test_damaged_payloads_without_a_given_model(
    data: st.DataObject, kind: tuple[str, str], context: dict[str, Any]
) -> None:
    edition, model = kind
    both(data.draw(damaged(sessions(edition, model))), edition, **context)


@settings(max_examples=200)
@given(json_values, kinds)
def test_any_json_value_as_any_model(value: Any, kind: tuple[str, str]) -> None:
    edition, model = kind
    both(value, edition, model=model)


@settings(max_examples=200)
@given(
    json_values,
    st.sampled_from(EDITIONS),
    contexts,
    st.sampled_from(["update", "return", "reopen"]),
)
def test_any_json_value_by_its_shape(
    value: Any, edition: str, context: dict[str, Any], operation: str
) -> None:
    both(value, edition, operation=operation, **context)
    if not isinstance(value, str):
        assert both(value, edition).to_dict() == both(json.dumps(value), edition).to_dict()


@settings(max_examples=100)
@given(st.one_of(st.binary(max_size=40), st.text(max_size=40)), st.sampled_from(EDITIONS))
def test_any_text_or_bytes(text: Any, edition: str) -> None:
    both(text, edition)


@settings(max_examples=200)
@given(st.data(), kinds)
def test_one_slip_is_found_where_it_is(data: st.DataObject, kind: tuple[str, str]) -> None:
    edition, model = kind
    payload, code, place = data.draw(slips(edition, model))
    pointer = to_pointer(place)
    report = both(payload, edition, model=model)
    reported = {(each.code, each.pointer) for each in report.findings}
    assert (code, pointer) in reported
    structural = {each for each in reported if each[0].startswith("schema/")}
    # One value may break several keywords, and its replacement may lack what it required.
    assert {where for _, where in structural if not where.startswith(f"{pointer}/")} == {pointer}
    assert not report.ok


@settings(max_examples=100)
@given(st.data(), sent_or_received)
def test_the_order_of_keys_does_not_matter(data: st.DataObject, kind: tuple[str, str]) -> None:
    edition, model = kind
    payload = data.draw(damaged(sessions(edition, model)))
    other = data.draw(shuffled(payload))
    context = {"model": model, "previous": "closed"}
    assert both(payload, edition, **context).to_dict() == both(other, edition, **context).to_dict()


MANY_FAULTS = {
    "customerSession": {
        "profile_id": 1,
        "Coupon": 1,
        "zz": 1,
        "state": "shut",
        "couponCodes": ["A", "A", 1],
        "identifiers": ["a"] * 7,
        "attributes": {"b": 1, "a": 1, "c-d": 1, "City": 1},
        "additionalCosts": {"b": {}, "a": {"price": "1"}, "x y": {"price": 1}},
        "cartItems": [{"SKU": 1, "Name": 2}, {"sku": "", "quantity": 0.5, "foo": 1, "bar": 2}],
    },
    "more": 1,
    "again": 1,
    "responseContent": ["x", "y"],
}
SEEDED = """
import json, sys
from talonschema import Policy, Validator
payload, policy, engine = json.load(sys.stdin)
for edition in ("2022-06", "2026-06"):
    options = {"policy": Policy.from_mapping(policy), "engine": engine, "edition": edition}
    print(json.dumps(Validator(**options).check(payload, previous="closed").to_dict()))
    print(json.dumps(Validator(max_findings=7, **options).check(payload).to_dict()))
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_the_seed_of_hashes_does_not_matter(engine: str) -> None:
    policy = {
        "catalog": {
            "attributes": {"CustomerSession": {"City": {"type": "string", "allowed": list("zyx")}}}
        }
    }
    reported = set()
    for seed in ("0", "1", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", SEEDED],
            input=json.dumps([MANY_FAULTS, policy, engine]),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        reported.add(hashlib.sha256(done.stdout.encode()).hexdigest())
        assert done.stdout.count('"pointer"') > 30
    assert len(reported) == 1


# Python values that no JSON text gives.


class Text(str):
    __slots__ = ()


class Sku(str, enum.Enum):  # noqa: UP042 - the older way is still common
    SHOE = "SKU1241028"


class State(enum.StrEnum):
    OPEN = "open"
    SHUT = "shut"


class Count(enum.IntEnum):
    ONE = 1
    NONE = 0


class Whole(int):
    pass


class Row(NamedTuple):
    first: str
    second: str


class Colour(enum.Enum):
    RED = "red"


@numbers.Integral.register
class Int64:
    """What looks like an integer of NumPy."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __int__(self) -> int:
        return self.value

    __index__ = __int__


@numbers.Real.register
class Float32:
    """What looks like a number of NumPy."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value


class Frozen(Mapping[str, Any]):
    def __init__(self, **members: Any) -> None:
        self._members = members

    def __getitem__(self, key: str) -> Any:
        return self._members[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


SHOE = {"name": "Air Glide", "sku": "SKU1241028", "quantity": 1, "price": 99.99}


def shoe(**changed: Any) -> dict[str, Any]:
    return {**SHOE, **changed}


def cart(**changed: Any) -> dict[str, Any]:
    return {"cartItems": [shoe(**changed)]}


def twice(item: dict[str, Any]) -> dict[str, Any]:
    return {"cartItems": [item, item]}


def cycle() -> dict[str, Any]:
    loop: dict[str, Any] = {"City": "Berlin"}
    loop["x"] = [loop]
    return loop


def deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


Made = Callable[[], Any]

GOOD: dict[str, Made] = {
    "tuples": lambda: {"cartItems": (shoe(),), "couponCodes": ("XMAS",), "identifiers": ()},
    "named tuple": lambda: {"couponCodes": Row("XMAS", "YULE")},
    "Decimal": lambda: cart(price=Decimal("99.99"), quantity=Decimal(2), weight=Decimal("1E+3")),
    "Decimal without a fraction": lambda: cart(quantity=Decimal("2.00")),
    "Decimal beyond a double": lambda: cart(price=Decimal("1E+400")),
    "OrderedDict": lambda: OrderedDict(cart()),
    "defaultdict": lambda: defaultdict(list, cart()),
    "MappingProxyType": lambda: types.MappingProxyType(
        {"cartItems": [types.MappingProxyType(SHOE)]}
    ),
    "UserDict": lambda: UserDict(cartItems=[UserDict(SHOE)]),
    "ChainMap": lambda: ChainMap({"couponCodes": []}, cart()),
    "another Mapping": lambda: Frozen(cartItems=[Frozen(**SHOE)], attributes=Frozen()),
    "numbers of another library": lambda: cart(quantity=Int64(3), price=Float32(1.5)),
    "subclasses": lambda: {Text("cartItems"): [shoe(name=Text("a"), quantity=Whole(2))]},
    "enumerations": lambda: {"state": State.OPEN, **cart(sku=Sku.SHOE, quantity=Count.ONE)},
    "a float that is whole": lambda: cart(quantity=2.0),
    "a long number": lambda: cart(price=10**400),
    "an object in two places": lambda: twice(shoe()),
    "text beyond the basic plane": lambda: {"referralCode": "😀" * 100},
    "NUL": lambda: {"profileId": "a\0b"},
    "an enumeration that is no text": lambda: {"profileId": Colour.RED},
    "a lone surrogate": lambda: {"profileId": "a\ud800", "attributes": {"x": "\udc00"}},
    "a lone surrogate where length counts": lambda: cart(sku="\ud800"),
}

BAD: dict[str, tuple[Made, set[tuple[str, str]]]] = {
    "Decimal with a fraction": (
        lambda: cart(quantity=Decimal("1.5")),
        {("schema/type", "/cartItems/0/quantity")},
    ),
    "a number of another library that is too small": (
        lambda: cart(quantity=Int64(0)),
        {("schema/minimum", "/cartItems/0/quantity")},
    ),
    "enumerations": (
        lambda: {"state": State.SHUT, **cart(quantity=Count.NONE)},
        {("schema/enum", "/state"), ("schema/minimum", "/cartItems/0/quantity")},
    ),
    "NaN": (lambda: cart(price=float("nan")), {("json/not-finite", "/cartItems/0/price")}),
    "infinity": (
        lambda: cart(quantity=float("inf")),
        {("json/not-finite", "/cartItems/0/quantity")},
    ),
    "NaN as a Decimal": (
        lambda: cart(price=Decimal("NaN")),
        {("json/not-finite", "/cartItems/0/price")},
    ),
    "signalling NaN": (
        lambda: cart(price=Decimal("sNaN")),
        {("json/not-finite", "/cartItems/0/price")},
    ),
    "lone surrogates, too few": (
        lambda: {"couponCodes": ["XMAS", "\udc00\ud800"], "profileId": "a\ud800", "state": "x"},
        {("schema/enum", "/state"), ("codes/unmatchable-coupon", "/couponCodes/1")},
    ),
    "keys that are no texts": (
        lambda: {"attributes": {1: "a", None: "b", "City": "Berlin"}},
        {("json/key-type", "/attributes")},
    ),
    "an object that holds itself": (
        lambda: {"attributes": cycle()},
        {("json/circular", "/attributes/x/0")},
    ),
    "a huge quantity": (
        lambda: cart(quantity=10**5000),
        {("cart/quantity-sum", "/cartItems")},
    ),
    "a huge number as a text": (
        lambda: {"profileId": 10**5000},
        {("schema/type", "/profileId")},
    ),
    "datetime": (
        lambda: {"attributes": {"x": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)}},
        {("json/unsupported-type", "/attributes/x")},
    ),
    "bytes": (
        lambda: {"attributes": {"x": b"a"}, "profileId": bytearray(b"a")},
        {("json/unsupported-type", "/attributes/x"), ("json/unsupported-type", "/profileId")},
    ),
    "a generator": (
        lambda: {"couponCodes": (code for code in ["XMAS"])},
        {("json/unsupported-type", "/couponCodes")},
    ),
    "a set": (lambda: {"couponCodes": {"XMAS"}}, {("json/unsupported-type", "/couponCodes")}),
    "a deque": (
        lambda: {"couponCodes": deque(["XMAS"])},
        {("json/unsupported-type", "/couponCodes")},
    ),
    "UUID": (lambda: {"profileId": uuid.UUID(int=1)}, {("json/unsupported-type", "/profileId")}),
    "Fraction": (
        lambda: cart(price=Fraction(1, 3)),
        {("json/unsupported-type", "/cartItems/0/price")},
    ),
    "complex": (lambda: cart(price=1j), {("json/unsupported-type", "/cartItems/0/price")}),
    "an object in two places, with a fault": (
        lambda: twice(shoe(quantity=0)),
        {("schema/minimum", "/cartItems/0/quantity"), ("schema/minimum", "/cartItems/1/quantity")},
    ),
    "a tuple with a fault in it": (
        lambda: {"cartItems": (shoe(), shoe(sku=""))},
        {("schema/minLength", "/cartItems/1/sku")},
    ),
    "nested too deep": (
        lambda: {"attributes": {"x": deep(99)}},
        {("json/too-deep", "/attributes/x" + "/0" * 98)},
    ),
    "a class": (lambda: {"state": State}, {("json/unsupported-type", "/state")}),
    "nothing at all like JSON": (object, {("json/unsupported-type", "")}),
    "a generator alone": (lambda: (each for each in "ab"), {("json/unsupported-type", "")}),
}


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", GOOD)
def test_odd_instances_that_are_good(name: str, edition: str) -> None:
    for each in ENGINES:
        payload = GOOD[name]()
        before = repr(payload) if str(type(payload)) else ""
        report = validator(each, edition).check(payload, model="NewCustomerSessionV2")
        assert report.findings == ()
        assert repr(payload) == before


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", BAD)
def test_odd_instances_that_are_bad(name: str, edition: str) -> None:
    make, expected = BAD[name]
    reports = []
    for each in ENGINES:
        payload = make()
        keys = list(payload) if isinstance(payload, dict) else None
        report = validator(each, edition).check(payload, model="NewCustomerSessionV2")
        assert {(f.code, f.pointer) for f in report.findings} == expected
        assert not report.ok
        assert keys is None or list(payload) == keys
        reports.append(report.to_dict())
    assert reports[0] == reports[1]


def test_two_keys_that_are_no_texts_are_each_reported() -> None:
    for each in ENGINES:
        report = validator(each, EDITIONS[0]).check({"attributes": {1: "a", None: "b"}})
        assert [f.pointer for f in report.findings] == ["/attributes", "/attributes"]


odd_values = st.one_of(
    json_values,
    st.floats(),
    st.decimals(allow_nan=True),
    st.binary(max_size=2),
    st.sampled_from([Int64(1), Float32(0.5), State.SHUT, Sku.SHOE, Colour.RED, "\ud800"]),
    # By its digits: a strategy shows its values, and these can't be written.
    st.sampled_from([400, 5000]).map(lambda digits: 10**digits),
    st.tuples(json_values),
    st.dictionaries(st.integers() | st.text(max_size=2), json_values, max_size=2),
    st.dictionaries(st.text(max_size=2), json_values, max_size=2).map(types.MappingProxyType),
    st.dates(),
)


@settings(max_examples=200)
@given(st.data(), st.sampled_from(EDITIONS))
def test_odd_values_anywhere(data: st.DataObject, edition: str) -> None:
    payload = data.draw(sessions(edition, "NewCustomerSessionV2"))
    for name in data.draw(st.sets(st.sampled_from(["state", "couponCodes", "attributes"]))):
        payload[name] = data.draw(odd_values)
    for item in payload.get("cartItems", ()):
        if isinstance(item, dict):
            name = data.draw(st.sampled_from(["sku", "quantity", "price", "attributes", "extra"]))
            item[name] = data.draw(odd_values)
    both(payload, edition, model="NewCustomerSessionV2", previous=STORED)


ITEM = {"name": "Burr grinder", "sku": "GRD-7", "quantity": 1, "price": 129}


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.data(), st.sampled_from([1, 7, 8, 9, 40, 255, 256, 257, 600, 1000]))
def test_wherever_wrong_items_are_they_are_found(data: st.DataObject, size: int) -> None:
    wrong = data.draw(st.sets(st.integers(0, size - 1), max_size=40))
    cart = [{**ITEM, "quantity": 0} if index in wrong else ITEM for index in range(size)]
    report = Validator(max_findings=1000).check({"cartItems": cart})
    assert [each.pointer for each in report.findings] == [
        f"/cartItems/{index}/quantity" for index in sorted(wrong)
    ]


@pytest.mark.parametrize("spoil", [lambda cart: cart, lambda cart: [*cart, {**ITEM, "price": "1"}]])
@pytest.mark.parametrize(
    "payload",
    [
        *({"profileId": name} for name in ("guest", "GUEST", "Anonymous", "ann", "anonymous1", "")),
        *({"profileId": name} for name in ("x" * 1000, "x" * 1001, "\n", "g\u00fcst")),
        *({"couponCodes": [f"CODE{n}" for n in range(size)]} for size in (0, 1, 16, 17, 100)),
        *({"couponCodes": ["CODE", *["XMAS"] * size]} for size in (1, 2, 15, 16, 17)),
        *({"identifiers": ["a1", *names]} for names in ([], ["a1"], ["b2"], list("abcdef"))),
        {"couponCodes": ["ABC", "ABC"], "identifiers": [1, 1], "profileId": 7},
    ],
)
def test_what_is_settled_at_once_is_settled_right(
    payload: dict[str, Any], spoil: Callable[[list[Any]], list[Any]]
) -> None:
    payload = {**payload, "cartItems": spoil([ITEM])}
    fast, slow = (Validator(engine=engine).check(payload) for engine in ENGINES)
    assert fast == slow


# Values of Python that stand for JSON, at every place.


class Code(str):  # noqa: SLOT000 - as callers make them
    pass


def member(value: Any) -> Any:
    class Held(enum.Enum):
        IT = value

    return Held.IT


WRAPPED: dict[type, tuple[Callable[[Any], Any], ...]] = {
    dict: (UserDict, OrderedDict, types.MappingProxyType, ChainMap, member),
    list: (tuple, member),
    str: (Code, member),
    int: (member, Decimal, float),
    float: (member, Decimal),
}
HELD = {"name": "a", "sku": "s", "quantity": 2, "price": 10.5, "attributes": {"x": ["y", {}]}}
SHAPES: dict[str, Any] = {
    "good": {"customerSession": {"profileId": "p", "cartItems": [HELD], "couponCodes": ["ABCD"]}},
    "faulty items": {"customerSession": {"cartItems": [{"quantity": -3, "price": "free"}, HELD]}},
    "response": {
        "effects": [],
        "createdCoupons": [],
        "createdReferrals": [],
        "customerSession": {
            **dict.fromkeys(("integrationId", "profileId"), "p"),
            **dict.fromkeys(("created", "updated"), "2020-02-08T14:15:22Z"),
            **dict.fromkeys(("id", "applicationId", "updateCount"), 1),
            **dict.fromkeys(("total", "cartItemTotal"), 21),
            **dict.fromkeys(("additionalCostTotal", "cartItemAdditionalCostTotal"), 0),
            "state": "open",
            "attributes": {},
            "firstSession": True,
            "cartItems": [{**HELD, "position": 0}],
        },
    },
    "return": {"return": {"returnedCartItems": [{"position": 1, "quantity": 5}]}},
}


def wrapped(value: Any) -> Iterator[Any]:
    """Yield copies of a value, each with one part in a type that callers may give it."""
    for wrap in WRAPPED.get(type(value), ()):
        yield wrap(value)
    if isinstance(value, dict):
        for key, below in value.items():
            for other in wrapped(below):
                yield {**value, key: other}
        yield {**value, "another": 1}
    elif isinstance(value, list):
        for index, below in enumerate(value):
            for other in wrapped(below):
                yield [*value[:index], other, *value[index + 1 :]]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_values_of_python_count_as_what_they_stand_for(shape: str, edition: str) -> None:
    for once in wrapped(SHAPES[shape]):
        both(once, edition, previous=STORED)
        if isinstance(once, dict):
            both({**once, "x": 1}, edition)
            both(UserDict({**once, "x": 1}), edition)


# No value that a schema accepts makes a rule fail.

EXTREME: list[Any] = [
    *(0, -1, 1e308, -1e308, 5e-324, 10**400, -(10**400), 1.0, 2**63, 0.1 + 0.2),
    *(True, False, None, "", "x" * 1001, "guest", "::ffff:1.2.3.4", "2020-02-30T00:00:00Z"),
    *([], [[]], [["x"]], [None], [1, "1"], {}, {"a": [[]]}, {"price": 1e308}),
]
ATTRIBUTE_TYPES = [
    *("string", "number", "boolean", "time", "location", "any"),
    *("(list string)", "(list number)", "(list time)", "(list location)"),
]
policies = st.fixed_dictionaries(
    {
        "coupon_budget": st.booleans(),
        "identifier_budget": st.booleans(),
        "cart_item_flattening": st.booleans(),
        "total_tolerance": st.sampled_from([0, 0.005, 1e308]),
        "catalog": st.fixed_dictionaries(
            {
                "attributes": st.fixed_dictionaries(
                    dict.fromkeys(
                        ("CustomerSession", "CartItem"),
                        st.dictionaries(
                            st.sampled_from(["City", "days_2", "x"]),
                            st.sampled_from(ATTRIBUTE_TYPES).map(lambda kind: {"type": kind})
                            | st.just({"type": "any", "allowed": ["a", "x"]}),
                        ),
                    )
                ),
                "additional_costs": st.dictionaries(
                    st.sampled_from(["City", "x"]), st.sampled_from(["session", "item", "both"])
                ),
                "priced_skus": st.lists(st.sampled_from(["0", "s"])),
            }
        ),
    }
)


@st.composite
def extreme(draw: st.DrawFn, edition: str, model: str) -> Any:
    """Draw a payload of a model, with extreme values where the schema accepts them."""
    payload = draw(sessions(edition, model))
    accepts = validator("jsonschema", edition).engine.accepts
    for value in draw(st.lists(st.sampled_from(EXTREME), max_size=6)):
        other = put(payload, draw(st.sampled_from(sorted(places(payload), key=str))), value)
        if accepts(model, other):
            payload = other
    return payload


@settings(max_examples=300)
@given(st.data(), kinds, policies, contexts, st.sampled_from(ENGINES))
def test_no_valid_value_makes_a_rule_fail(
    data: st.DataObject,
    kind: tuple[str, str],
    policy: dict[str, Any],
    context: dict[str, Any],
    engine: Any,
) -> None:
    edition, model = kind
    payload = data.draw(extreme(edition, model))
    checked = Validator(edition=edition, engine=engine, policy=Policy.from_mapping(policy))
    report = checked.check(payload, model=model, **context)
    assert [each for each in report.findings if each.code == "internal/rule-crash"] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_values_that_made_rules_fail(engine: Any) -> None:
    item = {"name": "a", "sku": "a", "quantity": 1e308, "price": 1}
    allowed = {"CustomerSession": {"City": {"type": "any", "allowed": ["x"]}}, "CartItem": {}}
    policy = Policy.from_mapping({"catalog": {"attributes": allowed}})
    checked = Validator(engine=engine, policy=policy)
    (sums,) = checked.check({"cartItems": [item, item]}).findings
    assert (sums.code, sums.params["sum"]) == ("cart/quantity-sum", 2 * int(1e308))
    (value,) = checked.check({"attributes": {"City": [["x"]]}}).findings
    assert (value.code, value.pointer) == ("catalog/attribute-value", "/attributes/City/0")
    assert codes_of(checked.check({"attributes": {"City": True}})) == ["catalog/attribute-value"]


def codes_of(report: Report) -> list[str]:
    return [each.code for each in report.findings]
