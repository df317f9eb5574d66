"""The two engines on Python values that no JSON text gives, and on such as stand for JSON."""

from __future__ import annotations

import datetime as dt
import enum
import numbers
import types
import uuid
from collections import ChainMap, OrderedDict, UserDict, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.engines import STORED, check_on_both, validator
from support.search import draws
from support.strategies import ENGINES, json_values, sessions
from talonschema.schemas import EDITIONS

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


def two_items(item: dict[str, Any]) -> dict[str, Any]:
    return {"cartItems": [item, item]}


def cycle() -> dict[str, Any]:
    loop: dict[str, Any] = {"City": "Berlin"}
    loop["x"] = [loop]
    return loop


def nested_lists(depth: int) -> Any:
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
    "an object in two places": lambda: two_items(shoe()),
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
        lambda: two_items(shoe(quantity=0)),
        {("schema/minimum", "/cartItems/0/quantity"), ("schema/minimum", "/cartItems/1/quantity")},
    ),
    "a tuple with a fault in it": (
        lambda: {"cartItems": (shoe(), shoe(sku=""))},
        {("schema/minLength", "/cartItems/1/sku")},
    ),
    "nested too deep": (
        lambda: {"attributes": {"x": nested_lists(99)}},
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


@settings(max_examples=draws(200))
@given(st.data(), st.sampled_from(EDITIONS))
def test_odd_values_anywhere(data: st.DataObject, edition: str) -> None:
    payload = data.draw(sessions(edition, "NewCustomerSessionV2"))
    for name in data.draw(st.sets(st.sampled_from(["state", "couponCodes", "attributes"]))):
        payload[name] = data.draw(odd_values)
    for item in payload.get("cartItems", ()):
        if isinstance(item, dict):
            name = data.draw(st.sampled_from(["sku", "quantity", "price", "attributes", "extra"]))
            item[name] = data.draw(odd_values)
    check_on_both(payload, edition, model="NewCustomerSessionV2", previous=STORED)


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


def wrapped_copies(value: Any) -> Iterator[Any]:
    """Yield copies of a value, each with one part in a type that callers may give it."""
    for wrap in WRAPPED.get(type(value), ()):
        yield wrap(value)
    if isinstance(value, dict):
        for key, below in value.items():
            for other in wrapped_copies(below):
                yield {**value, key: other}
        yield {**value, "another": 1}
    elif isinstance(value, list):
        for index, below in enumerate(value):
            for other in wrapped_copies(below):
                yield [*value[:index], other, *value[index + 1 :]]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_values_of_python_count_as_what_they_stand_for(shape: str, edition: str) -> None:
    for once in wrapped_copies(SHAPES[shape]):
        check_on_both(once, edition, previous=STORED)
        if isinstance(once, dict):
            check_on_both({**once, "x": 1}, edition)
            check_on_both(UserDict({**once, "x": 1}), edition)
