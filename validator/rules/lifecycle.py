"""Rules about the states of a session and the transitions between them."""

from __future__ import annotations

from ..findings.code import Confidence, Example, Severity
from ..model.states import INITIAL, MOVES, NEW, SETTABLE, New, legal, reachable, resulting_state
from .context import Context, Missing, Violation, Violations
from .rule import NO_BODY, REQUESTS, RESPONSES, RETURNS, rule

_ENDPOINT = {
    "update": "Update customer session",
    "return": "Return cart items",
    "reopen": "Reopen customer session",
}


def _before(context: Context) -> str | None:
    return None if isinstance(context.state, New) else context.state


@rule(
    "lifecycle/initial-state",
    Severity.ERROR,
    summary="A session is created in a state other than open or closed.",
    message="a session can't be created as {state}, only as open or closed",
    hint="create the session as open or closed first",
    why=(
        "Only a purchase can be cancelled or returned. The first update can only open a session, "
        "or record a finished order as closed."
    ),
    fix="Send the first update with `state` open or closed, or without it, and then the next one.",
    source="Description of `state`: sessions are created open or closed",
    refusal=Confidence.DOCUMENTED,
    models=REQUESTS,
    bad=(
        Example({"state": "cancelled"}, {"previous": "NEW"}),
        Example({"customerSession": {"state": "cancelled"}}, {"previous": "NEW"}),
    ),
    good=(
        Example({"state": "closed"}, {"previous": "NEW"}),
        Example({"cartItems": []}, {"previous": "NEW"}),
        Example({"state": "cancelled"}, {"previous": "open"}),
    ),
    reads=("state",),
    needs=("state",),
)
def initial_state(context: Context) -> Violations:
    """Check the state of a session that does not exist yet."""
    state = context.session.get("state")
    if context.state is NEW and state in SETTABLE and state not in INITIAL:
        params = {"allowed": sorted(INITIAL)}
        yield context.violation("state", params=params, values={"state": state})


@rule(
    "lifecycle/state-not-settable",
    Severity.ERROR,
    summary="A request sets the state to partially_returned.",
    message="an update can't set the state to partially_returned",
    hint='leave the state out, and call "Return cart items" instead',
    why=(
        "Only the endpoint for returns moves a session to partially_returned, since its request "
        "states which items were returned."
    ),
    fix="Call POST /v2/customer_sessions/{id}/returns with the returned items.",
    source="Description of `state`; operation Return cart items",
    refusal=Confidence.DOCUMENTED,
    models=REQUESTS,
    bad=(
        Example({"state": "partially_returned"}),
        Example({"state": "partially_returned"}, {"previous": "closed", "edition": "2026-06"}),
    ),
    good=(Example({"state": "closed"}), Example({})),
    reads=("state",),
    prefilter={"state": {"enum": list(SETTABLE)}},
)
def state_not_settable(context: Context) -> Violations:
    """Look for the state that callers can't set."""
    if context.session.get("state") not in (None, *SETTABLE):
        yield context.violation("state")


@rule(
    "lifecycle/state-transition",
    Severity.ERROR,
    summary="A call asks for a change of state that the API does not allow.",
    message={
        "": "cannot move session to state {after} from state {before} by {endpoint}",
        "endpoint": "edition {edition:bare} has no endpoint {endpoint}",
    },
    hint={
        "": "from {before}, a session can change to: {reachable:bare}",
        "endpoint": "it was added in SDK 3.0.0 (2023-04); validate against a later edition",
    },
    why=(
        "The API answers an illegal change of state with HTTP 400, and nothing of the update "
        "is stored. A typical cause is an SDK whose model sets `state` to open by default, so "
        "that an update tries to reopen a closed session."
    ),
    fix=(
        "Track the state of the session, and start a new session once one is closed. "
        "`talonschema states` prints the legal changes."
    ),
    source=(
        "Description of `state`; operations Update, Return cart items and Reopen; the 400 is "
        "recorded in the Salesforce cartridge"
    ),
    refusal=Confidence.DOCUMENTED,
    models=(*REQUESTS, *RETURNS, NO_BODY),
    bad=(
        Example({"state": "open"}, {"previous": "closed"}),
        Example({"return": {"returnedCartItems": [{"position": 0}]}}, {"previous": "open"}),
        Example(None, {"operation": "reopen"}),
        Example(None, {"operation": "reopen", "previous": "open", "edition": "2026-06"}),
    ),
    good=(
        Example({"state": "cancelled"}, {"previous": "closed"}),
        Example({"return": {"returnedCartItems": [{"position": 0}]}}, {"previous": "closed"}),
        Example(None, {"operation": "reopen", "previous": "closed", "edition": "2026-06"}),
    ),
    reads=("state",),
    needs=("state",),
)
def state_transition(context: Context) -> Violations:
    """Look the transition up in the table of the edition."""
    operation = context.call_kind.operation
    if operation == "update" and context.state is NEW:
        return
    if all(move.operation != operation for move in MOVES[context.edition]):
        facts = {"edition": context.edition, "endpoint": _ENDPOINT[operation]}
        yield Violation(params={"kind": "endpoint", **facts})
        return
    if context.state is None:
        yield Missing("the previous state is not known")
        return
    before = _before(context)
    asked = context.session.get("state") if operation == "update" else None
    after = resulting_state(operation, asked, before)
    if operation == "update" and (after == before or after not in SETTABLE):
        return
    if not legal(context.edition, before, after, operation):
        moves = [f"{move.end} ({move.operation})" for move in reachable(context.edition, before)]
        yield Violation(
            context.place("state") if operation == "update" else (),
            params={
                "before": before or "(none)",
                "endpoint": _ENDPOINT[operation],
                "operation": operation,
                "reachable": moves or ["no other"],
            },
            values={"after": after},
        )


