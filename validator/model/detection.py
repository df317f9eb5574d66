"""Models: which of them a payload is, and where the session stands in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Final

from ..findings.pointer import Path
from .naming import Naming, aliases, plain_name, to_snake, wire_names
from .schema_tree import schema_tree

BASES: Final[dict[str, Path]] = {
    "IntegrationRequest": ("customerSession",),
    "IntegrationCustomerSessionResponse": ("customerSession",),
    "IntegrationStateV2": ("customerSession",),
    "ReturnIntegrationRequest": ("return",),
}
"""The path of the session, or of its returned items, in the models that wrap it."""

OPERATIONS_OF: Final[dict[str, str]] = {
    "IntegrationRequest": "update",
    "NewCustomerSessionV2": "update",
    "ReturnIntegrationRequest": "return",
}
"""The operation that each model is the request of."""


_SEVERAL: Final = 3
"""How many keys that only a response has make a session a response; fewer are slips."""


def detect(edition: str, payload: Any, operation: str | None, naming: Naming) -> str:
    """Return the model of a payload.

    An `operation` wins over the shape: it says that the payload is its request. By its shape, an
    envelope with ``customerSession`` is a request or, around a response, what reading a session
    returns; with ``effects`` it is a state, with ``return`` a return request, with ``message`` an
    error. A session with several keys that only responses have is a response, any other one a
    request. A misspelt envelope counts as the envelope.
    """
    keys = _keys(payload, naming)
    if operation == "return":
        return "ReturnIntegrationRequest"
    if operation == "update":
        enveloped = not keys.isdisjoint(("customerSession", "return", "effects"))
        if enveloped or _misspelt(keys, "IntegrationRequest", edition):
            return "IntegrationRequest"
        return "NewCustomerSessionV2"
    if "effects" in keys:
        if not keys.isdisjoint(_OF_STATES):
            return "IntegrationStateV2"
        if "customerSession" in keys:
            return "IntegrationCustomerSessionResponse"
        return "IntegrationStateV2" if edition == "2022-06" else "ReopenResponse"
    if "customerSession" in keys:
        session = payload.get("customerSession", payload.get(to_snake("customerSession")))
        if len(keys) == 1 and _is_response(edition, _keys(session, naming)):
            return "IntegrationCustomerSessionResponse"
        return "IntegrationRequest"
    if "return" in keys:
        return "ReturnIntegrationRequest"
    if "message" in keys and keys.isdisjoint(
        schema_tree(edition, "NewCustomerSessionV2").properties
    ):
        return "ErrorResponse"
    if _is_response(edition, keys):
        return "CustomerSessionV2"
    for model in ("IntegrationRequest", "ReturnIntegrationRequest"):
        if _misspelt(keys, model, edition):
            return model
    return "NewCustomerSessionV2"


_OF_STATES: Final = frozenset({"createdCoupons", "createdReferrals"})
"""Keys that each response to an update or a return has."""


def _is_response(edition: str, keys: AbstractSet[Any]) -> bool:
    return len(response_only(edition).intersection(keys)) >= _SEVERAL


def _misspelt(keys: AbstractSet[Any], model: str, edition: str) -> bool:
    """Return True if a payload has the key of an envelope in another spelling, or what is in it."""
    if not keys or not keys.isdisjoint(schema_tree(edition, "NewCustomerSessionV2").properties):
        return False
    return misspelt_envelope(keys, model) is not None or (
        model == "ReturnIntegrationRequest" and "returnedCartItems" in keys
    )


def misspelt_envelope(keys: Iterable[Any], model: str) -> str | None:
    """Return the key that is meant for the envelope of a model, None if there is none such."""
    name = str(BASES[model][0])
    meant = {plain_name(name), *map(plain_name, aliases(name))}
    found = (key for key in keys if isinstance(key, str) and plain_name(key) in meant)
    return min((key for key in found if key != name), default=None)


@cache
def response_only(edition: str) -> frozenset[str]:
    """Return the session's properties that only responses have."""
    request, response = (
        schema_tree(edition, model).properties.keys()
        for model in ("NewCustomerSessionV2", "CustomerSessionV2")
    )
    return frozenset(response - request)


def _keys(payload: Any, naming: Naming) -> AbstractSet[Any]:
    if type(payload) is not dict and not isinstance(payload, Mapping):
        return frozenset()
    if naming == "wire":
        return payload.keys()
    names = wire_names()
    return frozenset(names.get(key, key) for key in payload)
