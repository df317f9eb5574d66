"""Endpoints: the calls of the Integration API on customer sessions, as data.

Sources: the operations "Update customer session", "Return cart items" and "Reopen customer session"
of the Integration API's OpenAPI files, and the documentation of their parameters in the official
SDKs (``dry`` of returns: docs/IntegrationApi.md of talon_one.rb at c4fd2be).
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from .states import Operation

QueryParameter: TypeAlias = Literal["dry", "now"]

SESSIONS: Final = "/v2/customer_sessions/"
"""The path of all calls up to the session's id."""


class Endpoint(NamedTuple):
    """A call that may change a session."""

    operation: Operation
    method: str
    suffix: str
    """The path segment after the session's id; empty if there is none."""
    parameters: frozenset[QueryParameter]
    """The query parameters that change the meaning of the call."""
    model: str | None
    """The model of the request's body; None if the call has no body."""


ENDPOINTS: Final[dict[Operation, Endpoint]] = {
    each.operation: each
    for each in (
        Endpoint("update", "PUT", "", frozenset({"dry", "now"}), "IntegrationRequest"),
        Endpoint("return", "POST", "returns", frozenset({"dry"}), "ReturnIntegrationRequest"),
        Endpoint("reopen", "PUT", "reopen", frozenset(), None),
    )
}

BOOLEANS: Final[dict[str, bool]] = {
    "true": True,
    "false": False,
    "True": True,
    "False": False,
    "1": True,
    "0": False,
    "": False,
}
"""The spellings of a boolean query parameter that official SDKs send.

Lower case: Python (``talon_one_sdk``), Java, Go, JavaScript. Capitals: Python
(``talon_one.py`` up to 12.0.0). Digits: PHP (``BOOLEAN_FORMAT_INT``); an empty value is PHP's false
with guzzlehttp/psr7 1.x (OpenAPITools/openapi-generator#2204).
"""


def endpoint(method: str, suffix: str) -> Endpoint | None:
    """Return the call with a method and a suffix, None if there is none."""
    return _BY_ADDRESS.get((method, suffix))


_BY_ADDRESS: Final = {(each.method, each.suffix): each for each in ENDPOINTS.values()}
