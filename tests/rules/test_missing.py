"""What a rule lacks for a payload, as its entry in `Report.skipped` words it."""

from __future__ import annotations

from typing import Any

import pytest

from support.checks import SHOE
from talonschema import check

NO_CART = "the session has no cartItems"
NO_STORED_CART = "the cart of the stored session is not known"
RETURN = {"return": {"returnedCartItems": [{"position": 0, "sku": "a", "quantity": 1}]}}
SKU = {"return": {"returnedCartItems": [{"sku": "a"}]}}


@pytest.mark.parametrize(
    ("code", "reason", "payload", "model"),
    [
        ("totals/cart-item-total", NO_CART, {}, "CustomerSessionV2"),
        ("totals/cart-item-additional-cost-total", NO_CART, {}, "CustomerSessionV2"),
        (
            "totals/cart-item-total",
            "an item has no price of its own",
            {"cartItems": [SHOE, {"sku": "a", "quantity": 1}]},
            "CustomerSessionV2",
        ),
        (
            "totals/total",
            "additionalCostTotal, which total includes, is missing",
            {"cartItemTotal": 0, "cartItemAdditionalCostTotal": 0, "total": 0},
            "CustomerSessionV2",
        ),
        ("return/position-out-of-range", NO_STORED_CART, RETURN, None),
        ("return/sku-mismatch", NO_STORED_CART, RETURN, None),
        ("return/ambiguous-sku", NO_STORED_CART, SKU, None),
        ("return/quantity-exceeds-remaining", NO_STORED_CART, RETURN, None),
    ],
)
def test_what_is_missing(code: str, reason: str, payload: Any, model: str | None) -> None:
    skipped = check(payload, model=model, edition="2026-06").skipped
    assert (code, reason) in {(each.code, each.reason) for each in skipped}


def test_reopening_lacks_the_state_before() -> None:
    (skipped,) = check(None, operation="reopen", edition="2026-06").skipped
    assert tuple(skipped) == ("lifecycle/state-transition", "the previous state is not known")


def test_a_dry_update_has_no_state_before_it() -> None:
    skipped = check({"state": "open"}, previous="closed", dry=True).skipped
    reasons = {each.reason for each in skipped if each.code.startswith("lifecycle/")}
    assert reasons == {"a dry update is judged on its own"}


def test_an_empty_return_needs_no_cart() -> None:
    skipped = check({"return": {"returnedCartItems": []}}, edition="2026-06").skipped
    assert {each.code for each in skipped} == {"lifecycle/state-transition"}


@pytest.mark.parametrize("entry", [{"position": 0}, {"position": 0, "sku": "a"}, {"quantity": 1}])
def test_an_entry_that_is_not_found_by_its_sku_is_judged_without_the_cart(
    entry: dict[str, Any],
) -> None:
    skipped = check({"return": {"returnedCartItems": [entry]}}, edition="2026-06").skipped
    assert "return/ambiguous-sku" not in {each.code for each in skipped}
