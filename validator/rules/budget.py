"""Rules about budgets, which sessions have to satisfy when they are closed."""

from __future__ import annotations

from ..findings.code import Example, Severity
from ..model.states import New, legal
from .context import Context, Missing, Violations
from .rule import REQUESTS, rule

_WHY = (
    "A campaign with such a budget counts it down when a session closes. What becomes of the "
    "effects of a session that closes with nothing to count is not documented."
)
_SOURCE = "Description of `state` in CustomerSessionV2: what closing needs for budgets to count"


def _at_close(context: Context, name: str) -> Violations:
    """Yield a problem if this update closes the session and the property `name` is empty."""
    if context.session.get("state") != "closed" or context.call_kind.dry:
        return
    # New and unknown sessions may be closed, too.
    before = None if isinstance(context.state, New) else context.state
    if not legal(context.edition, before, "closed", "update"):
        return
    held = context.session.get(name)
    if held is None:
        if context.previous is None:
            yield Missing("the previous session is not known")
            return
        held = context.previous.get(name)
    if not any(held or ()):
        yield context.violation(
            name if name in context.session else "state",
            params={"property": name},
            related=(context.place("state"),),
        )


@rule(
    "budget/coupon-at-close",
    Severity.WARNING,
    summary="With a coupon budget, a session closes without a coupon code.",
    message="the session closes without a coupon code, which its coupon budget asks for",
    hint="send {property:bare} with the update that closes the session, or before",
    why=_WHY,
    fix="Send the redeemed codes; switch coupon_budget off for an Application without one.",
    source=_SOURCE,
    models=REQUESTS,
    bad=(
        Example({"state": "closed"}, {"previous": "NEW", "policy": {"coupon_budget": True}}),
        Example(
            {"state": "closed", "couponCodes": []},
            {"previous": {"state": "open"}, "policy": {"coupon_budget": True}},
        ),
    ),
    good=(
        Example(
            {"state": "closed"},
            {"previous": {"couponCodes": ["XMAS"]}, "policy": {"coupon_budget": True}},
        ),
        Example({"state": "open"}, {"previous": "NEW", "policy": {"coupon_budget": True}}),
    ),
    reads=("state", "couponCodes"),
    needs=("coupon budget",),
)
def coupon_at_close(context: Context) -> Violations:
    """Look for a coupon code in the merged session."""
    return _at_close(context, "couponCodes")


@rule(
    "budget/referral-at-close",
    Severity.WARNING,
    summary="With a referral budget, a session closes without a referral code.",
    message="the session closes without a referral code, which its referral budget asks for",
    hint="send {property:bare} with the update that closes the session, or before",
    why=_WHY,
    fix="Send the referral code; switch referral_budget off for an Application without one.",
    source=_SOURCE,
    models=REQUESTS,
    bad=(
        Example(
            {"state": "closed", "referralCode": ""},
            {"previous": "NEW", "policy": {"referral_budget": True}},
        ),
    ),
    good=(
        Example(
            {"state": "closed", "referralCode": "NT2K54D9"},
            {"previous": "open", "policy": {"referral_budget": True}},
        ),
    ),
    reads=("state", "referralCode"),
    needs=("referral budget",),
)
def referral_at_close(context: Context) -> Violations:
    """Look for a referral code in the merged session."""
    return _at_close(context, "referralCode")


@rule(
    "budget/identifier-at-close",
    Severity.WARNING,
    summary="With a budget per unique identifier, a session closes without an identifier.",
    message=(
        "the session closes without an identifier, which its budget per unique identifier asks for"
    ),
    hint="send {property:bare} with the update that closes the session, or before",
    why=_WHY,
    fix="Send at least one identifier; switch identifier_budget off if there is none.",
    source=_SOURCE,
    models=REQUESTS,
    bad=(
        Example(
            {"customerSession": {"state": "closed", "identifiers": []}},
            {"previous": "open", "policy": {"identifier_budget": True}},
        ),
    ),
    good=(
        Example(
            {"customerSession": {"state": "closed", "identifiers": ["d41306257915"]}},
            {"previous": "open", "policy": {"identifier_budget": True}},
        ),
    ),
    reads=("state", "identifiers"),
    needs=("identifier budget",),
)
def identifier_at_close(context: Context) -> Violations:
    """Look for an identifier in the merged session."""
    return _at_close(context, "identifiers")
