"""Consistency: the dependent values of drawn payloads.

Each function takes an edition and a drawn object, and returns the object with the values that
follow from the others: totals, positions, and quantities that remain after a return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from ..rules.amounts import decimal, json_number, times, total

Drawn: TypeAlias = dict[str, Any]

_RETURNED = frozenset({"partially_returned", "cancelled"})
"""The states of a session that may have returned items."""


def _session(edition: str, drawn: Drawn) -> Drawn:
    """Add totals, and put times in order; an anonymous session is a first session."""
    items = [
        _item(index, item, returned=drawn["state"] in _RETURNED)
        for index, item in enumerate(drawn["cartItems"])
    ]
    prices = total(times(decimal(item["price"]), decimal(item["quantity"])) for item in items)
    own, of_items = _costs(drawn), total(map(_costs, items))
    totals = {"cartItemTotal": prices, "additionalCostTotal": own}
    if edition != "2022-06":
        totals["cartItemAdditionalCostTotal"] = of_items
    totals["total"] = total(totals.values())
    created, updated = sorted((drawn["created"], drawn["updated"]), key=datetime.fromisoformat)
    return {
        **drawn,
        "cartItems": items,
        **{name: json_number(amount) for name, amount in totals.items()},
        "created": created,
        "updated": updated,
        "firstSession": drawn["firstSession"] or not drawn["profileId"],
    }


def _costs(holder: Mapping[str, Any]) -> Decimal:
    return total(decimal(cost["price"]) for cost in holder.get("additionalCosts", {}).values())


def _item(index: int, drawn: Drawn, *, returned: bool) -> Drawn:
    """Return an item with its position, and its quantity divided into returned and remaining."""
    gone = min(drawn.get("returnedQuantity", 0), drawn["quantity"]) if returned else 0
    known = {
        "position": index,
        "returnedQuantity": gone,
        "remainingQuantity": drawn["quantity"] - gone,
    }
    return {key: known.get(key, value) for key, value in drawn.items()}


def _returned_item(_: str, drawn: Drawn) -> Drawn:
    """Identify the item by its position if nothing else does."""
    return drawn if "position" in drawn or "sku" in drawn else {"position": 0, **drawn}


def _state(_: str, drawn: Drawn) -> Drawn:
    """Make the parts of an answer refer to its session."""
    session = drawn.get("customerSession")
    if session is None:
        return drawn
    whole = dict(drawn)
    application = {"applicationId": session["applicationId"]}
    if "event" in whole:
        whole["event"] = {**whole["event"], **application}
    if not session["profileId"]:
        whole.pop("customerProfile", None)
    elif "customerProfile" in whole:
        profile = {"integrationId": session["profileId"]}
        whole["customerProfile"] = {**whole["customerProfile"], **profile}
    returns = [*whole.get("previousReturns", ()), *([whole["return"]] if "return" in whole else ())]
    if returns and session["state"] not in _RETURNED:
        whole.pop("return", None)
        whole.pop("previousReturns", None)
    about = {
        **application,
        "sessionId": session["id"],
        "sessionIntegrationId": session["integrationId"],
    }
    if "return" in whole:
        whole["return"] = {**whole["return"], **about}
    if "previousReturns" in whole:
        whole["previousReturns"] = [{**each, **about} for each in whole["previousReturns"]]
    return whole


CONSISTENT: Mapping[str, Callable[[str, Drawn], Drawn]] = {
    "CustomerSessionV2": _session,
    "IntegrationStateV2": _state,
    "ReturnedCartItem": _returned_item,
}
"""The functions that make the objects of each model consistent."""