@rule(
    "lifecycle/finished-session",
    Severity.WARNING,
    summary="An update without a state is sent for a finished session.",
    message="the session is {before}, so this update can't modify it",
    hint="start a new session, or send the update before the session is finished",
    why=(
        "Once closed, cancelled or partially returned, a session can't be modified. How the API "
        "responds to such an update is not documented, and some integrations are known to "
        "ignore an error here."
    ),
    fix="Send the update before the session is finished, or drop it.",
    source="Description of `state` (closed: can't be modified); practice of integrations",
    confidence=Confidence.PRACTICE,
    refusal=Confidence.PRACTICE,
    models=REQUESTS,
    bad=(
        Example({}, {"previous": "closed"}),
        Example({"cartItems": []}, {"previous": "partially_returned"}),
    ),
    good=(
        Example({"cartItems": []}, {"previous": "open"}),
        Example({"state": "cancelled"}, {"previous": "partially_returned"}),
    ),
    reads=("state",),
    needs=("state",),
)
def finished_session(context: Context) -> Violations:
    """Look for updates without a state of sessions that are not `open`."""
    before = _before(context)
    if before not in (None, "open") and context.session.get("state") is None:
        yield context.violation(params={"before": before})


@rule(
    "lifecycle/repeated-state",
    Severity.ERROR,
    summary="An update sets a finished session to the state that it is already in.",
    message="the session is already {before}",
    hint="don't close or cancel a session twice; a retry can ignore the error from the API",
    why=(
        "Only an open session can be closed, and a cancelled one can't be modified. Such a "
        "call often comes from a repeated webhook or a retry; some integrations are known to "
        "handle the error that the API returns for it."
    ),
    fix="Send the update once, or ignore this code where retries are intended.",
    source="Practice of integrations that handle the error message of the API",
    confidence=Confidence.PRACTICE,
    refusal=Confidence.PRACTICE,
    models=REQUESTS,
    bad=(
        Example({"state": "closed"}, {"previous": "closed"}),
        Example({"state": "cancelled"}, {"previous": "cancelled"}),
    ),
    good=(
        Example({"state": "open"}, {"previous": "open"}),
        Example({"state": "cancelled"}, {"previous": "closed"}),
    ),
    reads=("state",),
    needs=("state",),
)
def repeated_state(context: Context) -> Violations:
    """Compare the state with the previous one, except for `open`."""
    before = _before(context)
    if before != "open" and before in SETTABLE and context.session.get("state") == before:
        yield context.violation("state", params={"before": before})


@rule(
    "lifecycle/update-count",
    Severity.ERROR,
    summary="The updateCount of a response is less than 1.",
    message="updateCount is {count}, but the creation counts as the first update",
    why="The counter is 1 when the session is created, and never decreases.",
    fix="Correct the fixture, or record the response again.",
    source="Integration API OpenAPI 3.1 (2026-06), CustomerSessionV2.updateCount",
    editions=("2026-06",),
    models=RESPONSES,
    bad=(Example({"updateCount": 0}, {"edition": "2026-06", "model": "CustomerSessionV2"}),),
    good=(Example({"updateCount": 1}, {"edition": "2026-06", "model": "CustomerSessionV2"}),),
    reads=("updateCount",),
)
def update_count(context: Context) -> Violations:
    """Check that the counter is at least 1."""
    count = context.session.get("updateCount")
    if count is not None and count < 1:
        yield context.violation("updateCount", values={"count": count})


@rule(
    "lifecycle/stale-update-count",
    Severity.WARNING,
    summary="The updateCount of a response is not greater than that of the previous response.",
    message="updateCount is {count}, but was {before} in the previous response",
    why="Each update increases the counter, so this response is older than the previous one.",
    fix="Put the responses in their original order, or drop the stale one.",
    source="Integration API OpenAPI 3.1 (2026-06), CustomerSessionV2.updateCount",
    confidence=Confidence.INFERRED,
    editions=("2026-06",),
    models=RESPONSES,
    bad=(
        Example(
            {"updateCount": 3},
            {
                "edition": "2026-06",
                "model": "CustomerSessionV2",
                "previous": {"updateCount": 3},
            },
        ),
    ),
    good=(
        Example(
            {"updateCount": 4},
            {
                "edition": "2026-06",
                "model": "CustomerSessionV2",
                "previous": {"updateCount": 3},
            },
        ),
    ),
    reads=("updateCount",),
    needs=("stored session",),
)
def stale_update_count(context: Context) -> Violations:
    """Compare the counter with that of the previous response, if both have one."""
    count = context.session.get("updateCount")
    before = (context.previous or {}).get("updateCount")
    if count is not None and before is not None and count <= before:
        yield context.violation("updateCount", values={"count": count, "before": before})
