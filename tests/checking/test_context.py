"""What is known of a call: its operation and previous session, and which rules are skipped."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

import pytest

from support.checks import SESSION, SHOE, each_engine, pairs, reasons
from talonschema import NEW, Policy, Validator, check, schemas

# What is skipped, and why.


def test_reasons_for_what_is_skipped() -> None:
    reported = reasons(check({}))
    assert reported["lifecycle/state-transition"] == "the previous state is not known"
    assert reported["codes/discarded"] == "the previous session is not known"
    assert reported["catalog/unknown-attribute"] == "the policy has no catalog of attributes"
    assert (
        reported["catalog/unknown-additional-cost"]
        == "the policy has no catalog of additional costs"
    )
    assert reported["budget/coupon-at-close"] == "the policy declares no coupon budget"
    assert reported["budget/referral-at-close"] == "the policy declares no referral budget"
    assert reported["budget/identifier-at-close"] == "the policy declares no identifier budget"
    assert reasons(check({}, dry=True))["lifecycle/state-transition"] == (
        "a dry update is judged on its own"
    )
    assert reasons(check({"state": 1}, previous="open"))["lifecycle/state-transition"] == (
        "a part that it reads is not valid"
    )
    assert all(reason for reason in reported.values())


def test_nothing_is_skipped_when_all_is_known() -> None:
    catalog: dict[str, Any] = {
        "attributes": {"CustomerSession": {}, "CartItem": {}},
        "additional_costs": {},
    }
    budgets = {f"{name}_budget": True for name in ("coupon", "referral", "identifier")}
    policy = Policy.from_mapping({"catalog": catalog, **budgets})
    for edition in schemas.EDITIONS:
        validator = Validator(edition=edition, policy=policy)
        assert validator.check(SESSION, previous={}, now="2999-01-01T00:00:00Z").skipped == ()


def test_each_rule_of_the_model_is_judged_skipped_or_not_for_this_call() -> None:
    skipped = reasons(check(SESSION))
    assert not any(name.startswith(("totals/", "return/", "json/", "schema/")) for name in skipped)
    assert list(skipped) == sorted(skipped)


# What is asked: operation and previous session.


def test_a_model_brings_its_operation() -> None:
    payload = {"return": {"returnedCartItems": [{"position": 0}]}}
    for model in (None, "ReturnIntegrationRequest"):
        for operation in (None, "return"):
            report = check(payload, model=model, previous="open", operation=operation)
            assert pairs(report) == [("lifecycle/state-transition", "")]


def test_the_previous_session_of_a_response_is_no_move() -> None:
    report = check(
        {"state": "open"}, model="CustomerSessionV2", previous="closed", ignore=["schema"]
    )
    assert report.findings == ()


def test_a_reopening_has_no_body() -> None:
    for empty in (None, b"", "", bytearray()):
        report = check(empty, operation="reopen", previous="closed", edition="2026-06")
        assert report.findings == ()
        assert report.ok
    bodies: list[Any] = [{"effects": []}, "{", [], 0, b"null"]
    for body in bodies:
        report = check(body, operation="reopen", previous="closed", edition="2026-06")
        assert pairs(report) == [("request/unexpected-body", "")]


def test_suggestions_are_neither_there_already_nor_read_only() -> None:
    def hint(payload: Any) -> str:
        found = check(payload, edition="2026-06").findings
        return next(each.hint for each in found if each.code == "payload/unknown-property")

    assert "remove it" in hint({"customerSession": {}, "customersession": {}})
    assert "Update customer profile" in hint({"customerSession": {}, "customerProfile": {}})
    assert "Update customer profile" in hint({"customerSession": {}, "profileAttributes": {}})
    item = {"sku": "a", "quantity": 1, "price": 1}
    for key in ("subPosition", "Position", "position_", "sub_position", "catalog_item_id"):
        assert hint({"cartItems": [{**item, key: 1}]}) == ""
    assert hint({"cartItems": [], "cartItem": []}) == ""
    assert hint({"cartItem": []}) == 'did you mean "cartItems"?'


@pytest.mark.parametrize(
    "previous",
    [
        {"state": "closed"},
        {"customerSession": {"state": "closed"}},
        {"customerSession": {"state": "closed"}, "effects": [], "createdCoupons": []},
        {"state": "closed", "unheardOf": object()},
        {"state": "closed", "cartItems": "none", "profileId": 7, "couponCodes": [1]},
        {"state": "closed", "cartItems": [{"sku": 1}], "attributes": {1: 2}},
        {"state": "closed", "additionalCosts": {"a": float("nan")}},
    ],
)
@each_engine
def test_a_previous_session_in_whatever_form(previous: Any, engine: Any) -> None:
    report = check({"state": "open"}, previous=previous, engine=engine)
    assert pairs(report) == [("lifecycle/state-transition", "/state")]


@each_engine
def test_invalid_parts_of_the_previous_session_are_ignored(engine: Any) -> None:
    returned = {"return": {"returnedCartItems": [{"position": 5, "quantity": 9}]}}
    stored: dict[str, Any] = {"state": "closed", "cartItems": [{**SHOE, "quantity": "many"}]}
    report = check(returned, previous=stored, engine=engine)
    assert report.findings == ()
    assert reasons(report)["return/position-out-of-range"] == (
        "the cart of the stored session is not known"
    )
    discarding = {"couponCodes": [], "referralCode": ""}
    stored = {"couponCodes": 7, "referralCode": ["NT2K54D9"]}
    assert check(discarding, previous=stored, engine=engine).findings == ()


def test_a_previous_session_may_lack_what_responses_require() -> None:
    returned = {"return": {"returnedCartItems": [{"position": 1}]}}
    item = {"sku": "a", "quantity": 1}
    report = check(returned, previous={"state": "closed", "cartItems": [SHOE]})
    assert pairs(report) == [
        ("return/position-out-of-range", "/return/returnedCartItems/0/position")
    ]
    report = check(returned, previous={"state": "closed", "cartItems": [item]}, edition="2026-06")
    assert pairs(report) == [
        ("return/position-out-of-range", "/return/returnedCartItems/0/position")
    ]


def test_now_as_a_datetime() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert check(SESSION, now=later, dry=True).findings == ()
    assert check(SESSION, now=later.astimezone(dt.timezone(dt.timedelta(hours=-9))), dry=True).ok
    earlier = later - dt.timedelta(days=2)
    (finding,) = check(SESSION, now=earlier, dry=True).findings
    assert (finding.code, finding.parameter) == ("request/now-not-future", "now")
    (finding,) = check(SESSION, now=later.replace(tzinfo=None), dry=True).findings
    assert (finding.code, finding.parameter) == ("request/malformed-now", "now")


# Values from elsewhere.


class Stored(enum.Enum):
    CLOSED = "closed"
    NEW = "new"


@pytest.mark.parametrize(
    ("previous", "same"),
    [
        ("new", NEW),
        (Stored.NEW, NEW),
        (Stored.CLOSED, "closed"),
        ('{"state": "closed", "couponCodes": ["A"]}', {"state": "closed", "couponCodes": ["A"]}),
        (b'{"customerSession": {"state": "closed"}}', {"state": "closed"}),
    ],
)
def test_the_session_before_as_it_is_stored(previous: Any, same: Any) -> None:
    payload = {"state": "open", "couponCodes": []}
    assert check(payload, previous=previous) == check(payload, previous=same)


@pytest.mark.parametrize("previous", ["{", b'{"state": "closed",}', '{"state": "closed"} x'])
def test_a_session_before_that_is_no_json(previous: Any) -> None:
    with pytest.raises(ValueError, match=r"previous is not valid JSON: json/syntax at line 1, "):
        check({}, previous=previous)


@pytest.mark.parametrize("text", ["false", "true", "", b"0"])
def test_text_is_no_boolean(text: Any) -> None:
    if text:
        with pytest.raises(TypeError, match="dry must be True or False, not the string"):
            check({"state": "open"}, previous="closed", dry=text)
    with pytest.raises(TypeError, match="redact must be True or False, not the string"):
        Validator(redact=text)
