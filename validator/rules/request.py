"""Rules about the envelope of an update and its query parameters."""

from __future__ import annotations

import re
from datetime import datetime
from operator import itemgetter

from ..findings.code import Confidence, Example, Severity
from ..model.formats import moment
from .context import Context, Violation, Violations
from .rule import NO_BODY, REQUESTS, rule

_ENVELOPE = ("IntegrationRequest",)
_NOT_ASKED = {"/responseContent/*": {"not": {"const": "campaignEligibility"}}}
_OF_FILES = "for files, set it with --dry, or dry in [[files]]"
_DOCS = "Update customer session, query parameter `now` (2024-05 on)"


@rule(
    "request/malformed-now",
    Severity.ERROR,
    summary="The query parameter now is not an RFC 3339 date-time.",
    message="now is not an RFC 3339 date-time with an offset: {now}",
    hint="write it as in 2027-01-31T09:00:00Z",
    why="The API reads `now` as RFC 3339, which always has a date, a time and an offset.",
    fix="Format the value with an offset from UTC, which a naive datetime of Python lacks.",
    source=_DOCS,
    refusal=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({}, {"now": "2099-01-31", "dry": True}),),
    good=(Example({}, {"now": "2099-01-31T09:00:00Z", "dry": True}), Example({})),
    needs=("now",),
)
def malformed_now(context: Context) -> Violations:
    """Parse the parameter."""
    if _now(context) is None:
        yield Violation(values={"now": str(context.now)}, parameter="now")


@rule(
    "request/now-offset",
    Severity.WARNING,
    summary="The query parameter now has an offset without a colon.",
    message="the offset of now has no colon, which RFC 3339 requires: {now}",
    hint=(
        "write it as in 2027-01-31T09:00:00Z; with talon-one-sdk for Python, pass "
        'Configuration(datetime_format="%Y-%m-%dT%H:%M:%S.%fZ") and times in UTC'
    ),
    why=(
        "Whether the API accepts such a time is not documented. It is the form in which SDK 26.13 "
        "for Python sends every time."
    ),
    fix="Send the offset as Z or with a colon.",
    source="datetime_format in Configuration of talon-one-sdk 26.13 for Python; RFC 3339",
    confidence=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({}, {"now": "2099-01-31T09:00:00.000000+0000", "dry": True}),),
    good=(Example({}, {"now": "2099-01-31T09:00:00+00:00", "dry": True}),),
    needs=("now",),
)
def now_offset(context: Context) -> Violations:
    """Look for an offset that is valid except for the missing colon."""
    if isinstance(context.now, str) and moment(context.now) is None and _now(context) is not None:
        yield Violation(values={"now": context.now}, parameter="now")


@rule(
    "request/now-without-dry",
    Severity.ERROR,
    summary="The query parameter now is sent without dry=true.",
    message="now is only allowed in dry runs, but dry is not true",
    hint="send dry=true as well, or leave now out",
    why="`now` asks for the effects at another time, which can't be stored.",
    fix="Use `now` only in previews, together with dry=true.",
    source=_DOCS,
    refusal=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({}, {"now": "2099-01-31T09:00:00Z"}),),
    good=(Example({}, {"now": "2099-01-31T09:00:00Z", "dry": True}),),
    needs=("now",),
)
def now_without_dry(context: Context) -> Violations:
    """Compare the two parameters."""
    if not context.call_kind.dry:
        yield Violation(parameter="now")


@rule(
    "request/now-not-future",
    Severity.ERROR,
    summary="The query parameter now is not in the future.",
    message="now is {now}, which is not in the future",
    hint="leave now out to use the current time",
    why="Only future times are accepted. The current time is already past when it arrives.",
    fix="Send a future time, or leave the parameter out.",
    source=_DOCS,
    refusal=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({}, {"now": "2024-05-29T09:00:00Z", "dry": True}),),
    good=(Example({}, {"now": "2099-01-31T09:00:00Z", "dry": True}),),
    needs=("now",),
)
def now_not_future(context: Context) -> Violations:
    """Compare the parameter with the time of the check."""
    now = _now(context)
    if now is not None and context.present is not None and now <= context.present:
        values = {"now": now.isoformat()}
        yield Violation(values=values, parameter="now")


def _now(context: Context) -> datetime | None:
    if isinstance(context.now, datetime):
        return None if context.now.utcoffset() is None else context.now
    # Adds the colon whose absence `now_offset` reports.
    return moment(re.sub(r"([+-][0-9]{2})([0-9]{2})$", r"\1:\2", str(context.now)))


@rule(
    "request/campaign-eligibility-without-dry",
    Severity.ERROR,
    summary="campaignEligibility is requested without dry=true.",
    message="campaignEligibility can only be requested with dry=true",
    hint=f"send dry=true as well, or request triggeredCampaigns; {_OF_FILES}",
    why="Eligibility is only determined in dry runs.",
    fix="Request it in previews only, with dry=true.",
    source="Integration API OpenAPI 3.1 (2026-04-30), responseContent",
    refusal=Confidence.INFERRED,
    editions=("2026-06",),
    models=_ENVELOPE,
    bad=(
        Example(
            {"customerSession": {}, "responseContent": ["campaignEligibility"]},
            {"edition": "2026-06"},
        ),
    ),
    good=(
        Example(
            {"customerSession": {}, "responseContent": ["campaignEligibility"]},
            {"edition": "2026-06", "dry": True},
        ),
    ),
    reads=("/responseContent",),
    prefilter=_NOT_ASKED,
)
def campaign_eligibility_without_dry(context: Context) -> Violations:
    """Look for the value in a real run."""
    if context.call_kind.dry:
        return
    for index, asked in enumerate(context.value.get("responseContent") or ()):
        if asked == "campaignEligibility":
            path = ("responseContent", index)
            yield Violation(path)


