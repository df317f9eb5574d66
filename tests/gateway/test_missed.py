"""What gateways of a fleet have missed while their store failed is no reason to refuse a call."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest

from support.gateway.states import states_of
from talonschema.gateway import Guard, Request, Response, Settings, store_health
from talonschema.gateway import missed as missed_changes
from talonschema.gateway.missed import MissedChanges
from talonschema.gateway.store import Key
from talonschema.gateway.store_health import StoreHealth

JSON = ("content-type", "application/json")
OPEN, CLOSED = "open", "closed"


def reopen_request(session: str) -> Request:
    return Request("PUT", f"/v2/customer_sessions/{session}/reopen")


def update(session: str, state: str) -> Request:
    body = json.dumps({"customerSession": {"state": state}}).encode()
    return Request("PUT", f"/v2/customer_sessions/{session}", (JSON,), body)


class Fleet:
    """Guards that share a file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sessions.db"
        self.one, self.other = self._guard(), self._guard()

    def _guard(self) -> Guard:
        store = f"sqlite:{self.path}"
        return Guard(Settings(edition="2026-06", store=store, store_timeout=0.2))

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Have the store fail as long as the block."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            yield

    async def complete(self, guard: Guard, request: Request, status: int = 200) -> None:
        verdict = await guard.begin(request)
        assert verdict.refusal is None
        assert verdict.token
        answer = Response(status, (JSON,), b"{}")
        await guard.finish(verdict.token, request.method, request.target, answer)

    async def refuses(self, guard: Guard, request: Request) -> bool:
        return (await guard.begin(request)).refusal is not None

    async def states(self, session: str) -> frozenset[str]:
        return await states_of(self.one.store, Key("default", session))


@asynccontextmanager
async def fleet(folder: Path) -> AsyncIterator[Fleet]:
    made = Fleet(folder)
    await made.complete(made.one, update("a", CLOSED))
    await made.complete(made.one, update("b", CLOSED))
    yield made
    await made.one.close()
    await made.other.close()


@pytest.fixture
def no_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait for what others have missed."""
    monkeypatch.setattr(store_health, "SETTLING", 0)


@pytest.mark.usefixtures("no_settling")
def test_a_session_that_changed_meanwhile_may_be_in_either_state(tmp_path: Path) -> None:
    async def run() -> None:
        async with fleet(tmp_path) as made:
            with made.outage():
                await made.complete(made.one, reopen_request("a"))
            assert not await made.refuses(made.one, update("a", OPEN))
            assert await made.states("a") == {OPEN, CLOSED}
            assert await made.refuses(made.one, update("b", OPEN))

    asyncio.run(run())


@pytest.mark.usefixtures("no_settling")
def test_others_learn_of_it_once_the_store_answers_any_call(tmp_path: Path) -> None:
    async def run() -> None:
        async with fleet(tmp_path) as made:
            with made.outage():
                # Its answer never comes.
                assert not await made.refuses(made.one, reopen_request("a"))
            await made.complete(made.one, update("c", OPEN))
            async with asyncio.timeout(30):
                while await made.states("a") != {OPEN, CLOSED}:  # noqa: ASYNC110 - no event of ours
                    await asyncio.sleep(0.01)
            assert not await made.refuses(made.other, update("a", OPEN))

    asyncio.run(run())


@pytest.mark.usefixtures("no_settling")
def test_what_the_api_refused_meanwhile_is_no_change(tmp_path: Path) -> None:
    async def run() -> None:
        async with fleet(tmp_path) as made:
            with made.outage():
                await made.complete(made.one, update("a", OPEN), status=400)
            assert await made.refuses(made.one, update("a", OPEN))

    asyncio.run(run())


def test_after_a_failure_nothing_is_refused_until_others_have_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_health, "SETTLING", 3600)

    async def run() -> None:
        async with fleet(tmp_path) as made:
            with made.outage():
                await made.complete(made.other, update("c", OPEN))
            # The first has missed nothing, and does not know that there was a failure.
            assert await made.refuses(made.one, update("a", OPEN))
            assert not await made.refuses(made.other, update("a", OPEN))
            monkeypatch.setattr(store_health, "SETTLING", 0)
            assert await made.refuses(made.other, update("b", OPEN))

    asyncio.run(run())


def test_what_is_kept_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missed_changes, "MOST_SESSIONS", 2)
    missed = MissedChanges(StoreHealth())
    for session in ("a", "b", "c"):
        missed.note(Key("shop", session), OPEN)
    assert len(missed._states) == 2  # noqa: SLF001 - shows nowhere else
    for _ in range(100):
        missed.note(Key("shop", "c"), CLOSED)
    assert len(missed._states[Key("shop", "c")]) == 32  # noqa: SLF001 - shows nowhere else
