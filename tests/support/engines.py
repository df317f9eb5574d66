"""Checks on both engines, with a policy and a stored session."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from support.strategies import ENGINES
from talonschema import NEW, Policy, Report, Validator

POLICY = Policy.from_mapping(
    {
        "coupon_budget": True,
        "referral_budget": True,
        "identifier_budget": True,
        "catalog": {
            "attributes": {
                "CustomerSession": {
                    "City": {"type": "string", "allowed": ["Berlin", ""]},
                    "days_2": "(list number)",
                },
                "CartItem": {"x": "time", "City": {"type": "number", "allowed": [0, 1.5]}},
            },
            "additional_costs": {"City": "session", "days_2": "item", "x": "both"},
            "priced_skus": ["0"],
        },
    }
)
STORED = {
    "state": "closed",
    "couponCodes": ["XMAS"],
    "referralCode": "NT2K54D9",
    "updateCount": 3,
    "cartItems": [
        {"name": "a", "sku": "0", "quantity": 2, "price": 1},
        {"name": "b", "sku": "1", "quantity": 3, "price": 1, "returnedQuantity": 1},
    ],
}
contexts = st.fixed_dictionaries(
    {},
    optional={
        "previous": st.sampled_from([NEW, "open", "closed", "cancelled", STORED, {}]),
        "dry": st.booleans(),
        "now": st.sampled_from(["2020-01-01T00:00:00Z", "soon"]),
    },
)


@cache
def validator(engine: Any, edition: str, *, informed: bool = False) -> Validator:
    return Validator(engine=engine, edition=edition, policy=POLICY if informed else None)


def check_on_both(payload: Any, edition: str, **context: Any) -> Report:
    """Check on both engines; return what they agree on."""
    one, other = (validator(name, edition, informed=True) for name in ENGINES)
    report = one.check(payload, **context)
    assert other.check(payload, **context).to_dict() == report.to_dict()
    assert "internal/rule-crash" not in {each.code for each in report.findings}
    return report
