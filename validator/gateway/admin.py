"""Admin: the probes and metrics of a process, on an address for other clients than gateways."""

from __future__ import annotations

from .answer import Form
from .http import STATUS_PATHS, App, Receive, Scope, Send, plain


class Admin:
    """An ASGI application that serves only ``/livez``, ``/readyz`` and ``/metrics`` of another."""

    def __init__(self, app: App) -> None:
        self._app = app

    @property
    def form(self) -> Form:
        """The form of refusals."""
        return self._app.form

    def refused_connection(self, reason: str) -> None:
        """Count a connection that was closed without a whole request."""
        self._app.refused_connection(reason)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI request."""
        if scope["type"] == "http" and scope["raw_path"] not in STATUS_PATHS:
            await self._app.send(plain(404, "the paths are /livez, /readyz and /metrics"), send)
        else:
            await self._app(scope, receive, send)
