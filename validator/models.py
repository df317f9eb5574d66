"""Models: which of them a payload is, and where the session stands in each."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any, Final

from . import schemas
from .naming import Naming, aliases
from .outline import outline
from .pointer import Path

BASES: Final[dict[str, Path]] = {
    "IntegrationRequest": ("customerSession",),
    "IntegrationStateV2": ("customerSession",),
    "ReturnIntegrationRequest": ("return",),
}
"""Where the session, or what is returned of it, stands in the models that wrap it."""

OPERATIONS_OF: Final[dict[str, str]] = {
    "IntegrationRequest": "update",
    "NewCustomerSessionV2": "update",
    "ReturnIntegrationRequest": "return",
}
"""The operation that each model is the request of."""


def detect(edition: str, payload: Any, operation: str, naming: Naming) -> str:
    """Tell from its shape which model a payload is.

    An envelope with ``customerSession`` is a request, with ``effects`` a state; with ``return`` it
    is a return request, with ``message`` an error; keys that only responses have make a session a
    response. Anything else is a request for a session, or for a return if that is the operation.
    """
    keys = _keys(payload, naming)
    if "effects" in keys:
        state = "createdCoupons" in keys or "customerSession" in keys or edition == "2022-06"
        return "IntegrationStateV2" if state else "ReopenResponse"
    if "customerSession" in keys:
        return "IntegrationRequest"
    if "return" in keys or operation == "return":
        return "ReturnIntegrationRequest"
    if "message" in keys and not keys & outline(edition, "NewCustomerSessionV2").properties.keys():
        return "ErrorResponse"
    if keys & response_only(edition):
        return "CustomerSessionV2"
    return "NewCustomerSessionV2"


@cache
def response_only(edition: str) -> frozenset[str]:
    """Return the session's properties that only responses have."""
    request, response = (
        outline(edition, model).properties.keys()
        for model in ("NewCustomerSessionV2", "CustomerSessionV2")
    )
    return frozenset(response - request)


def _keys(payload: Any, naming: Naming) -> AbstractSet[Any]:
    if type(payload) is not dict and not isinstance(payload, Mapping):
        return frozenset()
    if naming == "wire":
        return payload.keys()
    names = {
        alias: name
        for edition in schemas.EDITIONS
        for model in schemas.models(edition)
        for name in outline(edition, model).properties
        for alias in aliases(name)
    }
    return frozenset(names.get(key, key) for key in payload)
