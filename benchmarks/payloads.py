"""Payloads to measure with: shaped like the API's own full example, the same for each run.

An item has what the example of a request with everything in it has: all of the text and number
fields, two attributes, one additional cost, and a list of numbers in each fifth item. Some text is
not ASCII. Nothing in a valid payload gives a finding, not even with `POLICY` and
`previous_session`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

SEED: Final = 20220601

_NAMES = ("Air Glide", "Café crème", "Döner King", "Rainbow Roll I/O", "Żubrówka 0,5 l", "Kirin")
_CATEGORIES = ("shoes", "Beverages", "Épicerie", "Sushi")
_MATERIALS = ("leather", "coton équitable", "steel", "Buche geölt")

POLICY: Final[dict[str, Any]] = {
    "coupon_budget": True,
    "referral_budget": True,
    "identifier_budget": True,
    "catalog": {
        "priced_skus": [f"SKU{number:07}" for number in range(1000)],
        "attributes": {
            "CustomerSession": {
                "ShippingCity": {"type": "string", "allowed": ["Berlin", "Köln", "Metz"]},
                "GiftNote": "string",
                "VisitedPages": "number",
            },
            "CartItem": {
                "image": "string",
                "material": {"type": "string", "allowed": list(_MATERIALS)},
                "sizes": "(list number)",
            },
        },
        "additional_costs": {"shipping": "session", "service": "session", "packaging": "item"},
    },
}
"""A policy under which every rule that takes one is judged."""


def item(number: int, chance: random.Random) -> dict[str, Any]:
    """Return a cart item with every property that a shop can send."""
    attributes: dict[str, Any] = {
        "image": f"{number:04}-{chance.randrange(16**6):06x}.jpeg",
        "material": chance.choice(_MATERIALS),
    }
    if number % 5 == 0:
        attributes["sizes"] = [chance.randint(30, 50) + 0.5 * (size % 2) for size in range(4)]
    return {
        "name": f"{chance.choice(_NAMES)} {number}",
        "sku": f"SKU{chance.randrange(1000):07}",
        "quantity": chance.randint(1, 5),
        "price": chance.randrange(100, 30_000) / 100,
        "category": chance.choice(_CATEGORIES),
        "weight": chance.randint(20, 3000),
        "height": chance.randrange(100, 5000) / 10,
        "width": chance.randrange(100, 5000) / 10,
        "length": chance.randrange(100, 5000) / 10,
        "attributes": attributes,
        "additionalCosts": {"packaging": {"price": chance.randrange(50, 500) / 100}},
    }


def session(items: int) -> dict[str, Any]:
    """Return the session of a request: one that closes, so that budgets count."""
    chance = random.Random(SEED)
    return {
        "profileId": "URNGV8294NV",
        "state": "closed",
        "couponCodes": ["XMAS-20-2021", "WILLKOMMEN-Ü"],
        "referralCode": "NT2K54D9",
        "loyaltyCards": ["loyalty-card-1"],
        "identifiers": ["d41306257915f83fe01e54092ae470f631161ea16fcf4415842eed41470386ea"],
        "attributes": {"ShippingCity": "Köln", "GiftNote": "Alles Gute!", "VisitedPages": 17},
        "additionalCosts": {"shipping": {"price": 4.9}, "service": {"price": 1.25}},
        "cartItems": [item(number, chance) for number in range(items)],
    }


def request(items: int) -> dict[str, Any]:
    """Return an IntegrationRequest without any finding."""
    return {
        "customerSession": session(items),
        "responseContent": ["customerSession", "customerProfile"],
    }


def text(value: Any) -> bytes:
    """Return JSON text as a client sends it: UTF-8, with the blanks of `json.dumps`."""
    return json.dumps(value, ensure_ascii=False).encode()


def previous_session() -> dict[str, Any]:
    """Return the session as a caller remembers it from before: all that rules on updates read."""
    before = session(0)
    del before["cartItems"]
    return {**before, "state": "open"}


def response(items: int) -> dict[str, Any]:
    """Return a CustomerSessionV2 whose totals are right to the cent."""
    sent = session(items)
    for position, each in enumerate(sent["cartItems"]):
        each |= {
            "position": position,
            "returnedQuantity": 0,
            "remainingQuantity": each["quantity"],
        }
    cart = sum(
        (_decimal(each["price"]) * each["quantity"] for each in sent["cartItems"]), Decimal()
    )
    costs = sum((_decimal(each["price"]) for each in sent["additionalCosts"].values()), Decimal())
    return {
        **sent,
        "id": 6,
        "created": "2022-05-10T09:05:27.993483Z",
        "updated": "2022-05-10T09:07:31Z",
        "integrationId": "175KJPS947296",
        "applicationId": 322,
        "firstSession": False,
        "cartItemTotal": float(cart),
        "additionalCostTotal": float(costs),
        "total": float(cart + costs),
    }


def _decimal(amount: float) -> Decimal:
    return Decimal(repr(amount))


FAULTS: Final[tuple[Callable[[dict[str, Any]], object], ...]] = (
    lambda item: item.update(quantity=0),
    lambda item: item.update(price="12.50"),
    lambda item: item.pop("name"),
    lambda item: item.update(sku=""),
    lambda item: item.update(weight="heavy"),
    lambda item: item["additionalCosts"]["packaging"].pop("price"),
)
"""Ways to spoil an item; each gives one error of the schema, and one finding."""


def faulty_request(items: int, errors: int) -> dict[str, Any]:
    """Return a request with so many errors, spread evenly, at most one an item."""
    payload = request(items)
    cart = payload["customerSession"]["cartItems"]
    for number in range(errors):
        FAULTS[number % len(FAULTS)](cart[(2 * number + 1) * items // (2 * errors)])
    return payload


def large_request(size: int) -> bytes:
    """Return a valid request of `size` bytes: 1000 items, with more attributes each."""
    payload = request(1000)
    cart = payload["customerSession"]["cartItems"]
    chance = random.Random(SEED)
    missing = size - len(text(payload))
    number = 0
    while missing > len(cart) * 40:
        for each in cart:
            name, value = f"detail_{number:02}", f"{chance.choice(_NAMES)} {chance.random():.6f}"
            each["attributes"][name] = value
            missing -= len(text({name: value}))
        number += 1
    cart[0]["attributes"]["note"] = ""
    cart[0]["attributes"]["note"] = "n" * max(0, size - len(text(payload)))
    return text(payload)
