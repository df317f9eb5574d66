"""Rules about the items of the cart."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from ..findings.code import Confidence, Example, Severity
from .amounts import integer
from .context import Context, Violation, Violations
from .rule import REQUESTS, RESPONSES, SESSIONS, rule

MAX_QUANTITY = 10_000
"""The most units in a request, over all its cart items."""

_PRICED = {"cartItems/*": {"required": ["price"]}}
_QUANTITY = itemgetter("quantity")
_SHOE = {"name": "Air Glide", "sku": "SKU1241028", "quantity": 1, "price": 99.99}


@rule(
    "cart/quantity-sum",
    Severity.ERROR,
    summary="The quantities of all cart items add up to more than 10,000.",
    message="the quantities of the cart items add up to {sum}, more than {limit}",
    hint={
        "2022-06": (
            "split the order into several sessions; if the Application does not flatten cart "
            "items, set cart_item_flattening = false in the policy to lift the limit"
        ),
        "2026-06": "split the order into several sessions",
    },
    why=(
        "The API splits every item into single units before it evaluates rules (cart item "
        "flattening) and accepts at most 10,000 units in one request. The limit applies to the "
        "list in the request, not to items stored by earlier updates."
    ),
    fix=(
        "Send fewer units in one session. In edition 2022-06, if flattening is off in your "
        "Application, set cart_item_flattening = false in the policy."
    ),
    source="Integration API, Update customer session; docs page on cart item flattening",
    refusal=Confidence.INFERRED,
    models=SESSIONS,
    bad=(
        Example({"cartItems": [{**_SHOE, "quantity": 9_999}, {**_SHOE, "quantity": 2}]}),
        Example(
            {"customerSession": {"cartItems": [{**_SHOE, "quantity": 10_001}]}},
            {"edition": "2026-06", "policy": {"cart_item_flattening": False}},
        ),
    ),
    good=(
        Example({"cartItems": [{**_SHOE, "quantity": 9_999}, _SHOE]}),
        Example(
            {"cartItems": [{**_SHOE, "quantity": 10_001}]},
            {"policy": {"cart_item_flattening": False}},
        ),
    ),
    reads=("cartItems/*/quantity",),
)
def quantity_sum(context: Context) -> Violations:
    """Add the quantities up; without flattening (2022-06) there is no limit."""
    if context.edition == "2022-06" and not context.policy.cart_item_flattening:
        return
    cart = context.session.get("cartItems") or ()
    try:
        total = sum(map(_QUANTITY, cart))
    except (ArithmeticError, TypeError):  # a float and a huge integer, or a Decimal, can't be added
        total = sum(integer(item["quantity"]) for item in cart)
    if total > MAX_QUANTITY:
        yield context.violation(
            "cartItems",
            params={"limit": MAX_QUANTITY, "kind": context.edition},
            values={"sum": sum(integer(item["quantity"]) for item in cart)},
        )


@rule(
    "cart/missing-price",
    Severity.WARNING,
    summary="A cart item has no price, and no catalog is known to define one for its SKU.",
    message="the item has no price, and whether a catalog defines one for SKU {sku} is unknown",
    hint="send the price, or list SKUs with catalog prices under catalog.priced_skus in the policy",
    why=(
        "Since SDK 3.0.0 the schema allows items without a price, but only if a catalog of the "
        "account defines one for the SKU. Any other item without a price counts as zero in "
        "totals and discounts."
    ),
    fix="Send `price`, or list the SKUs with catalog prices in the policy.",
    source="Integration API OpenAPI 3.1 (2026-06), CartItem.price",
    editions=("2026-06",),
    models=REQUESTS,
    bad=(Example({"cartItems": [{"sku": "A1", "quantity": 1}]}, {"edition": "2026-06"}),),
    good=(
        Example({"cartItems": [{"sku": "A1", "quantity": 1, "price": 0}]}, {"edition": "2026-06"}),
    ),
    prefilter=_PRICED,
)
def missing_price(context: Context) -> Violations:
    """Look for items without `price`, if no catalog of prices is known."""
    if _priced_skus(context) is None:
        yield from _items_without_price(context, frozenset())


@rule(
    "cart/unpriced-sku",
    Severity.ERROR,
    summary="A cart item has no price, and the catalog defines none for its SKU.",
    message="the item has no price, and the catalog defines none for SKU {sku}",
    hint="send the price, or correct the sku",
    why=(
        "The price may be omitted only if a catalog of the account defines one for the SKU. "
        "According to the catalog of the policy, none does."
    ),
    fix="Send `price`, correct `sku`, or add the SKU to catalog.priced_skus in the policy.",
    source="Integration API OpenAPI 3.1 (2026-06), CartItem.price",
    refusal=Confidence.INFERRED,
    editions=("2026-06",),
    models=REQUESTS,
    bad=(
        Example(
            {"cartItems": [{"sku": "B2", "quantity": 1}]},
            {"edition": "2026-06", "policy": {"catalog": {"priced_skus": ["A1"]}}},
        ),
    ),
    good=(
        Example(
            {"cartItems": [{"sku": "A1", "quantity": 1}]},
            {"edition": "2026-06", "policy": {"catalog": {"priced_skus": ["A1"]}}},
        ),
    ),
    prefilter=_PRICED,
)
def unpriced_sku(context: Context) -> Violations:
    """Look up the SKUs of items without `price`."""
    priced = _priced_skus(context)
    if priced is not None:
        yield from _items_without_price(context, priced)


def _priced_skus(context: Context) -> frozenset[str] | None:
    catalog = context.policy.catalog
    return None if catalog is None else catalog.priced_skus


def _items_without_price(context: Context, priced: frozenset[str]) -> Iterator[Violation]:
    """Yield a problem for each item without a price; null has another code."""
    for index, item in context.items("sku"):
        if "price" not in item and item["sku"] not in priced:
            yield context.violation("cartItems", index, "price", values={"sku": item["sku"]})


@rule(
    "cart/negative-price",
    Severity.INFO,
    summary="A cart item has a negative price.",
    message="the price {price} is negative",
    hint="send discounts through Talon.One, not as items with a negative price",
    why=(
        "The API sets no minimum, so it accepts a negative price, which lowers the total before "
        "discounts. Often it is a discount computed in the shop or a slip of sign."
    ),
    fix="Check the sign. If a negative price is intended, ignore this code.",
    source="Integration API, CartItem.price (no minimum declared)",
    confidence=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({"cartItems": [{**_SHOE, "price": -5}]}),),
    good=(Example({"cartItems": [{**_SHOE, "price": 0}]}),),
    prefilter={"cartItems/*/price": {"minimum": 0}},
)
def negative_price(context: Context) -> Violations:
    """Look for prices below zero."""
    for index, item in context.items("price"):
        price = item.get("price")
        if price is not None and price < 0:
            yield context.violation("cartItems", index, "price", values={"price": price})


@rule(
    "cart/position",
    Severity.WARNING,
    summary="An item's position in a response is not its 0-based index in the cart.",
    message="position {position} is not the item's index in the cart, {index}",
    why=(
        "Effects point to items by `position`. The API numbers items from 0 in the order of "
        "the list, so another number shows that the list was filtered, sorted or made up "
        "after the fact, and effects will be applied to the wrong item."
    ),
    fix="Keep all cart items of a response, in their original order.",
    source="CartItem.position in recorded responses and in the docs' tutorials",
    confidence=Confidence.PRACTICE,
    models=RESPONSES,
    bad=(
        Example(
            {"cartItems": [{**_SHOE, "position": 1}, {**_SHOE, "position": 0}]},
            {"model": "CustomerSessionV2"},
        ),
        Example({"cartItems": [{**_SHOE, "position": 0.5}, _SHOE]}, {"model": "CustomerSessionV2"}),
    ),
    good=(
        Example(
            {"cartItems": [{**_SHOE, "position": 0}, {**_SHOE, "position": 1}]},
            {"model": "CustomerSessionV2"},
        ),
        Example({"cartItems": [{**_SHOE, "position": 5}, _SHOE]}, {"model": "CustomerSessionV2"}),
    ),
    reads=("cartItems/*/position",),
)
def position(context: Context) -> Violations:
    """Compare positions with indexes if all items have one, else look for impossible positions."""
    cart = context.session.get("cartItems") or ()
    places = [item.get("position") for item in cart]
    if places == list(range(len(places))):
        return
    numbered = None not in places
    for index, item in enumerate(cart):
        place = item.get("position")
        if place is None:
            continue
        if place != index if numbered else (place < 0 or place != integer(place)):
            yield context.violation(
                "cartItems", index, "position", params={"index": index}, values={"position": place}
            )


@rule(
    "cart/returned-quantity",
    Severity.WARNING,
    summary="An item's returned and remaining quantities do not add up to its quantity.",
    message={
        "sum": (
            "returnedQuantity {returned} and remainingQuantity {remaining} do not add up to "
            "quantity {quantity}"
        ),
        "range": "{property:bare} {found} is not between 0 and quantity {quantity}",
    },
    why=(
        "After a return, the returned and the remaining quantity add up to the quantity, and "
        "neither is negative. A fixture that violates this tests a case that can't occur."
    ),
    fix="Correct the fixture, or record the response again.",
    source="Descriptions of CartItem.returnedQuantity and remainingQuantity",
    confidence=Confidence.INFERRED,
    models=RESPONSES,
    bad=(
        Example(
            {"cartItems": [{**_SHOE, "returnedQuantity": 1, "remainingQuantity": 1}]},
            {"model": "CustomerSessionV2"},
        ),
        Example({"cartItems": [{**_SHOE, "returnedQuantity": -1}]}, {"model": "CustomerSessionV2"}),
    ),
    good=(
        Example(
            {"cartItems": [{**_SHOE, "returnedQuantity": 0, "remainingQuantity": 1}]},
            {"model": "CustomerSessionV2"},
        ),
        Example({"cartItems": [{**_SHOE, "returnedQuantity": 1}]}, {"model": "CustomerSessionV2"}),
    ),
)
def returned_quantity(context: Context) -> Violations:
    """Check the sum if both parts are present, and the range of each part."""
    for index, item in context.items("quantity", "returnedQuantity", "remainingQuantity"):
        whole = item["quantity"]
        parts: dict[str, Any] = {
            name: item.get(name) for name in ("returnedQuantity", "remainingQuantity")
        }
        beyond = [n for n, part in parts.items() if part is not None and not 0 <= part <= whole]
        path = context.place("cartItems", index)
        if beyond:
            facts = {"kind": "range", "property": beyond[0]}
            values = {"found": parts[beyond[0]], "quantity": whole}
            yield Violation(path, params=facts, values=values)
        elif None not in parts.values() and sum(map(integer, parts.values())) != whole:
            returned, remaining = parts.values()
            values = {"returned": returned, "remaining": remaining, "quantity": whole}
            yield Violation(path, params={"kind": "sum"}, values=values)
