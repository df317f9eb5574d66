"""Sessions: `replay`, ``--sequence`` and the gateway come to the verdicts of the model.

Calls are drawn one by one. After each, the codes that were reported are compared with the faults
that the model finds.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from oracles.session_model import REFUSALS, Application, Line, Session, judge
from support.gateway.states import states_of
from support.search import draws
from talonschema import NEW, Policy, Update, Validator, replay, schemas
from talonschema.checking.report import Report
from talonschema.files import check_sequence
from talonschema.gateway import Guard, Request, Response, Settings
from talonschema.gateway.store import Key
from talonschema.gateway.store.memory import MemoryStore

EXAMPLES = draws(200)
"""How many sessions are played: a look for each run of the tests, thousands by `make oracles`."""
BUDGETS = {
    "couponCodes": ("coupon_budget", "budget/coupon-at-close"),
    "referralCode": ("referral_budget", "budget/referral-at-close"),
    "identifiers": ("identifier_budget", "budget/identifier-at-close"),
}
FINISHED_SESSION = "lifecycle/finished-session"
STATES = ("open", "closed", "partially_returned", "cancelled")
FAULTS = {
    "lifecycle/initial-state": "transition",
    "lifecycle/state-transition": "transition",
    "lifecycle/state-not-settable": "transition",
    "lifecycle/finished-session": "transition",
    "lifecycle/repeated-state": "transition",
    "return/item-unidentified": "missing",
    "return/sku-mismatch": "sku",
    "return/quantity-exceeds-remaining": "quantity",
    "return/whole-item-only": "quantity",
    "return/ambiguous-sku": "ambiguous",
    **{code: f"budget {name}" for name, (_, code) in BUDGETS.items()},
}
"""What the model calls the findings of a code."""

skus = st.sampled_from(["A", "B"])
quantities = st.integers(1, 3)
carts = st.lists(
    st.fixed_dictionaries(
        {"name": st.just("Socks"), "sku": skus, "quantity": quantities, "price": st.just(2)}
    ),
    min_size=1,
    max_size=3,
)
# Weighted, so that sessions don't end before something was returned and taken back.
sessions = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from([*("closed", "open") * 4, *STATES, None]),
        "cartItems": carts | st.just([]),
        "couponCodes": st.sampled_from([[], ["BEANS-4-2"], None]),
        "referralCode": st.sampled_from(["", "NT2K54D9", None]),
        "identifiers": st.sampled_from([[], ["d4130625"], None]),
    },
)
positions = st.sampled_from([*(0, 1) * 3, 2, 3, -1])
returned = st.sampled_from([*(1, 2) * 3, 0, 3, 4])
entries = {
    "2022-06": st.fixed_dictionaries({"position": positions}, optional={"quantity": returned}),
    "2026-06": st.fixed_dictionaries(
        {},
        optional={
            "position": positions,
            "sku": st.sampled_from([*"AB" * 3, "C"]),
            "quantity": returned,
        },
    ),
}
FIRST = ("new", "new", "closed", "closed", *STATES)
RETURNS: dict[str, st.SearchStrategy[Any]] = {
    edition: st.lists(entry, min_size=1, max_size=2) | st.just([])
    for edition, entry in entries.items()
}
applications = st.builds(
    Application,
    st.sampled_from(schemas.EDITIONS),
    st.booleans(),
    st.frozensets(st.sampled_from(list(BUDGETS))),
)


def policy(application: Application) -> Policy:
    budgets = {key: name in application.budgets for name, (key, _) in BUDGETS.items()}
    return Policy.from_mapping({"cart_item_flattening": application.flattening, **budgets})


def faults(codes: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the faults of findings, each given with its pointer."""
    found = set()
    for code, pointer in codes:
        last = pointer.rpartition("/")[2]
        if code == "return/position-out-of-range":
            found.add(last)
        elif code == "codes/discarded":
            found.add(f"discards {last}")
        elif code in FAULTS:
            found.add(FAULTS[code])
        else:
            assert code in ("payload/null-property", "return/empty"), code
    return frozenset(found)


