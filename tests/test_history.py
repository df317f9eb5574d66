"""Replays: a session as its updates make it, step by step."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.strategies import ENGINES, damaged, sessions
from talonschema import NEW, Policy, Report, Update, Validator, replay
from talonschema.checking.call import PreviousSession, before
from talonschema.history import step
from talonschema.model.states import STATES
from talonschema.schemas import EDITIONS

SHOE = {"name": "Air Glide", "sku": "A", "quantity": 3, "price": 10}
SHIRT = {"name": "Shirt", "sku": "B", "quantity": 1, "price": 5}
OPEN: dict[str, Any] = {"profileId": "URNGV8294NV", "state": "open"}
CLOSE: dict[str, Any] = {"state": "closed"}
COUPONS = Policy(coupon_budget=True)
REFERRALS = Policy(referral_budget=True)
IDENTIFIERS = Policy(identifier_budget=True)


def returning(*entries: dict[str, Any]) -> Update:
    return Update({"return": {"returnedCartItems": list(entries)}}, "return")


def codes(report: Report) -> list[str]:
    return [each.code for each in report.findings]


def replayed(*updates: Any, **options: Any) -> list[list[str]]:
    return [codes(report) for report in replay(updates, **options)]


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
    assert replayed(*updates, policy=COUPONS) == [[], [], []]


def test_updates_are_left_as_they_are() -> None:
    updates = [OPEN, {"cartItems": [SHOE]}, CLOSE, returning({"position": 0, "quantity": 1})]
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
    assert replayed({**OPEN, **sent}, {"cartItems": []}, CLOSE, **options)[2] == []
    assert replayed(OPEN, sent, {property_: None}, CLOSE, **options)[3] == []
    assert replayed(OPEN, {"cartItems": []}, CLOSE, **options)[2] == [code]
    assert replayed(OPEN, sent, nothing, CLOSE, **options)[3] == [code]
    assert replayed(OPEN, sent, nothing, sent, CLOSE, **options)[4] == []
    assert replayed(OPEN, sent, {**CLOSE, **nothing}, **options)[2].count(code) == 1
    assert replayed({**OPEN, **CLOSE, **sent}, **options) == [[]]
    assert replayed({**OPEN, **CLOSE}, **options) == [[code]]


def test_codes_that_are_discarded() -> None:
    both = {"couponCodes": ["XMAS"], "referralCode": "NT2K54D9"}
    none = {"couponCodes": [], "referralCode": ""}
    discarded = ["codes/discarded", "codes/discarded"]
    assert replayed(OPEN, both, none, none) == [[], [], discarded, []]
    assert replayed(OPEN, none) == [[], []]
    assert replayed(OPEN, both, {"couponCodes": ["YULE"]}, none)[3] == discarded


def test_an_omitted_state_stays() -> None:
    finished = ["lifecycle/finished-session"]
    assert replayed(OPEN, {}, CLOSE, {}, {"cartItems": []}) == [[], [], [], finished, finished]


def test_a_session_is_created_once() -> None:
    create = {"profileId": "a", "state": "cancelled"}
    assert replayed(create, create) == [["lifecycle/initial-state"]] * 2
    assert replayed(OPEN, create) == [[], []]


@pytest.mark.parametrize("state", STATES)
def test_a_given_previous_state(state: str) -> None:
    (first, second) = replayed({"state": "cancelled"}, {"state": "cancelled"}, previous=state)
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
    updates = [CLOSE, returning({"position": 0, "quantity": 4})]
    assert replayed(*updates, previous=stored, policy=COUPONS) == [
        [],
        ["return/quantity-exceeds-remaining"],
    ]
    assert stored["customerSession"]["cartItems"] == [SHOE]


# What is sent replaces.


def test_a_cart_is_replaced() -> None:
    first, second = {"cartItems": [SHOE, SHIRT]}, {"cartItems": [SHIRT]}
    updates = [OPEN, first, second, CLOSE]
    assert replayed(*updates, returning({"position": 1}))[4] == ["return/position-out-of-range"]
    assert replayed(*updates, returning({"position": 0, "quantity": 2}))[4] == [
        "return/quantity-exceeds-remaining"
    ]
    assert replayed(*updates[:3], {"cartItems": []}, CLOSE, returning({"position": 0}))[5] == [
        "return/position-out-of-range"
    ]
    assert replayed(OPEN, first, {}, CLOSE, returning({"position": 1}))[4] == []


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
    assert replayed({"profileId": "a", "state": "cancelled"}, {"profileId": "a"}, CLOSE)[1:] == [
        [],
        [],
    ]


def test_a_refused_return_returns_nothing() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE]}
    too_many = ["return/quantity-exceeds-remaining"]
    assert replayed(
        closed,
        returning({"position": 0, "quantity": 4}),
        returning({"position": 0, "quantity": 3}),
    ) == [[], too_many, []]


def test_a_dry_update_changes_nothing() -> None:
    dry = Update({"state": "cancelled", "couponCodes": ["XMAS"]}, dry=True)
    assert replayed(OPEN, dry, CLOSE, policy=COUPONS) == [[], [], ["budget/coupon-at-close"]]


def test_a_dry_update_is_judged_alone() -> None:
    closing = Update(CLOSE, dry=True)
    opening = Update({"state": "open"}, dry=True)
    assert replayed(
        {**OPEN, **CLOSE, "couponCodes": ["XMAS"]}, closing, opening, policy=COUPONS
    ) == [
        [],
        [],
        [],
    ]


def test_a_dry_return_changes_nothing() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE]}
    dry = returning({"position": 0, "quantity": 3})._replace(dry=True)
    assert replayed(closed, dry, returning({"position": 0, "quantity": 3})) == [[], [], []]


def test_the_time_of_a_dry_update_is_its_own() -> None:
    reports = replayed(
        OPEN,
        Update({}, dry=True, now="2999-01-01T00:00:00Z"),
        Update({}, now="2999-01-01T00:00:00Z"),
        {},
    )
    assert reports == [[], [], ["request/now-without-dry"], []]


# Returns.


def test_returns_reduce_what_remains() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE, SHIRT]}
    one = returning({"position": 0, "quantity": 1})
    too_many = ["return/quantity-exceeds-remaining"]
    assert replayed(closed, one, one, one, one) == [[], [], [], [], too_many]
    assert replayed(closed, returning({"position": 0}), one) == [[], [], too_many]
    assert replayed(closed, one, returning({"position": 0}), one) == [[], [], [], too_many]
    assert replayed(closed, one, returning({"position": 1, "quantity": 1}))[2] == []


def test_returns_by_sku_reduce_what_remains() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE, SHIRT]}
    by_sku, by_position = ({"sku": "A", "quantity": 2}, {"position": 0, "quantity": 2})
    for first, second in ((by_sku, by_position), (by_position, by_sku)):
        assert replayed(closed, returning(first), returning(second), edition="2026-06") == [
            [],
            [],
            ["return/quantity-exceeds-remaining"],
        ]


def test_a_return_without_a_given_operation() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE]}
    plain = {"return": {"returnedCartItems": [{"position": 0, "quantity": 2}]}}
    assert replayed(closed, plain, plain) == [[], [], ["return/quantity-exceeds-remaining"]]
    assert replayed(closed, plain, {"state": "open"})[2] == ["lifecycle/state-transition"]


def test_after_a_return_the_session_can_be_cancelled_only() -> None:
    closed = {**OPEN, **CLOSE, "cartItems": [SHOE]}
    one = returning({"position": 0, "quantity": 1})
    assert replayed(closed, one, {"state": "cancelled"}, one) == [
        [],
        [],
        [],
        ["lifecycle/state-transition"],
    ]
    assert replayed(closed, one, CLOSE)[2] == ["lifecycle/state-transition"]


def test_a_return_needs_a_closed_session() -> None:
    assert replayed({**OPEN, "cartItems": [SHOE]}, returning({"position": 0}), CLOSE) == [
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
        replayed(closed, reopen, {"cartItems": [SHOE]}, CLOSE, edition="2026-06", policy=COUPONS)
        == [[]] * 4
    )
    assert replayed(closed, reopen, reopen, edition="2026-06") == [[], [], illegal]
    assert replayed(closed, Update(b"", "reopen"), CLOSE, edition="2026-06") == [[], [], []]
    assert replayed(closed, reopen, {"state": "cancelled"}) == [[], illegal, []]
    assert replayed(reopen, edition="2026-06") == [illegal]


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


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            damaged(sessions("2026-06", "NewCustomerSessionV2")),
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


# What the API refuses changes nothing, whatever of it is reported.


def states(updates: list[Any], **options: Any) -> list[Any]:
    """Return what is known of a session after each call."""
    validator = Validator(**options)
    known = before(validator.engine, validator.naming, NEW)
    found = []
    for each in updates:
        _, known = step(validator, known, each if isinstance(each, Update) else Update(each))
        found.append((known.state, known.session))
    return found


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


@settings(max_examples=120)
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
    *_, closed, returned = states([*calls, returning({"position": 0, "quantity": 1})])
    known = {**session, "attributes": {"a": 1, "b": 2}, "state": "closed"}
    assert closed == ("closed", known)
    left = {**line, "remainingQuantity": 2, "returnedQuantity": 1}
    state = "partially_returned"
    assert returned == (state, {**known, "state": state, "cartItems": [left]})


def test_of_an_unknown_session_the_state_is_learned_alone() -> None:
    validator = Validator(edition="2026-06")
    known = before(validator.engine, validator.naming, None)
    for payload in ({"couponCodes": ["XMAS"]}, {"state": "closed", "couponCodes": ["XMAS"]}):
        _, known = step(validator, known, Update(payload))
    assert known == PreviousSession("state", "closed")
    for update in (returning({"position": 0}), Update({"state": "cancelled"})):
        _, known = step(validator, known, update)
    assert known == PreviousSession("state", "cancelled")


def test_a_return_shows_the_state_of_an_unknown_session() -> None:
    validator = Validator(edition="2026-06")
    unknown = before(validator.engine, validator.naming, None)
    report, known = step(validator, unknown, returning({"position": 0}))
    assert report.ok
    assert known == PreviousSession("state", "partially_returned")


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
    closed: list[Any] = [{"profileId": "a", "cartItems": [SHOE]}, CLOSE, returning({"position": 0})]
    assert replayed(*closed, policy=COUPONS) == [[], ["budget/coupon-at-close"], []]
    raised = {"budget": "error", "payload/read-only-property": "error"}
    closed[1] = {**CLOSE, "integrationId": "x"}
    assert replayed(*closed, policy=COUPONS, severity=raised)[2] == []


def test_keys_that_only_the_api_sets_are_not_merged() -> None:
    item = {**SHOE, "quantity": 2, "remainingQuantity": 1}
    calls = [{"profileId": "a", "cartItems": [item]}, CLOSE, returning({"position": 0})]
    assert replayed(*calls)[2] == []
    (_, session) = states([{**OPEN, "id": 7, "total": 1, "cartItems": [item]}])[-1]
    assert "remainingQuantity" not in session["cartItems"][0]
    assert session.keys() & {"id", "total"} == set()


@pytest.mark.parametrize("late", [{"cartItems": []}, {"state": "closed", "cartItems": []}])
def test_a_finished_session_keeps_its_cart(late: dict[str, Any]) -> None:
    calls = [{"profileId": "a", "cartItems": [SHOE]}, CLOSE, late, returning({"position": 0})]
    assert replayed(*calls)[3] == []
    again = [*calls, late, returning({"position": 0})]
    assert replayed(*again)[5] == ["return/quantity-exceeds-remaining"]


def test_units_of_a_sku_on_several_lines_are_returned_in_order() -> None:
    opened = [{"profileId": "a", "cartItems": ITEMS}, CLOSE]
    two, four = returning({"sku": "a", "quantity": 2}), returning({"sku": "a", "quantity": 4})
    assert sorted(replayed(*opened, four, edition="2026-06")[2]) == [
        *("return/ambiguous-sku", "return/quantity-exceeds-remaining"),
    ]
    found = replayed(*opened, two, returning({"position": 0}), edition="2026-06")
    assert found[3] == ["return/quantity-exceeds-remaining"]
    assert replayed(*opened, two, returning({"position": 1}), edition="2026-06")[3] == []
    everything = returning({"sku": "a"}, {"sku": "a"}, {"sku": "a"})
    assert (
        replayed(*opened, everything, edition="2026-06")[2].count(
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
    with pytest.raises(ValueError, match="previous holds no customer session: its keys are "):
        list(replay([CLOSE], previous=previous))


def test_previous_in_the_names_of_the_sdks() -> None:
    session = {"customer_session": {"state": "closed", "cart_items": []}}
    (report,) = replay([{"state": "open"}], previous=session, naming="snake")
    assert codes(report) == ["lifecycle/state-transition"]
    with pytest.raises(ValueError, match="in the names of naming='wire'"):
        list(replay([CLOSE], previous={"cart_items": []}))
