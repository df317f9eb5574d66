"""Connection: a connection to the HTTP face, with limits for incomplete requests.

Requests of gateways arrive at once; one that never ends would hold a descriptor for ever. When
descriptors run short, a new connection is answered before it is closed.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .. import answer
from ..messages import Response

SLOWEST_HEAD: Final = 10.0
"""Seconds within which the head of a request has to arrive once it has begun."""
SLOWEST_START: Final = 60.0
"""Seconds within which the first request of a connection has to begin."""
MOST_HEAD: Final = 64 * 1024
"""The most bytes of a head, not counting the piece in which it begins."""
_MOST_OPEN: Final = 2**16
"""The most descriptors that are requested."""
_OTHERS: Final = 32
"""Descriptors reserved for other uses than the HTTP face: the store, the log and the gRPC face."""
_MOST_BACKLOG: Final = 2048
_SILENCE: Final = 10.0
"""Seconds between log lines about refused connections."""
_RETRY_AFTER: Final = 1

_log = logging.getLogger(__name__)


class Served(Protocol):
    """An ASGI application that counts refused connections."""

    @property
    def form(self) -> answer.Form:
        """The form of refusals."""

    def refused_connection(self, reason: str) -> None:
        """Count a connection that was closed without a whole request."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one ASGI request."""


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


class Connection(HttpToolsProtocol):
    """A connection that serves `app`."""

    def __init__(self, app: Served, room: Room, **of_server: Any) -> None:
        super().__init__(**of_server)
        self._served = app
        self._room = room
        self._head: Any = None
        """The scope of the last request whose head arrived in several pieces."""
        self._size = 0
        """The bytes of this head, not counting the piece in which it begins."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or refuse it if there are too many."""
        super().connection_made(transport)  # type: ignore[arg-type]
        if len(self.connections) > self._room.connections:
            self._room.report()
            self._refuse("crowded", answer.of_haste(_RETRY_AFTER, self._served.form))
        else:
            self._timer = self.loop.call_later(SLOWEST_START, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection."""
        self._end_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process a piece of a request."""
        HttpToolsProtocol.data_received(self, data)
        # uvicorn creates the scope when a head begins, and adds the method once it is complete.
        # Two callbacks of the parser would do, too, but cost 3 of 26 microseconds a request.
        if self.scope is not None and "method" in self.scope:
            if self._timer is not None:
                self._end_timer()
        elif self.scope is not None and not self.transport.is_closing():
            self._on_head(len(data))

    def _on_head(self, size: int) -> None:
        """Limit the size and time of an incomplete head, after a piece of `size` bytes."""
        if self.scope is not self._head:
            self._head, self._size = self.scope, 0
            self._end_timer()
            self._timer = self.loop.call_later(SLOWEST_HEAD, self._on_slow)
            return
        self._size += size
        if self._size > MOST_HEAD:
            self._refuse("head", self._fault(431, "the head of the request is too large"))

    def send_400_response(self, msg: str) -> None:
        """Answer invalid HTTP in the form of refusals."""
        self._answer(self._fault(400, msg))

    def _on_slow(self) -> None:
        self._timer = None
        self._refuse("slow", self._fault(408, "the head of the request took too long to arrive"))

    def _fault(self, status: int, details: str) -> Response:
        return answer.of_fault(status, details, {"pointer": ""}, self._served.form)

    def _refuse(self, reason: str, refusal: Response) -> None:
        self._served.refused_connection(reason)
        self._answer(refusal)

    def _answer(self, refusal: Response) -> None:
        """Write an answer, unless an earlier request is still to be answered, and close."""
        if self.cycle is None or self.cycle.response_complete:
            lines = [f"HTTP/1.1 {refusal.status} {answer.TITLES[refusal.status]}"]
            lines += (f"{name}: {value}" for name, value in refusal.headers)
            head = "\r\n".join((*lines, "connection: close", "", ""))
            self.transport.write(head.encode("ascii") + refusal.body)
        self.transport.close()

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
