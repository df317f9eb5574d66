"""Rules about the totals of a response.

All totals are before discounts. No rounding is documented, so sums are compared with the tolerance
of the policy and a relative one of 1e-9 for the arithmetic of doubles. If the documentation of the
API is ambiguous, all interpretations are accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from ..findings.code import Confidence, Example, Severity
from .amounts import decimal, json_number, near, surely_near, times, total
from .context import Context, Missing, Violations
from .rule import RESPONSES, rule

_SHOE = {"name": "Air Glide", "sku": "SKU1241028", "quantity": 2, "price": 99.99}
_NO_CART = "the session has no cartItems"
_COSTS = {"shipping": {"price": 9}}
_AS_RESPONSE = {"model": "CustomerSessionV2"}
_AS_2026 = {"model": "CustomerSessionV2", "edition": "2026-06"}


def _counts(item: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Return the possible amounts of an item: for all its units, and for those that remain."""
    bought = decimal(item["quantity"])
    remaining = item.get("remainingQuantity")
    if remaining is not None:
        return bought, decimal(remaining)
    return bought, bought - decimal(item.get("returnedQuantity") or 0)


def _costs(holder: Mapping[str, Any]) -> Decimal:
    costs = holder.get("additionalCosts") or {}
    return total(decimal(cost["price"]) for cost in costs.values())


def _item_costs(context: Context) -> Iterator[Decimal]:
    """Yield the possible sums of the items' additional costs: per item, unit and remaining unit."""
    cart = context.session.get("cartItems") or ()
    each = [(_costs(item), _counts(item)) for item in cart if item.get("additionalCosts")]
    yield total(cost for cost, _ in each)
    yield total(times(cost, bought) for cost, (bought, _) in each)
    yield total(times(cost, left) for cost, (_, left) in each)


def _compare(
    context: Context, name: str, read: Callable[[Context], Iterator[Decimal]]
) -> Violations:
    """Yield a problem if the total `name` equals none of the possible sums."""
    declared = context.session.get(name)
    if declared is None:
        return
    amount = decimal(declared)
    tolerance = context.policy.total_tolerance
    readings = []
    for reading in read(context):
        if near(amount, reading, tolerance):
            return
        readings.append(reading)
    if readings:
        accepted = list(dict.fromkeys(map(json_number, readings)))
        values: dict[str, Any] = {"declared": json_number(amount), "computed": accepted[0]}
        kind = "sum" if len(accepted) == 1 else "readings"
        if kind == "readings":
            values["readings"] = accepted
        yield context.violation(name, params={"property": name, "kind": kind}, values=values)


_WHY = (
    "A response whose totals do not add up was edited or made up, or it mixes amounts of several "
    "sessions. Code that is tested with it, or relies on it, gets wrong amounts."
)
_FIX = (
    "Correct the amounts, or record the response again. For differences due to rounding, "
    "increase total_tolerance."
)


@rule(
    "totals/cart-item-total",
    Severity.ERROR,
    summary="cartItemTotal is not the sum of price times quantity.",
    message={
        "sum": "{property:bare} is {declared}, but the items add up to {computed}",
        "readings": "{property:bare} is {declared}, but the items add up to one of {readings}",
    },
    why=_WHY,
    fix=_FIX,
    source="Docs page on cart item flattening; responses of the commercetools accelerator",
    confidence=Confidence.INFERRED,
    models=RESPONSES,
    bad=(Example({"cartItems": [_SHOE], "cartItemTotal": 99.99}, _AS_RESPONSE),),
    good=(
        Example({"cartItems": [_SHOE], "cartItemTotal": 199.98}, _AS_RESPONSE),
        Example(
            {
                "state": "partially_returned",
                "cartItems": [{**_SHOE, "remainingQuantity": 1, "returnedQuantity": 1}],
                "cartItemTotal": 99.99,
            },
            _AS_RESPONSE,
        ),
    ),
    reads=(
        "state",
        "cartItemTotal",
        "cartItems/*/price",
        "cartItems/*/quantity",
        "cartItems/*/remainingQuantity",
        "cartItems/*/returnedQuantity",
    ),
)
def cart_item_total(context: Context) -> Violations:
    """Compare the total with the sum of prices; after a return, also for remaining quantities."""
    cart = context.session.get("cartItems")
    if cart is None:
        yield Missing(_NO_CART)
        return
    if any(item.get("price") is None for item in cart):
        yield Missing("an item has no price of its own")
        return
    declared, tolerance = context.session.get("cartItemTotal"), context.policy.total_tolerance
    pairs = ((item["price"], item["quantity"]) for item in cart)
    if declared is not None and not surely_near(declared, pairs, tolerance):
        yield from _compare(context, "cartItemTotal", _item_prices)


def _item_prices(context: Context) -> Iterator[Decimal]:
    cart = context.session["cartItems"]
    each = [(decimal(item["price"]), _counts(item)) for item in cart]
    yield total(times(price, bought) for price, (bought, _) in each)
    yield total(times(price, left) for price, (_, left) in each)


