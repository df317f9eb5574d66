"""Rules that fail: none does, on whatever payload and by whatever policy."""

from __future__ import annotations

import json
import math
from collections import ChainMap, OrderedDict, UserDict, UserList, deque
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.policies import SHAPES
from support.search import draws
from support.strategies import ENGINES, maybe_damage, places, replace_at, sent_or_received
from talonschema import NEW, Policy, Report, Validator
from talonschema.rules import RULES
from talonschema.structure import EngineName
from talonschema.testing.strategies import payloads

EXAMPLES = draws(200)


class Level(IntEnum):
    THREE = 3


class State(StrEnum):
    CLOSED = "closed"


class Own(Mapping[str, Any]):
    """A mapping of its own, which is no dict."""

    def __getitem__(self, key: str) -> Any:
        return {"price": Decimal("1e308"), "quantity": 2}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("price", "quantity"))

    def __len__(self) -> int:
        return 2


class Long(int):
    pass


def nested_lists(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


EXTREMES: list[Any] = [
    # Numbers, of each type that there is for them.
    *(0, -1, 2**63, 10**400, -(10**400), 10**4299, 10**5000, Long(5), Level.THREE, True),
    *(1e308, -1e308, 1.7e308, 5e-324, -0.0, 1.0, 0.1 + 0.2, math.inf, -math.inf, math.nan),
    *(Decimal("1e-400"), Decimal("1E+400"), Decimal("1E+999999999"), Decimal("1E-999999999")),
    *(Decimal("NaN"), Decimal("sNaN"), Decimal(3), Decimal("0.1"), Fraction(1, 3), Fraction(2)),
    *(1j, range(3)),
    # Mappings and lists.
    *({}, {"": {}}, {"a": [[1e308]]}, {"price": 1e308}, {1: 2}, UserDict(price=1), Own()),
    *(ChainMap({"quantity": 1}), MappingProxyType({"price": Decimal("1e308")}), OrderedDict(a=1)),
    *([], [[]], [[[None]]], [1, "1", None], nested_lists(97), nested_lists(200), (1, (2,)), {1}),
    *(UserList([1]), deque([1])),
    # Texts, and what is none.
    *("", "\ud800", "\0", "x" * 1001, "guest", "closed", "2020-02-30T00:00:00Z", State.CLOSED),
    *(None, ..., b"", object()),
]
PREVIOUS: list[Any] = [
    *(None, NEW, "closed", {"state": "closed", "cartItems": []}),
    {"state": "closed", "cartItems": [{"sku": "A", "quantity": 1e308, "price": 10**400}]},
    {"state": "open", "updateCount": 10**400, "couponCodes": [1], "attributes": {"a": [[1]]}},
]
CALLS: list[dict[str, Any]] = [
    *({}, {"dry": True}, {"now": "2999-01-01T00:00:00Z", "dry": True}, {"now": "\ud800"}),
]


class Case(NamedTuple):
    """A payload of a rule's examples, and what it is judged by."""

    edition: str
    payload: Any
    context: Mapping[str, Any]
    policy: Policy


def example_cases() -> Iterator[Case]:
    for rule in RULES.values():
        for example in (*rule.code.bad, *rule.code.good):
            context = dict(example.context)
            edition = context.pop("edition", rule.code.editions[0])
            policy = Policy.from_mapping(context.pop("policy", {}))
            if context.get("previous") == "NEW":
                context["previous"] = NEW
            yield Case(edition, example.data, context, policy)


@st.composite
def generated_cases(draw: st.DrawFn) -> Case:
    edition, model = draw(sent_or_received)
    own = payloads(model, edition)
    context = {"model": model, "previous": draw(st.sampled_from(PREVIOUS))}
    context |= draw(st.sampled_from(CALLS))
    return Case(edition, draw(maybe_damage(own)), context, draw(st.sampled_from(POLICIES)))


POLICIES = list(SHAPES.values())
KNOWN = list(example_cases())


@st.composite
def extreme_cases(draw: st.DrawFn, bases: st.SearchStrategy[Case]) -> Case:
    """Draw a payload with extreme values anywhere in it."""
    base = draw(bases)
    payload = base.payload
    for value in draw(st.lists(st.sampled_from(EXTREMES), min_size=1, max_size=4)):
        deepest = sorted(places(payload), key=lambda place: (-len(place), str(place)))
        payload = replace_at(payload, draw(st.sampled_from(deepest)), value)
    return base._replace(payload=payload)


VALIDATORS: dict[tuple[str, EngineName, int], Validator] = {}
"""By edition, engine and identity of the policy; those live as long as this module."""


def validator(case: Case, engine: EngineName) -> Validator:
    key = (case.edition, engine, id(case.policy))
    if key not in VALIDATORS:
        VALIDATORS[key] = Validator(edition=case.edition, engine=engine, policy=case.policy)
    return VALIDATORS[key]


def check_case(case: Case) -> Report:
    """Return the report of both engines, which has every form that reports have."""
    first, other = (
        validator(case, engine).check(case.payload, **case.context) for engine in ENGINES
    )
    assert first == other
    assert "internal/rule-crash" not in {each.code for each in first.findings}, first
    json.dumps(first.to_dict(skipped=True), allow_nan=False)
    str(first)
    return first


@settings(max_examples=EXAMPLES)
@given(extreme_cases(generated_cases()))
def test_no_rule_fails(case: Case) -> None:
    check_case(case)


@settings(max_examples=EXAMPLES)
@given(extreme_cases(st.sampled_from(KNOWN)), st.sampled_from([None, *POLICIES]))
def test_no_rule_fails_on_what_it_is_about(case: Case, policy: Policy | None) -> None:
    check_case(case if policy is None else case._replace(policy=policy))


@pytest.mark.parametrize(
    "number",
    [1e308, -1.7e308, 10**5000, Decimal("1.7E+308"), Decimal("1E+999999999")],
    ids=["large", "small", "endless", "decimal", "endless decimal"],
)
@pytest.mark.parametrize("model", ["NewCustomerSessionV2", "CustomerSessionV2"])
def test_sums_beyond_a_double(number: Any, model: str) -> None:
    item = {"name": "a", "sku": "a", "quantity": number, "price": number}
    costs = {name: {"price": number} for name in "abc"}
    totals = ("total", "cartItemTotal", "additionalCostTotal", "cartItemAdditionalCostTotal")
    session = {
        "state": "closed",
        "attributes": {"a": nested_lists(50)},
        "additionalCosts": costs,
        "cartItems": [{**item, "remainingQuantity": number, "additionalCosts": costs}] * 3,
        **(dict.fromkeys(totals, number) if model == "CustomerSessionV2" else {}),
    }
    for policy in (SHAPES["exact"], SHAPES["lax"], SHAPES["everything"]):
        for edition in ("2022-06", "2026-06"):
            check_case(Case(edition, session, {"model": model}, policy))
