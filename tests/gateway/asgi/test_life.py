"""What a SessionGuard leaves alone, and its start and end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.gateway.asgi_client import (
    CLOSED,
    OPEN,
    SESSION,
    Broken,
    Client,
    Message,
    make_guard,
    run,
    scope,
)
from support.gateway.upstream import Upstream
from talonschema.gateway import SessionGuard


@pytest.mark.parametrize(
    "other",
    [
        {"type": "websocket", "path": SESSION, "headers": []},
        scope("GET"),
        scope("POST", "/v2/customer_profiles/x/labels"),
    ],
)
def test_other_requests_are_handed_on_as_they_are(other: Message) -> None:
    handed: list[Any] = []

    async def app(*given: Any) -> None:
        handed.extend(given)

    client = Client(b"never read")

    async def steps(guard: SessionGuard) -> None:
        receive, send = client.receive, client.send
        await guard(other, receive, send)
        assert handed == [other, receive, send]
        assert len(client.incoming) == 1

    run(make_guard(app), steps)


def lifespan(guard: SessionGuard) -> list[str]:
    """Go through the life of a server; return what the app answered."""
    sent = []

    async def run_lifespan() -> None:
        heard = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> Message:
            return {"type": next(heard)}

        async def send(message: Message) -> None:
            sent.append(message["type"])

        await guard({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)

    asyncio.run(run_lifespan())
    return sent


async def knows_no_lifespan(scope: Message, receive: Any, send: Any) -> None:
    raise ValueError(scope["type"], receive, send)


async def hears_no_lifespan(scope: Message, receive: Any, send: Any) -> None:
    await receive()
    raise ValueError(scope["type"], send)


@pytest.mark.parametrize("app", [Upstream(), knows_no_lifespan, hears_no_lifespan])
def test_the_store_is_closed_at_the_end_of_the_server(app: Any, tmp_path: Path) -> None:
    guard = make_guard(app, store=f"sqlite:{tmp_path}/sessions.db")
    # SQLite keeps the file beside the database as long as it is open.
    asyncio.run(guard.guard.ready())
    assert (tmp_path / "sessions.db-wal").exists()
    assert lifespan(guard) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert not (tmp_path / "sessions.db-wal").exists()


def test_a_start_that_fails_is_reported() -> None:
    async def app(_: Message, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})
        raise Broken

    guard = make_guard(app)
    with pytest.raises(Broken):
        lifespan(guard)
    asyncio.run(guard.aclose())


def test_wrong_options_are_reported_at_once() -> None:
    with pytest.raises(ValueError, match="2026-6"):
        make_guard(edition="2026-6")
    with pytest.raises(TypeError, match="polcy"):
        make_guard(polcy=None)


def test_it_needs_nothing_but_the_package(tmp_path: Path) -> None:
    script = f"""
import sys
for name in ("grpc", "uvicorn", "redis", "prometheus_client", "google.protobuf", "httpx", "brotli"):
    sys.modules[name] = None
import asyncio, json
from talonschema.gateway import LookupSettings, SessionGuard

async def app(scope, receive, send):
    await receive()
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body"}})

async def ask(guard, body):
    taken = []
    async def receive():
        return {{"type": "http.request", "body": body}}
    async def send(message):
        taken.append(message)
    await guard({scope()!r}, receive, send)
    print(taken[0]["status"], end=" ")

async def main():
    for store in ("memory:", "sqlite:" + sys.argv[1]):
        guard = SessionGuard(app, store=store)
        await ask(guard, {CLOSED!r})
        await ask(guard, {OPEN!r})
        await guard.aclose()

asyncio.run(main())
"""
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "sessions.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "200 400 200 400 ", done.stderr
