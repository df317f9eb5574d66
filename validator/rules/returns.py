"""Rules about the return of cart items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..findings.code import Confidence, Example, Severity
from .amounts import integer
from .context import Context, Missing, Violations
from .rule import RETURNS, rule

_LIST = "returnedCartItems"
_NO_CART = Missing("the cart of the stored session is not known")
_CART = [
    {"name": "shoes", "sku": "9696", "quantity": 1, "price": 60},
    {"name": "shirts", "sku": "6478", "quantity": 2, "price": 20},
    {"name": "shirts", "sku": "6478", "quantity": 3, "price": 18},
]
_STORED = {"previous": {"state": "closed", "cartItems": _CART}}
_STORED_2026 = {**_STORED, "edition": "2026-06"}
_SOURCE = "Return cart items; docs page on partially returning a session"


def _returning(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"return": {"returnedCartItems": list(entries)}}


def _entries(context: Context) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the index and value of each valid entry."""
    entries = context.session.get(_LIST) or ()
    if not context.invalid:
        return list(enumerate(entries))
    if not context.readable(_LIST):
        return []
    broken = context.invalid.parts(context.place(_LIST))
    return [(index, entry) for index, entry in enumerate(entries) if index not in broken]


def _cart(context: Context) -> Sequence[Mapping[str, Any]] | None:
    cart: Sequence[Mapping[str, Any]] | None = (context.previous or {}).get("cartItems")
    return cart


