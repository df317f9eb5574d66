"""Messages: an HTTP request and its answer as data, whatever carried them."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Names in lower case and values, in the order they came in."""


class Request(NamedTuple):
    """A request on its way to the API."""

    method: str
    target: str
    """The path and query as they came in, still percent-encoded."""
    headers: Headers = ()
    body: bytes = b""
    truncated: bool = False
    """The gateway passed on only the start of the body."""


class Response(NamedTuple):
    """An answer: the API's own, or what a refused request is answered with."""

    status: int
    headers: Headers = ()
    body: bytes = b""


def header(headers: Headers, name: str) -> str | None:
    """Return the value of the first header called `name` (in lower case), or None."""
    return next((value for each, value in headers if each == name), None)
