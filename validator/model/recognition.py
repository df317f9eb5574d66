"""Recognition: the test if an object resembles a payload, and the search for one inside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import islice
from typing import Any, Final

from .. import schemas
from ..findings.pointer import Path, to_pointer
from .naming import plain_name
from .schema_tree import schema_tree

V1: Final[Mapping[str, str | None]] = {
    "coupon": "couponCodes",
    "referral": "referralCode",
    "discounts": None,
}
"""Keys of the first version of customer sessions, and their replacements."""

_SHAPES: Final[tuple[tuple[str, frozenset[str], frozenset[str]], ...]] = (
    ("event", frozenset({"type"}), frozenset({"profileId", "sessionId"})),
    ("profile", frozenset({"audiencesChanges"}), frozenset()),
    ("reservation", frozenset({"integrationIDs"}), frozenset()),
)
"""Payloads of other endpoints: a kind, its required keys, and keys of which it has at least one.
Source: talon-one-sdk 26: NewEvent and IntegrationEventV2Request,
CustomerProfileIntegrationRequestV2, CouponReservations."""

OF_OTHERS: Final = frozenset(key for _, required, _ in _SHAPES for key in required)
"""Keys with which an object with keys of a session may be a payload of another endpoint."""

_SIMILAR: Final = 0.8
"""The similarity, as computed by difflib, from which a key is a misspelling of a known one."""

_LONG: Final = 4
"""The least length of a key to be compared; shorter ones are similar by chance."""

_LOOKED_AT: Final = 2000
"""The most values of a document that are searched for a payload."""

_KEYS: Final = 50
"""The most keys of an object that are compared by similarity."""

_STRONG: Final = 2
"""The number of keys of a session that make an object a likely payload, as does an envelope."""


def foreign(keys: AbstractSet[Any]) -> str | None:
    """Return None if an object with these keys resembles a payload of a session, else its kind.

    The kind is that of a payload of another endpoint, or an empty string. `keys` are wire names. A
    payload without keys resembles a session, which may be empty.
    """
    for kind, required, either in _SHAPES:
        if required <= keys and (not either or not either.isdisjoint(keys)):
            return kind if _session_keys().isdisjoint(keys - _SHARED) else None
    if not keys or not _session_keys().isdisjoint(keys):
        return None
    plain = {plain_name(key) for key in islice(keys, _KEYS) if isinstance(key, str)}
    if not _plain_names().isdisjoint(plain) or any(map(_resembles, plain)):
        return None
    return ""


_SHARED: Final = frozenset(
    {"profileId", "attributes", "storeIntegrationId", "evaluableCampaignIds"}
    | {"loyaltyCards", "responseContent", "runRuleEngine", "identifiers", "dry"}
)
"""Keys that sessions and payloads of other endpoints have in common."""


@cache
def _session_keys() -> frozenset[str]:
    """Return the top-level keys of payloads of all models in all editions."""
    names = {
        name
        for edition in schemas.EDITIONS
        for model in schemas.models(edition)
        if model in _MODELS
        for name in schema_tree(edition, model).properties
    }
    return frozenset(names | V1.keys())


_MODELS: Final = frozenset(
    {"NewCustomerSessionV2", "CustomerSessionV2", "IntegrationRequest", "ReturnIntegrationRequest"}
    | {"IntegrationStateV2", "IntegrationCustomerSessionResponse", "ReopenResponse"}
    | {"ErrorResponse"}
)


@cache
def _plain_names() -> frozenset[str]:
    return frozenset(map(plain_name, _session_keys()))


def _resembles(name: str) -> bool:
    from difflib import get_close_matches

    return len(name) >= _LONG and bool(get_close_matches(name, _plain_names(), 1, _SIMILAR))


def nearest(document: Any) -> str | None:
    """Return the JSON Pointer of the likely payload nearest to the root of plain JSON, or None.

    Indexes of arrays with several elements are replaced by ``*``.
    """
    waiting: deque[tuple[Path, Any]] = deque([((), document)])
    for _ in range(_LOOKED_AT):
        if not waiting:
            return None
        path, value = waiting.popleft()
        if path and _is_likely(value):
            return to_pointer(path)
        waiting.extend(islice(_children(path, value), _LOOKED_AT - len(waiting)))
    return None


def _is_likely(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    keys = set(islice(value, _KEYS))
    names = set(map(plain_name, keys))
    if not names.isdisjoint(("customersession", "returnedcartitems", "cartitems")):
        return True
    return len(names & _session_names()) >= _STRONG and not foreign(keys)


@cache
def _session_names() -> frozenset[str]:
    return frozenset(
        plain_name(name)
        for edition in schemas.EDITIONS
        for name in schema_tree(edition, "NewCustomerSessionV2").properties
    )


def _children(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        yield from (((*path, key), each) for key, each in value.items())
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield (*path, "*" if len(value) > 1 else index), each