@rule(
    "request/evaluable-campaigns-without-dry",
    Severity.WARNING,
    summary="evaluableCampaignIds is sent without dry=true.",
    message="evaluableCampaignIds is meant for dry runs, but dry is not true",
    hint=f"send dry=true as well, or leave evaluableCampaignIds out; {_OF_FILES}",
    why=(
        "The property selects the campaigns of a dry run. Its effect elsewhere is not documented, "
        "although an official example sends it without dry=true."
    ),
    fix="Use it in previews only, with dry=true.",
    source="Description of evaluableCampaignIds (SDK 3.0.0 on)",
    editions=("2026-06",),
    models=REQUESTS,
    bad=(Example({"evaluableCampaignIds": [10]}, {"edition": "2026-06"}),),
    good=(Example({"evaluableCampaignIds": [10]}, {"edition": "2026-06", "dry": True}),),
    reads=("evaluableCampaignIds",),
)
def evaluable_campaigns_without_dry(context: Context) -> Violations:
    """Look for campaigns in a real run."""
    if context.session.get("evaluableCampaignIds") and not context.call_kind.dry:
        yield context.violation("evaluableCampaignIds")


@rule(
    "request/redundant-response-content",
    Severity.WARNING,
    summary="responseContent lists content that campaignEligibility already includes.",
    message="{content} is already included in campaignEligibility",
    hint="remove {content} from responseContent",
    why="The response contains the same data twice, and takes longer.",
    fix="Request campaignEligibility alone.",
    source="Integration API OpenAPI 3.1 (2026-04-30), responseContent",
    editions=("2026-06",),
    models=_ENVELOPE,
    bad=(
        Example(
            {
                "customerSession": {},
                "responseContent": ["campaignEligibility", "triggeredCampaigns"],
            },
            {"edition": "2026-06", "dry": True},
        ),
    ),
    good=(
        Example(
            {"customerSession": {}, "responseContent": ["campaignEligibility", "coupons"]},
            {"edition": "2026-06", "dry": True},
        ),
    ),
    reads=("/responseContent",),
    prefilter=_NOT_ASKED,
)
def redundant_response_content(context: Context) -> Violations:
    """Look for the two values that campaignEligibility includes."""
    content = context.value.get("responseContent") or ()
    if "campaignEligibility" not in content:
        return
    for index, asked in enumerate(content):
        if asked in ("triggeredCampaigns", "ruleFailureReasons"):
            path = ("responseContent", index)
            yield Violation(path, values={"content": asked})


@rule(
    "request/duplicate-experiment",
    Severity.WARNING,
    summary="An experiment has more than one variant allocation.",
    message="experiment {experiment} already has an allocation",
    hint="send one allocation for each experiment",
    why="A session takes part in one variant of an experiment; which of two applies is not known.",
    fix="Remove one of the allocations.",
    source="Integration API OpenAPI 3.1 (2026-02-04), experimentVariantAllocations",
    confidence=Confidence.INFERRED,
    editions=("2026-06",),
    models=REQUESTS,
    bad=(
        Example(
            {
                "experimentVariantAllocations": [
                    {"experimentID": 1, "variantID": 2},
                    {"experimentID": 1, "variantID": 3},
                ]
            },
            {"edition": "2026-06"},
        ),
    ),
    good=(
        Example(
            {
                "experimentVariantAllocations": [
                    {"experimentID": 1, "variantID": 2},
                    {"experimentID": 2, "variantID": 2},
                ]
            },
            {"edition": "2026-06"},
        ),
    ),
    reads=("experimentVariantAllocations",),
    prefilter={"experimentVariantAllocations": {"maxItems": 1}},
)
def duplicate_experiment(context: Context) -> Violations:
    """Compare the experiments of the allocations."""
    name = "experimentVariantAllocations"
    for index, first, experiment in context.repeats(name, itemgetter("experimentID")):
        related = (context.place(name, first),)
        yield context.violation(name, index, values={"experiment": experiment}, related=related)


@rule(
    "request/bare-session",
    Severity.INFO,
    summary="A session is sent without the envelope that the endpoint requires.",
    message="the endpoint expects the session under customerSession",
    hint="wrap the session in an object with the key customerSession",
    why=(
        "Update customer session requires `customerSession`; other properties of the envelope "
        "select the content of the response. A bare session is fine if other code wraps it."
    ),
    fix="Send the envelope. For sessions that are wrapped later, leave the operation out.",
    source="Update customer session (customerSession is required)",
    models=("NewCustomerSessionV2",),
    bad=(Example({"state": "open"}, {"operation": "update"}),),
    good=(
        Example({"customerSession": {"state": "open"}}, {"operation": "update"}),
        Example({"state": "open"}),
    ),
    needs=("operation",),
)
def bare_session(context: Context) -> Violations:
    """Report the payload as a whole."""
    yield context.violation()


@rule(
    "request/unexpected-body",
    Severity.WARNING,
    summary="A request that takes no body is sent with one.",
    message="a request to reopen a session takes no body; this one is ignored",
    hint="send no body; make changes with an update after it",
    why="Reopening a session changes its state and nothing else.",
    fix="Send the request without a body.",
    source="Reopen customer session (no request body declared)",
    confidence=Confidence.INFERRED,
    editions=("2026-06",),
    models=(NO_BODY,),
    bad=(Example({"state": "open"}, {"operation": "reopen", "edition": "2026-06"}),),
    good=(Example(None, {"operation": "reopen", "edition": "2026-06"}),),
)
def unexpected_body(context: Context) -> Violations:
    """Look for a body."""
    if context.value:
        yield Violation()
