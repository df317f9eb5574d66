"""What rules look at where the prefilter has named the only places that may be at fault."""

from __future__ import annotations

from typing import Any

import pytest

from support.contexts import context_of
from talonschema.rules.context import Context, Violation
from talonschema.rules.rule import RULES

SESSION: dict[str, Any] = {
    "cartItems": [{"sku": "A", "color": "red", "position": 0}],
    "additionalCosts": {"shipping": {"cost": 4}},
    "shopId": 1,
    "total": 12,
}


def context(places: frozenset[str] | None, session: dict[str, Any] = SESSION) -> Context:
    return context_of(session, places=places)


def keys(code: str, given: Context) -> list[str | int]:
    return [each.path[-1] for each in RULES[code].check(given) if isinstance(each, Violation)]


@pytest.mark.parametrize(
    ("places", "unknown", "read_only"),
    [
        (None, ["shopId", "cost", "color"], ["total", "position"]),
        ({""}, ["shopId"], ["total"]),
        ({"", "additionalCosts"}, ["shopId", "cost"], ["total"]),
        ({"", "cartItems/*/"}, ["shopId", "color"], ["total", "position"]),
        ({"", "additionalCosts", "cartItems/*/"}, ["shopId", "cost", "color"], None),
    ],
)
def test_keys_are_looked_at_where_they_may_be_at_fault(
    places: set[str] | None, unknown: list[str], read_only: list[str] | None
) -> None:
    given = context(None if places is None else frozenset(places))
    assert keys("payload/unknown-property", given) == unknown
    if read_only is not None:
        assert keys("payload/read-only-property", given) == read_only


def test_a_place_need_not_be_there() -> None:
    given = context(frozenset({"", "additionalCosts", "cartItems/*/"}), {"shopId": 1})
    assert keys("payload/unknown-property", given) == ["shopId"]


@pytest.mark.parametrize(
    ("places", "expected"),
    [(None, None), (set(), set()), ({"", "state", "cartItems/*/sku"}, {"", "state", "cartItems"})],
)
def test_the_keys_of_the_session_are_the_first_steps_of_the_places(
    places: set[str] | None, expected: set[str] | None
) -> None:
    given = context(None if places is None else frozenset(places))
    assert given.suspect_keys() == expected
