"""Units of a cart, in each type of number that can be an integer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from support.checks import SHOE
from talonschema import check


@pytest.mark.parametrize(
    ("quantities", "units"),
    [
        ([5_000.0, 5_001], 10_001),
        ([1.0, Decimal(10_000)], 10_001),
        # More than a float can hold.
        ([1.0, 10**400], 10**400 + 1),
    ],
    ids=["float", "decimal", "endless"],
)
def test_units_of_any_type_add_up(quantities: list[Any], units: int) -> None:
    (finding,) = check({"cartItems": [{**SHOE, "quantity": each} for each in quantities]}).findings
    assert (finding.code, finding.params["sum"]) == ("cart/quantity-sum", units)
