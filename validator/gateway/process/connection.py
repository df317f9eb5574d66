"""Connection: a connection to the HTTP face, with limits for incomplete requests.

httptools parses the requests. A server of any ASGI application on top of it, such as uvicorn, takes
at least twice as long for a small request. Requests of gateways arrive at once; one that never ends
would hold a descriptor for ever. When descriptors run short, a new connection is answered before it
is closed.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Final, Protocol

import httptools

from .. import answer
from ..http import CLOSE, EXPECT, MOST_DROPPED
from ..incoming import Incoming
from ..messages import Response, header

SLOWEST_HEAD: Final = 10.0
"""Seconds within which the head of a request has to arrive once it has begun."""
SLOWEST_START: Final = 60.0
"""Seconds within which the first request of a connection has to begin."""
MOST_HEAD: Final = 64 * 1024
"""The most bytes of a head, not counting the piece in which it begins."""
_KEEP_ALIVE: Final = 24 * 3600.0
"""Seconds until idle connections are closed: long, since gateways treat a close as an error."""
_LINGERING: Final = 5.0
"""Seconds in which the rest of a body is discarded before the connection is closed."""
_MOST_UNSEEN: Final = 64 * 1024
"""Bytes of a body after which no more are received until it is waited for again."""
_MOST_OPEN: Final = 2**16
"""The most descriptors that are requested."""
_OTHERS: Final = 32
"""Descriptors reserved for other uses than the HTTP face: the store, the log and the gRPC face."""
_MOST_BACKLOG: Final = 2048
_SILENCE: Final = 10.0
"""Seconds between log lines about refused connections."""
_RETRY_AFTER: Final = 1
_NO_CONTENT: Final = 204
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS_LINES: Final = {each.value: f"HTTP/1.1 {each} {each.phrase}\r\n" for each in HTTPStatus}

_log = logging.getLogger(__name__)


class Served(Protocol):
    """An application that answers requests, and counts refused connections."""

    @property
    def read(self) -> Mapping[bytes, str]:
        """The headers of requests that are read."""

    @property
    def form(self) -> answer.Form:
        """The form of refusals."""

    @property
    def draining(self) -> bool:
        """Whether connections are to be closed after each answer."""

    def refused_connection(self, reason: str) -> None:
        """Count a connection that was closed without a whole request."""

    async def respond(self, incoming: Incoming) -> Response | None:
        """Return the answer to a request; None if there is nobody to answer."""


class Room:
    """The limits of connections that the available descriptors permit."""

    def __init__(self) -> None:
        """Raise the limit of descriptors as far as possible."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _MOST_OPEN if hard == resource.RLIM_INFINITY else min(hard, _MOST_OPEN)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                soft = wanted
        free = max(2, (_MOST_OPEN if soft == resource.RLIM_INFINITY else soft) - _OTHERS)
        # The whole backlog is accepted at once, before any connection of it can be refused.
        self.backlog = min(_MOST_BACKLOG, free // 4 or 1)
        """The backlog: connections that may wait to be accepted."""
        self.connections = free - self.backlog
        """The most concurrent connections; more are refused."""
        self._logged_at: float | None = None

    def report(self) -> None:
        """Log that connections are refused, at most once in `_SILENCE` seconds."""
        now = monotonic()
        if self._logged_at is None or now - self._logged_at >= _SILENCE:
            self._logged_at = now
            text = "connections are refused: %d are open, and there are no descriptors for more"
            fields = {"event": "crowded", "connections": self.connections}
            _log.error(text, self.connections, extra={"fields": fields})


class Connection(asyncio.Protocol):
    """A connection that serves `app`: its requests are answered one by one, in their order."""

    def __init__(self, app: Served, room: Room, connections: set[Connection]) -> None:
        """Serve `app`; `connections` has the open ones, whose number `room` limits."""
        self._app = app
        self._room = room
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._target = b""
        self._headers: list[tuple[str, str]] = []
        self._expects = False
        """Whether the client waits for ``100 Continue``."""
        self._in_head = False
        """Whether a head has begun that is not complete."""
        self._head_size: int | None = None
        """The bytes of this head after the piece in which it begins, None in that piece."""
        self._receiving: Incoming | None = None
        """The last request whose head has arrived."""
        self._serving: Incoming | None = None
        """The request that is being answered."""
        self._waiting: deque[Incoming] = deque()
        """Requests to be answered after it."""
        self.task: asyncio.Task[None] | None = None
        """The task that answers them; None if there are none."""
        self._is_last = False
        """Whether further requests are ignored."""
        self._refusal: Response | None = None
        """The answer to something that is no request, which follows those to earlier requests."""
        self._is_paused = False
        """Whether nothing is received for now."""
        self._is_lost = False
        self._deadline: asyncio.TimerHandle | None = None
        """The end of the time for the first head, or for an incomplete one."""
        self._lingering: asyncio.TimerHandle | None = None
        self._most_dropped = 0
        """The size at which the connection is closed while it lingers."""
        self._idle: asyncio.TimerHandle | None = None
        self._used_at = 0.0
        self._writable = asyncio.Event()
        self.closed = self._loop.create_future()
        """Done when the connection is closed and its last request has ended."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or refuse it if there are too many."""
        self._transport = transport  # type: ignore[assignment]
        self._writable.set()
        self._connections.add(self)
        if len(self._connections) > self._room.connections:
            self._room.report()
            self._refuse("crowded", answer.of_haste(_RETRY_AFTER, self._app.form))
            return
        self._deadline = self._loop.call_later(SLOWEST_START, transport.close)
        self._used_at = self._loop.time()
        self._idle = self._loop.call_later(_KEEP_ALIVE, self._on_idle)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Release the connection."""
        self._is_last = True
        for timer in (self._deadline, self._lingering, self._idle):
            if timer is not None:
                timer.cancel()
        for incoming in (self._receiving, self._serving, *self._waiting):
            if incoming is not None:
                incoming.lose()
        self._waiting.clear()
        self._writable.set()
        self._is_lost = True
        if self.task is None:
            self._release()

    def eof_received(self) -> bool:
        """Close the connection once the requests that have arrived are answered."""
        self._is_last = True
        if self._receiving is not None and not self._receiving.complete:
            self._receiving.lose()
        return self.task is not None

    def pause_writing(self) -> None:
        """Answer no more requests, since the client does not read the answers."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Answer requests again."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Process a piece of a request."""
        receiving = self._receiving
        if self._is_last and (receiving is None or receiving.complete or receiving.gone):
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # The request is answered like any other; what follows is in another protocol.
            self._is_last = True
        except httptools.HttpParserError:
            self._answer(self._fault(400, "the request is not valid HTTP"))
            return
        if self._in_head:
            self._on_incomplete_head(len(data))
        elif self._deadline is not None:
            self._end_deadline()

    # The callbacks of the parser.

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._target = b""
        self._headers = []
        self._expects = False
        self._in_head = True
        self._head_size = None

    def on_url(self, url: bytes) -> None:
        """Add a piece of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header that is read."""
        read = self._app.read
        known = read.get(name) or read.get(name.lower())
        if known is None:
            return
        if known == EXPECT:
            self._expects = value.lower() == b"100-continue"
        else:
            self._headers.append((known, value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Have a request answered; raises `ValueError` if its target is invalid."""
        self._in_head = False
        if self._is_last:
            return
        parser = self._parser
        target = self._target
        if target[:1] != b"/":
            target = _origin_form(target)
        if not target.isascii():
            raise ValueError("the target is not ASCII")
        # Clients of HTTP/1.0 take the end of the connection for that of the answer.
        keep_alive = parser.should_keep_alive() and parser.get_http_version() != "1.0"
        method = parser.get_method().decode("ascii")
        incoming = Incoming(
            method, target, tuple(self._headers), keep_alive=keep_alive, wait=self._receive_body
        )
        self._receiving = incoming
        self._is_last = not keep_alive
        self._waiting.append(incoming)
        if self.task is None:
            self.task = self._loop.create_task(self._serve())
        else:
            # The client pipelines requests: receive more once these are answered.
            self._pause()

    def on_body(self, piece: bytes) -> None:
        """Add a piece of a body."""
        incoming = self._receiving
        if incoming is None or incoming.complete:
            return
        incoming.feed(piece)
        if self._lingering is not None:
            if incoming.size > self._most_dropped:
                self._transport.close()
        elif incoming.unseen > _MOST_UNSEEN:
            self._pause()

    def on_message_complete(self) -> None:
        """End a body."""
        if self._receiving is not None:
            self._receiving.end()
            if self._lingering is not None:
                self._transport.close()

    # The answers.

    def shut_down(self) -> None:
        """Close the connection as soon as the requests that have arrived are answered."""
        self._is_last = True
        if self.task is None:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    async def _serve(self) -> None:
        """Answer the requests that have arrived."""
        try:
            while self._waiting:
                self._serving = self._waiting.popleft()
                if not await self._serve_one(self._serving):
                    break
            if self._refusal is not None and not self._transport.is_closing():
                self._write(self._refusal, is_head=False, close=True)
        finally:
            self.task = self._serving = None
            if self._is_lost:
                self._release()
            elif self._is_last and self._lingering is None:
                self._transport.close()
            else:
                self._resume()

    async def _serve_one(self, incoming: Incoming) -> bool:
        """Answer a request; return False if the connection ends with it."""
        try:
            response = await self._app.respond(incoming)
        except Exception:  # noqa: BLE001 - one failed request must not end the connection unanswered
            _log.exception("a request failed", extra={"fields": {"event": "failed"}})
            response = self._fault(500, "the gate failed to judge the request")
            response = response._replace(headers=(*response.headers, CLOSE))
        if response is None or self._transport.is_closing():
            return False
        is_last = self._is_last and not self._waiting and self._refusal is None
        ends = is_last or not incoming.keep_alive or incoming.gone or self._app.draining
        ends = ends or CLOSE in response.headers
        self._write(response, is_head=incoming.method == "HEAD", close=ends)
        self._used_at = self._loop.time()
        incoming.drop_rest()
        if ends:
            self._is_last = True
            if incoming.complete or incoming.gone:
                self._transport.close()
            else:
                self._linger(incoming)
        elif not self._writable.is_set():
            await self._writable.wait()
        return not ends

    def _linger(self, incoming: Incoming) -> None:
        """Close the connection after the rest of a body: the client may not read while it sends."""
        self._most_dropped = incoming.size + MOST_DROPPED
        self._lingering = self._loop.call_later(_LINGERING, self._transport.close)

    def _write(self, response: Response, *, is_head: bool, close: bool) -> None:
        parts = [_STATUS_LINES[response.status]]
        parts += [f"{name}: {value}\r\n" for name, value in response.headers if name != CLOSE[0]]
        if response.status != _NO_CONTENT and header(response.headers, "content-length") is None:
            parts.append(f"content-length: {len(response.body)}\r\n")
        parts.append("connection: close\r\n\r\n" if close else "\r\n")
        head = "".join(parts).encode("latin-1")
        self._transport.write(head if is_head else head + response.body)

    def _receive_body(self) -> None:
        """Receive more of the body that is waited for."""
        if self._expects and not self._transport.is_closing():
            self._expects = False
            self._transport.write(_CONTINUE)
        self._resume()

    def _pause(self) -> None:
        if not self._is_paused and not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    # The faults.

    def _on_incomplete_head(self, size: int) -> None:
        """Limit the size and time of a head, after a piece of `size` bytes."""
        if self._head_size is None:
            self._head_size = 0
            self._end_deadline()
            self._deadline = self._loop.call_later(SLOWEST_HEAD, self._on_slow)
            return
        self._head_size += size
        if self._head_size > MOST_HEAD:
            self._refuse("head", self._fault(431, "the head of the request is too large"))

    def _on_slow(self) -> None:
        self._deadline = None
        self._refuse("slow", self._fault(408, "the head of the request took too long to arrive"))

    def _on_idle(self) -> None:
        left = self._used_at + _KEEP_ALIVE - self._loop.time()
        if left <= 0 and self.task is None:
            self._transport.close()
        else:
            self._idle = self._loop.call_later(max(left, 1), self._on_idle)

    def _fault(self, status: int, details: str) -> Response:
        return answer.of_fault(status, details, {"pointer": ""}, self._app.form)

    def _refuse(self, reason: str, refusal: Response) -> None:
        self._app.refused_connection(reason)
        self._answer(refusal)

    def _answer(self, refusal: Response) -> None:
        """Write an answer after those to earlier requests, and close."""
        self._is_last = True
        self._end_deadline()
        receiving = self._receiving
        if receiving is not None and not receiving.complete:
            receiving.lose()
            if self.task is None:
                # It was answered without its body.
                self._transport.close()
                return
        if self.task is not None:
            self._refusal = refusal
        elif not self._transport.is_closing():
            self._write(refusal, is_head=False, close=True)
            self._transport.close()

    def _release(self) -> None:
        self._connections.discard(self)
        self.closed.set_result(None)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _origin_form(target: bytes) -> bytes:
    """Return the path and query of an absolute target; raises `ValueError` for any other."""
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserError as error:
        raise ValueError("the target is no URL") from error
    return (url.path or b"/") + (b"?" + url.query if url.query else b"")
