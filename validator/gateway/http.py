"""The HTTP face: an application to which gateways send requests to judge, and answers.

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
from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Final

from ..model.routes import OVERRIDES
from .answer import Form, of_fault
from .guard import Guard
from .incoming import Gone, Incoming, Late
from .messages import Request, Response, header
from .outcome import MOST_LEARNED
from .repetition import IDEMPOTENCY_KEY
from .store import StoreError
from .telemetry.trace_context import TRACEPARENT

if TYPE_CHECKING:
    from .telemetry.metrics import Metrics

TOKEN: Final = "x-talonschema-token"  # noqa: S105 - the name of a header
METHOD: Final = "x-talonschema-method"
STATUS: Final = "x-talonschema-status"
LOST: Final = "lost"
EXPECT: Final = "expect"
CLOSE: Final = ("connection", "close")
"""The header of an answer after which the connection is closed."""

STATUS_PATHS: Final = (b"/livez", b"/readyz", b"/metrics")
"""The paths of probes and metrics."""
_CHECK, _OBSERVE = b"/check", b"/observe"
_NO_CONTENT: Final = 204
MOST_DROPPED: Final = 16 * 2**20
"""The most bytes of an oversized body that are discarded, so that the client gets the answer."""


def _mixtures(name: str) -> Iterable[str]:
    """Return the possible characters at each place of a name."""
    return ("-_" if each == "-" else each for each in name)


READ: Final = {
    name.encode(): name
    for name in (
        "accept",
        "content-encoding",
        "content-type",
        EXPECT,
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
_READ_WITH_KEY: Final = {**READ, b"authorization": "authorization"}
"""The headers that are read if look-ups use the API key of the request."""


class App:
    """The application, which has `guard` judge requests and serves `metrics`."""

    def __init__(self, guard: Guard, metrics: Metrics) -> None:
        self._guard = guard
        self._metrics = metrics
        lookup = guard.settings.lookup
        with_key = lookup is not None and lookup.key_file is None
        self.read = _READ_WITH_KEY if with_key else READ
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

    async def respond(self, incoming: Incoming) -> Response | None:
        """Return the answer to a request; None if its client is gone."""
        target = incoming.target
        try:
            # The prefix is followed by the original target, which need not start with a slash.
            if target.startswith(_CHECK):
                return await self._check(incoming)
            if target.startswith(b"/observe/"):
                return await self._observe(incoming)
            return await self._status(incoming)
        except Gone:
            return None
        except Late:
            return self._closing(408, "the body of the request took too long to arrive")
        except asyncio.CancelledError:
            if not self.draining:
                raise
            return self._closing(503, "the gate is shutting down; try again later")

    async def _check(self, incoming: Incoming) -> Response:
        headers = incoming.headers
        method, target = incoming.method, incoming.target[len(_CHECK) :].decode("ascii")
        if not target.partition("?")[0]:
            forwarded = header(headers, "x-forwarded-method"), header(headers, "x-forwarded-uri")
            method, target = forwarded[0] or "", forwarded[1] or ""
            if not method or not target:
                text = "append the path of the request to /check, or send {} and {}"
                return plain(400, text.format("X-Forwarded-Method", "X-Forwarded-Uri"))
        request = Request(method, target, headers)
        whole = True
        if self._guard.concerns(request):
            body, whole = await incoming.body(self._guard.settings.max_body)
            partial = header(headers, "x-envoy-auth-partial-body") == "true"
            request = Request(method, target, headers, body, partial)
        verdict = await self._guard.begin(request)
        answer = verdict.refusal
        if answer is None:
            passed = verdict.headers
            if verdict.token is not None:
                passed = (*passed, (TOKEN, verdict.token))
            answer = Response(200, passed)
        return answer if whole else _with_close(answer)

    async def _observe(self, incoming: Incoming) -> Response:
        headers = incoming.headers
        token, method = header(headers, TOKEN), header(headers, METHOD)
        status = header(headers, STATUS) or ""
        is_status = status.isascii() and status.isdecimal()
        if token is None or method is None or not (is_status or status == LOST):
            return plain(
                400,
                f"send {TOKEN}, {METHOD} (that of the request) and {STATUS} (that of the answer,"
                f" or {LOST})",
            )
        body, whole = await incoming.body(MOST_LEARNED)
        if not whole:
            await incoming.dropped(MOST_DROPPED)
        response = None
        if is_status:
            response = Response(int(status), headers, body if len(body) <= MOST_LEARNED else b"")
        target = incoming.target[len(_OBSERVE) :].decode("ascii")
        await self._guard.finish(token, method, target, response)
        return Response(_NO_CONTENT)

    async def _status(self, incoming: Incoming) -> Response:
        path = path_of(incoming)
        if path not in STATUS_PATHS:
            return plain(404, "the paths are /check, /observe, /livez, /readyz and /metrics")
        if incoming.method not in ("GET", "HEAD"):
            return plain(405, "only GET is allowed")
        if path == b"/metrics":
            accept = header(incoming.headers, "accept") or ""
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
        return _with_close(of_fault(status, details, {"pointer": ""}, self.form))


def _with_close(answer: Response) -> Response:
    return answer._replace(headers=(*answer.headers, CLOSE))


def path_of(incoming: Incoming) -> bytes:
    """Return the path of a target."""
    return incoming.target.partition(b"?")[0]


def plain(status: int, text: str) -> Response:
    """Return an answer in plain text, for the operator of the plugin."""
    headers = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"))
    return Response(status, headers, f"{text}\n".encode())
