"""Rules about the owner of a session: profile, loyalty cards, identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..findings.code import Confidence, Example, Severity
from ..model.states import NEW
from .context import Context, Violation, Violations
from .rule import DISTINCT, REQUESTS, RESPONSES, rule

_MAX_PROFILE_ID = 1000
_MAX_CARD = 108
_CARD = {
    "2022-06": r"[A-Za-z0-9_-]*",
    "2026-06": r"[A-Za-z0-9._%+@-]+",
}
_LONGEST_ADDRESS = 64
"""The most characters of an IPv6 address with a zone, rounded up."""
_DOTS = 3
_SHARED = frozenset({"guest", "anonymous"})


def _any_case(words: Iterable[str]) -> str:
    """Return a pattern that matches whole words in any case."""
    forms = ("".join(f"[{each}{each.upper()}]" for each in word) for word in sorted(words))
    return f"^(?:{'|'.join(forms)})$"


@rule(
    "identity/anonymous-first-session",
    Severity.ERROR,
    summary="A session without a profile is not marked as a first session.",
    message="firstSession is false, but the session has no profile",
    why=(
        "A session without a profile has no history, so the API marks each one as the first. "
        "A response that does not was edited or made up."
    ),
    fix="Correct the fixture: set firstSession to true, or give the session its profile.",
    source="Description of CustomerSessionV2.firstSession",
    models=RESPONSES,
    bad=(Example({"profileId": "", "firstSession": False}, {"model": "CustomerSessionV2"}),),
    good=(
        Example({"profileId": "", "firstSession": True}, {"model": "CustomerSessionV2"}),
        Example({"profileId": "a", "firstSession": False}, {"model": "CustomerSessionV2"}),
    ),
    reads=("profileId", "firstSession"),
)
def anonymous_first_session(context: Context) -> Violations:
    """Compare profileId with firstSession."""
    session = context.session
    if session.get("profileId") == "" and session.get("firstSession") is False:
        yield context.violation("firstSession")


@rule(
    "identity/anonymous-profile",
    Severity.INFO,
    summary="A session has no profile.",
    message="the session has no profile",
    hint="send an id for each guest, for example that of the visit",
    why=(
        "Every anonymous session counts as a first one, and no limit per profile holds for "
        "it. The docs recommend an id for each guest instead."
    ),
    fix=(
        "Send a `profileId` for guests too. If the session is meant to be anonymous, ignore this "
        "code."
    ),
    source="Docs page on customer profiles (guests)",
    models=REQUESTS,
    bad=(Example({"profileId": ""}), Example({}, {"previous": "NEW"})),
    good=(Example({}), Example({"profileId": "visit-82736"})),
    reads=("profileId",),
)
def anonymous_profile(context: Context) -> Violations:
    """Look for an empty profile, or none when the session is created."""
    profile = context.session.get("profileId")
    if profile == "" or (profile is None and context.state is NEW):
        path = context.base if profile is None else context.place("profileId")
        yield Violation(path)


@rule(
    "identity/shared-profile",
    Severity.INFO,
    summary="All guests seem to share one profile id.",
    message="the profile {profile} seems to be shared by all guests",
    hint="send a different id for each guest",
    why=(
        "Under a shared id, the first guest uses up limits per profile and the mark of a "
        "first session for all others."
    ),
    fix="Send an id for each guest, for example that of the visit.",
    source="Practice of integrations (a constant guest id)",
    confidence=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({"profileId": "guest"}),),
    good=(Example({"profileId": "guest-82736"}),),
    reads=("profileId",),
    prefilter={"profileId": {"not": {"pattern": _any_case(_SHARED)}}},
)
def shared_profile(context: Context) -> Violations:
    """Look for values that are known to be in use."""
    profile = context.session.get("profileId")
    if profile and profile.lower() in _SHARED:
        yield context.violation("profileId", values={"profile": profile})


@rule(
    "identity/profile-id-length",
    Severity.WARNING,
    summary="A profile id is longer than a profile can store.",
    message="profileId has {length} characters; the maximum is {limit}",
    hint="shorten or hash the id",
    why="The session sets no limit, but the profile it names holds at most 1000 characters.",
    fix="Send a shorter id.",
    source="CustomerProfile.integrationId (maxLength 1000)",
    confidence=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({"profileId": "x" * 1001}),),
    good=(Example({"profileId": "x" * 1000}),),
    reads=("profileId",),
    prefilter={"profileId": {"maxLength": _MAX_PROFILE_ID}},
)
def profile_id_length(context: Context) -> Violations:
    """Check the length of the id."""
    profile = context.session.get("profileId")
    if profile and len(profile) > _MAX_PROFILE_ID:
        yield context.violation(
            "profileId", params={"limit": _MAX_PROFILE_ID}, values={"length": len(profile)}
        )


@rule(
    "identity/loyalty-card-format",
    Severity.WARNING,
    summary="A loyalty card identifier is one that no card can have.",
    message="{card} is not a valid loyalty card identifier",
    hint="use up to 108 letters, digits and special characters (2022: - and _; 2026: . _ % + @ -)",
    why=(
        "The session does not check the identifier, but cards are created with a pattern and "
        "a limit. No card matches any other identifier."
    ),
    fix="Send the identifier with which the card was created.",
    source="Integration API, loyalty card endpoints (path parameter); pattern of 2026-03-19",
    confidence=Confidence.INFERRED,
    models=REQUESTS,
    bad=(
        Example({"loyaltyCards": ["card 1"]}),
        Example({"loyaltyCards": [""]}, {"edition": "2026-06"}),
    ),
    good=(
        Example({"loyaltyCards": ["loyalty-card-1"]}),
        Example({"loyaltyCards": ["ann@example.com"]}, {"edition": "2026-06"}),
    ),
    reads=("loyaltyCards",),
    prefilter={"loyaltyCards/*": {"pattern": "^[A-Za-z0-9_-]+$", "maxLength": _MAX_CARD}},
)
def loyalty_card_format(context: Context) -> Violations:
    """Match the identifiers against the pattern of the edition."""
    pattern = _CARD[context.edition]
    for index, card in enumerate(context.session.get("loyaltyCards") or ()):
        if len(card) > _MAX_CARD or re.fullmatch(pattern, card) is None:
            yield context.violation(
                "loyaltyCards", index, params={"limit": _MAX_CARD}, values={"card": card}
            )


@rule(
    "identity/raw-identifier",
    Severity.INFO,
    summary="An identifier is a plain IP address.",
    message="the identifier is a plain IP address",
    hint="send a hash of it",
    why="The docs recommend hashing identifiers, since plain ones are personal data.",
    fix="Hash the value before it leaves your system, always with the same function.",
    source="Description of `identifiers`",
    models=REQUESTS,
    bad=(Example({"identifiers": ["91.11.156.141"]}),),
    good=(Example({"identifiers": ["d41306257915f83fe01e54092ae470f6"]}),),
    reads=("identifiers",),
    prefilter={"identifiers/*": {"pattern": "^[^.:]*$"}},
)
def raw_identifier(context: Context) -> Violations:
    """Look for IPv4 and IPv6 addresses."""
    for index, identifier in enumerate(context.session.get("identifiers") or ()):
        if len(identifier) <= _LONGEST_ADDRESS and _is_address(identifier):
            yield context.violation("identifiers", index)


def _is_address(text: str) -> bool:
    # The test for these characters is for speed: few identifiers have them.
    if ":" not in text and text.count(".") != _DOTS:
        return False
    from ipaddress import ip_address

    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@rule(
    "identity/duplicate-identifier",
    Severity.INFO,
    summary="A request has the same identifier twice.",
    message="the identifier is already in the list",
    hint="send each identifier once",
    why="A session has at most 5 identifiers. Whether a duplicate counts is not documented.",
    fix="Remove the copy.",
    source="Not documented",
    confidence=Confidence.INFERRED,
    models=REQUESTS,
    bad=(Example({"identifiers": ["d4130625", "d4130625"]}),),
    good=(Example({"identifiers": ["d4130625", "791b7e2a"]}),),
    reads=("identifiers",),
    prefilter={"identifiers": DISTINCT},
)
def duplicate_identifier(context: Context) -> Violations:
    """Compare identifiers exactly."""
    for index, first, _ in context.repeats("identifiers"):
        related = (context.place("identifiers", first),)
        yield context.violation("identifiers", index, related=related)
