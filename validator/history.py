"""History: the calls on a session in order, each checked against the session at that time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Unpack

from .checking.call import Previous, PreviousSession, before, call
from .checking.report import Report
from .model.detection import OPERATIONS_OF
from .model.schema_tree import SchemaNode, schema_tree
from .model.states import NEW, New, resulting_state
from .reading.document import Document
from .rules.returns import lines, remaining, take
from .validator import Options, Validator


class Update(NamedTuple):
    """A call on a session: a payload and its parameters."""

    payload: Any
    operation: str | None = None
    """``"update"``, ``"return"`` or ``"reopen"``; None to derive it from the payload."""
    dry: bool = False
    now: str | datetime | None = None


def replay(
    updates: Iterable[Any], *, previous: Previous = NEW, **options: Unpack[Options]
) -> Iterator[Report]:
    """Check the calls on a session in order; yield a report for each as soon as it is checked.

    `updates` are payloads (JSON text or parsed, with or without their envelope) or `Update`s. The
    first is checked against `previous`, by default a session that does not exist yet, and each
    later one against the session after the calls before it. Calls that the API refuses change
    nothing, regardless of the findings that are reported, and neither do dry runs. `options` are
    those of `Validator`.

    Raises the exceptions of `Validator` and `Validator.check`.
    """
    validator = Validator(**options)
    return _reports(validator, before(validator.engine, validator.naming, previous), updates)


def _reports(
    validator: Validator, known: PreviousSession, updates: Iterable[Any]
) -> Iterator[Report]:
    for each in updates:
        update = each if isinstance(each, Update) else Update(each)
        report, known = step(validator, known, update)
        yield report


def step(
    validator: Validator, known: PreviousSession, update: Update, *, model: str | None = None
) -> tuple[Report, PreviousSession]:
    """Check a call on a session; return the report, and the session after the call.

    The payload may also be a `Document`. Raises as `Validator.check` does.
    """
    validated = call(
        validator.edition,
        known,
        model=model,
        operation=update.operation,
        dry=update.dry,
        now=update.now,
    )
    payload = update.payload
    checker = validator.history_checker
    result = (checker.document if isinstance(payload, Document) else checker)(payload, validated)
    report = result.report
    if not result.refused and not update.dry and report.model in _REQUESTS:
        operation = OPERATIONS_OF[report.model] if report.model else "reopen"
        known = after(validator.edition, known, operation, result.session)
    return report, known


_REQUESTS = frozenset({None, *OPERATIONS_OF})
"""The models of calls that change a session; None for a call without a body."""


def merge(edition: str, session: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session after an update, both in wire names.

    Properties that are omitted or null keep their values; ``attributes`` are merged key by key; all
    others, including the cart, are replaced, so that an empty list or string removes a value. Keys
    that only the API sets are left out.

    Source: descriptions of couponCodes and referralCode; docs page on customer sessions.
    """
    place = schema_tree(edition, "NewCustomerSessionV2")
    merged = {
        **session,
        **{
            name: value
            for name, value in sent.items()
            if value is not None and name in place.properties
        },
    }
    if sent.get("cartItems") is not None:
        item = place.properties["cartItems"].items
        merged["cartItems"] = [
            {name: value for name, value in each.items() if _settable(item, name)}
            for each in sent["cartItems"]
        ]
    if isinstance(sent.get("attributes"), Mapping):
        merged["attributes"] = {**(session.get("attributes") or {}), **sent["attributes"]}
    return merged


def _settable(place: SchemaNode | None, name: str) -> bool:
    below = None if place is None else place.properties.get(name)
    return below is None or not below.read_only


def after(
    edition: str, known: PreviousSession, operation: str, sent: Mapping[str, Any]
) -> PreviousSession:
    """Return the knowledge about a session after a successful call."""
    asked = sent.get("state") if operation == "update" else None
    if known.session is None and operation == "update" and asked is None:
        return known
    state = resulting_state(operation, asked, None if isinstance(known.state, New) else known.state)
    if known.session is None:
        return PreviousSession("state", state)
    if operation == "update":
        # A new session is completely known: its cart is empty until one is sent.
        held = {"cartItems": []} if known.known == "new" else known.session
        session = merge(edition, held, sent)
    elif operation == "return":
        session = _with_returns(known.session, sent)
    else:
        session = dict(known.session)
    return PreviousSession("session", state, {**session, "state": state})


def _with_returns(session: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session with the returned quantities of its cart items, if these are known."""
    if "cartItems" not in session:
        return dict(session)
    cart = [dict(item) for item in session["cartItems"]]
    left = [remaining(item) for item in cart]
    for entry in sent["returnedCartItems"]:
        take(entry, lines(entry, cart), left)
    for item, count in zip(cart, left, strict=True):
        if count != remaining(item):
            item["remainingQuantity"] = count
            item["returnedQuantity"] = item["quantity"] - count
    return {**session, "cartItems": cart}
