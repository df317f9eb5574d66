"""What a rule lacks, where it looks, and what it is unless it is described otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from support.checks import SHOE
from talonschema import NEW, Policy, check
from talonschema.findings.code import Confidence
from talonschema.rules import RULES, cart
from talonschema.rules.rule import place

OF_STATES = (
    "lifecycle/finished-session",
    "lifecycle/initial-state",
    "lifecycle/repeated-state",
    "lifecycle/state-transition",
)
OF_POLICIES = {
    "budget/coupon-at-close": "the policy declares no coupon budget",
    "budget/identifier-at-close": "the policy declares no identifier budget",
    "budget/referral-at-close": "the policy declares no referral budget",
    "catalog/additional-cost-scope": "the policy has no catalog of additional costs",
    "catalog/unknown-additional-cost": "the policy has no catalog of additional costs",
    **{
        f"catalog/{name}": "the policy has no catalog of attributes"
        for name in ("attribute-type", "attribute-value", "null-attribute", "unknown-attribute")
    },
}
POLICY = Policy.from_mapping(
    {
        **dict.fromkeys(("coupon_budget", "identifier_budget", "referral_budget"), True),
        "catalog": {
            "attributes": {"CustomerSession": {}, "CartItem": {}},
            "additional_costs": {},
        },
    }
)
PRICES = Policy.from_mapping({"catalog": {"priced_skus": []}})


@pytest.mark.parametrize(
    ("policy", "context", "expected"),
    [
        (
            POLICY,
            {},
            {
                **dict.fromkeys(OF_STATES, "the previous state is not known"),
                "codes/discarded": "the previous session is not known",
            },
        ),
        (POLICY, {"previous": "open"}, {"codes/discarded": "the previous session is not known"}),
        (POLICY, {"previous": {"state": "open"}}, {}),
        (POLICY, {"previous": NEW}, {}),
        (
            POLICY,
            {"previous": "open", "dry": True},
            dict.fromkeys((*OF_STATES, "codes/discarded"), "a dry update is judged on its own"),
        ),
        (Policy(), {"previous": NEW}, OF_POLICIES),
        (PRICES, {"previous": NEW}, OF_POLICIES),
    ],
    ids=[
        *("nothing is known", "the state", "the session", "it is new", "it is set aside"),
        *("no policy", "a catalog of prices alone"),
    ],
)
def test_each_rule_that_lacks_something_is_skipped_for_it(
    policy: Policy, context: dict[str, Any], expected: dict[str, str]
) -> None:
    report = check({}, policy=policy, **context)
    assert {each.code: each.reason for each in report.skipped} == expected


def test_a_budget_is_left_open_if_a_session_closes_with_what_is_not_known() -> None:
    report = check({"state": "closed"}, policy=POLICY, previous="open")
    reasons = {each.code: each.reason for each in report.skipped if each.code in OF_POLICIES}
    assert reasons == {
        code: "the previous session is not known"
        for code in OF_POLICIES
        if code.startswith("budget/")
    }


@pytest.mark.parametrize(
    ("read", "path"),
    [
        ("state", ("return", "state")),
        ("returnedCartItems/*/sku", ("return", "returnedCartItems", "*", "sku")),
        ("/responseContent", ("responseContent",)),
        ("/responseContent/*", ("responseContent", "*")),
    ],
)
def test_a_place_is_below_the_session_or_the_whole_payload(
    read: str, path: tuple[str, ...]
) -> None:
    assert place(read, ("return",)) == path


def test_a_finding_has_the_hint_of_its_rule_if_there_is_one() -> None:
    payload = {"cartItems": [{**SHOE, "position": 1}]}
    report = check(payload, model="CustomerSessionV2")
    assert [each.hint for each in report.findings if each.code == "cart/position"] == [""]
    (finding,) = check({"cartItems": [{**SHOE, "price": -5}]}).findings
    assert finding.hint.startswith("send discounts through Talon.One")


def test_a_rule_is_documented_unless_it_is_known_otherwise() -> None:
    confidences = {name: rule.code.confidence for name, rule in RULES.items()}
    assert confidences["cart/quantity-sum"] is Confidence.DOCUMENTED
    assert confidences["cart/position"] is Confidence.PRACTICE
    assert confidences["cart/negative-price"] is Confidence.INFERRED


def test_a_rule_is_the_function_that_is_decorated() -> None:
    assert RULES["cart/position"].check is cart.position


@pytest.mark.parametrize("length", [2, 16, 17, 100])
def test_a_copy_is_found_in_a_list_of_any_length(length: int) -> None:
    codes = [f"CODE-{number:03}" for number in range(length - 1)]
    (finding,) = check({"couponCodes": [*codes, codes[0]]}).findings
    assert (finding.code, finding.pointer) == (
        "codes/duplicate-coupon",
        f"/couponCodes/{length - 1}",
    )
