"""History: the calls on one session in order, each judged on what the session is by then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Unpack

from .call import Before, Previous, before, call
from .document import Document
from .report import Report
from .rules.returns import line, remaining
from .states import NEW, New, outcome
from .validator import Options, Validator


class Update(NamedTuple):
    """One call on a session: a payload and what goes with it."""

    payload: Any
    operation: str = "update"
    dry: bool = False
    now: str | datetime | None = None


def replay(
    updates: Iterable[Any], *, previous: Previous = NEW, **options: Unpack[Options]
) -> Iterator[Report]:
    """Check the calls on one session in order; yield a report for each as it comes.

    `updates` are payloads (JSON text or parsed, with or without their envelope) or `Update`s. The
    first meets `previous`, by default a session that does not exist yet; each later one meets the
    session as those before it left it. A call with errors changes nothing, as the API refuses it
    whole; nor does a dry one. `options` are those of `Validator`.

    Raises what `Validator` and `Validator.check` raise.
    """
    validator = Validator(**options)
    return _reports(validator, before(validator.engine, validator.naming, previous), updates)


def _reports(validator: Validator, known: Before, updates: Iterable[Any]) -> Iterator[Report]:
    for each in updates:
        update = each if isinstance(each, Update) else Update(each)
        report, known = step(validator, known, update)
        yield report


def step(
    validator: Validator, known: Before, update: Update, *, model: str | None = None
) -> tuple[Report, Before]:
    """Check one call on a session; return the report, and the session as the call leaves it.

    The payload may also be a `Document`. Raises as `Validator.check` does.
    """
    looked_through = call(
        validator.edition,
        known,
        model=model,
        operation=update.operation,
        dry=update.dry,
        now=update.now,
    )
    payload = update.payload
    judge = validator.judge.document if isinstance(payload, Document) else validator.judge
    report, sent, _ = judge(payload, looked_through)
    if report.ok and not update.dry:
        returns = report.model == "ReturnIntegrationRequest"
        known = _after(known, "return" if returns else update.operation, sent)
    return report, known


def merge(session: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session as an update leaves it, both in wire names.

    What is omitted, or null, keeps its value; ``attributes`` are merged key by key; anything else,
    the cart included, is replaced by what is sent, so that an empty list or text discards.
    Source: descriptions of couponCodes and referralCode; docs page on customer sessions.
    """
    merged = {**session, **{name: value for name, value in sent.items() if value is not None}}
    if isinstance(sent.get("attributes"), Mapping):
        merged["attributes"] = {**(session.get("attributes") or {}), **sent["attributes"]}
    return merged


def _after(known: Before, operation: str, sent: Mapping[str, Any]) -> Before:
    """Return what is known of a session after a call that went through."""
    asked = sent.get("state") if operation == "update" else None
    state = None if isinstance(known.state, New) else known.state
    if known.session is None and state is None and operation == "update" and asked is None:
        return known
    state = outcome(operation, asked, state)
    if known.session is None:
        return Before("state", state)
    if operation == "update":
        session = merge(known.session, sent)
    elif operation == "return":
        session = _returned(known.session, sent)
    else:
        session = dict(known.session)
    return Before("session", state, {**session, "state": state})


def _returned(session: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return a session whose cart items know what was returned of them."""
    cart = [dict(item) for item in session.get("cartItems") or ()]
    for entry in sent.get("returnedCartItems") or ():
        index = line(entry, cart)
        if index is not None:
            item = cart[index]
            left = remaining(item)
            count = entry.get("quantity")
            count = left if count is None else count
            item["remainingQuantity"] = left - count
            item["returnedQuantity"] = item["quantity"] - item["remainingQuantity"]
    return {**session, "cartItems": cart}
