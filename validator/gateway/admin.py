"""Admin: the probes and metrics of a process, on an address for other clients than gateways."""

from __future__ import annotations

from .answer import Form
from .http import READ, STATUS_PATHS, App, path_of, plain
from .incoming import Incoming
from .messages import Response


class Admin:
    """An application that serves only ``/livez``, ``/readyz`` and ``/metrics`` of another."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.read = READ

    @property
    def form(self) -> Form:
        """The form of refusals."""
        return self._app.form

    @property
    def draining(self) -> bool:
        """Whether the process is about to stop."""
        return self._app.draining

    def refused_connection(self, reason: str) -> None:
        """Count a connection that was closed without a whole request."""
        self._app.refused_connection(reason)

    async def respond(self, incoming: Incoming) -> Response | None:
        """Return the answer to a request."""
        if path_of(incoming) not in STATUS_PATHS:
            return plain(404, "the paths are /livez, /readyz and /metrics")
        return await self._app.respond(incoming)
