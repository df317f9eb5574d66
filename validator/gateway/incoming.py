"""Incoming: a request that is being received."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from .messages import Headers

SLOWEST_BODY: Final = 10.0
"""Seconds within which the rest of a body has to arrive."""


class Gone(Exception):
    """Raised if the rest of a body will not arrive: the client left, or it is not valid."""


class Late(Exception):
    """Raised if a body did not arrive in time."""


class Incoming:
    """A request whose head was received, and whose body may still arrive."""

    __slots__ = (
        "_dropping", "_pieces", "_wait", "_waiter", "complete", "gone", "headers", "keep_alive",
        "method", "size", "target", "unseen",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        target: bytes,
        headers: Headers,
        *,
        keep_alive: bool,
        wait: Callable[[], None],
    ) -> None:
        """Initialise from the head; `wait` is called whenever the body is waited for."""
        self.method = method
        self.target = target
        """The target in origin form, as received; ASCII."""
        self.headers = headers
        """The headers that are read."""
        self.keep_alive = keep_alive
        """Whether the connection may serve further requests."""
        self.complete = False
        """Whether the whole body has arrived."""
        self.gone = False
        """Whether the rest of it will not arrive."""
        self.size = 0
        """The bytes of the body that have arrived."""
        self.unseen = 0
        """The bytes that have arrived since the body was last waited for, unless discarded."""
        self._dropping = False
        self._pieces: list[bytes] = []
        self._wait = wait
        self._waiter: asyncio.Future[None] | None = None

    def feed(self, piece: bytes) -> None:
        """Add a piece of the body."""
        self.size += len(piece)
        if not self._dropping:
            self.unseen += len(piece)
            self._pieces.append(piece)
        self._wake()

    def end(self) -> None:
        """Note that the body is complete."""
        self.complete = True
        self._wake()

    def lose(self) -> None:
        """Note that the rest of the body will not arrive."""
        self.gone = True
        self._wake()

    async def body(self, limit: int) -> tuple[bytes, bool]:
        """Return the body, or its start of more than `limit` bytes; and whether it is complete.

        Raises `Gone` or `Late`.
        """
        if not self.complete:
            await self._arrival(limit)
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self.drop_rest()
        return body, self.complete

    async def dropped(self, limit: int) -> None:
        """Wait for the rest of the body, up to slightly more than `limit` bytes in total.

        Raises `Gone` or `Late`.
        """
        self.drop_rest()
        await self._arrival(limit)

    def drop_rest(self) -> None:
        """Discard what is held of the body, and what follows."""
        self._dropping = True
        self._pieces = []
        self.unseen = 0

    async def _arrival(self, limit: int) -> None:
        """Wait until the body is complete or has more than `limit` bytes."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(SLOWEST_BODY):
                while not self.complete and self.size <= limit:
                    if self.gone:
                        raise Gone
                    self._waiter = loop.create_future()
                    self.unseen = 0
                    self._wait()
                    await self._waiter
        except TimeoutError:
            raise Late from None
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
