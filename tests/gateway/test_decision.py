"""Decision: the core decides by the request, the remembered states and the policy alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import talonschema
from talonschema.gateway.decision import NEW_SESSION, Decision, DecisionCore
from talonschema.gateway.messages import Request, header
from talonschema.gateway.settings import Settings
from talonschema.gateway.store import Intent
from talonschema.model.policy import Policy
from talonschema.model.states import MOVES, STATES

SESSION = "/v2/customer_sessions/cart-1"
JSON = ("content-type", "application/json")
HIDDEN = "s3cret-value-of-a-customer"
"""It must not show up anywhere."""


def core(**options: Any) -> DecisionCore:
    return DecisionCore(Settings(**{"edition": "2026-06", "store": "memory:", **options}))


def decide(core_: DecisionCore, request_: Request, states: Collection[str] = ()) -> Decision:
    """Decide on a request to a session that may be in any of `states`; empty: unknown."""
    decision = core_.examine(request_)
    if decision.question is None or decision.refusal is not None:
        return decision
    return core_.settle(decision, decision.question, states)


CORE = core()


def put_request(
    session: Mapping[str, Any] | None = None, query: str = "", **others: Any
) -> Request:
    payload = {"customerSession": session or {}, **others}
    return Request("PUT", SESSION + query, (JSON,), json.dumps(payload).encode())


def returns(payload: Any = None) -> Request:
    payload = payload or {"return": {"returnedCartItems": [{"position": 0}]}}
    return Request("POST", f"{SESSION}/returns", (JSON,), json.dumps(payload).encode())


REOPEN = Request("PUT", f"{SESSION}/reopen")


def body(decision: Decision) -> Any:
    assert decision.refusal is not None
    return json.loads(decision.refusal.body)


def pointers(decision: Decision) -> list[str]:
    return [each["source"]["pointer"] for each in body(decision)["errors"]]


def test_a_good_update_is_allowed_and_asks_for_the_state() -> None:
    decision = CORE.examine(put_request({"state": "closed"}))
    assert decision.label == "allowed"
    assert decision.refusal is None
    assert decision.question is not None
    assert decision.question.key == ("default", "cart-1")
    permitted = frozenset({"open", "closed", NEW_SESSION})
    assert decision.question.intent == Intent(permitted, "closed")


@pytest.mark.parametrize("form", ["api", "problem"])
def test_a_refusal_has_the_form_and_nothing_of_the_payload(form: str) -> None:
    decision = core(errors=form).examine(
        put_request(
            {
                "profileId": HIDDEN,
                "cartItems": [{"name": HIDDEN, "sku": HIDDEN, "price": HIDDEN}],
            }
        )
    )
    assert decision.label == "invalid"
    assert decision.refusal is not None
    status, headers, raw = decision.refusal
    assert status == 400
    assert HIDDEN.encode() not in raw
    assert header(headers, "content-length") == str(len(raw))
    assert header(headers, "cache-control") == "no-store"
    reported = json.loads(raw)
    if form == "api":
        assert header(headers, "content-type") == "application/json"
        assert reported["message"] == "The submitted data was invalid"
        assert "/customerSession/cartItems/0/price" in pointers(decision)
        assert talonschema.is_valid(reported, model="ErrorResponse", edition="2026-06")
    else:
        assert header(headers, "content-type") == "application/problem+json"
        assert reported["status"] == 400
        assert "#/customerSession/cartItems/0/price" in [e["pointer"] for e in reported["errors"]]


@pytest.mark.parametrize(
    ("request_", "label", "status"),
    [
        (Request("PUT", f"{SESSION}/", (JSON,), b"{}"), "suspicious", 400),
        (put_request(query="?dry=2"), "suspicious", 400),
        (put_request()._replace(truncated=True), "unfit", 413),
        (put_request()._replace(headers=(("content-type", "text/plain"),)), "unfit", 415),
        (put_request()._replace(body=b" " * (2**21 + 1)), "unfit", 413),
        (put_request()._replace(body=b""), "invalid", 400),
        (put_request()._replace(body=b"null"), "invalid", 400),
        (put_request()._replace(body=b"{"), "invalid", 400),
        (
            put_request()._replace(body=b'{"customerSession": {}, "customerSession": {}}'),
            "invalid",
            400,
        ),
        (put_request()._replace(body=b"\xff\xfe{\0}\0"), "invalid", 400),
        (put_request()._replace(body=b"[" * 100_000), "invalid", 400),
        (put_request({"state": "x"}), "invalid", 400),
        (returns({"return": {}}), "invalid", 400),
        (returns()._replace(body=b""), "invalid", 400),
    ],
)
@pytest.mark.parametrize("form", ["api", "problem"])
def test_what_is_refused_without_a_look_at_the_state(
    request_: Request, label: str, status: int, form: str
) -> None:
    decision = decide(core(errors=form), request_, {"closed"})
    assert decision.label == label
    assert decision.refusal is not None
    assert decision.refusal.status == status
    assert decision.codes
    reported = body(decision)
    if form == "api":
        assert talonschema.is_valid(reported, model="ErrorResponse", edition="2026-06"), reported
    else:
        assert {"type", "title", "status", "detail"} <= reported.keys()
        assert reported["status"] == status


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", SESSION),
        Request("HEAD", SESSION),
        Request("OPTIONS", SESSION),
        Request("POST", "/v2/events", (JSON,), b"{"),
        Request("PUT", "/v2/customer_profiles/x", (), b"\xff"),
    ],
)
def test_other_requests_are_let_be(request_: Request) -> None:
    assert decide(CORE, request_, {"cancelled"}) == Decision("other")


def test_a_dry_update_is_judged_alone() -> None:
    decision = decide(CORE, put_request({"state": "open"}, "?dry=true"), {"cancelled"})
    assert decision == Decision("dry")
    refused = decide(CORE, put_request({"state": "x"}, "?dry=true"), {"open"})
    assert refused.label == "invalid"
    assert refused.question is None


def test_query_parameters_are_judged_too() -> None:
    decision = decide(CORE, put_request({}, "?now=2031-01-01T00:00:00Z"))
    assert decision.codes == ("request/now-without-dry",)
    assert body(decision)["errors"][0]["source"] == {"parameter": "now"}
    assert decide(CORE, put_request({}, "?dry=true&now=2931-01-01T00:00:00Z")).refusal is None
    sdk = decide(CORE, put_request({}, "?dry=true&now=2931-01-01T00:00:00.000000%2B0000"))
    assert (sdk.refusal, sdk.warnings) == (None, ("request/now-offset",))
    assert decide(CORE, put_request({}, "?dry=true&now=soon")).codes == ("request/malformed-now",)


REQUESTS: dict[str, Callable[[str | None], Request]] = {
    "update": lambda wanted: put_request({} if wanted is None else {"state": wanted}),
    "return": lambda _: returns(),
    "reopen": lambda _: REOPEN,
}


@pytest.mark.parametrize("edition", ["2022-06", "2026-06"])
@pytest.mark.parametrize("operation", REQUESTS)
@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("wanted", ["open", "closed", "cancelled", None])
def test_changes_of_state_are_those_of_the_table(
    edition: str, operation: str, before: str, wanted: str | None
) -> None:
    decision = decide(core(edition=edition), REQUESTS[operation](wanted), {before})
    moves = {(move.start, move.operation, move.end) for move in MOVES[edition]}
    after = {"return": "partially_returned", "reopen": "open"}.get(operation, wanted or before)
    legal = (before, operation, after) in moves or (operation == "update" and after == before)
    assert (decision.refusal is None) is legal
    if not legal and decision.label == "transition":
        assert decision.codes == ("lifecycle/state-transition",)
        assert pointers(decision) == ["/customerSession/state" if operation == "update" else ""]


@given(
    st.sampled_from([*REQUESTS]),
    st.sampled_from(["open", "closed", "cancelled", None]),
    st.frozensets(st.sampled_from([*STATES, NEW_SESSION]), min_size=1),
)
def test_one_state_that_permits_is_enough(
    operation: str, wanted: str | None, states: frozenset[str]
) -> None:
    request = REQUESTS[operation](wanted)
    alone = [decide(CORE, request, {state}).refusal is None for state in states]
    assert (decide(CORE, request, states).refusal is None) is any(alone)


def test_a_session_that_is_not_known_passes_but_under_strict_new() -> None:
    cancel = put_request({"state": "cancelled"})
    assert decide(CORE, cancel).refusal is None
    strict = core(strict_new=True)
    assert decide(strict, cancel).codes == ("lifecycle/initial-state",)
    assert decide(strict, put_request({"state": "closed"})).refusal is None
    assert decide(strict, returns()).codes == ("lifecycle/state-transition",)


def test_the_policy_decides_on_states_too() -> None:
    again = put_request({"state": "closed"})
    assert decide(CORE, again, {"closed"}).warnings == ("lifecycle/repeated-state",)
    assert decide(CORE, again, {"closed"}).refusal is None
    changed = put_request({"cartItems": []})
    assert decide(CORE, changed, {"closed"}).warnings == ("lifecycle/finished-session",)
    strict = core(severity={"lifecycle/finished-session": "error"})
    assert decide(strict, changed, {"closed"}).codes == ("lifecycle/finished-session",)
    assert (
        decide(core(ignore=["lifecycle"]), put_request({"state": "open"}), {"closed"}).refusal
        is None
    )
    assert decide(core(select=["cart"]), put_request({"state": "open"}), {"closed"}).refusal is None
    lenient = decide(
        core(severity={"lifecycle": "warning"}), put_request({"state": "open"}), {"closed"}
    )
    assert lenient.refusal is None
    assert lenient.warnings == ("lifecycle/state-transition",)


def test_policy_and_overrides_of_the_checker_count() -> None:
    budget = put_request({"state": "closed"})
    policy = Policy(coupon_budget=True)
    assert core(policy=policy).examine(budget).codes == ()
    assert core(severity={"payload/unknown-property": "error"}).examine(
        put_request({"cartItem": []})
    ).codes == ("payload/unknown-property",)


@pytest.mark.parametrize(
    "payload",
    [
        {"customerSession": {"cartItems": []}, "CustomerSession": {"state": "cancelled"}},
        {"customerSession": {"STATE": "cancelled"}},
        {"customerSession": {"state": "open", "State": "cancelled"}},
        {"customerSession": {"\u017ftate": "cancelled"}},
        {"customerSession": {"cartItems": [{"sku": "a", "quantity": 1, "\u212aey": 1, "SKU": ""}]}},
        {"customerSession": {"x": {"CartItems": 1}, "CartItems": []}},
        {"customerSession": {f"x{n}": n for n in range(300)} | {"zTATE": 1, "\u017fTATE": 1}},
        {"customerSession": {}, "RESPONSECONTENT": []},
    ],
)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ignore": ["payload"]},
        {"select": ["cart"]},
        {"severity": {"payload/unknown-property": "info"}},
    ],
)
def test_keys_in_another_case_are_refused(payload: Any, options: dict[str, Any]) -> None:
    request = put_request()._replace(body=json.dumps(payload).encode())
    decision = core(**options).examine(request)
    assert decision.label == "invalid"
    assert "payload/unknown-property" in decision.codes


def test_keys_in_another_case_are_pointed_at() -> None:
    decision = CORE.examine(put_request({"CartItems": [], "couponCode": [], "STATE": 1}))
    assert pointers(decision) == ["/customerSession/CartItems", "/customerSession/STATE"]
    assert decision.warnings == ("payload/unknown-property",)


def test_keys_of_the_caller_may_have_any_case() -> None:
    request = put_request({"attributes": {"State": 1, "state": 2, "cartitems": 3}})
    assert CORE.examine(request).refusal is None


@pytest.mark.parametrize(
    "options",
    [{"ignore": ["json"]}, {"severity": {"json": "info"}}, {"select": ["cart"]}],
)
def test_nobody_can_have_ambiguous_json_pass(options: dict[str, Any]) -> None:
    text = b'{"customerSession": {"state": "open", "state": "cancelled"}}'
    decision = core(**options).examine(put_request()._replace(body=text))
    assert decision.codes == ("json/duplicate-key",)


def test_warnings_never_refuse() -> None:
    decision = CORE.examine(put_request({"couponCode": "x", "profileId": ""}))
    assert decision.refusal is None
    assert "payload/unknown-property" in decision.warnings
    assert len(decision.warnings) == len(set(decision.warnings))


def test_the_body_of_a_reopening_does_not_count() -> None:
    request = REOPEN._replace(body=b"\xff{", headers=(("content-type", "x"),))
    assert decide(CORE, request, {"closed"}).refusal is None


def test_the_same_request_is_decided_on_alike_whenever() -> None:
    request = put_request({"state": "open", "x": 1})
    assert decide(CORE, request, {"closed"}) == decide(core(), request, {"closed"})


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_no_body_makes_it_fail(data: bytes) -> None:
    decision = decide(CORE, put_request()._replace(body=data), {"closed"})
    assert decision.label in ("allowed", "invalid", "transition", "unfit")


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="'carts' is neither a code nor a group"):
        core(ignore=["carts"])
    with pytest.raises(ValueError, match="edition"):
        core(edition="2020-01")


ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("examples/*/*.json"), *ROOT.glob("tests/payloads/*.json")])


@pytest.mark.parametrize("edition", ["2022-06", "2026-06"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_judges_as_the_checker_does(path: Path, edition: str) -> None:
    text = path.read_bytes()
    report = talonschema.check(text, model="IntegrationRequest", edition=edition)
    decision = core(edition=edition).examine(put_request()._replace(body=text))
    reported = {each.code for each in report.errors}
    assert reported <= set(decision.codes)
    # Beyond that there is only what differs from a name in nothing but case.
    assert set(decision.codes) - reported <= {"payload/unknown-property"}
    hints = [each.hint for each in report.findings if each.code == "payload/unknown-property"]
    stricter = set(decision.codes) - reported
    assert not stricter or any("case-sensitive" in hint for hint in hints)
