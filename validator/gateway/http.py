"""The HTTP face: an ASGI application to which gateways send requests to judge, and answers.

``/check``, followed by the path of the request,
    judges a request by its method, path, query, ``Content-Type``, ``Content-Encoding``,
    ``Idempotency-Key`` and body as the client sent them. 200 lets it pass, with only the token and
    warnings in the headers; any other answer is to be sent to the client.
    ``Authorization`` is read only if look-ups use it. At
    ``/check`` itself, method and path are read from ``X-Forwarded-Method`` and ``X-Forwarded-Uri``.
``/observe``, followed by the path of the request,
    learns from the API's answer to a request that passed. It takes the body of the answer, the
    token in ``X-Talonschema-Token``, the method of the request in ``X-Talonschema-Method`` and the
    status of the answer, or ``lost``, in ``X-Talonschema-Status``, and returns 204.
``/livez``, ``/readyz`` and ``/metrics``
    report whether the process runs, whether its store can also be used, and the metrics.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from itertools import product
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..model.routes import OVERRIDES
from .answer import Form, of_fault
from .guard import Guard
from .messages import Headers, Request, Response, header
from .outcome import MOST_LEARNED
from .repetition import IDEMPOTENCY_KEY
from .store import StoreError
from .telemetry.trace_context import TRACEPARENT

if TYPE_CHECKING:
    from .telemetry.metrics import Metrics

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

TOKEN: Final = "x-talonschema-token"  # noqa: S105 - the name of a header
METHOD: Final = "x-talonschema-method"
STATUS: Final = "x-talonschema-status"
LOST: Final = "lost"

STATUS_PATHS: Final = (b"/livez", b"/readyz", b"/metrics")
"""The paths of probes and metrics."""
_CHECK, _OBSERVE = b"/check", b"/observe"
_NO_CONTENT: Final = 204
SLOWEST_BODY: Final = 10.0
"""Seconds within which the rest of a body has to arrive."""
_LINGERING: Final = 5.0
_MOST_DROPPED: Final = 16 * 2**20
"""Limits in seconds and bytes of draining an oversized body, so that the client gets the answer."""


def _mixtures(name: str) -> Iterable[str]:
    """Return the possible characters at each place of a name."""
    return ("-_" if each == "-" else each for each in name)


_READ: Final = {
    name.encode(): name
    for name in (
        "accept",
        "content-encoding",
        "content-type",
        IDEMPOTENCY_KEY,
        TRACEPARENT,
        "x-envoy-auth-partial-body",
        "x-forwarded-method",
        "x-forwarded-uri",
        "x-request-id",
        *(TOKEN, METHOD, STATUS),
        # Servers that treat _ as - accept overrides with any mixture of the two.
        *("".join(each) for name in OVERRIDES for each in product(*_mixtures(name))),
    )
}
"""The headers that are read. Others, such as the API key, are not."""
_READ_WITH_KEY: Final = {**_READ, b"authorization": "authorization"}
"""The headers that are read if look-ups use the API key of the request."""


class _Gone(Exception):
    """Raised if the gateway closed the connection."""


class _Late(Exception):
    """Raised if a body did not arrive in time."""


class App:
    """The application, which has `guard` judge requests and serves `metrics`."""

    def __init__(self, guard: Guard, metrics: Metrics) -> None:
        self._guard = guard
        self._metrics = metrics
        lookup = guard.settings.lookup
        with_key = lookup is not None and lookup.key_file is None
        self._read = _READ_WITH_KEY if with_key else _READ
        """The headers of requests that are read."""
        self.draining = False
        """Whether the process is about to stop: it still serves, but asks gateways to reconnect."""

    @property
    def form(self) -> Form:
        """The form of refusals."""
        return self._guard.settings.errors

    def refused_connection(self, reason: str) -> None:
        """Count a connection that was closed without a whole request."""
        self._metrics.refused_connection(reason)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        if scope["type"] != "http":
            return
        path: bytes = scope["raw_path"]
        rest: Receive | None = None
        try:
            # The prefix is followed by the original target, which need not start with a slash.
            if path.startswith(_CHECK):
                answer, whole = await self._check(scope, receive)
                rest = None if whole else receive
            elif path.startswith(b"/observe/"):
                answer = await self._observe(scope, receive)
            else:
                answer = await self._status(scope, path)
        except _Gone:
            return
        except _Late:
            answer = self._closing(408, "the body of the request took too long to arrive")
        except asyncio.CancelledError:
            if not self.draining:
                raise
            answer = self._closing(503, "the gate is shutting down; try again later")
        await self.send(answer, send, rest)

    async def _check(self, scope: Scope, receive: Receive) -> tuple[Response, bool]:
        """Return the answer, and whether no part of the body is left to be drained."""
        headers = _headers(scope, self._read)
        request = Request(scope["method"], _target(scope, _CHECK), headers)
        if not request.target:
            method = header(headers, "x-forwarded-method")
            target = header(headers, "x-forwarded-uri")
            if not method or not target:
                text = "append the path of the request to /check, or send {} and {}"
                return plain(400, text.format("X-Forwarded-Method", "X-Forwarded-Uri")), True
            request = Request(method, target, headers)
        whole = True
        if self._guard.concerns(request):
            limit = self._guard.settings.max_body
            body, whole = await _body(receive, limit)
            partial = header(headers, "x-envoy-auth-partial-body") == "true"
            request = request._replace(body=body, truncated=partial)
        verdict = await self._guard.begin(request)
        if verdict.refusal is not None:
            return verdict.refusal, whole
        headers = verdict.headers
        if verdict.token is not None:
            headers = (*headers, (TOKEN, verdict.token))
        return Response(200, headers), whole

    async def _observe(self, scope: Scope, receive: Receive) -> Response:
        headers = _headers(scope)
        token, method = header(headers, TOKEN), header(headers, METHOD)
        status = header(headers, STATUS) or ""
        is_status = status.isascii() and status.isdecimal()
        if token is None or method is None or not (is_status or status == LOST):
            return plain(
                400,
                f"send {TOKEN}, {METHOD} (that of the request) and {STATUS} (that of the answer,"
                f" or {LOST})",
            )
        body, whole = await _body(receive, MOST_LEARNED)
        if not whole:
            await _drain(receive, _MOST_DROPPED)
        response = None
        if is_status:
            response = Response(int(status), headers, body if len(body) <= MOST_LEARNED else b"")
        await self._guard.finish(token, method, _target(scope, _OBSERVE), response)
        return Response(_NO_CONTENT)

    async def _status(self, scope: Scope, path: bytes) -> Response:
        if path not in STATUS_PATHS:
            return plain(404, "the paths are /check, /observe, /livez, /readyz and /metrics")
        if scope["method"] not in ("GET", "HEAD"):
            return plain(405, "only GET is allowed")
        if path == b"/metrics":
            accept = header(_headers(scope), "accept") or ""
            content_type, body = self._metrics.exposition(accept)
            return Response(200, (("content-type", content_type),), body)
        if path == b"/readyz":
            if self.draining:
                return plain(503, "shutting down")
            try:
                await self._guard.ready()
            except StoreError as error:
                return plain(503, f"changes of state are not checked: {error}")
        return plain(200, "ok")

    def _closing(self, status: int, details: str) -> Response:
        """Return the answer to a request whose body is not read to its end."""
        refusal = of_fault(status, details, {"pointer": ""}, self.form)
        if self.draining:
            return refusal
        return refusal._replace(headers=(*refusal.headers, ("connection", "close")))

    async def send(self, answer: Response, send: Send, rest: Receive | None = None) -> None:
        """Send an answer; `rest` receives the rest of the body if it was not read."""
        headers = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers]
        if answer.status != _NO_CONTENT and header(answer.headers, "content-length") is None:
            headers.append((b"content-length", b"%d" % len(answer.body)))
        if self.draining or rest is not None:
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if rest is not None:
            # Closing the connection while the gateway still sends would discard the answer.
            await send({"type": "http.response.body", "body": answer.body, "more_body": True})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGERING):
                    await _drain(rest, _MOST_DROPPED)
            answer = answer._replace(body=b"")
        await send({"type": "http.response.body", "body": answer.body})


def _headers(scope: Scope, read: Mapping[bytes, str] = _READ) -> Headers:
    pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return tuple((read[name], value.decode("latin-1")) for name, value in pairs if name in read)


def _target(scope: Scope, face: bytes) -> str:
    """Return the path after that of the face, and the query, both as received."""
    target = scope["raw_path"][len(face) :]
    if target and scope["query_string"]:
        target += b"?" + scope["query_string"]
    return str(target, "latin-1")


async def _drain(receive: Receive, limit: int) -> None:
    """Discard the rest of a body, up to slightly more than `limit` bytes."""
    size, more = 0, True
    while more and size <= limit:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)


async def _body(receive: Receive, limit: int) -> tuple[bytes, bool]:
    """Return a body, or its start of more than `limit` bytes; and whether it is complete."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _Gone
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body, True
    try:
        async with asyncio.timeout(SLOWEST_BODY):
            return await _rest_of_body(receive, limit, body)
    except TimeoutError:
        raise _Late from None


async def _rest_of_body(receive: Receive, limit: int, start: bytes) -> tuple[bytes, bool]:
    """Return the same as `_body`, for a body whose `start` was received."""
    pieces = [start]
    size = len(start)
    while size <= limit:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if not message.get("more_body", False):
            return b"".join(pieces), True
    return b"".join(pieces), False


def plain(status: int, text: str) -> Response:
    """Return an answer in plain text, for the operator of the plugin."""
    headers = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"))
    return Response(status, headers, f"{text}\n".encode())
