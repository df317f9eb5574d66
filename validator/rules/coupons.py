"""Rules about coupon and referral codes."""

from __future__ import annotations

from ..findings.code import Confidence, Example, Severity
from .context import Context, Violations
from .rule import DISTINCT, REQUESTS, rule

_SHORTEST = 4
"""The length of the shortest coupon that the Management API creates."""


@rule(
    "codes/duplicate-coupon",
    Severity.WARNING,
    summary="A request has the same coupon code twice.",
    message="the coupon code {code} is already in the list",
    hint="send each code once",
    why=(
        "A coupon counts once for a session. What the API does with a second copy is not "
        "documented; integrations remove it before they send."
    ),
    fix="Remove the copy.",
    source="Practice of integrations (not documented)",
    confidence=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({"couponCodes": ["XMAS-20-2021", "XMAS-20-2021"]}),),
    good=(Example({"couponCodes": ["XMAS-20-2021", "xmas-20-2021"]}),),
    reads=("couponCodes",),
    prefilter={"couponCodes": DISTINCT},
)
def duplicate_coupon(context: Context) -> Violations:
    """Compare codes exactly: case may be significant, depending on a setting of the Application."""
    for index, first, code in context.repeats("couponCodes"):
        related = (context.place("couponCodes", first),)
        yield context.violation("couponCodes", index, values={"code": code}, related=related)


@rule(
    "codes/unmatchable-coupon",
    Severity.WARNING,
    summary="A coupon code is shorter than any code can be.",
    message="the coupon code {code} is too short",
    hint={
        "empty": "leave empty codes out; to discard all codes, send an empty list",
        "short": "codes have at least {shortest} characters; check for placeholders and truncation",
    },
    why=(
        "Coupon codes have at least 4 characters, so a shorter one can only give a "
        "rejectCoupon effect. An empty one is mostly an empty form field."
    ),
    fix="Send the code in full, or leave it out.",
    source="Management API, coupons (minimum length of `value`)",
    models=REQUESTS,
    bad=(Example({"couponCodes": [""]}),),
    good=(Example({"couponCodes": []}), Example({"couponCodes": ["ABCD"]})),
    reads=("couponCodes",),
    prefilter={"couponCodes/*": {"minLength": _SHORTEST}},
)
def unmatchable_coupon(context: Context) -> Violations:
    """Check the length of the codes."""
    for index, code in enumerate(context.session.get("couponCodes") or ()):
        if len(code) < _SHORTEST:
            facts = {"shortest": _SHORTEST, "kind": "short" if code else "empty"}
            yield context.violation("couponCodes", index, params=facts, values={"code": code})


@rule(
    "codes/discarded",
    Severity.WARNING,
    summary="An empty list or string discards codes that the session has.",
    message="an empty {property} discards the stored value: {held}",
    hint="leave {property} out to keep the value; if it is to be discarded, ignore this code",
    why=(
        "An omitted property keeps its value, while an empty one discards it. Integrations that "
        "send an empty list by default lose the customer's coupons with every update."
    ),
    fix="Leave the property out, or send the codes again.",
    source="Descriptions of couponCodes and referralCode (2024-09 on)",
    models=REQUESTS,
    bad=(
        Example({"couponCodes": []}, {"previous": {"couponCodes": ["XMAS-20-2021"]}}),
        Example({"referralCode": ""}, {"previous": {"referralCode": "NT2K54D9"}}),
    ),
    good=(
        Example({"couponCodes": []}, {"previous": {"state": "open"}}),
        Example({}, {"previous": {"couponCodes": ["XMAS-20-2021"]}}),
    ),
    reads=("couponCodes", "referralCode"),
    needs=("stored session",),
)
def discard(context: Context) -> Violations:
    """Compare empty values with those of the previous session."""
    for name in ("couponCodes", "referralCode"):
        held = (context.previous or {}).get(name)
        sent = context.session.get(name)
        if held and sent is not None and not sent:
            yield context.violation(name, params={"property": name}, values={"held": held})
