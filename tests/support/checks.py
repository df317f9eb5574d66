"""What tests of checks share: payloads, the editions and engines, and views of a report."""

from __future__ import annotations

from typing import Any

import pytest

from support.strategies import ENGINES
from talonschema import Policy, Report, schemas

SHOE: dict[str, Any] = {"name": "Air Glide", "sku": "SKU1241028", "quantity": 1, "price": 99.99}
SESSION: dict[str, Any] = {"profileId": "URNGV8294NV", "state": "open", "cartItems": [SHOE]}
MIXED: dict[str, Any] = {
    "state": "shut",
    "couponCodes": ["XMAS", "XMAS"],
    "cartItems": [{**SHOE, "quantity": 10_001, "Category": 1, "price": -1}],
}
MIXED_CODES = {
    "schema/enum",
    "codes/duplicate-coupon",
    "cart/quantity-sum",
    "cart/negative-price",
    "payload/unknown-property",
}
"""The codes of the findings that `MIXED` has."""
NO_ATTRIBUTES = Policy.from_mapping({"catalog": {"attributes": {"CustomerSession": {}}}})

each_engine = pytest.mark.parametrize("engine", ENGINES)
each_edition = pytest.mark.parametrize("edition", schemas.EDITIONS)


def pairs(report: Report) -> list[tuple[str, str]]:
    """Return the code and the pointer of each finding."""
    return [(each.code, each.pointer) for each in report.findings]


def reasons(report: Report) -> dict[str, str]:
    """Return why each skipped rule was skipped."""
    return {each.code: each.reason for each in report.skipped}
