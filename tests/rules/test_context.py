"""What rules can read of a payload that is not valid throughout."""

from __future__ import annotations

from typing import Any

import pytest

from support.contexts import BASE, context_of
from talonschema.findings.pointer import Path
from talonschema.rules.context import NOTHING_INVALID, Context, Invalid

ITEMS: list[dict[str, Any]] = [{"sku": "A"}, {"sku": "B"}, {"sku": "C"}]


def context(*places: Path, **more: Any) -> Context:
    invalid = Invalid([(*BASE, *place) for place in places]) if places else NOTHING_INVALID
    return context_of({"cartItems": ITEMS}, invalid=invalid, **more)


def test_a_value_is_readable_if_it_and_all_above_it_is_valid() -> None:
    invalid = Invalid([("cartItems", 1), ("state",)])
    assert invalid.readable(("cartItems",))
    assert invalid.readable(("cartItems", 0, "sku"))
    assert not invalid.readable(("cartItems", 1))
    assert not invalid.readable(("cartItems", 1, "sku"))
    assert not invalid.readable(("state",))
    assert not Invalid([()]).readable(("state",))


@pytest.mark.parametrize(
    ("bad", "blocked"),
    [
        ((), True),
        (("additionalCosts",), True),
        (("additionalCosts", "shipping"), True),
        (("additionalCosts", "shipping", "price"), True),
        (("additionalCosts", "shipping", "price", "x"), True),
        (("additionalCosts", "shipping", "name"), False),
        (("attributes", "shipping", "price"), False),
    ],
)
def test_a_place_is_blocked_by_what_is_at_above_or_below_it(bad: Path, blocked: bool) -> None:
    place = ("additionalCosts", "*", "price")
    assert Invalid([bad]).blocks([place]) is blocked
    assert Invalid([("state",), bad]).blocks([("couponCodes",), place]) is blocked
    assert not Invalid([bad], missing=[bad]).blocks([place])


def test_items_are_left_out_if_what_is_read_of_them_is_invalid() -> None:
    faults: tuple[Path, ...] = (
        ("cartItems", 0, "sku"),
        ("cartItems", 2, "attributes", "sku"),
        ("state",),
    )
    assert [*context(*faults).items("sku")] == [(1, ITEMS[1]), (2, ITEMS[2])]
    assert [*context(*faults).items("attributes")] == [(0, ITEMS[0]), (1, ITEMS[1])]
    assert [*context(*faults).items()] == [*enumerate(ITEMS)]
    assert [*context(("cartItems", 1)).items()] == [(0, ITEMS[0]), (2, ITEMS[2])]
    assert [*context(("cartItems",)).items()] == []
    assert [*context().items("sku")] == [*enumerate(ITEMS)]


def test_a_rule_with_a_prefilter_reads_suspect_items_alone() -> None:
    suspects = context(("cartItems", 1, "sku"), suspects=[1, 2], now="2026-06-10T09:00:00Z")
    assert [*suspects.items("sku")] == [(2, ITEMS[2])]
    assert suspects.of_all_items() == suspects._replace(suspects=None)
    assert [*suspects.of_all_items().items("sku")] == [(0, ITEMS[0]), (2, ITEMS[2])]


def test_places_are_below_the_session() -> None:
    invalid = context(("cartItems", 1))
    assert invalid.place("cartItems", 1) == ("customerSession", "cartItems", 1)
    assert invalid.readable("cartItems")
    assert not invalid.readable("cartItems", 1)
    assert context().readable("cartItems", 1)
