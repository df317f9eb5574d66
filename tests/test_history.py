"""Replays: a session as its updates make it, step by step."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.histories import (
    CLOSE,
    COUPONS,
    IDENTIFIERS,
    OPEN,
    REFERRALS,
    SHIRT,
    SHOE,
    codes,
    replay_codes,
    return_update,
)
from support.search import draws
from support.strategies import ENGINES, damage, sessions
from talonschema import NEW, Policy, Update, replay
from talonschema.model.states import STATES


def test_a_report_for_each_update() -> None:
    reports = list(replay([OPEN, {"cartItems": [SHOE]}, CLOSE]))
    assert [report.ok for report in reports] == [True] * 3
    assert [codes(report) for report in reports] == [[]] * 3


def test_no_updates() -> None:
    assert list(replay([])) == []


def test_reports_come_as_the_updates_do() -> None:
    given_: list[int] = []

    def updates() -> Iterator[Any]:
        for number, update in enumerate([OPEN, CLOSE]):
            given_.append(number)
            yield update

    reports = replay(updates())
    assert next(iter(reports)).ok
    assert given_ == [0]


def test_arguments_are_looked_through_before_the_first_update() -> None:
    with pytest.raises(ValueError, match="edition"):
        replay([], edition="2021-01")
    with pytest.raises(ValueError, match="previous"):
        replay([], previous="shut")
    with pytest.raises(TypeError):
        replay([], previous=1)  # type: ignore[arg-type]


def test_an_operation_that_is_none() -> None:
    with pytest.raises(ValueError, match="operation"):
        list(replay([Update({}, "close")]))


def test_json_text_and_envelopes() -> None:
    updates = [
        json.dumps(OPEN),
        json.dumps({"customerSession": {"couponCodes": ["XMAS"]}}).encode(),
        Update({"customerSession": CLOSE}),
    ]
    assert replay_codes(*updates, policy=COUPONS) == [[], [], []]


def test_updates_are_left_as_they_are() -> None:
    updates = [OPEN, {"cartItems": [SHOE]}, CLOSE, return_update({"position": 0, "quantity": 1})]
    before = copy.deepcopy(updates)
    list(replay(updates))
    assert updates == before


# What is omitted keeps its value.


@pytest.mark.parametrize(
    ("policy", "property_", "value", "code"),
    [
        (COUPONS, "couponCodes", ["XMAS"], "budget/coupon-at-close"),
        (REFERRALS, "referralCode", "NT2K54D9", "budget/referral-at-close"),
        (IDENTIFIERS, "identifiers", ["d4130625"], "budget/identifier-at-close"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_budgets_over_several_updates(
    policy: Policy, property_: str, value: Any, code: str, engine: Any
) -> None:
    options = {"policy": policy, "engine": engine}
    sent, nothing = {property_: value}, {property_: type(value)()}
    assert replay_codes({**OPEN, **sent}, {"cartItems": []}, CLOSE, **options)[2] == []
    assert replay_codes(OPEN, sent, {property_: None}, CLOSE, **options)[3] == []
    assert replay_codes(OPEN, {"cartItems": []}, CLOSE, **options)[2] == [code]
    assert replay_codes(OPEN, sent, nothing, CLOSE, **options)[3] == [code]
    assert replay_codes(OPEN, sent, nothing, sent, CLOSE, **options)[4] == []
    assert replay_codes(OPEN, sent, {**CLOSE, **nothing}, **options)[2].count(code) == 1
    assert replay_codes({**OPEN, **CLOSE, **sent}, **options) == [[]]
    assert replay_codes({**OPEN, **CLOSE}, **options) == [[code]]


def test_codes_that_are_discarded() -> None:
    both = {"couponCodes": ["XMAS"], "referralCode": "NT2K54D9"}
    none = {"couponCodes": [], "referralCode": ""}
    discarded = ["codes/discarded", "codes/discarded"]
    assert replay_codes(OPEN, both, none, none) == [[], [], discarded, []]
    assert replay_codes(OPEN, none) == [[], []]
    assert replay_codes(OPEN, both, {"couponCodes": ["YULE"]}, none)[3] == discarded


def test_an_omitted_state_stays() -> None:
    finished = ["lifecycle/finished-session"]
    assert replay_codes(OPEN, {}, CLOSE, {}, {"cartItems": []}) == [[], [], [], finished, finished]


def test_a_session_is_created_once() -> None:
    create = {"profileId": "a", "state": "cancelled"}
    assert replay_codes(create, create) == [["lifecycle/initial-state"]] * 2
    assert replay_codes(OPEN, create) == [[], []]


@pytest.mark.parametrize("state", STATES)
def test_a_given_previous_state(state: str) -> None:
    (first, second) = replay_codes({"state": "cancelled"}, {"state": "cancelled"}, previous=state)
    assert first == (["lifecycle/repeated-state"] if state == "cancelled" else [])
    assert second == ["lifecycle/repeated-state"]


def test_an_unknown_session_is_known_once_its_state_is_sent() -> None:
    first, second, third = replay([{}, CLOSE, {"state": "open"}], previous=None)
    assert "lifecycle/state-transition" in {each.code for each in first.skipped}
    assert "lifecycle/state-transition" in {each.code for each in second.skipped}
    assert codes(third) == ["lifecycle/state-transition"]


def test_an_unknown_session_stays_unknown_in_what_was_not_sent() -> None:
    *_, last = replay([{"state": "open"}, CLOSE], previous=None, policy=COUPONS)
    assert codes(last) == []
    assert "budget/coupon-at-close" in {each.code for each in last.skipped}


def test_a_given_previous_session() -> None:
    stored = {"customerSession": {"state": "open", "couponCodes": ["XMAS"], "cartItems": [SHOE]}}
    updates = [CLOSE, return_update({"position": 0, "quantity": 4})]
    assert replay_codes(*updates, previous=stored, policy=COUPONS) == [
        [],
        ["return/quantity-exceeds-remaining"],
    ]
    assert stored["customerSession"]["cartItems"] == [SHOE]


# What is sent replaces.


def test_a_cart_is_replaced() -> None:
    first, second = {"cartItems": [SHOE, SHIRT]}, {"cartItems": [SHIRT]}
    updates = [OPEN, first, second, CLOSE]
    assert replay_codes(*updates, return_update({"position": 1}))[4] == [
        "return/position-out-of-range"
    ]
    assert replay_codes(*updates, return_update({"position": 0, "quantity": 2}))[4] == [
        "return/quantity-exceeds-remaining"
    ]
    assert replay_codes(*updates[:3], {"cartItems": []}, CLOSE, return_update({"position": 0}))[
        5
    ] == ["return/position-out-of-range"]
    assert replay_codes(OPEN, first, {}, CLOSE, return_update({"position": 1}))[4] == []


# What has no effect.


@pytest.mark.parametrize(
    "refused",
    [
        {**CLOSE, "profileId": 1},
        {**CLOSE, "cartItems": [{**SHOE, "quantity": 10_001}]},
        {"state": "partially_returned"},
        '{"state": "closed",}',
        '{"state": "closed", "state": "closed"}',
        {"state": "closed", "attributes": {"x": float("nan")}},
    ],
)
def test_a_refused_update_changes_nothing(refused: Any) -> None:
    reports = list(replay([OPEN, refused, CLOSE]))
    assert [report.ok for report in reports] == [True, False, True]
    assert codes(reports[2]) == []


def test_a_refused_creation_creates_nothing() -> None:
    refused = {"profileId": "a", "state": "cancelled"}
    assert replay_codes(refused, {"profileId": "a"}, CLOSE)[1:] == [[], []]


def test_a_refused_return_returns_nothing() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE]}
    too_many = ["return/quantity-exceeds-remaining"]
    assert replay_codes(
        closed,
        return_update({"position": 0, "quantity": 4}),
        return_update({"position": 0, "quantity": 3}),
    ) == [[], too_many, []]


def test_a_dry_update_changes_nothing() -> None:
    dry = Update({"state": "cancelled", "couponCodes": ["XMAS"]}, dry=True)
    assert replay_codes(OPEN, dry, CLOSE, policy=COUPONS) == [[], [], ["budget/coupon-at-close"]]


def test_a_dry_update_is_judged_alone() -> None:
    closing = Update(CLOSE, dry=True)
    opening = Update({"state": "open"}, dry=True)
    assert replay_codes(
        {**OPEN, **CLOSE, "couponCodes": ["XMAS"]}, closing, opening, policy=COUPONS
    ) == [
        [],
        [],
        [],
    ]


def test_a_dry_return_changes_nothing() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE]}
    dry = return_update({"position": 0, "quantity": 3})._replace(dry=True)
    assert replay_codes(closed, dry, return_update({"position": 0, "quantity": 3})) == [[], [], []]


def test_the_time_of_a_dry_update_is_its_own() -> None:
    reports = replay_codes(
        OPEN,
        Update({}, dry=True, now="2999-01-01T00:00:00Z"),
        Update({}, now="2999-01-01T00:00:00Z"),
        {},
    )
    assert reports == [[], [], ["request/now-without-dry"], []]


# Returns.


def test_returns_reduce_what_remains() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE, SHIRT]}
    one = return_update({"position": 0, "quantity": 1})
    too_many = ["return/quantity-exceeds-remaining"]
    assert replay_codes(closed, one, one, one, one) == [[], [], [], [], too_many]
    assert replay_codes(closed, return_update({"position": 0}), one) == [[], [], too_many]
    assert replay_codes(closed, one, return_update({"position": 0}), one) == [[], [], [], too_many]
    assert replay_codes(closed, one, return_update({"position": 1, "quantity": 1}))[2] == []


def test_returns_by_sku_reduce_what_remains() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE, SHIRT]}
    by_sku, by_position = ({"sku": "A", "quantity": 2}, {"position": 0, "quantity": 2})
    for first, second in ((by_sku, by_position), (by_position, by_sku)):
        assert replay_codes(
            closed, return_update(first), return_update(second), edition="2026-06"
        ) == [
            [],
            [],
            ["return/quantity-exceeds-remaining"],
        ]


def test_a_return_without_a_given_operation() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE]}
    plain = {"return": {"returnedCartItems": [{"position": 0, "quantity": 2}]}}
    assert replay_codes(closed, plain, plain) == [[], [], ["return/quantity-exceeds-remaining"]]
    assert replay_codes(closed, plain, {"state": "open"})[2] == ["lifecycle/state-transition"]


def test_after_a_return_the_session_can_be_cancelled_only() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE]}
    one = return_update({"position": 0, "quantity": 1})
    assert replay_codes(closed, one, {"state": "cancelled"}, one) == [
        [],
        [],
        [],
        ["lifecycle/state-transition"],
    ]
    assert replay_codes(closed, one, CLOSE)[2] == ["lifecycle/state-transition"]


def test_a_return_needs_a_closed_session() -> None:
    assert replay_codes({**OPEN, "cartItems": [SHOE]}, return_update({"position": 0}), CLOSE) == [
        [],
        ["lifecycle/state-transition"],
        [],
    ]


# Reopening.


def test_reopening() -> None:
    reopen = Update(None, "reopen")
    closed = {**OPEN, **CLOSE, "couponCodes": ["XMAS"]}
    illegal = ["lifecycle/state-transition"]
    assert (
        replay_codes(
            closed, reopen, {"cartItems": [SHOE]}, CLOSE, edition="2026-06", policy=COUPONS
        )
        == [[]] * 4
    )
    assert replay_codes(closed, reopen, reopen, edition="2026-06") == [[], [], illegal]
    assert replay_codes(closed, Update(b"", "reopen"), CLOSE, edition="2026-06") == [[], [], []]
    assert replay_codes(closed, reopen, {"state": "cancelled"}) == [[], illegal, []]
    assert replay_codes(reopen, edition="2026-06") == [illegal]


# The SDKs' names.


def test_names_of_the_sdks() -> None:
    updates = [
        {"customer_session": {"profile_id": "a", "coupon_codes": ["XMAS"], "cart_items": [SHOE]}},
        CLOSE,
        Update({"_return": {"returned_cart_items": [{"position": 0, "quantity": 3}]}}, "return"),
        Update({"return": {"returned_cart_items": [{"position": 0, "quantity": 1}]}}, "return"),
    ]
    reports = list(replay(updates, naming="snake", policy=COUPONS))
    assert [codes(report) for report in reports[:3]] == [[], [], []]
    (finding,) = reports[3].findings
    assert finding.code == "return/quantity-exceeds-remaining"
    assert finding.pointer == "/return/returned_cart_items/0/quantity"


@settings(max_examples=draws(60))
@given(
    st.lists(
        st.one_of(
            damage(sessions("2026-06", "NewCustomerSessionV2")),
            sessions("2026-06", "NewCustomerSessionV2"),
            sessions("2026-06", "ReturnIntegrationRequest").map(
                lambda body: Update(body, "return")
            ),
            st.just(Update(None, "reopen")),
            st.sampled_from([OPEN, CLOSE]),
        ),
        max_size=5,
    ),
    st.sampled_from([NEW, None, "closed", {"cartItems": [SHOE]}]),
)
def test_any_updates(updates: list[Any], previous: Any) -> None:
    policy = Policy(coupon_budget=True)
    one, other = (
        [
            report.to_dict()
            for report in replay(
                updates, previous=previous, policy=policy, edition="2026-06", engine=engine
            )
        ]
        for engine in ENGINES
    )
    assert one == other
    assert len(one) == len(updates)
    assert "internal/rule-crash" not in json.dumps(one)
