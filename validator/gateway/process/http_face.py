"""HTTP face: the lifecycle of the HTTP server."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from functools import partial
from typing import Any, Final

import uvicorn

from ..address import Address
from .connection import Connection, Room, Served
from .listener import listen, place

_KEEP_ALIVE: Final = 24 * 3600
"""Seconds until idle connections are closed: long, since gateways treat a close as an error."""
_LAST_ANSWERS: Final = 1.0
"""Seconds for the answers to requests that were cut off when draining ended."""

_log = logging.getLogger(__name__)


class HttpFace:
    """A server of the HTTP face."""

    def __init__(self, app: Served, address: Address, drain: float) -> None:
        """Serve `app` at `address`; requests get `drain` seconds to end when it stops."""
        room = Room()
        protocol: Any = partial(Connection, app, room)
        config = uvicorn.Config(
            app,
            http=protocol,
            backlog=room.backlog,
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        config.load()
        self._address = address
        self._backlog = room.backlog
        self._drain = drain
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; raises `OSError`."""
        try:
            self._socket = listen(self._address, self._backlog)
        except OSError as error:
            why = error.strerror or error
            raise OSError(f"can't listen on {self._address}: {why}") from None
        self._place = place(self._address)
        server = self._server
        # The same as `serve`, except for the signal handlers, which belong to the process.
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[self._socket])
        self._task = asyncio.create_task(server.main_loop())

    async def stop(self) -> None:
        """End the requests in flight, and close."""
        server = self._server
        server.should_exit = True
        if self._task is not None:
            await self._task
            ending = asyncio.create_task(server.shutdown(sockets=[self._socket]))
            done, _ = await asyncio.wait([ending], timeout=self._drain)
            if not done:
                await self._cut_off(ending)
            await ending
        if self._address.path and place(self._address) == self._place:
            with suppress(OSError):
                os.unlink(self._address.path)

    async def _cut_off(self, ending: asyncio.Task[None]) -> None:
        """Have the requests in flight answered now."""
        tasks = self._server.server_state.tasks
        if tasks:
            fields = {"event": "cut-off", "requests": len(tasks)}
            text = "%d requests were cut off, since they did not end in time"
            _log.warning(text, len(tasks), extra={"fields": fields})
        for task in tasks:
            task.cancel()
        await asyncio.wait([ending], timeout=_LAST_ANSWERS)
        self._server.force_exit = True
