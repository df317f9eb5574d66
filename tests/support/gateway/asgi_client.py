"""A client that speaks ASGI, and a SessionGuard around the stand-in API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Any

from support.gateway.states import states_of
from support.gateway.upstream import Upstream
from talonschema.gateway import SessionGuard
from talonschema.gateway.store import Key

Message = MutableMapping[str, Any]
SESSION = "/v2/customer_sessions/cart-1"
OPEN, CLOSED, BAD = (
    json.dumps({"customerSession": session}).encode()
    for session in ({"state": "open"}, {"state": "closed"}, {"cartItems": 1})
)


def scope(method: str = "PUT", path: str = SESSION, query: str = "", **more: Any) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"content-type", b"application/json")],
        **more,
    }


class Client:
    """A client that speaks ASGI, so that it can send and take in any pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.incoming: list[Message] = [
            {"type": "http.request", "body": piece, "more_body": at < len(pieces)}
            for at, piece in enumerate(pieces, 1)
        ]
        self.taken: list[Message] = []

    async def receive(self) -> Message:
        return self.incoming.pop(0) if self.incoming else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.taken.append(message)

    @property
    def status(self) -> int | None:
        return next((each["status"] for each in self.taken if "status" in each), None)

    @property
    def body(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.taken)

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.taken[0]["headers"])


async def ask(guard: SessionGuard, *pieces: bytes, **where: Any) -> Client:
    client = Client(*(pieces or (b"",)))
    await guard(scope(**where), client.receive, client.send)
    return client


async def state(guard: SessionGuard, session: str = "cart-1") -> set[str]:
    return set(await states_of(guard.guard.store, Key("default", session)))


def make_guard(app: Any = None, **options: Any) -> SessionGuard:
    return SessionGuard(app or Upstream(), **{"edition": "2026-06", "store": "memory:", **options})


Steps = Callable[[SessionGuard], Coroutine[Any, Any, None]]


def run(guard: SessionGuard, steps: Steps) -> None:
    async def run_steps() -> None:
        try:
            await steps(guard)
        finally:
            await guard.aclose()

    asyncio.run(run_steps())


class Broken(Exception):
    """What an app raises."""
