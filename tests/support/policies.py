"""Policies of every shape, by what they know: each part alone, all of it, and nothing."""

from __future__ import annotations

from typing import Any, get_args

from talonschema import Policy
from talonschema.model.policy import AttributeType

NAMES = ("City", "days_2", "x", "attributes", "ShippingCity", "Days", "material", "sizes", "a", "b")
"""Names of attributes in examples, and in what strategies draw."""
TYPES: tuple[str, ...] = get_args(AttributeType)

_COSTS = {"City": "session", "days_2": "item", "x": "both", "shipping": "session", "a": "item"}
_TYPED = {
    "CustomerSession": dict(zip(NAMES, TYPES, strict=True)),
    "CartItem": dict(zip(NAMES, reversed(TYPES), strict=True)),
}
_RESTRICTED = {
    entity: {
        **{name: {"type": "string", "allowed": ["Berlin", ""]} for name in ("City", "a")},
        **{name: {"type": "number", "allowed": [0, 1.5, 10**300]} for name in ("Days", "b")},
        **{name: {"type": "any", "allowed": ["x", "0"]} for name in ("x", "attributes")},
        "sizes": {"type": "(list number)", "allowed": [42, -0.0]},
        "material": {"type": "(list string)", "allowed": []},
    }
    for entity in ("CustomerSession", "CartItem")
}

SHAPES: dict[str, Policy] = {
    name: Policy.from_mapping(data)
    for name, data in dict[str, dict[str, Any]](
        {
            "nothing": {},
            "budgets": dict.fromkeys(
                ("coupon_budget", "referral_budget", "identifier_budget"), True
            ),
            "whole items": {"cart_item_flattening": False},
            "exact": {"total_tolerance": 0},
            "lax": {"total_tolerance": 1e308},
            "types": {"catalog": {"attributes": _TYPED}},
            "restricted": {"catalog": {"attributes": _RESTRICTED}},
            "of items": {"catalog": {"attributes": {"CartItem": _TYPED["CartItem"]}}},
            "no attributes": {"catalog": {"attributes": {"CustomerSession": {}, "CartItem": {}}}},
            "costs": {"catalog": {"additional_costs": _COSTS}},
            "no costs": {"catalog": {"additional_costs": {}}},
            "impossible names": {
                "catalog": {
                    "attributes": {
                        entity: {"shipping-city": "string", "1st": "number", "x": "any"}
                        for entity in ("CustomerSession", "CartItem")
                    },
                    "additional_costs": {"8x": "both", "_box": "item", "shipping": "session"},
                }
            },
            "prices": {"catalog": {"priced_skus": ["A1", "", "0"]}},
            "everything": {
                **dict.fromkeys(("coupon_budget", "referral_budget", "identifier_budget"), True),
                "cart_item_flattening": False,
                "total_tolerance": 5e-324,
                "catalog": {
                    "attributes": _RESTRICTED,
                    "additional_costs": _COSTS,
                    "priced_skus": ["A1", "SKU1241028"],
                },
            },
        }
    ).items()
}
