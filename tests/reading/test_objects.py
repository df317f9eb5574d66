"""Objects: models of SDKs, pydantic models and dataclasses are read as what is sent."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Any

import pydantic
import pytest
import talon_one as typed_sdk
from hypothesis import given, settings
from hypothesis import strategies as st

import talonschema
from support.search import draws
from talonschema.reading.python_values import plain

# Its types know no arguments in snake case, which its documentation shows.
sdk: Any = typed_sdk

PROPERTY = settings(max_examples=draws(150), deadline=None, derandomize=True, database=None)
NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


def wire_value(value: object) -> Any:
    """Return the JSON that the SDK sends for a value."""
    # The client writes this text into the request, so tuples are lists there.
    return json.loads(json.dumps(sdk.ApiClient().sanitize_for_serialization(value)))


def read(value: object, **options: Any) -> Any:
    copy, problems = plain(value, **options)
    assert problems == []
    return copy


class Plan(enum.Enum):
    GOLD = "gold"


def item(**more: Any) -> Any:
    return sdk.CartItem(
        **{"name": "Burr grinder", "sku": "GRD-7", "quantity": 2, "price": 129.0, **more}
    )


def request(**session: Any) -> Any:
    return sdk.IntegrationRequest(customer_session=sdk.NewCustomerSessionV2(**session))


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
sent = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.datetimes()
    | st.dates()
    | st.uuids()
    | st.sampled_from(Plan)
)
attributes = st.dictionaries(
    texts,
    st.recursive(
        sent,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.tuples(inner, inner)
            | st.dictionaries(texts, inner, max_size=3)
        ),
        max_leaves=6,
    ),
    max_size=4,
)
optional = st.none() | texts
items = st.builds(
    item,
    name=optional,
    quantity=st.integers(1, 5),
    price=st.none() | st.integers(0, 100) | st.floats(0, 100),
    category=optional,
    product=st.none() | st.builds(sdk.Product, name=texts),
    attributes=st.none() | attributes,
    additional_costs=st.none()
    | st.dictionaries(texts, st.builds(sdk.AdditionalCost, price=st.floats(0, 9)), max_size=2),
    adjustment_reference_id=st.none() | st.uuids(),
    adjustment_effective_from=st.none() | st.datetimes(),
)
sessions = st.fixed_dictionaries(
    {},
    optional={
        "profile_id": texts,
        "state": st.sampled_from(["open", "closed", "cancelled"]),
        "coupon_codes": st.none() | st.lists(texts, max_size=2),
        "cart_items": st.none() | st.lists(items, max_size=3),
        "attributes": st.none() | attributes,
    },
)


@PROPERTY
@given(sessions)
def test_a_model_of_the_sdk_is_what_its_client_sends(session: dict[str, Any]) -> None:
    value = request(**session)
    assert read(value) == wire_value(value)


@PROPERTY
@given(sessions)
def test_names_in_python_are_those_of_the_fields(session: dict[str, Any]) -> None:
    value = request(**session)
    # The dump keeps what the client turns into texts afterwards.
    dumped = value.model_dump(by_alias=False, exclude_none=True)
    assert read(value, wire=False) == wire_value(dumped)


RETURN = sdk.ReturnIntegrationRequest.from_dict(
    {"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}}
)
RESPONSE = sdk.CustomerSessionV2.from_dict(
    {
        "integrationId": "order-1",
        "profileId": "c",
        "state": "open",
        "firstSession": True,
        "created": "2026-01-31T12:00:00Z",
        "updated": "2026-01-31T12:00:00Z",
        "applicationId": 1,
        "total": 1,
        "cartItemTotal": 1,
        "additionalCostTotal": 0,
        "couponCodes": [],
        "identifiers": [],
        "cartItems": [],
        "attributes": {"a": NOON},
        "id": 1,
        "timezone": "Europe/Berlin",
        "updateCount": 1,
    }
)
ERROR = sdk.ErrorResponseWithStatus.from_dict({"message": "m", "errors": [], "StatusCode": 400})


@pytest.mark.parametrize("value", [RETURN, RESPONSE, ERROR], ids=lambda value: type(value).__name__)
def test_other_models_of_the_sdk(value: object) -> None:
    assert read(value) == wire_value(value)


def codes_and_pointers(payload: object, **options: Any) -> list[tuple[str, str]]:
    report = talonschema.check(payload, **options)
    return [(each.code, each.pointer) for each in report.findings]


def test_a_request_of_the_sdk_is_checked_as_what_is_sent() -> None:
    good = request(profile_id="cust-88120", cart_items=[item()])
    assert codes_and_pointers(good) == []
    assert talonschema.check(good).model == "IntegrationRequest"
    bad = request(profile_id="cust-88120", cart_items=[item(), item(price=-1.0)])
    assert codes_and_pointers(bad) == [
        ("cart/negative-price", "/customerSession/cartItems/1/price")
    ]
    assert codes_and_pointers(bad, naming="snake") == [
        ("cart/negative-price", "/customer_session/cart_items/1/price")
    ]


def test_the_state_of_the_sdk_is_sent_though_nobody_set_it() -> None:
    assert codes_and_pointers(request(profile_id="c"), previous="closed") == [
        ("lifecycle/state-transition", "/customerSession/state")
    ]


def test_a_decimal_in_a_model_of_the_sdk_is_a_text() -> None:
    number = talonschema.Attribute("number")
    catalog = talonschema.Catalog(attributes={"CustomerSession": {"Weight": number}})
    policy = talonschema.Policy(catalog=catalog)
    values = {"Weight": decimal.Decimal("1.2")}
    wrong = ("catalog/attribute-type", "/customerSession/attributes/Weight")
    assert codes_and_pointers(request(profile_id="c", attributes=values), policy=policy) == [wrong]
    in_a_dict = {"customerSession": {"profileId": "c", "attributes": values}}
    assert codes_and_pointers(in_a_dict, policy=policy) == []


def test_the_same_dict_in_a_model_and_beside_it() -> None:
    values = {"Weight": decimal.Decimal("1.5"), "Day": NOON}
    model = Classic(total_cost=1, attributes={"Day": NOON})
    (copy, problems) = plain([values, item(attributes=values), model])
    assert [each.path for each in problems] == [(0, "Day")]
    assert copy[0]["Weight"] == decimal.Decimal("1.5")
    assert copy[1]["attributes"] == {"Weight": "1.5", "Day": NOON.isoformat()}
    assert copy[2]["attributes"] == {"Day": NOON.isoformat()}
    shared = {"Weight": decimal.Decimal("1.5")}
    beside = plain([shared, Classic(attributes=shared), shared])[0]
    assert beside == [shared, {"attributes": {"Weight": None}}, shared]


@pytest.mark.parametrize(
    ("payload", "naming"),
    [
        ({"customerSession": sdk.NewCustomerSessionV2(cart_items=[item(price=-1.0)])}, "wire"),
        ({"cartItems": [item(price=-1.0)]}, "wire"),
        ({"cart_items": (item(price=-1.0),)}, "snake"),
        ({"cartItems": [item().to_dict()] * 40 + [item(price=-1.0)]}, "wire"),
    ],
)
def test_models_in_dicts_and_lists(payload: object, naming: str) -> None:
    assert [code for code, _ in codes_and_pointers(payload, naming=naming)].count(
        "cart/negative-price"
    ) == 1
    assert "json/unsupported-type" not in {
        code for code, _ in codes_and_pointers(payload, naming=naming)
    }


@pytest.mark.parametrize("naming", ["wire", "snake"])
@pytest.mark.parametrize(
    "previous",
    [sdk.NewCustomerSessionV2(state="closed"), request(state="closed"), RESPONSE],
    ids=["a session", "a request", "a response"],
)
def test_the_previous_session_may_be_a_model(previous: Any, naming: str) -> None:
    state = "open" if previous is RESPONSE else "closed"
    expected = codes_and_pointers({"state": "open"}, previous=state)
    assert codes_and_pointers({"state": "open"}, previous=previous, naming=naming) == expected
    assert bool(expected) == (state == "closed")


@pytest.mark.parametrize("previous", [3, [RESPONSE], object(), dt.date(2026, 1, 1)])
def test_what_cannot_be_the_previous_session(previous: Any) -> None:
    with pytest.raises(TypeError, match="previous must be a state, a session or NEW, not"):
        talonschema.check({}, previous=previous)


def test_replay_takes_models() -> None:
    calls = [request(state="closed"), request(state="open")]
    codes = [[each.code for each in report.errors] for report in talonschema.replay(calls)]
    assert codes == [[], ["lifecycle/state-transition"]]


class Classic:
    """A model in the shape of those of talon_one, which OpenAPI Generator 4 wrote.

    Source: talon-one/talon_one.py on GitHub, talon_one/models/integration_request.py
    """

    openapi_types = {"total_cost": "float", "attributes": "object", "children": "list[Classic]"}  # noqa: RUF012 - as generated
    attribute_map = {"total_cost": "totalCost", "attributes": "attributes", "children": "children"}  # noqa: RUF012 - as generated

    def __init__(
        self, total_cost: object = None, attributes: object = None, children: object = None
    ) -> None:
        self._total_cost = total_cost
        self.attributes = attributes
        self.children = children

    @property
    def total_cost(self) -> object:
        return self._total_cost

    def to_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.openapi_types}


def test_models_of_the_classic_sdk() -> None:
    value = Classic(total_cost=1.5, children=[Classic(attributes={"a": None}), Classic()])
    assert read(value) == {"totalCost": 1.5, "children": [{"attributes": {"a": None}}, {}]}
    assert read(value, wire=False) == {
        "total_cost": 1.5,
        "children": [{"attributes": {"a": None}}, {}],
    }
    day = dt.date(2026, 1, 31)
    assert read(Classic(attributes={"at": NOON, "on": day})) == {
        "attributes": {"at": "2026-01-31T12:00:00+00:00", "on": "2026-01-31"}
    }


@pytest.mark.parametrize(
    ("value", "kind"),
    [(decimal.Decimal("1.2"), "decimal"), (uuid.UUID(int=1), "text"), (Plan.GOLD, "enumeration")],
)
def test_what_the_classic_sdk_cannot_send(value: object, kind: str) -> None:
    copy, (problem,) = plain(Classic(attributes={"x": value}))
    assert copy == {"attributes": {"x": None}}
    assert (problem.code, problem.path) == ("json/unsupported-type", ("attributes", "x"))
    assert problem.params == {"kind": kind}


class Line(pydantic.BaseModel):
    sku: str
    unit_price: decimal.Decimal | None = pydantic.Field(default=None, serialization_alias="price")
    extra: Any = None


class Codes(pydantic.RootModel[list[str]]):
    pass


def test_pydantic_models_are_their_dump_as_json() -> None:
    value = Line(sku="a", unit_price=decimal.Decimal("1.2"), extra={"at": NOON, "ids": {"a"}})
    dumped = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert read([value, Line(sku="b")]) == [dumped, {"sku": "b"}]
    assert read(value, wire=False) == value.model_dump(mode="json", exclude_none=True)
    assert read({"couponCodes": Codes(["A"])}) == {"couponCodes": ["A"]}


def test_pydantic_models_without_a_dump_show_what_is_wrong() -> None:
    copy, (problem,) = plain(Line(sku="a", unit_price=decimal.Decimal(1), extra=[object()]))
    assert copy == {"sku": "a", "price": "1", "extra": [None]}
    assert (problem.code, problem.path) == ("json/unsupported-type", ("extra", 0))
    loop: list[Any] = []
    loop.append(loop)
    _, (problem,) = plain([item(attributes={"x": loop})])
    # Whether the dump unrolls the cycle once is pydantic's choice.
    assert (problem.code, problem.path[:4]) == ("json/circular", (0, "attributes", "x", 0))


class Named(pydantic.BaseModel):
    """A model whose fields have other names in each direction."""

    model_config = pydantic.ConfigDict(validate_by_name=True)

    read_only: Any = pydantic.Field(default=None, validation_alias="in", serialization_alias="out")
    both_ways: Any = pydantic.Field(default=None, alias="bothWays")
    own_name: Any = None


def test_the_names_of_a_model_are_those_of_its_dump_whether_it_has_one() -> None:
    value = Named.model_validate({"read_only": 1, "both_ways": "b"})
    broken = value.model_copy(update={"own_name": object()})
    wire, python = {"out": 1, "bothWays": "b"}, {"read_only": 1, "both_ways": "b"}
    assert plain(value) == (wire, [])
    assert plain(value, wire=False) == (python, [])
    for is_wire, names in ((True, wire), (False, python)):
        copy, (problem,) = plain(broken, wire=is_wire)
        assert copy == {**names, "own_name": None}
        assert (problem.code, problem.path) == ("json/unsupported-type", ("own_name",))
    dated = Named(own_name=NOON)
    assert plain(dated, wire=False)[0] == {"own_name": "2026-01-31T12:00:00Z"}


class ByAlias(Named):
    """A model that is dumped with its aliases if nothing else is asked for."""

    model_config = pydantic.ConfigDict(serialize_by_alias=True)


class Sent(ByAlias):
    """A model with the method that the client of the SDK calls."""

    def to_dict(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


@pytest.mark.parametrize("kind", [ByAlias, Sent])
def test_names_are_as_asked_whatever_a_model_prefers(kind: type[Named]) -> None:
    value = kind.model_validate({"both_ways": "b"})
    assert plain(value) == ({"bothWays": "b"}, [])
    assert plain(value, wire=False) == ({"both_ways": "b"}, [])
    copy, (problem,) = plain(value.model_copy(update={"own_name": object()}))
    assert copy == {"bothWays": "b", "own_name": None}
    assert problem.path == ("own_name",)


def test_a_model_of_the_sdk_without_a_dump_has_its_names_all_the_same() -> None:
    loop: list[Any] = []
    loop.append(loop)
    value = item(additional_costs=None, attributes={"x": loop})
    assert plain(value)[0].keys() == {"name", "sku", "quantity", "price", "attributes"}
    nested = sdk.NewCustomerSessionV2(profile_id="c", cart_items=[value])
    assert {"profileId", "cartItems"} <= plain(nested)[0].keys()
    assert {"profile_id", "cart_items"} <= plain(nested, wire=False)[0].keys()
    assert None not in plain(nested, wire=False)[0].values()


@pytest.mark.parametrize(
    "members",
    [
        {"model_fields": {}},
        {"model_dump": lambda _self, **_options: {}},
        {"model_fields": {}, "model_dump": 1},
        {"attribute_map": {}},
        {"openapi_types": {}},
        {"attribute_map": {}, "openapi_types": 1},
        {"attribute_map": {}, "openapi_types": ()},
        {"attribute_map": 1, "openapi_types": {}},
        {"__dataclass_fields__": 1},
    ],
    ids=" ".join,
)
def test_half_a_model_is_none(members: dict[str, Any]) -> None:
    (problem,) = plain(type("Half", (), members)())[1]
    assert problem.code == "json/unsupported-type"


@dataclasses.dataclass
class Node:
    sku: str | None = None
    parts: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    price: float
    at: Any = None


def test_dataclasses_are_their_fields() -> None:
    value = Node("a", [Node("b"), Slotted(1.5)])
    assert read({"cartItems": [value, Node()]}) == {
        "cartItems": [{"sku": "a", "parts": [{"sku": "b"}, {"price": 1.5}]}, {}]
    }
    copy, (problem,) = plain(Slotted(1.5, NOON))
    assert copy == {"price": 1.5, "at": None}
    assert (problem.path, problem.params) == (("at",), {"kind": "datetime"})


def test_cycles_and_depth_of_objects() -> None:
    loop = Node("a")
    loop.parts = [loop]
    copy, (problem,) = plain([loop, loop])[0], plain([loop])[1]
    assert copy[0] == {"sku": "a", "parts": [None]}
    assert (problem.code, problem.path) == ("json/circular", (0, "parts", 0))
    chain = Node()
    for _ in range(60):
        chain = Node(parts=[chain])
    _, (problem,) = plain(chain)
    assert problem.code == "json/too-deep"
    shared = Node("a", [])
    for _ in range(45):
        shared = Node(parts=[shared, shared])
    assert plain(shared)[1] == []


def test_shared_objects_stay_shared() -> None:
    one = Node("a")
    copy = read([one, {"x": one}])
    assert copy[0] is copy[1]["x"]


class Refusing:
    openapi_types = {"a": "str"}  # noqa: RUF012 - as generated
    attribute_map = {"a": "a"}  # noqa: RUF012 - as generated

    @property
    def a(self) -> object:
        raise RuntimeError


class HostileMeta(type):
    def __getattr__(cls, name: str) -> object:
        raise RuntimeError(name)


class Hostile(metaclass=HostileMeta):
    pass


class Keys:
    """What has a method of that name, but no documented way to its wire form."""

    def to_dict(self) -> dict[str, Any]:
        return {"a": 1}


@pytest.mark.parametrize(
    "value", [Refusing(), Hostile(), Keys(), Node, sdk.CartItem, Line, Classic]
)
def test_what_looks_like_a_model_and_is_none(value: object) -> None:
    copy, (problem,) = plain([1, value])
    assert copy == [1, None]
    assert problem.code == "json/unsupported-type"
    expected = {Refusing: None, Hostile: None, Keys: "to-dict"}
    assert problem.params.get("kind") == expected.get(type(value), "call")
