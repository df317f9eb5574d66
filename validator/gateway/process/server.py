"""Server: the process that serves the faces on one event loop.

On SIGTERM and SIGINT it ends once the requests in flight are answered; on SIGHUP it reloads its
configuration. With several workers, `supervisor` runs one such process for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Final, Protocol

from ...config.fields import InvalidValue
from ...reading.toml_reader import load
from ..address import Address, parse
from ..guard import Guard, Meter
from ..settings import OFF, TABLE, Settings, load_settings
from ..store import StoreError
from ..telemetry.log import set_level, set_up
from .loop_lag import LoopLag
from .signals import hold_hangups

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2

_ANNOUNCED: Final = 0.5
"""Seconds that gateways get to close their connections before the faces stop."""
_AT_REST: Final = 0.1
"""Seconds without a change after which a file is considered complete."""
_CHANGES: Final = 50
"""The most such intervals to wait for."""
_FIXED: Final = (
    "lookup",
    "store",
    "store_timeout",
    "lease",
    "expiry",
    "http",
    "grpc",
    "admin",
    "workers",
    "drain",
    "tracing",
)
"""The settings whose changes need a restart."""

_log = logging.getLogger(__name__)

_SWITCH: Final = 0.0005
"""The switch interval of threads in seconds: a tenth of Python's default, so that heavy work does
not delay the event loop."""


def main(config: str | None, workers: int | None = None) -> int:
    """Run the gateway with the file `config` or the defaults; return the exit status.

    `workers` overrides the file. The status is 2 after faults of the settings, which are printed on
    standard error as ``path:line: message``, and 1 if an address is in use.
    """
    try:
        settings = read_settings(config, workers)
        _require_extras(settings, config)
        if settings.workers == 1:
            return serve(settings, config)
        # Faults of the store are reported here once, not by each worker.
        asyncio.run(_guard(settings, config).close())
    except (ValueError, StoreError) as error:
        sys.stderr.write(f"talonschema: {error}\n")
        return USAGE
    from .supervisor import supervise

    set_up()
    set_level(settings.log_level)
    return asyncio.run(supervise(settings, config))


def read_settings(config: str | None, workers: int | None) -> Settings:
    """Return the settings of a file, or the defaults; raises `ValueError`."""
    if config is not None:
        return load_settings(config, **({} if workers is None else {"workers": workers}))
    return Settings() if workers is None else Settings(workers=workers)


def serve(settings: Settings, config: str | None, index: int = 0, *, parent: bool = False) -> int:
    """Run worker `index` until a signal ends it; return the exit status.

    If `parent` is True, it also ends when its standard input is closed by the end of its parent.

    Raises `ValueError` or `StoreError` for invalid settings.
    """
    log = set_up()
    set_level(settings.log_level)
    # At each turn, the event loop waits this long for the thread with heavy work.
    sys.setswitchinterval(_SWITCH)
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        process = _Process(settings, config, index)
        log.on_drop = process.metrics.count_dropped_lines
        return runner.run(process.run(parent=parent))


class _Face(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class _Process:
    """A process with its faces."""

    def __init__(self, settings: Settings, config: str | None, index: int) -> None:
        # Imported once they are known to be installed, and before any face listens.
        from ..admin import Admin
        from ..http import App
        from ..telemetry.metrics import Metrics
        from .http_face import HttpFace

        self._settings = settings
        self._config = config
        self._index = index
        self.metrics = Metrics()
        make: Callable[..., Guard] = Guard
        if settings.tracing:
            from ..telemetry.tracing import TracedGuard, TracedMetrics, Tracing

            self.metrics, make = TracedMetrics(), partial(TracedGuard, tracing=Tracing())
        self._guard = _guard(settings, config, self.metrics, make)
        self._app = App(self._guard, self.metrics)
        self._stop = asyncio.Event()
        self._reloads: set[asyncio.Task[None]] = set()
        self._reloading = asyncio.Lock()
        self._kinds: dict[str, tuple[Callable[[Address, float], _Face], str]] = {
            "http": (partial(HttpFace, self._app), settings.http)
        }
        """The factory of each face, and its address in the settings."""
        if settings.grpc != OFF:
            from .grpc_face import GrpcFace

            self._kinds["grpc"] = (partial(GrpcFace, self._guard), settings.grpc)
        if settings.admin != OFF and settings.workers == 1:
            self._kinds["admin"] = (partial(HttpFace, Admin(self._app)), settings.admin)
        self._faces: list[_Face] = []
        """The faces that listen."""

    async def run(self, *, parent: bool) -> int:
        """Serve until a signal arrives."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)
        hold_hangups(held=False)
        if parent:
            loop.add_reader(sys.stdin.fileno(), self._on_orphaned)
        await asyncio.to_thread(self._guard.warm)
        # Everything loaded so far is permanent; not collecting it saves 5 % of a request.
        gc.freeze()
        self._show_settings()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._guard.close)
            stack.push_async_callback(self._end)
            try:
                addresses = await self._listen()
            except OSError as error:
                _log.error("%s", error, extra={"fields": {"event": "failed"}})
                return FAILED
            stack.callback(LoopLag(self.metrics.observe_lag).stop)
            fields = {"event": "listening", **addresses, "worker": self._index, "pid": os.getpid()}
            _log.info("listening", extra={"fields": fields})
            # An unreachable store is logged now, not at the first call.
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
        listening = {}
        for name, (face, text) in self._kinds.items():
            address = parse(text).of_worker(self._index, self._settings.workers)
            started = face(address, self._settings.drain)
            await started.start()
            self._faces.append(started)
            listening[name] = str(address)
        return listening

    async def _end(self) -> None:
        """Drain and close the faces, all at the same time."""
        await asyncio.gather(*(face.stop() for face in self._faces))

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
        """Reload the configuration; keep the present one if it is invalid."""
        try:
            read = await asyncio.to_thread(self._read_again)
            kept = {name: getattr(self._settings, name) for name in _FIXED}
            changed = [name for name, value in kept.items() if getattr(read, name) != value]
            settings = replace(read, **kept)
            await asyncio.to_thread(self._guard.reload, settings)
        except (ValueError, TypeError, ImportError, OSError) as error:
            _log.error("not reloaded: %s", error, extra={"fields": {"event": "not-reloaded"}})
            self.metrics.count_reload("failed")
            return
        self._settings = settings
        set_level(settings.log_level)
        self.metrics.count_reload("done")
        self._show_settings()
        _log.info("reloaded", extra={"fields": {"event": "reloaded"}})
        if changed:
            names = ", ".join(changed)
            _log.warning("only a restart changes %s", names, extra={"fields": {"event": "kept"}})

    def _read_again(self) -> Settings:
        """Return the settings in the file as it is now; raises `ValueError`."""
        if self._config is not None:
            wait_until_written(self._config)
        read = read_settings(self._config, self._settings.workers)
        if self._config is not None and read != self._settings and not load(self._config).data:
            raise ValueError(f"{self._config}: it is empty")
        return read

    def _show_settings(self) -> None:
        from ... import __version__

        self.metrics.about(__version__, self._settings.edition, self._settings.mode)


