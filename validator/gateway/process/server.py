"""Server: the process that serves the faces on one event loop, from its start to its end.

SIGTERM and SIGINT end it once the requests in flight are answered; SIGHUP has it read its
configuration anew. With several workers it is `supervisor` that runs, and starts one of these for
each.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Final

from ...reading.toml_reader import load
from ..address import Address, parse
from ..guard import Guard, Meter
from ..log import set_up
from ..settings import OFF, TABLE, Settings, load_settings
from ..store import StoreError

if TYPE_CHECKING:
    from ..http import App

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

_ANNOUNCED: Final = 0.5
"""Seconds in which gateways are asked to close their connections before they are closed."""
_KEEP_ALIVE: Final = 24 * 3600
"""Seconds an idle connection is kept: a gateway would take one that is closed on it for a fault."""
_FIXED: Final = ("store", "store_timeout", "lease", "expiry", "http", "grpc", "workers", "drain")
"""The settings that only a restart changes."""

_log = logging.getLogger(__name__)

_SWITCH: Final = 0.0005
"""Seconds that one thread may keep others waiting; Python's default is ten times as long."""


def main(config: str | None, workers: int | None = None) -> int:
    """Run the gateway by the file `config`, or with the defaults; return the exit status.

    `workers` wins over the file. Faults of the settings are reported on standard
    error as ``path:line: message`` and ends it with 2, an address that is taken with 1.
    """
    try:
        settings = read_settings(config, workers)
        _need_extra(settings)
        if settings.workers == 1:
            return serve(settings, config)
        # Finds what is wrong with the store, once and not in each worker.
        asyncio.run(_guard(settings, config).close())
    except (ValueError, StoreError) as error:
        sys.stderr.write(f"talonschema: {error}\n")
        return USAGE
    from .supervisor import supervise

    set_up()
    return asyncio.run(supervise(settings, config))


def read_settings(config: str | None, workers: int | None) -> Settings:
    """Return the settings of a file, or the defaults; raises `ValueError`."""
    if config is not None:
        return load_settings(config, **({} if workers is None else {"workers": workers}))
    return Settings() if workers is None else Settings(workers=workers)


def serve(settings: Settings, config: str | None, index: int = 0, *, parent: bool = False) -> int:
    """Run worker `index` until it is signalled to end; return the exit status.

    `parent`: it also ends when whoever holds the other end of its standard input does.

    Raises `ValueError` or `StoreError` for settings that make no sense.
    """
    log = set_up()
    # The event loop waits this long for the thread with heavy work, at each turn.
    sys.setswitchinterval(_SWITCH)
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        process = _Process(settings, config, index)
        log.on_drop = process.metrics.log_dropped
        return runner.run(process.run(parent=parent))