class Replaying(RuleBasedStateMachine):
    """One session, from its creation or from a state that is known."""

    @initialize(application=applications, state=st.sampled_from(FIRST), cart=carts)
    def begin(self, application: Application, state: str, cart: list[dict[str, Any]]) -> None:
        self.application = application
        self.calls: list[dict[str, Any]] = []
        self.verdicts: list[frozenset[str]] = []
        self.session = Session(
            state, tuple(Line(i["sku"], i["quantity"], i["quantity"]) for i in cart)
        )
        self.previous: Any = {"state": state, "cartItems": cart}
        if state == "new":
            self.session, self.previous = Session(), NEW
        self.waiting: deque[Update] = deque()
        self.reports: Iterator[Report] = replay(
            self.updates(),
            previous=self.previous,
            edition=application.edition,
            policy=policy(application),
            ignore=["identity"],
        )

    def updates(self) -> Iterator[Update]:
        while True:
            yield self.waiting.popleft()

    @rule(session=sessions, dry=st.booleans())
    def update(self, session: dict[str, Any], dry: bool) -> None:
        self.call("update", session, {"customerSession": session}, dry=dry)

    @rule(data=st.data(), dry=st.booleans())
    def return_items(self, data: st.DataObject, dry: bool) -> None:
        drawn = data.draw(RETURNS[self.application.edition])
        returned = {"returnedCartItems": drawn}
        self.call("return", returned, {"return": returned}, dry=dry)

    @rule()
    def reopen(self) -> None:
        self.call("reopen", {}, None, dry=False)

    def call(self, operation: str, body: Mapping[str, Any], payload: Any, *, dry: bool) -> None:
        self.waiting.append(Update(payload, operation, dry))
        report = next(self.reports)
        found = faults((each.code, each.pointer) for each in report.findings)
        expected, after = judge(self.application, self.session, operation, body, dry=dry)
        if "repeated" in expected:
            expected = expected - {"repeated"} | {"transition"}
        if self.session.vague or expected & {"sku", "ambiguous"}:
            # The documentation leaves open which of the items counts.
            expected = expected - {"quantity"} | (found & {"quantity"})
        if "transition" in expected:
            # What else is wrong with such a call is of no interest.
            assert "transition" in found
        else:
            assert found == expected
        if not expected & REFUSALS:
            self.session = after
        # What the API answers to an update without a state is not documented: a warning.
        unclear = any(each.code == FINISHED_SESSION for each in report.findings)
        assert report.ok == (unclear or not found & REFUSALS)
        call = {"operation": operation, "dry": dry}
        self.calls.append(call if operation == "reopen" else {**call, "payload": payload})
        self.verdicts.append(found)

    def teardown(self) -> None:
        if not getattr(self, "calls", None):
            return
        validator = Validator(
            edition=self.application.edition,
            policy=policy(self.application),
            ignore=["identity"],
        )
        rows = check_sequence(map(json.dumps, self.calls), validator, previous=self.previous)
        found = [faults((f["code"], f["pointer"]) for f in row["findings"]) for row in rows]
        assert found == self.verdicts


SESSION = "/v2/customer_sessions/cart-1"
LEASE = 30.0
LOST = None
"""The answer to a call that nobody saw the end of."""


