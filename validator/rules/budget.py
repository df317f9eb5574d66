"""Rules about budgets, which sessions have to satisfy when they are closed."""

from __future__ import annotations

from ..findings.code import Example, Severity
from ..model.states import New, legal
from .context import Context, Missing, Violations
from .rule import REQUESTS, rule

_WHY = (
    "A campaign with such a budget decreases it when a session closes. What happens to the effects "
    "of a session that closes without the required code or identifier is not documented."
)
_SOURCE = "Description of `state` in CustomerSessionV2: requirements of budgets at closing"


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
    summary="A session closes without a coupon code, despite a coupon budget.",
    message="the session closes without a coupon code, which the coupon budget requires",
    hint="send {property:bare} with the update that closes the session, or earlier",
    why=_WHY,
    fix="Send the redeemed codes. If the Application has no such budget, turn coupon_budget off.",
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
    summary="A session closes without a referral code, despite a referral budget.",
    message="the session closes without a referral code, which the referral budget requires",
    hint="send {property:bare} with the update that closes the session, or earlier",
    why=_WHY,
    fix="Send the referral code. If the Application has no such budget, turn referral_budget off.",
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
    summary="A session closes without an identifier, despite a budget per unique identifier.",
    message=(
        "the session closes without an identifier, which the budget per unique identifier requires"
    ),
    hint="send {property:bare} with the update that closes the session, or earlier",
    why=_WHY,
    fix="Send at least one identifier. If there is no such budget, turn identifier_budget off.",
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
