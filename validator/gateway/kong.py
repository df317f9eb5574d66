"""Kong: a plugin for Kong's Python plugin server (``kong-pdk``, the extra ``kong``).

Kong runs ``python -m talonschema.gateway.kong`` and calls it over a socket for each request (phase
``access``) and each answer (phase ``response``). See docs/gateway/kong.md.

Source: the page "Plugin development in Python" of Kong's documentation, kong-pdk 0.36, and Kong's
side of the socket (``kong/runloop/plugin_servers``).
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Coroutine, Iterable, Mapping
from functools import cache
from typing import Any, Final, TypeVar

from .guard import Guard
from .messages import Headers, Request, Response
from .settings import load_settings
from .telemetry.log import set_level, set_up

NAME: Final = "talonschema"
PRIORITY: Final = 900
"""The order of the plugin: after Kong's plugins for authentication and rate limits, which have
more, and before those that change requests, which have less."""
SCHEMA: Final = ({"settings": {"type": "string", "required": True}},)
"""The configuration of the plugin: the path of a ``talonschema.toml``."""

_TOKEN: Final = "talonschema_token"  # noqa: S105 - the name of a variable
_MOST_HEADERS: Final = 1000
"""The most headers that Kong returns; its default is 100."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Plugin:
    """One configuration of the plugin; its phases are called from several threads."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Read the settings; raises `ValueError` or `StoreError`, which Kong logs."""
        self._guard = _guard(config["settings"])

    def access(self, kong: Any) -> None:
        """Judge a request on its way to the API.

        It must not raise an exception: kong-pdk would then wait for an answer for ever.
        """
        try:
            # kong-pdk holds a lock until the first call into Kong.
            method = kong.request.get_method()
            self._access(kong, method)
        except Exception:  # noqa: BLE001 - the request is refused on any error
            _log.exception("a request could not be judged", extra={"fields": {"event": "failed"}})
            kong.response.exit(503)

    def response(self, kong: Any) -> None:
        """Learn from the API's answer."""
        try:
            token = kong.ctx.shared.get(_TOKEN)
            if token:
                self._response(kong, token)
        except Exception:  # noqa: BLE001 - the answer passes on any error
            _log.exception("an answer was not learned", extra={"fields": {"event": "failed"}})

    def _access(self, kong: Any, method: str) -> None:
        request = Request(
            method,
            kong.request.get_path_with_query(),
            _headers(kong.request.get_headers(_MOST_HEADERS)),
        )
        if self._guard.concerns(request):
            body = kong.request.get_raw_body()
            # nginx may have buffered the body in a file, which Kong does not read.
            request = request._replace(body=_bytes(body), truncated=body is None)
        verdict = _run(self._guard.begin(request))
        if verdict.refusal is not None:
            refusal = verdict.refusal
            headers = {name: value for name, value in refusal.headers if name != "content-length"}
            kong.response.exit(refusal.status, refusal.body, headers)
            return
        for name, value in verdict.headers:
            kong.response.set_header(name, value)
        if verdict.token is not None:
            kong.ctx.shared.set(_TOKEN, verdict.token)

    def _response(self, kong: Any, token: str) -> None:
        method, target = kong.request.get_method(), kong.request.get_path_with_query()
        status = kong.service.response.get_status()
        answer = None
        if status is not None:
            headers = _headers(kong.service.response.get_headers(_MOST_HEADERS))
            body = kong.service.response.get_raw_body()
            answer = Response(int(status), headers, _bytes(body))
        _run(self._guard.finish(token, method, target, answer))


def main() -> None:
    """Serve Kong until it exits; ``--dump`` prints the description of the plugin."""
    refused = {"-g", "--gevent", "-m", "--multiprocessing"}.intersection(sys.argv)
    if refused:
        sys.exit(f"talonschema: {', '.join(refused)} can't be used: the plugin needs threads")
    try:
        from kong_pdk.cli import start_dedicated_server
    except ImportError:
        sys.exit("talonschema: the plugin needs kong-pdk: pip install 'talonschema[kong]'")
    from .. import __version__

    set_up()
    if "--no-lua-style" not in sys.argv:
        sys.argv.append("--no-lua-style")
    start_dedicated_server(NAME, Plugin, __version__, PRIORITY, list(SCHEMA))


_guards: dict[str, Guard] = {}
_guards_lock = threading.Lock()


def _guard(path: str) -> Guard:
    """Return the guard for a file, with its current settings."""
    settings = load_settings(path)
    set_level(settings.log_level)
    with _guards_lock:
        if path in _guards:
            _guards[path].reload(settings)
        else:
            _guards[path] = Guard(settings)
        return _guards[path]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Return the event loop that all guards share, in a thread of its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="talonschema", daemon=True).start()
    return loop


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


def _headers(headers: Mapping[str, str | Iterable[str]] | None) -> Headers:
    """Return headers from Kong's form, which maps a name to one value or several."""
    return tuple(
        (name.lower(), value)
        for name, values in (headers or {}).items()
        for value in ([values] if isinstance(values, str) else values)
    )


def _bytes(body: bytes | str | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


if __name__ == "__main__":
    main()
