"""What each call of a replay makes of the session, whatever of it is reported."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.histories import CLOSE, COUPONS, OPEN, SHOE, codes, replay_codes, return_update, states
from support.search import draws
from support.strategies import ENGINES
from talonschema import Policy, Update, Validator, replay
from talonschema.checking.call import PreviousSession, before
from talonschema.history import step
from talonschema.schemas import EDITIONS

ITEMS = [{**SHOE, "sku": "a", "quantity": 2}, {**SHOE, "sku": "a", "quantity": 1}]
CALLS: list[Any] = [
    {"profileId": "a", "cartItems": ITEMS, "attributes": {"size": 1}},
    CLOSE,
    {**CLOSE, "attributes": 5},
    {"attributes": {"a": 1}},
    {"cartItems": [{**SHOE, "quantity": "x"}]},
    {"state": "open"},
    {"state": "cancelled", "couponCodes": ["x" * 101]},
    {"cartItems": []},
    '{"state": "open", "state": "closed"}',
    {"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}},
    {"return": {"returnedCartItems": [{"position": 0, "quantity": 9}]}},
    {"state": "cancelled"},
    Update(None, "reopen"),
    Update({"state": "closed"}, dry=True),
    {"cartItems": [{**SHOE, "quantity": 10_001}]},
]
CHOICES = ["schema", "lifecycle", "json", "return", "payload", "cart/quantity-sum", "identity"]


@settings(max_examples=draws(120))
@given(
    st.lists(st.sampled_from(CALLS), max_size=7),
    st.fixed_dictionaries(
        {
            "select": st.none() | st.lists(st.sampled_from(CHOICES)),
            "ignore": st.lists(st.sampled_from(CHOICES)),
            "severity": st.dictionaries(
                st.sampled_from(CHOICES), st.sampled_from(["error", "warning", "info"])
            ),
            "engine": st.sampled_from(ENGINES),
        }
    ),
    st.sampled_from(EDITIONS),
)
def test_what_is_reported_changes_no_history(
    calls: list[Any], chosen: dict[str, Any], edition: str
) -> None:
    select = chosen["select"]
    policy = Policy(coupon_budget=True)
    expected = states(calls, edition=edition)
    assert states(calls, edition=edition, policy=policy, max_findings=1, **chosen) == expected
    for report in replay(calls, edition=edition, **chosen):
        for each in report.findings:
            assert each.code != "internal/rule-crash"
            assert (
                each.code.startswith("json/")
                or select is None
                or {each.code, each.code.partition("/")[0]} & set(select)
            )


def test_the_session_is_known_as_the_calls_leave_it() -> None:
    line = {**SHOE, "Category": "shoes"}
    session = {"profileId": "a", "attributes": {"a": 1, "b": 1}, "cartItems": [line]}
    calls = [session, {"attributes": {"b": 2}, "total": 9}, {"attributes": None}, CLOSE]
    *_, closed, returned = states([*calls, return_update({"position": 0, "quantity": 1})])
    known = {**session, "attributes": {"a": 1, "b": 2}, "state": "closed"}
    assert closed == ("closed", known)
    left = {**line, "remainingQuantity": 2, "returnedQuantity": 1}
    state = "partially_returned"
    assert returned == (state, {**known, "state": state, "cartItems": [left]})


def test_nothing_is_left_of_a_whole_item() -> None:
    *_, (_, known) = states([{"cartItems": [SHOE]}, CLOSE, return_update({"position": 0})])
    assert known["cartItems"] == [{**SHOE, "remainingQuantity": 0, "returnedQuantity": 3}]


def test_of_an_unknown_session_the_state_is_learned_alone() -> None:
    validator = Validator(edition="2026-06")
    known = before(validator.engine, validator.naming, None)
    for payload in ({"couponCodes": ["XMAS"]}, {"state": "closed", "couponCodes": ["XMAS"]}):
        _, known = step(validator, known, Update(payload))
    assert known == PreviousSession("state", "closed")
    for update in (return_update({"position": 0}), Update({"state": "cancelled"})):
        _, known = step(validator, known, update)
    assert known == PreviousSession("state", "cancelled")


def test_a_return_shows_the_state_of_an_unknown_session() -> None:
    validator = Validator(edition="2026-06")
    unknown = before(validator.engine, validator.naming, None)
    report, known = step(validator, unknown, return_update({"position": 0}))
    assert report.ok
    assert known == PreviousSession("state", "partially_returned")


@pytest.mark.parametrize("operation", ["return", None])
def test_a_return_of_an_unknown_cart_leaves_it_unknown(operation: str | None) -> None:
    shoes, shirts = (
        Update({"return": {"returnedCartItems": [{"position": each}]}}, operation)
        for each in (0, 1)
    )
    reports = list(replay([shoes, shirts], previous={"state": "closed"}))
    assert [report.findings for report in reports] == [(), ()]
    assert "return/position-out-of-range" in {each.code for each in reports[1].skipped}


def test_a_response_among_the_calls_changes_nothing() -> None:
    response = {
        "id": 6,
        "created": "2020-02-07T08:15:22Z",
        "updated": "2020-02-07T08:15:22Z",
        "integrationId": "a",
        "applicationId": 1,
        "attributes": {},
        "firstSession": True,
        "profileId": "a",
        "state": "closed",
        "cartItems": [],
        "total": 0,
        "cartItemTotal": 0,
        "additionalCostTotal": 0,
    }
    reports = list(replay([OPEN, response, {"cartItems": [SHOE]}], edition="2022-06"))
    assert [report.model for report in reports][1] == "CustomerSessionV2"
    assert [codes(report) for report in reports] == [[]] * 3


def test_a_step_takes_a_model() -> None:
    validator = Validator()
    unknown = before(validator.engine, validator.naming, None)
    report, known = step(validator, unknown, Update({"state": "open"}), model="CustomerSessionV2")
    assert (report.model, known) == ("CustomerSessionV2", unknown)


def test_a_reopened_session_is_what_it_was() -> None:
    validator = Validator(edition="2026-06")
    session = {"state": "closed", "couponCodes": ["XMAS"]}
    known = before(validator.engine, validator.naming, session)
    _, known = step(validator, known, Update(None, "reopen"))
    assert known == PreviousSession("session", "open", {**session, "state": "open"})


def test_budgets_and_raised_severities_end_no_history() -> None:
    closed: list[Any] = [
        {"profileId": "a", "cartItems": [SHOE]},
        CLOSE,
        return_update({"position": 0}),
    ]
    assert replay_codes(*closed, policy=COUPONS) == [[], ["budget/coupon-at-close"], []]
    raised = {"budget": "error", "payload/read-only-property": "error"}
    closed[1] = {**CLOSE, "integrationId": "x"}
    assert replay_codes(*closed, policy=COUPONS, severity=raised)[2] == []


def test_keys_that_only_the_api_sets_are_not_merged() -> None:
    item = {**SHOE, "quantity": 2, "remainingQuantity": 1}
    calls = [{"profileId": "a", "cartItems": [item]}, CLOSE, return_update({"position": 0})]
    assert replay_codes(*calls)[2] == []
    (_, session) = states([{**OPEN, "id": 7, "total": 1, "cartItems": [item]}])[-1]
    assert "remainingQuantity" not in session["cartItems"][0]
    assert session.keys() & {"id", "total"} == set()


@pytest.mark.parametrize("late", [{"cartItems": []}, {"state": "closed", "cartItems": []}])
def test_a_finished_session_keeps_its_cart(late: dict[str, Any]) -> None:
    calls = [{"profileId": "a", "cartItems": [SHOE]}, CLOSE, late, return_update({"position": 0})]
    assert replay_codes(*calls)[3] == []
    again = [*calls, late, return_update({"position": 0})]
    assert replay_codes(*again)[5] == ["return/quantity-exceeds-remaining"]


def test_units_of_a_sku_on_several_lines_are_returned_in_order() -> None:
    opened = [{"profileId": "a", "cartItems": ITEMS}, CLOSE]
    two, four = (
        return_update({"sku": "a", "quantity": 2}),
        return_update({"sku": "a", "quantity": 4}),
    )
    assert sorted(replay_codes(*opened, four, edition="2026-06")[2]) == [
        *("return/ambiguous-sku", "return/quantity-exceeds-remaining"),
    ]
    found = replay_codes(*opened, two, return_update({"position": 0}), edition="2026-06")
    assert found[3] == ["return/quantity-exceeds-remaining"]
    assert replay_codes(*opened, two, return_update({"position": 1}), edition="2026-06")[3] == []
    everything = return_update({"sku": "a"}, {"sku": "a"}, {"sku": "a"})
    assert (
        replay_codes(*opened, everything, edition="2026-06")[2].count(
            "return/quantity-exceeds-remaining"
        )
        == 1
    )


@pytest.mark.parametrize(
    "previous",
    [
        {"effects": [], "createdCoupons": [], "createdReferrals": []},
        {"message": "no"},
        {"State": "closed"},
        {"customer_session": {"state": "closed"}},
        {"customerSession": None},
        {"customerSession": {"State": "closed"}},
    ],
)
def test_previous_has_to_hold_a_session(previous: Any) -> None:
    with pytest.raises(ValueError, match="previous is not a customer session: its keys are "):
        list(replay([CLOSE], previous=previous))


def test_previous_in_the_names_of_the_sdks() -> None:
    session = {"customer_session": {"state": "closed", "cart_items": []}}
    (report,) = replay([{"state": "open"}], previous=session, naming="snake")
    assert codes(report) == ["lifecycle/state-transition"]
    with pytest.raises(ValueError, match="in the names of naming='wire'"):
        list(replay([CLOSE], previous={"cart_items": []}))
