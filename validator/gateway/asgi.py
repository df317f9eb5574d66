"""SessionGuard: ASGI middleware that judges session updates in the application's process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final, TypeAlias, Unpack
from urllib.parse import quote, unquote_to_bytes

from .guard import Guard, Verdict
from .messages import Headers, Request, Response, header
from .recorder import AnswerRecorder
from .settings import Options

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


_SAFE: Final = "/!$&'()*+,;=:@-._~"
"""The characters that need no percent-encoding in a path (RFC 3986, section 3.3)."""


class SessionGuard:
    """ASGI middleware that refuses bad session updates before `app` sees them.

    It reads and judges the body of each call on a session, answers the calls that are refused, and
    passes all others on unchanged. The answer of `app` is streamed; the state of the session is
    learned from it before its last piece is sent, so a client can't send its next call earlier.
    Other requests are neither read nor delayed.

    `app` is an ASGI application. The options are those of the ``[gateway]`` table, with the same
    defaults, and those of `Validator`; see `Settings`.

    Raises `ValueError` or `TypeError` for an invalid option, and `StoreError` for a store that
    can't be used.
    """

    def __init__(self, app: App, **options: Unpack[Options]) -> None:
        """Wrap `app` and open the store."""
        self.app = app
        self.guard = Guard.open(**options)
        self._losses: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _Lifespan(self, receive, send).run(scope)
        else:
            await self.app(scope, receive, send)

    async def aclose(self) -> None:
        """Close the store; servers that support the lifespan protocol do it at shutdown."""
        while self._losses:
            await asyncio.gather(*self._losses)
        await self.guard.close()

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _request(scope)
        if self.guard.concerns(request):
            body = _Body(receive)
            if not await body.read(self.guard.settings.max_body):
                return
            request = request._replace(body=body.data)
            receive = body.replay
        verdict = await self.guard.begin(request)
        if verdict.refusal is not None:
            await _refuse(verdict.refusal, request.method, send)
        elif verdict.token is None and not verdict.headers:
            await self.app(scope, receive, send)
        else:
            await self._observe(scope, receive, _Exchange(self.guard, request, verdict, send))

    async def _observe(self, scope: Scope, receive: Receive, exchange: _Exchange) -> None:
        try:
            await self.app(scope, receive, exchange.send)
        finally:
            report = exchange.recorder.report_loss()
            if report is not None:
                # This task may be cancelled; a separate one survives it.
                loss = asyncio.ensure_future(report)
                self._losses.add(loss)
                loss.add_done_callback(self._losses.discard)


class _Body:
    """The body of a request, which is read up to a limit and then replayed to the app."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True
        self._replayed = False
        self.data = b""

    async def read(self, limit: int) -> bool:
        """Read the body, or slightly more than `limit`; return False if the client disconnected."""
        pieces: list[bytes] = []
        size = 0
        while self._more and size <= limit:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return False
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            self._more = message.get("more_body", False)
        self.data = b"".join(pieces)
        return True

    async def replay(self) -> Message:
        """Act as the `receive` of the app: return the body first, then whatever follows."""
        if self._replayed:
            return await self._receive()
        self._replayed = True
        return {"type": "http.request", "body": self.data, "more_body": self._more}


class _Exchange:
    """An answer on its way to the client."""

    def __init__(self, guard: Guard, request: Request, verdict: Verdict, send: Send) -> None:
        self._back = _encode(verdict.headers)
        self._send = send
        self._announced: int | None = None
        self.recorder = AnswerRecorder(guard, request, verdict.token)

    async def send(self, message: Message) -> None:
        """Act as the `send` of the app."""
        kind, recorder = message["type"], self.recorder
        if kind == "http.response.start":
            self._start(message)
            if self._back:
                message = {**message, "headers": [*message.get("headers", ()), *self._back]}
        elif kind == "http.response.body":
            recorder.keep(bytes(message.get("body", b"")))
            # To a client, an answer is complete once it has the announced number of bytes.
            if not message.get("more_body", False) or recorder.size == self._announced:
                await self._learn()
        elif kind in {"http.response.pathsend", "http.response.zerocopysend"}:
            # The server sends a file, whose content does not pass through here.
            await self._learn()
        await self._send(message)

    async def _learn(self) -> None:
        report = self.recorder.report_answer()
        if report is not None:
            await report

    def _start(self, message: Message) -> None:
        headers = _decode(message.get("headers", ()))
        self.recorder.answer = Response(message["status"], headers)
        length = header(headers, "content-length")
        self._announced = int(length) if length and length.isdecimal() else None


class _Lifespan:
    """The lifespan of a server, at the end of which the store is closed.

    Some applications, such as Django's, raise at once because they do not support the protocol;
    the middleware then answers in their place.
    """

    def __init__(self, owner: SessionGuard, receive: Receive, send: Send) -> None:
        self._owner = owner
        self._receive = receive
        self._send = send
        self._seen: list[str] = []
        self._answered = False

    async def run(self, scope: Scope) -> None:
        try:
            await self._owner.app(scope, self._hear, self._send_message)
        except Exception:
            if self._answered or "lifespan.shutdown" in self._seen:
                raise
            await self._serve_lifespan()

    async def _serve_lifespan(self) -> None:
        if not self._seen:
            await self._hear()
        await self._send_message({"type": "lifespan.startup.complete"})
        await self._hear()
        await self._send_message({"type": "lifespan.shutdown.complete"})

    async def _hear(self) -> Message:
        message = await self._receive()
        self._seen.append(message["type"])
        return message

    async def _send_message(self, message: Message) -> None:
        self._answered = True
        if message["type"].startswith("lifespan.shutdown."):
            await self._owner.aclose()
        await self._send(message)


def _request(scope: Scope) -> Request:
    """Return a request without its body.

    The target is the raw path if it decodes to the path that the app sees. Otherwise an outer
    middleware has changed the path, which is encoded again.
    """
    raw: bytes | None = scope.get("raw_path")
    path: str = scope["path"]
    if raw is None or unquote_to_bytes(raw) != path.encode("utf-8", "surrogateescape"):
        raw = quote(path, safe=_SAFE, errors="surrogateescape").encode("ascii")
    query: bytes = scope.get("query_string", b"")
    target = raw + b"?" + query if query else raw
    return Request(scope["method"], target.decode("latin-1"), _decode(scope["headers"]))


async def _refuse(refusal: Response, method: str, send: Send) -> None:
    headers = _encode(refusal.headers)
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else refusal.body})


def _encode(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _decode(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return tuple(
        (bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1"))
        for name, value in headers
    )
