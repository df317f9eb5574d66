"""Supervisor: the process that starts the workers, and restarts those that end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from typing import Final

from ..address import parse
from ..settings import OFF, Settings
from .signals import hold_hangups

_log = logging.getLogger(__name__)

_FIRST_WAIT: Final = 0.1
_LAST_WAIT: Final = 5.0
"""The longest delay of a restart in seconds; delays double whenever a worker ends soon."""
_SOON: Final = 10.0
_FAILED: Final = 1
_LAST_ANSWERS: Final = 1.0
"""Seconds for the last answers."""
_SPARE: Final = 5.0
"""Seconds after the time for draining until a worker is killed."""


async def supervise(settings: Settings, config: str | None) -> int:
    """Run the workers until a signal arrives; return the exit status.

    SIGHUP is forwarded to all. If the first start of a worker fails, all are ended.
    """
    return await _Supervisor(settings, config).run()


class _Supervisor:
    def __init__(self, settings: Settings, config: str | None) -> None:
        self._settings = settings
        self._config = config
        self._processes: dict[int, asyncio.subprocess.Process] = {}
        self._stop = asyncio.Event()
        self._starting = asyncio.Lock()
        self._status = 0
        self._restarts = [0] * settings.workers
        """The number of restarts of each worker."""

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._pass_on, signal.SIGHUP)
        hold_hangups(held=False)
        async with contextlib.AsyncExitStack() as stack:
            try:
                await self._listen(stack)
            except OSError as error:
                _log.error("%s", error, extra={"fields": {"event": "failed"}})
                return _FAILED
            await self._supervise()
        return self._status

    async def _listen(self, stack: contextlib.AsyncExitStack) -> None:
        """Listen at the address for `admin` until `stack` is closed; raises `OSError`."""
        settings = self._settings
        if settings.admin == OFF:
            return
        from .http_face import HttpFace
        from .overview import Overview

        http = parse(settings.http)
        faces = [http.of_worker(index, self._workers) for index in range(self._workers)]
        overview = Overview(faces, settings.errors, self._restarts)
        face = HttpFace(overview, parse(settings.admin), _LAST_ANSWERS)
        await face.start()
        stack.push_async_callback(face.stop)
        fields = {"event": "listening", "admin": settings.admin}
        _log.info("listening", extra={"fields": fields})

    async def _supervise(self) -> None:
        async with asyncio.TaskGroup() as group:
            keepers = [group.create_task(self._keep_running(each)) for each in range(self._workers)]
            await self._stop.wait()
            self._pass_on(signal.SIGTERM)
            _, late = await asyncio.wait(keepers, timeout=self._settings.drain + _SPARE)
            for process in self._processes.values():
                if late and process.returncode is None:
                    process.kill()

    @property
    def _workers(self) -> int:
        return self._settings.workers

    def _pass_on(self, number: signal.Signals) -> None:
        for process in self._processes.values():
            if process.returncode is None:
                # `send_signal` may reap a worker that has just ended; asyncio then reports the
                # status 255, as if the worker had failed to start.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, number)

    async def _keep_running(self, index: int) -> None:
        """Keep worker `index` running."""
        loop = asyncio.get_running_loop()
        wait, first = _FIRST_WAIT, True
        while not self._stop.is_set():
            started = loop.time()
            process = await self._start(index)
            self._processes[index] = process
            if self._stop.is_set():
                process.terminate()
            status = await process.wait()
            if self._stop.is_set():
                return
            soon = loop.time() - started < _SOON
            fields = {"event": "worker-ended", "worker": index, "status": status}
            _log.error("worker %d ended with %d", index, status, extra={"fields": fields})
            if first and soon and status > 0:
                self._status = status
                self._stop.set()
                return
            first = False
            wait = min(2 * wait, _LAST_WAIT) if soon else _FIRST_WAIT
            try:
                await asyncio.wait_for(self._stop.wait(), wait)
            except TimeoutError:
                self._restarts[index] += 1

    async def _start(self, index: int) -> asyncio.subprocess.Process:
        arguments = json.dumps([self._config, self._workers, index])
        async with self._starting:
            # The worker unblocks it once it has a handler.
            hold_hangups(held=True)
            try:
                return await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "talonschema.gateway.process.worker", arguments),
                    # The worker ends when this end is closed, for whatever reason.
                    stdin=asyncio.subprocess.PIPE,
                    start_new_session=True,
                )
            finally:
                hold_hangups(held=False)
