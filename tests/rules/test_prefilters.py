"""A rule with a prefilter costs nothing where the payload is in order: it is not applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.checks import SHOE, each_edition
from talonschema import Policy, Validator
from talonschema.rules import RULES
from talonschema.rules.context import Context

COSTS = {"shipping": "session", "engraving": "item", "tip": "both"}
TYPES: dict[str, Any] = {
    "City": {"type": "string", "allowed": ["Berlin", "Bonn"]},
    "Name": "string",
    "Days": "number",
    "Gift": "boolean",
    "Slot": "time",
    "Place": "location",
    "Tags": "(list string)",
    "Sizes": {"type": "(list number)", "allowed": [42, 43.5]},
    "Times": "(list time)",
    "Places": "(list location)",
    "Text": "any",
    "Number": "any",
    "Flag": "any",
}
POLICY = Policy.from_mapping(
    {
        "catalog": {
            "attributes": {"CustomerSession": TYPES, "CartItem": TYPES},
            "additional_costs": COSTS,
            "priced_skus": ["SKU1241028"],
        }
    }
)
ATTRIBUTES = {
    "City": "Bonn",
    "Name": "Ada",
    "Days": 2.5,
    "Gift": True,
    "Slot": "2026-06-10T09:00:00Z",
    "Place": "5, 7.2",
    "Tags": ["new", "sale"],
    "Sizes": [42, 43.5],
    "Times": ["2026-12-24T18:30:00.5Z"],
    "Places": ["5, 7.2"],
    "Text": "x",
    "Number": 1,
    "Flag": False,
}
SESSION = {
    "profileId": "URNGV8294NV",
    "state": "open",
    "couponCodes": [f"XMAS-{number}" for number in range(16)],
    "loyaltyCards": ["CARD_7-A"],
    "identifiers": ["d41306257915", "f0a1b2"],
    "attributes": ATTRIBUTES,
    "additionalCosts": {"shipping": {"price": 9}, "tip": {"price": 1}},
    "cartItems": [
        {
            **SHOE,
            "attributes": ATTRIBUTES,
            "additionalCosts": {"engraving": {"price": 5}, "tip": {"price": 1}},
        },
        {**SHOE, "price": 0},
    ],
}


@pytest.fixture
def applied_codes(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the codes of the rules that have been applied, which grow as payloads are checked."""
    codes: set[str] = set()

    def recorder(name: str) -> Callable[[Context], Iterator[Any]]:
        def check(_: Context) -> Iterator[Any]:
            codes.add(name)
            return iter(())

        return check

    for name, rule in RULES.items():
        monkeypatch.setitem(RULES, name, rule._replace(check=recorder(name)))
    return codes


@each_edition
@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (
            {"customerSession": SESSION, "responseContent": ["coupons", "loyalty"]},
            """
                cart/quantity-sum identity/anonymous-profile
                request/evaluable-campaigns-without-dry
            """,
        ),
        (
            {"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}},
            """
                return/ambiguous-sku return/position-out-of-range
                return/quantity-exceeds-remaining return/whole-item-only
            """,
        ),
    ],
    ids=["update", "return"],
)
def test_only_rules_without_a_prefilter_are_applied_to_what_is_in_order(
    edition: str, payload: Any, expected: str, applied_codes: set[str]
) -> None:
    assert Validator(edition=edition, policy=POLICY).check(payload).ok
    assert applied_codes == {
        name for name in expected.split() if edition in RULES[name].code.editions
    }