def wait_until_written(path: str) -> None:
    """Wait until a file has not changed for a moment, since it may be half written."""
    for _ in range(_CHANGES):
        try:
            age = time.time() - os.stat(path).st_mtime
        except OSError:
            return
        if not 0 <= age < _AT_REST:
            return
        time.sleep(_AT_REST - age)


def _guard(
    settings: Settings,
    config: str | None,
    metrics: Meter | None = None,
    make: Callable[..., Guard] = Guard,
) -> Guard:
    """Return the guard; faults of the store are raised with the line of the setting."""
    try:
        return make(settings, meter=metrics)
    except (ValueError, StoreError) as error:
        if config is None:
            raise
        keys = error.keys if isinstance(error, InvalidValue) and error.keys else ("store",)
        raise load(config).error(str(error), TABLE, *keys) from None


def _require_extras(settings: Settings, config: str | None) -> None:
    """Raise `ValueError` if a package that the settings need is missing."""
    if not hasattr(signal, "SIGHUP"):
        raise ValueError("the gateway process needs Linux or macOS; SessionGuard runs anywhere")
    if (missing := _missing("httptools", "prometheus_client")) is not None:
        raise ValueError(f"the HTTP face needs {missing}: pip install 'talonschema[gateway]'")
    # The core of gRPC would write lines that are not JSON, about faults that are logged anyway. It
    # reads the variable when it is loaded; workers inherit it.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    if settings.grpc != OFF:
        _require("grpc", "the gRPC face", 'grpc = "off"', config, "grpc", "google.protobuf")
    if settings.tracing:
        modules = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
        _require("otel", "tracing", "tracing = false", config, *modules)


def _require(extra: str, part: str, off: str, config: str | None, *modules: str) -> None:
    """Raise `ValueError`, with the line to change, if a module of an extra is missing."""
    if (missing := _missing(*modules)) is None:
        return
    fault = f"{part} needs {missing}: pip install 'talonschema[gateway-{extra}]'"
    if config is None:
        raise ValueError(fault)
    raise load(config).error(f"{fault}, or set {off}", TABLE, off.partition(" ")[0])


def _missing(*names: str) -> str | None:
    """Return the first module that can't be imported, if any."""
    for name in names:
        try:
            import_module(name)
        except ImportError:
            return name
    return None