@rule(
    "totals/additional-cost-total",
    Severity.ERROR,
    summary="additionalCostTotal is not the sum of the session's additional costs.",
    message={
        "sum": "{property:bare} is {declared}, but the additional costs add up to {computed}",
        "readings": (
            "{property:bare} is {declared}, but the additional costs add up to one of {readings}"
        ),
    },
    why=_WHY,
    fix=_FIX,
    source="Recorded responses of the commercetools accelerator",
    confidence=Confidence.PRACTICE,
    models=RESPONSES,
    bad=(Example({"additionalCosts": _COSTS, "additionalCostTotal": 5}, _AS_RESPONSE),),
    good=(
        Example({"additionalCosts": _COSTS, "additionalCostTotal": 9}, _AS_RESPONSE),
        Example({"cartItems": [], "additionalCostTotal": 0}, _AS_RESPONSE),
    ),
    reads=(
        "state",
        "additionalCostTotal",
        "additionalCosts",
        "cartItems/*/additionalCosts",
        "cartItems/*/quantity",
        "cartItems/*/remainingQuantity",
        "cartItems/*/returnedQuantity",
    ),
)
def additional_cost_total(context: Context) -> Violations:
    """Compare the total with the sum of costs; 2022 may or may not include those of items."""

    def read(context: Context) -> Iterator[Decimal]:
        return _with_item_costs(context, _costs(context.session))

    yield from _compare(context, "additionalCostTotal", read)


def _with_item_costs(context: Context, own: Decimal) -> Iterator[Decimal]:
    """Yield `own` and, in 2022, its sums with the additional costs of the items."""
    yield own
    if context.edition == "2022-06":
        yield from (total((own, reading)) for reading in _item_costs(context))


@rule(
    "totals/cart-item-additional-cost-total",
    Severity.ERROR,
    summary="cartItemAdditionalCostTotal is not the sum of the items' additional costs.",
    message={
        "sum": "{property:bare} is {declared}, but the items' costs add up to {computed}",
        "readings": (
            "{property:bare} is {declared}, but the items' costs add up to one of {readings}"
        ),
    },
    why=_WHY,
    fix=_FIX,
    source=(
        "Integration API OpenAPI 3.1 (2026-05-28), CustomerSessionV2; whether a cost counts "
        "once or for each unit is not documented, so both are accepted"
    ),
    editions=("2026-06",),
    models=RESPONSES,
    bad=(
        Example(
            {
                "cartItems": [{**_SHOE, "additionalCosts": _COSTS}],
                "cartItemAdditionalCostTotal": 10,
            },
            _AS_2026,
        ),
    ),
    good=(
        Example(
            {
                "cartItems": [{**_SHOE, "additionalCosts": _COSTS}],
                "cartItemAdditionalCostTotal": 18,
            },
            _AS_2026,
        ),
        Example(
            {
                "cartItems": [{**_SHOE, "additionalCosts": _COSTS}],
                "cartItemAdditionalCostTotal": 9,
            },
            _AS_2026,
        ),
    ),
    reads=(
        "state",
        "cartItemAdditionalCostTotal",
        "cartItems/*/additionalCosts",
        "cartItems/*/quantity",
        "cartItems/*/remainingQuantity",
        "cartItems/*/returnedQuantity",
    ),
)
def cart_item_additional_cost_total(context: Context) -> Violations:
    """Compare the total with the sum of the items' costs, per item or per unit."""
    if context.session.get("cartItems") is None:
        yield Missing(_NO_CART)
        return
    yield from _compare(context, "cartItemAdditionalCostTotal", _item_costs)


@rule(
    "totals/total",
    Severity.ERROR,
    summary="total is not the sum of the other totals.",
    message={
        "sum": "{property:bare} is {declared}, but the other totals add up to {computed}",
        "readings": (
            "{property:bare} is {declared}, but the other totals add up to one of {readings}"
        ),
    },
    why=_WHY,
    fix=_FIX,
    source=(
        "Docs page on migrating to V2 (total is items plus additional costs, before "
        "discounts); Integration API OpenAPI 3.1 example of 2026-05-28"
    ),
    models=RESPONSES,
    bad=(
        Example(
            {
                "total": 25,
                "cartItemTotal": 25,
                "additionalCosts": {"shipping": {"price": 5}},
                "additionalCostTotal": 5,
            },
            _AS_RESPONSE,
        ),
        Example(
            {
                "total": 119.99,
                "cartItemTotal": 99.99,
                "additionalCosts": {"shipping": {"price": 20}},
                "additionalCostTotal": 20,
                "cartItemAdditionalCostTotal": 15,
            },
            _AS_2026,
        ),
    ),
    good=(
        Example({"total": 30, "cartItemTotal": 25, "additionalCostTotal": 5}, _AS_RESPONSE),
        Example(
            {
                "total": 134.99,
                "cartItemTotal": 99.99,
                "additionalCostTotal": 20,
                "cartItemAdditionalCostTotal": 15,
            },
            _AS_2026,
        ),
    ),
    reads=(
        "state",
        "total",
        "cartItemTotal",
        "additionalCostTotal",
        "cartItemAdditionalCostTotal",
        "cartItems/*/additionalCosts",
        "cartItems/*/quantity",
        "cartItems/*/remainingQuantity",
        "cartItems/*/returnedQuantity",
    ),
)
def session_total(context: Context) -> Violations:
    """Compare the total with the sum of the declared parts: a wrong part is then reported once."""
    names = ["cartItemTotal", "additionalCostTotal"]
    if context.edition != "2022-06":
        names.append("cartItemAdditionalCostTotal")
    parts = [context.session.get(name) for name in names]
    known = [decimal(part) for part in parts if part is not None]
    if len(known) < len(names):
        missing = names[parts.index(None)]
        yield Missing(f"{missing}, which total includes, is missing")
        return

    def read(context: Context) -> Iterator[Decimal]:
        return _with_item_costs(context, total(known))

    yield from _compare(context, "total", read)