class Guarded(RuleBasedStateMachine):
    """A gateway that sees all calls on one session, before an API that is the model."""

    @initialize(edition=st.sampled_from(schemas.EDITIONS))
    def begin(self, edition: str) -> None:
        self.application = Application(edition)
        self.clock = 0.0
        self.store = MemoryStore(lease=LEASE, now=lambda: self.clock)
        settings = Settings(edition=edition, store="memory:", strict_new=True)
        self.guard = Guard(settings, self.store)
        self.runner = asyncio.Runner()
        self.session = Session()
        """The session, as only the API knows it."""
        self.possible = {"new"}
        """The states that it can be in, as far as answers were seen."""
        self.late: list[tuple[float, str, str | None, set[str]]] = []
        """Calls whose answers were lost: until when the API may do them, what they are, and the
        states that they may lead to."""

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.close()

    @rule(
        operation=st.sampled_from(["update", "update", "return", "reopen"]),
        state=st.sampled_from([None, "open", "closed", "cancelled"]),
        dry=st.sampled_from([False, False, False, True]),
        fate=st.sampled_from(["answered", "answered", "bare", "refused", "lost", "lost before"]),
    )
    def call(self, operation: str, state: str | None, dry: bool, fate: str) -> None:
        state = state if operation == "update" else None
        request = self.request(operation, state, dry=dry and operation != "reopen")
        verdict = self.runner.run(self.guard.begin(request))
        if "dry=true" in request.target:
            assert verdict.token is None
            assert verdict.refusal is None
            return
        assert (verdict.refusal is not None) == self.is_refused(operation, state)
        if verdict.refusal is not None:
            return
        legal = self.session_after(operation, state, self.session) if fate != "refused" else None
        answer: Response | None = Response(400, (), b"{}")
        if fate.startswith("lost"):
            answer = LOST
            leads_to = self.results(operation, state)
            self.late.append((self.clock + LEASE, operation, state, leads_to))
            legal = legal if fate == "lost" else None
        elif legal is not None:
            body = {"customerSession": {"state": legal.state}} if fate == "answered" else {}
            answer = Response(200, (), json.dumps(body).encode())
            if fate == "bare" and operation == "update" and state is None:
                # No more is concluded from it than that the session exists.
                self.possible = {"open" if each == "new" else each for each in self.possible}
            else:
                self.possible = {legal.state}
        self.session = legal or self.session
        assert verdict.token is not None
        finishing = self.guard.finish(verdict.token, request.method, request.target, answer)
        self.runner.run(finishing)

    @precondition(lambda self: self.late)
    @rule(data=st.data())
    def carry_out_lost_call(self, data: st.DataObject) -> None:
        _, operation, state, _ = data.draw(st.sampled_from(self.late))
        self.session = self.session_after(operation, state, self.session) or self.session

    @rule(seconds=st.sampled_from([1.0, LEASE]))
    def wait(self, seconds: float) -> None:
        self.clock += seconds
        ended = [each for each in self.late if each[0] <= self.clock]
        self.late = [each for each in self.late if each not in ended]
        for each in ended:
            self.possible |= each[-1]

    @invariant()
    def the_session_is_in_a_state_that_is_thought_possible(self) -> None:
        if hasattr(self, "store"):
            key = Key("default", "cart-1")
            states = self.runner.run(states_of(self.store, key, strict_new=True))
            assert self.session.state in states

    def request(self, operation: str, state: str | None, *, dry: bool) -> Request:
        session = {} if state is None else {"state": state}
        body: Any = {"customerSession": session}
        method, path = "PUT", SESSION
        if operation == "return":
            method, path = "POST", f"{SESSION}/returns"
            body = {"return": {"returnedCartItems": [{"position": 0}]}}
        elif operation == "reopen":
            path, body = f"{SESSION}/reopen", None
        text = b"" if body is None else json.dumps(body).encode()
        target = f"{path}?dry=true" if dry else path
        return Request(method, target, (("content-type", "application/json"),), text)

    def session_after(self, operation: str, state: str | None, session: Session) -> Session | None:
        """Return the session after a call; None if the API refuses it."""
        entries = {"returnedCartItems": [{"position": 0}]}
        body = entries if operation == "return" else {"state": state}
        full = Session(session.state, (Line("A", 10**6, 10**6),))
        found, after = judge(self.application, full, operation, body, dry=False)
        return None if found & REFUSALS else Session(after.state)

    def is_refused(self, operation: str, state: str | None) -> bool:
        """Return True if no state that is possible permits the call."""
        reached = self.possible.union(*(each[-1] for each in self.late))
        return all(self.is_forbidden(operation, state, before) for before in reached)

    def is_forbidden(self, operation: str, state: str | None, before: str) -> bool:
        if self.session_after(operation, state, Session(before)) is not None:
            return False
        # What retries send is left to the API: it answers the same again, or nothing.
        repeated = operation == "update" and state in (None, before) and before in FINISHED
        return not repeated

    def results(self, operation: str, state: str | None) -> set[str]:
        """Return the states that a call may lead to from any state."""
        found = (self.session_after(operation, state, Session(each)) for each in ("new", *STATES))
        if operation == "update" and state is None:
            # It keeps what is there, and opens a new session.
            return {"open"} if "new" in self.possible else set()
        return {each.state for each in found if each is not None}


FINISHED = ("closed", "partially_returned", "cancelled")


@pytest.mark.hypothesis
@pytest.mark.parametrize("machine", [Replaying, Guarded])
def test_the_verdicts_are_those_of_the_model(machine: type[RuleBasedStateMachine]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=EXAMPLES))