class _Process:
    """One process with its faces."""

    def __init__(self, settings: Settings, config: str | None, index: int) -> None:
        from ..http import App
        from ..metrics import Metrics

        self._settings = settings
        self._config = config
        self._index = index
        self.metrics = Metrics()
        self._guard = _guard(settings, config, self.metrics)
        self._app = App(self._guard, self.metrics)
        self._stop = asyncio.Event()
        self._reloads: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self._faces: list[Callable[[], Awaitable[None]]] = []
        """Callbacks that stop the started faces."""

    async def run(self, *, parent: bool) -> int:
        """Serve until a signal comes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        if parent:
            loop.add_reader(sys.stdin.fileno(), self._on_orphaned)
        await asyncio.to_thread(self._guard.warm)
        self._tell()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._guard.close)
            stack.push_async_callback(self._end)
            try:
                addresses = await self._listen()
            except OSError as error:
                _log.error("%s", error, extra={"fields": {"event": "failed"}})
                return FAILED
            fields = {"event": "listening", **addresses, "worker": self._index, "pid": os.getpid()}
            _log.info("listening", extra={"fields": fields})
            # A store that can't be reached is logged now and not at the first call.
            with contextlib.suppress(StoreError):
                await self._guard.ready()
            await self._stop.wait()
            _log.info("stopping", extra={"fields": {"event": "stopping"}})
            self._app.draining = True
            await asyncio.sleep(min(_ANNOUNCED, self._settings.drain))
        _log.info("stopped", extra={"fields": {"event": "stopped"}})
        return OK

    async def _listen(self) -> dict[str, str]:
        """Start the faces; raises `OSError`."""
        workers = self._settings.workers
        http = parse(self._settings.http).of_worker(self._index, workers)
        face = _Http(self._app, http, self._settings.drain)
        await face.start()
        self._faces.append(face.stop)
        addresses = {"http": str(http)}
        if self._settings.grpc != OFF:
            grpc = parse(self._settings.grpc).of_worker(self._index, workers)
            await self._listen_grpc(str(grpc))
            addresses["grpc"] = str(grpc)
        return addresses

    async def _listen_grpc(self, address: str) -> None:
        from ..envoy import server

        made, service = server(self._guard)
        try:
            made.add_insecure_port(address)
        except RuntimeError as error:
            raise OSError(f"can't listen on {address}: {error}") from None
        await made.start()

        async def stop() -> None:
            await made.stop(self._settings.drain)
            await service.drain()

        self._faces.append(stop)

    async def _end(self) -> None:
        """End what the faces have in flight, at the same time, and close them."""
        await asyncio.gather(*(stop() for stop in self._faces))

    def _on_orphaned(self) -> None:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._stop.set()

    def _on_hangup(self) -> None:
        task = asyncio.create_task(self._reload_in_turn())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload_in_turn(self) -> None:
        async with self._reloading:
            await self._reload()

    async def _reload(self) -> None:
        """Judge by what the configuration says now; by what it said before if it makes no sense."""
        try:
            read = await asyncio.to_thread(read_settings, self._config, self._settings.workers)
            kept = {name: getattr(self._settings, name) for name in _FIXED}
            changed = [name for name, value in kept.items() if getattr(read, name) != value]
            settings = replace(read, **kept)
            await asyncio.to_thread(self._guard.reload, settings)
        except ValueError as error:
            _log.error("not reloaded: %s", error, extra={"fields": {"event": "not-reloaded"}})
            self.metrics.reloaded("failed")
            return
        self._settings = settings
        self.metrics.reloaded("done")
        self._tell()
        _log.info("reloaded", extra={"fields": {"event": "reloaded"}})
        if changed:
            names = ", ".join(changed)
            _log.warning("only a restart changes %s", names, extra={"fields": {"event": "kept"}})

    def _tell(self) -> None:
        from ... import __version__

        self.metrics.about(__version__, self._settings.edition, self._settings.mode)


class _Http:
    """The HTTP face while it is served."""

    def __init__(self, app: App, address: Address, drain: float) -> None:
        import uvicorn

        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=max(1, round(drain)),
        )
        config.load()
        self._address = address
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; raises `OSError`."""
        try:
            socket = self._address.bind()
        except OSError as error:
            why = error.strerror or error
            raise OSError(f"can't listen on {self._address}: {why}") from None
        server = self._server
        # Signals are the process's to handle, so this is `serve` without taking hold of them.
        server.lifespan = server.config.lifespan_class(server.config)
        await server.startup(sockets=[socket])
        self._sockets = [socket]
        self._task = asyncio.create_task(server.main_loop())

    async def stop(self) -> None:
        """End the requests in flight, and close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
            await self._server.shutdown(sockets=self._sockets)
        if self._address.path:
            with contextlib.suppress(OSError):
                os.unlink(self._address.path)


def _guard(settings: Settings, config: str | None, metrics: Meter | None = None) -> Guard:
    """Return the guard; a fault of the store is reported with its line."""
    try:
        return Guard(settings, meter=metrics)
    except (ValueError, StoreError) as error:
        if config is None:
            raise
        raise load(config).error(str(error), TABLE, "store") from None


def _need_extra(settings: Settings) -> None:
    """Raise `ValueError` if what the process needs is not there."""
    if not hasattr(signal, "SIGHUP"):
        raise ValueError("the gateway process needs Linux or macOS; SessionGuard runs anywhere")
    needed = {"uvicorn": "the HTTP face", "prometheus_client": "the HTTP face"}
    if settings.grpc != OFF:
        needed |= {"grpc": "the gRPC face", "google.protobuf": "the gRPC face"}
    for name, face in needed.items():
        try:
            import_module(name)
        except ImportError:
            raise ValueError(
                f"{face} needs {name}: pip install 'talonschema[gateway]'"
                + (', or set grpc = "off"' if "gRPC" in face else "")
            ) from None
