"""Unknown keys: what they may have been meant for; in a flood of them, that is left out."""

from __future__ import annotations

from typing import Any

import pytest

from support.checks import SHOE
from talonschema import Validator
from talonschema.rules.keys import UNKNOWN


def unknown_keys(edition: str, payload: Any, model: str | None) -> dict[str, tuple[str, ...]]:
    """Return kind and suggestion by the pointer of each unknown key."""
    report = Validator(edition=edition).check(payload, model=model)
    return {
        each.pointer: tuple(each.params[k] for k in ("kind", "suggestion") if k in each.params)
        for each in report.findings
        if each.code == UNKNOWN
    }


def item(**more: Any) -> dict[str, Any]:
    return {"cartItems": [{**SHOE, **more}]}


STATE, SESSION = "IntegrationStateV2", "CustomerSessionV2"
RETURN = {"returnedCartItems": [{"position": 0}]}


@pytest.mark.parametrize(
    ("payload", "model", "expected"),
    [
        ({"coupon": "X"}, SESSION, {"/coupon": ("version-1", "couponCodes")}),
        ({"discounts": []}, SESSION, {"/discounts": ("version-1-gone",)}),
        (
            {"coupon": "X", "couponCodes": []},
            None,
            {"/coupon": ("version-1-beside", "couponCodes")},
        ),
        (item(coupon="X"), None, {"/cartItems/0/coupon": ()}),
        (
            {"customerSession": {}, "customerProfile": {}, "profile": {}, "profileAttributes": {}},
            None,
            {
                f"/{key}": ("profile",)
                for key in ("customerProfile", "profile", "profileAttributes")
            },
        ),
        ({"customerProfile": {}, "state": "open"}, None, {"/customerProfile": ()}),
        ({"var_return": {}}, STATE, {"/var_return": ("snake-case", "return")}),
        (
            item(Category="a", category="b"),
            None,
            {"/cartItems/0/Category": ("beside", "category")},
        ),
        (
            {"coupon_codes": [], "couponCodes": []},
            None,
            {"/coupon_codes": ("beside", "couponCodes")},
        ),
        # Only the API sets a position.
        (item(Position=1), None, {"/cartItems/0/Position": ()}),
        (item(positon=1), None, {"/cartItems/0/positon": ()}),
        # The other edition has no such model.
        (
            item(prices={"base": {"price": 1, "sort": 2}}),
            None,
            {"/cartItems/0/prices/base/sort": ()},
        ),
    ],
    ids=[
        *("version 1, in a response", "nothing in its place", "its successor is there"),
        *("of a session, on an item", "profiles", "a profile in a session", "the name in an SDK"),
        *("the name is there", "the name is there, beside that in an SDK"),
        *("a read-only name", "like a read-only name", "a model of this edition"),
    ],
)
def test_what_an_unknown_key_may_have_been_meant_for(
    payload: Any, model: str | None, expected: dict[str, tuple[str, ...]]
) -> None:
    assert unknown_keys("2026-06", payload, model) == expected


@pytest.mark.parametrize(
    ("payload", "model", "expected"),
    [
        (item(total=1), None, {"/cartItems/0/total"}),
        ({"return": {**RETURN, "total": 1}}, None, {"/return/total"}),
        ({"customersession": {}, "effects": []}, STATE, {"/customersession"}),
        ({"customersession": {}, "customerSession": {}}, None, {"/customersession"}),
        ({"customersession": {}, "responseContent": []}, None, set()),
        ({"_return": RETURN}, None, set()),
        ({"effects": [{"new": 1}], "customerProfile": {"new": 1}}, STATE, set()),
    ],
    ids=[
        *("of a session, on an item", "of a session, on a return", "an envelope in a response"),
        *("beside the right envelope", "the envelope, which is missing", "that of a return"),
        "where the API may send more",
    ],
)
def test_a_key_is_unknown_where_no_other_code_is_for_it(
    payload: Any, model: str | None, expected: set[str]
) -> None:
    assert unknown_keys("2026-06", payload, model).keys() == expected


def test_the_first_hundred_unknown_keys_are_explained() -> None:
    items = [{**SHOE, "Category": "a"}] * 102
    report = Validator(max_findings=200).check({"cartItems": items})
    explained = [each.params.get("kind") for each in report.findings]
    assert explained == ["case"] * 100 + [None] * 2
