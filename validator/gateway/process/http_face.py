"""HTTP face: the server of the application, from its start to its end."""

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
"""Seconds an idle connection is kept: a gateway would take one that is closed on it for a fault."""
_LAST_ANSWERS: Final = 1.0
"""Seconds for the answers to requests that were cut off."""

_log = logging.getLogger(__name__)


class HttpFace:
    """The HTTP face while it is served."""

    def __init__(self, app: Served, address: Address, drain: float) -> None:
        """Serve `app` at `address`; requests have `drain` seconds once it stops."""
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
        # Signals are the process's to handle, so this is `serve` without taking hold of them.
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
        """Have what is in flight answered now."""
        tasks = self._server.server_state.tasks
        if tasks:
            fields = {"event": "cut-off", "requests": len(tasks)}
            text = "%d requests were cut off, since they did not end in time"
            _log.warning(text, len(tasks), extra={"fields": fields})
        for task in tasks:
            task.cancel()
        await asyncio.wait([ending], timeout=_LAST_ANSWERS)
        self._server.force_exit = True
