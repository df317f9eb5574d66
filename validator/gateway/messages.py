"""Messages: an HTTP request and its answer as data, independent of the transport."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case and values, in the order received."""


class Request(NamedTuple):
    """A request on its way to the API."""

    method: str
    target: str
    """The path and query as received, still percent-encoded."""
    headers: Headers = ()
    body: bytes = b""
    truncated: bool = False
    """Whether the gateway forwarded only the start of the body."""


class Response(NamedTuple):
    """An answer of the API, or to a refused request in its place."""

    status: int
    headers: Headers = ()
    body: bytes = b""


def header(headers: Headers, name: str) -> str | None:
    """Return the value of the first header `name` (in lower case), or None."""
    return next((value for each, value in headers if each == name), None)