def lines(entry: Mapping[str, Any], cart: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the indexes of the items in `cart` that an entry names; several may share a SKU."""
    position = entry.get("position")
    if position is not None:
        return [int(position)] if 0 <= position < len(cart) else []
    return [index for index, item in enumerate(cart) if item.get("sku") == entry.get("sku")]


def take(entry: Mapping[str, Any], indexes: Sequence[int], left: list[int]) -> bool:
    """Subtract the units of an entry from those `left` of the items at `indexes`, in order.

    An entry without a quantity returns a whole item. Returns False if too few units are left, or
    none of any item. The order, from the first item of a SKU, is inferred: the API documents none.
    """
    wanted = entry.get("quantity")
    if wanted is None:
        index = next((index for index in indexes if left[index] > 0), None)
        if index is None:
            return False
        left[index] = 0
        return True
    wanting = integer(wanted)
    for index in indexes:
        taken = min(wanting, max(left[index], 0))
        left[index] -= taken
        wanting -= taken
    return wanting == 0


def remaining(item: Mapping[str, Any]) -> int:
    """Return the number of units of a cart item that have not been returned."""
    left = item.get("remainingQuantity")
    if left is None:
        left = integer(item["quantity"]) - integer(item.get("returnedQuantity") or 0)
    return integer(left)


@rule(
    "return/item-unidentified",
    Severity.ERROR,
    summary="A returned item has neither position nor SKU.",
    message="the entry has neither position nor sku, so it identifies no cart item",
    hint="send the item's position in the cart of the session, or its sku",
    why="Either is enough, so the schema requires neither; without both, nothing is returned.",
    fix="Add `position` (0-based) or `sku`.",
    source="Return cart items (return by SKU since 2025-12-04)",
    confidence=Confidence.INFERRED,
    refusal=Confidence.INFERRED,
    editions=("2026-06",),
    models=RETURNS,
    bad=(Example(_returning({"quantity": 1}), {"edition": "2026-06"}),),
    good=(Example(_returning({"sku": "6478", "quantity": 1}), {"edition": "2026-06"}),),
    prefilter={
        "returnedCartItems/*": {"anyOf": [{"required": ["position"]}, {"required": ["sku"]}]}
    },
)
def item_unidentified(context: Context) -> Violations:
    """Look for entries with neither position nor SKU."""
    for index, entry in _entries(context):
        if entry.get("position") is None and entry.get("sku") is None:
            yield context.violation(_LIST, index)


@rule(
    "return/position-out-of-range",
    Severity.ERROR,
    summary="A returned position or SKU does not exist in the cart.",
    message="the cart of the session has no item {place}",
    hint={
        "position": "positions count from 0, in the cart of the closed session",
        "sku": "use the sku of an item in the cart of the closed session",
    },
    why="An entry that matches no cart item returns nothing, or the wrong item.",
    fix="Take the position or SKU from the cart items of the closed session.",
    source=_SOURCE,
    confidence=Confidence.INFERRED,
    refusal=Confidence.INFERRED,
    models=RETURNS,
    bad=(
        Example(_returning({"position": 3}), _STORED),
        Example(_returning({"position": -1})),
        Example(_returning({"sku": "unheard-of"}), _STORED_2026),
    ),
    good=(Example(_returning({"position": 2}), _STORED),),
)
def position_out_of_range(context: Context) -> Violations:
    """Look the position, or else the SKU, up in the previous cart."""
    cart = _cart(context)
    entries = _entries(context)
    for index, entry in entries:
        position, sku = entry.get("position"), entry.get("sku")
        if position is not None:
            if position < 0 or (cart is not None and position >= len(cart)):
                yield context.violation(
                    _LIST,
                    index,
                    "position",
                    params={"kind": "position"},
                    values={"place": position},
                )
        elif sku is not None and cart is not None and all(i.get("sku") != sku for i in cart):
            yield context.violation(
                _LIST, index, "sku", params={"kind": "sku"}, values={"place": sku}
            )
    if cart is None and entries:
        yield _NO_CART


@rule(
    "return/sku-mismatch",
    Severity.ERROR,
    summary="The position and SKU of a returned item identify different cart items.",
    message="sku is {sku}, but the item at position {position} has {stored}",
    hint="send only one of them, or correct the wrong one",
    why="The entry contradicts itself, so one of them identifies the wrong item.",
    fix="Correct the wrong one, or send only one of them.",
    source=_SOURCE,
    confidence=Confidence.INFERRED,
    refusal=Confidence.INFERRED,
    editions=("2026-06",),
    models=RETURNS,
    bad=(Example(_returning({"position": 0, "sku": "6478"}), _STORED_2026),),
    good=(Example(_returning({"position": 1, "sku": "6478"}), _STORED_2026),),
    prefilter={"returnedCartItems/*": {"not": {"required": ["position", "sku"]}}},
)
def sku_mismatch(context: Context) -> Violations:
    """Compare the SKU with that at the position."""
    cart = _cart(context)
    both = [e for e in _entries(context) if None not in (e[1].get("position"), e[1].get("sku"))]
    if cart is None:
        if both:
            yield _NO_CART
        return
    for index, entry in both:
        for position in lines(entry, cart):
            stored = cart[position].get("sku")
            if stored != entry["sku"]:
                values = {"sku": entry["sku"], "position": position, "stored": stored}
                yield context.violation(_LIST, index, "sku", values=values)


@rule(
    "return/ambiguous-sku",
    Severity.WARNING,
    summary="A returned SKU occurs in several items of the cart.",
    message="SKU {sku} occurs in {count} items of the cart",
    hint="send the position of the intended item instead",
    why=(
        "It is not documented from which of these items the API takes the units, and their prices "
        "may differ. talonschema takes them in the order of the cart."
    ),
    fix="Identify the item by `position`.",
    source="Return cart items (return by SKU since 2025-12-04)",
    confidence=Confidence.INFERRED,
    editions=("2026-06",),
    models=RETURNS,
    bad=(Example(_returning({"sku": "6478"}), _STORED_2026),),
    good=(Example(_returning({"sku": "9696"}), _STORED_2026),),
)
def ambiguous_sku(context: Context) -> Violations:
    """Count the cart items of each SKU that is returned without a position."""
    cart = _cart(context)
    for index, entry in _entries(context):
        sku = entry.get("sku")
        if sku is None or entry.get("position") is not None:
            continue
        if cart is None:
            yield _NO_CART
            return
        count = len(lines(entry, cart))
        if count > 1:
            values = {"sku": sku, "count": count}
            yield context.violation(_LIST, index, "sku", values=values)


@rule(
    "return/quantity-exceeds-remaining",
    Severity.ERROR,
    summary="More units are returned than remain, or fewer than one.",
    message={
        "none": "the quantity {returned} is less than 1",
        "more": "the quantity {returned} exceeds the remaining quantity of the item, {remaining}",
        "all": "no units of the item remain to be returned",
    },
    hint={
        "none": "to return all units of the item, leave quantity out",
        "more": "entries for the same item are added up, as are earlier returns",
        "all": "entries for the same item are added up, as are earlier returns",
    },
    why="Only units that were bought and not yet returned can be returned.",
    fix="Return at most the remaining units; to return all of them, leave `quantity` out.",
    source=_SOURCE,
    confidence=Confidence.INFERRED,
    refusal=Confidence.INFERRED,
    models=RETURNS,
    bad=(
        Example(_returning({"position": 1, "quantity": 3}), _STORED),
        Example(
            _returning({"position": 1, "quantity": 1}, {"position": 1, "quantity": 2}), _STORED
        ),
        Example(_returning({"position": 1, "quantity": 0})),
    ),
    good=(
        Example(
            _returning({"position": 1, "quantity": 1}, {"position": 1, "quantity": 1}), _STORED
        ),
        Example(_returning({"position": 1}), _STORED),
    ),
)
def quantity_exceeds_remaining(context: Context) -> Violations:
    """Compare the sum of the returned units of each cart item with those that remain."""
    cart = _cart(context)
    entries = _entries(context)
    left = [remaining(item) for item in cart or ()]
    for index, entry in entries:
        quantity = entry.get("quantity")
        place = (_LIST, index) if quantity is None else (_LIST, index, "quantity")
        found = lines(entry, cart or ())
        if quantity is not None and quantity < 1:
            values = {"returned": integer(quantity)}
            yield context.violation(*place, params={"kind": "none"}, values=values)
        elif found:
            before = sum(max(left[each], 0) for each in found)
            if not take(entry, found, left):
                values = {"remaining": before}
                if quantity is not None:
                    values["returned"] = int(quantity)
                kind = "all" if quantity is None else "more"
                yield context.violation(*place, params={"kind": kind}, values=values)
    if cart is None and entries:
        yield _NO_CART


@rule(
    "return/whole-item-only",
    Severity.ERROR,
    summary="Only some units of an item are returned, although cart items are not flattened.",
    message=(
        "{returned} of {remaining} units are returned, but the item can only be returned as a whole"
    ),
    hint="leave quantity out; if cart items are flattened, set cart_item_flattening in the policy",
    why=(
        "In edition 2022-06, an item can only be returned in part if the Application flattens "
        "cart items; otherwise it is returned in its entirety."
    ),
    fix="Leave `quantity` out. If flattening is on, set cart_item_flattening in the policy.",
    source="SDK 2.5.1, ReturnedCartItem.quantity",
    refusal=Confidence.INFERRED,
    editions=("2022-06",),
    models=RETURNS,
    bad=(
        Example(
            _returning({"position": 1, "quantity": 1}),
            {**_STORED, "policy": {"cart_item_flattening": False}},
        ),
    ),
    good=(
        Example(_returning({"position": 1, "quantity": 1}), _STORED),
        Example(
            _returning({"position": 1, "quantity": 2}),
            {**_STORED, "policy": {"cart_item_flattening": False}},
        ),
    ),
)
def whole_item_only(context: Context) -> Violations:
    """Compare the returned units of each item with those that remain, if flattening is off."""
    if context.policy.cart_item_flattening:
        return
    cart = _cart(context)
    entries = [each for each in _entries(context) if each[1].get("quantity") is not None]
    if cart is None:
        if entries:
            yield _NO_CART
        return
    left = [remaining(item) for item in cart]
    after = list(left)
    for _, entry in _entries(context):
        take(entry, lines(entry, cart), after)
    for index, entry in entries:
        for each in lines(entry, cart):
            if 0 < after[each] < left[each]:
                values = {"returned": left[each] - after[each], "remaining": left[each]}
                yield context.violation(_LIST, index, "quantity", values=values)


@rule(
    "return/empty",
    Severity.WARNING,
    summary="A return has no items.",
    message="returnedCartItems is empty, so nothing is returned",
    hint="list the returned items, or don't call the endpoint",
    why="The call is valid but has no effect; usually a filter in the shop matched no items.",
    fix="Send the returned items.",
    source="Return cart items (no minItems declared)",
    confidence=Confidence.INFERRED,
    models=RETURNS,
    bad=(Example(_returning()),),
    good=(Example(_returning({"position": 0})),),
    reads=(_LIST,),
    prefilter={"returnedCartItems": {"minItems": 1}},
)
def empty_return(context: Context) -> Violations:
    """Check the length of the list."""
    entries = context.session.get(_LIST)
    if entries is not None and not entries:
        yield context.violation(_LIST)
