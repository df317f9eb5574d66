"""gRPC face: the lifecycle of the gRPC server."""

from __future__ import annotations

from ..address import Address
from ..envoy import server
from ..guard import Guard
from .listener import claim


class GrpcFace:
    """A server of the gRPC face."""

    def __init__(self, guard: Guard, address: Address, drain: float) -> None:
        """Serve `guard` at `address`; streams get `drain` seconds to end when it stops."""
        self._guard = guard
        self._address = address
        self._drain = drain

    async def start(self) -> None:
        """Listen; raises `OSError`."""
        self._server, self._service = server(self._guard)
        try:
            # The server would replace a Unix socket on which another process listens.
            with claim(self._address):
                self._server.add_insecure_port(str(self._address))
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or error
            raise OSError(f"can't listen on {self._address}: {why}") from None
        await self._server.start()

    async def stop(self) -> None:
        """End the streams, and wait until each answer is reported to the guard."""
        await self._server.stop(self._drain)
        await self._service.drain()
