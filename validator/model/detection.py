"""Detection: the model of a payload, and the path of the session in it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Final

from .. import schemas
from ..findings.pointer import Path
from .naming import Naming, aliases, plain_name, to_snake, wire_names
from .recognition import OF_OTHERS, foreign
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
"""The operation of each model of a request."""


_ENVELOPES: Final = ("IntegrationRequest", "ReturnIntegrationRequest")

_SEVERAL: Final = 3
"""The number of keys of responses that make a session a response; fewer are mistakes."""


def detect(edition: str, payload: Any, operation: str | None, naming: Naming) -> str | None:
    """Return the model of a payload, None for an object that resembles none.

    An `operation` takes precedence over the shape: the payload is its request. By its shape, an
    envelope with ``customerSession`` is a request or, around a response, the answer to reading a
    session; with ``effects`` it is a state, with ``return`` a return request, with ``message`` an
    error. A session with several keys that only responses have is a response, any other one a
    request. A misspelt key of the envelope is accepted; see `misspelt_envelope`.
    """
    keys = wire_keys(payload, naming)
    if operation == "return":
        return "ReturnIntegrationRequest"
    if operation == "update":
        enveloped = not keys.isdisjoint(("customerSession", "return", "effects"))
        if enveloped or any(_misspelt(payload, keys, each, edition) for each in _ENVELOPES):
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
        if len(keys) == 1 and is_response(edition, wire_keys(session, naming)):
            return "IntegrationCustomerSessionResponse"
        return "IntegrationRequest"
    if "return" in keys:
        return "ReturnIntegrationRequest"
    if "message" in keys and keys.isdisjoint(
        schema_tree(edition, "NewCustomerSessionV2").properties
    ):
        return "ErrorResponse"
    if is_response(edition, keys):
        return "CustomerSessionV2"
    for model in _ENVELOPES:
        if _misspelt(payload, keys, model, edition):
            return model
    unlike = keys.isdisjoint(schema_tree(edition, "NewCustomerSessionV2").properties)
    if (unlike or not keys.isdisjoint(OF_OTHERS)) and foreign(keys) is not None:
        return None
    return "NewCustomerSessionV2"


_OF_STATES: Final = frozenset({"createdCoupons", "createdReferrals"})
"""Keys of all responses to updates and returns."""


def is_response(edition: str, keys: AbstractSet[Any]) -> bool:
    """Return True if an object with these keys is a session in a response."""
    return len(response_only(edition).intersection(keys)) >= _SEVERAL


def _misspelt(payload: Any, keys: AbstractSet[Any], model: str, edition: str) -> bool:
    """Return True if a payload has a misspelt envelope, or only the content of an envelope.

    Next to keys of a session, which may be a bare one with an unknown key, the misspelt key has to
    resemble the name and to have the content of an envelope.
    """
    properties = schema_tree(edition, "NewCustomerSessionV2").properties.keys()
    if keys <= properties:
        return False
    key = misspelt_envelope(payload, model)
    if not keys.isdisjoint(properties):
        return key is not None and _has_envelope(payload[key], model) and _resembles(key, model)
    return key is not None or (
        model == "ReturnIntegrationRequest" and _has_envelope(payload, model)
    )


def misspelt_envelope(payload: Mapping[Any, Any], model: str) -> str | None:
    """Return the key that is meant as the envelope of a model, None if there is none.

    It is another spelling of the name, or its value has properties of the content of the envelope.
    """
    name = str(BASES[model][0])
    meant = {plain_name(each) for each in (name, f"{name}s", *aliases(name))}
    other = [key for key in payload if isinstance(key, str) and key != name]
    spelt = [key for key in other if plain_name(key) in meant]
    return min(spelt or (key for key in other if _has_envelope(payload[key], model)), default=None)


def _has_envelope(value: Any, model: str) -> bool:
    """Return True if a value has properties of the content of a model's envelope."""
    return not _contents(model).isdisjoint(_plain_keys(value))


def _resembles(key: str, model: str) -> bool:
    from difflib import get_close_matches

    return bool(get_close_matches(plain_name(key), [plain_name(str(BASES[model][0]))], cutoff=0.8))


@cache
def _contents(model: str) -> frozenset[str]:
    """Return the plain names of the properties that only the envelope of a model contains."""
    places = (
        schema_tree(edition, model).at(BASES[model])
        for edition in schemas.EDITIONS
        if model in schemas.models(edition)
    )
    # Customer profiles, which have another endpoint, also have attributes.
    return frozenset(plain_name(key) for place in places if place for key in place.properties) - {
        "attributes"
    }


def _plain_keys(value: Any) -> frozenset[str]:
    """Return the plain names of the keys of an object; none for any other value."""
    if not isinstance(value, Mapping):
        return frozenset()
    return frozenset(plain_name(key) for key in value if isinstance(key, str))


@cache
def response_only(edition: str) -> frozenset[str]:
    """Return the properties of sessions that only responses have."""
    request, response = (
        schema_tree(edition, model).properties.keys()
        for model in ("NewCustomerSessionV2", "CustomerSessionV2")
    )
    return frozenset(response - request)


def wire_keys(payload: Any, naming: Naming) -> AbstractSet[Any]:
    """Return the keys of an object as wire names; none for any other value."""
    if type(payload) is not dict and not isinstance(payload, Mapping):
        return frozenset()
    if naming == "wire":
        return payload.keys()
    names = wire_names()
    return frozenset(names.get(key, key) for key in payload)
