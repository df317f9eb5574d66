"""HTTP face: the lifecycle of the HTTP server."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from ..address import Address
from .connection import Connection, Room, Served
from .listener import listen, place

_LAST_ANSWERS: Final = 1.0
"""Seconds for the answers to requests that were cut off when draining ended."""

_log = logging.getLogger(__name__)


class HttpFace:
    """A server of the HTTP face."""

    def __init__(self, app: Served, address: Address, drain: float) -> None:
        """Serve `app` at `address`; requests get `drain` seconds to end when it stops."""
        self._app = app
        self._address = address
        self._drain = drain
        self._room = Room()
        self._connections: set[Connection] = set()

    async def start(self) -> None:
        """Listen; raises `OSError`."""
        backlog = self._room.backlog
        try:
            listening = listen(self._address, backlog)
        except OSError as error:
            why = error.strerror or error
            raise OSError(f"can't listen on {self._address}: {why}") from None
        self._place = place(self._address)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, sock=listening, backlog=backlog)

    async def stop(self) -> None:
        """End the requests in flight, and close."""
        self._server.close()
        connections = tuple(self._connections)
        closed = [each.closed for each in connections]
        for each in connections:
            each.shut_down()
        if closed:
            await asyncio.wait(closed, timeout=self._drain)
            self._cut_off([each.task for each in connections if each.task is not None])
            await asyncio.wait(closed, timeout=_LAST_ANSWERS)
        for each in connections:
            each.abort()
        if self._address.path and place(self._address) == self._place:
            with suppress(OSError):
                os.unlink(self._address.path)

    def _connect(self) -> Connection:
        return Connection(self._app, self._room, self._connections)

    def _cut_off(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Have the requests in flight answered now."""
        if tasks:
            fields = {"event": "cut-off", "requests": len(tasks)}
            text = "%d requests were cut off, since they did not end in time"
            _log.warning(text, len(tasks), extra={"fields": fields})
        for task in tasks:
            task.cancel()
