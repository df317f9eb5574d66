"""A model of a customer session, as the API's own documentation describes it.

It shares nothing with the package: whoever wrote it had not read the rules. Its sources are
talon_one.rb 2.5.1 (2022-06), t1-openapi-specs c703007 and talon-one-python-sdk 26.13 (2026-06),
and the page on customer sessions at docs.talon.one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

UPDATES = {
    # "A customer session can be created as `open` or `closed`."
    ("new", "open"),
    ("new", "closed"),
    ("open", "open"),
    ("open", "closed"),
    ("open", "cancelled"),
    ("closed", "cancelled"),
    # In the API's text since talon_go 2.6.0.
    ("partially_returned", "cancelled"),
}
RETURNABLE = {"closed", "partially_returned"}
KEPT = ("couponCodes", "referralCode", "identifiers")
"""What budgets look at; it keeps its value when it is omitted ("each update builds upon...")."""
REFUSALS = frozenset({"transition", "repeated", "missing", "position", "sku", "quantity"})
"""Faults for which the API refuses a call; the others are advice."""


@dataclass(frozen=True)
class Line:
    """A cart item, and how much of it was not returned yet."""

    sku: str
    quantity: int
    left: int


@dataclass(frozen=True)
class Session:
    """All that counts for the verdict on the next call."""

    state: str = "new"
    cart: tuple[Line, ...] = ()
    kept: Mapping[str, Any] = field(default_factory=dict)
    vague: bool = False
    """A return named a sku that several items have, so what is left of each is not known."""


@dataclass(frozen=True)
class Application:
    """The settings that count."""

    edition: str
    flattening: bool = True
    budgets: frozenset[str] = frozenset()
    """Some of `KEPT`."""


def judge(
    app: Application, session: Session, operation: str, body: Mapping[str, Any], *, dry: bool
) -> tuple[frozenset[str], Session]:
    """Return the faults of a call, and the session after it."""
    if operation == "update":
        faults, after = _update(app, session, body, dry=dry)
    elif operation == "return":
        faults, after = _return(app, session, body["returnedCartItems"])
    else:
        # "Reopen a closed customer session", since talon_go 3.0.0.
        legal = session.state == "closed" and app.edition != "2022-06"
        faults = set() if legal else {"transition"}
        after = replace(session, state="open")
    # "Changes are ignored when dry=true".
    unchanged = dry or faults & REFUSALS
    return frozenset(faults), session if unchanged else after


def _update(
    app: Application, session: Session, body: Mapping[str, Any], *, dry: bool
) -> tuple[set[str], Session]:
    # With `dry`, the API "considers only the payload that you pass when closing the session".
    known = Session() if dry else session
    sent = {name: value for name, value in body.items() if value is not None}
    state = sent.get("state", "open" if known.state == "new" else known.state)
    # "Only via Return cart items", which a dry run has no way around.
    faults = {"transition"} if sent.get("state") == "partially_returned" else set()
    if not dry and (known.state, state) not in UPDATES:
        # "The session cannot be modified anymore"; clients treat a second closing as done.
        faults.add("repeated" if known.state == state == "closed" else "transition")
    kept = {**known.kept, **{name: sent[name] for name in KEPT if name in sent}}
    # An empty value discards (descriptions of couponCodes and referralCode, 2024-09).
    lost = {name for name in ("couponCodes", "referralCode") if known.kept.get(name)}
    faults |= {f"discards {name}" for name in lost if not kept[name]}
    if state == "closed" and not dry and not faults & REFUSALS:
        # "If a budget exists, the session must contain ... when it is closed".
        faults |= {f"budget {name}" for name in app.budgets if not kept.get(name)}
    cart = session.cart
    if "cartItems" in sent:
        cart = tuple(Line(i["sku"], i["quantity"], i["quantity"]) for i in sent["cartItems"])
    return faults, Session(state, cart, kept)


def _return(
    app: Application, session: Session, entries: Iterable[Mapping[str, Any]]
) -> tuple[set[str], Session]:
    # A dry one, too: what is returned is of the session's own cart.
    faults = set() if session.state in RETURNABLE else {"transition"}
    left = [line.left for line in session.cart]
    vague = session.vague
    for entry in entries:
        position, sku, quantity = (entry.get(name) for name in ("position", "sku", "quantity"))
        if position is None and sku is None:
            faults.add("missing")
        if position is not None and position < 0:
            faults.add("position")
        if quantity is not None and quantity < 1:
            faults.add("quantity")
        if "transition" in faults or (position is None and sku is None):
            continue
        items = [i for i, line in enumerate(session.cart) if sku in (None, line.sku)]
        if position is not None:
            if not 0 <= position < len(left):
                faults.add("position")
                continue
            if position not in items:
                faults.add("sku")
                continue
            items = [position]
        if len(items) != 1:
            faults.add("ambiguous" if items else "sku")
            vague = vague or bool(items)
            continue
        (item,) = items
        # Without a quantity, the whole item.
        taken = left[item] if quantity is None else quantity
        if not 1 <= taken <= left[item]:
            faults.add("quantity")
        left[item] -= taken
    # Without flattening, an item is returned in its entirety (ReturnedCartItem.quantity, 2022).
    whole = app.edition == "2022-06" and not app.flattening
    if whole and any(0 < n < line.left for line, n in zip(session.cart, left, strict=True)):
        faults.add("quantity")
    cart = tuple(replace(line, left=n) for line, n in zip(session.cart, left, strict=True))
    return faults, replace(session, state="partially_returned", cart=cart, vague=vague)
