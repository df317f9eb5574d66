"""A store with what a test needs around it: its own sessions, a clock to turn, calls that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from support.gateway.states import states_of
from support.gateway.valkey import Valkey
from talonschema.gateway.store import (
    Admission,
    Ending,
    Intent,
    Key,
    Learned,
    RequestOutcome,
    Store,
    StoreError,
)
from talonschema.gateway.store.memory import MemoryStore
from talonschema.gateway.store.redis import PREFIX, RedisStore
from talonschema.gateway.store.sqlite import STEPS, SqliteStore

KINDS: Final = ("memory", "sqlite", "redis")
LEASE: Final = 30.0
EXPIRY: Final = 3600.0
START: Final = 1_800_000_000.0
KEY: Final = Key("shop", "session-1")
NOON: Final = datetime(2026, 6, 24, 12, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
CLOSE: Final = Intent(frozenset({"open", "new"}), "closed")

ODD: Final = (
    *("a", "A", "a b", "a/b", "a%2Fb", "a:b", "a#b", "a|b", "{a}", "a\0", "a\n", "ä", "a\u0308"),
    *("\ud800", "\ufffd", "'; DROP TABLE session; --", "*", "..", "", " ", "x" * 400, "x" * 401),
    *("y" * 100_000, "🛒" * 300),
)
"""Ids that are hard to make a key of."""


class Stand:
    """A store whose clock is turned by hand."""

    def __init__(self, kind: str, folder: Path, valkey: Valkey) -> None:
        self.kind = kind
        self.now = START
        self.application = uuid4().hex
        """Keeps the tests that share a server apart."""
        self.runner = asyncio.Runner()
        self.valkey = valkey
        self.path = folder / f"{self.application}.db"
        self.store = self.second_store()
        self.slack = EXPIRY / STEPS if kind == "sqlite" else 0.0
        """Seconds for which a session may be remembered longer than it has to."""

    def second_store(self) -> Store:
        """Return a second store of the same sessions; for memory, there is none."""
        if self.kind == "memory":
            return MemoryStore(lease=LEASE, expiry=EXPIRY, now=lambda: self.now)
        # The deadlines are long, because this may run on a busy machine.
        if self.kind == "sqlite":
            return SqliteStore(
                str(self.path), lease=LEASE, expiry=EXPIRY, timeout=20, now=lambda: self.now
            )
        return RedisStore(
            self.valkey.url, lease=LEASE, expiry=EXPIRY, timeout=20, now=lambda: self.now
        )

    def key(self, session: str = "session-1") -> Key:
        return Key(self.application, session)

    def begin(
        self,
        permitted: str,
        wanted: str | None,
        *,
        session: str = "session-1",
        strict_new: bool = False,
        certain: str = "",
    ) -> Admission:
        """Begin a request that passes from the permitted states, with spaces between."""
        states = frozenset(permitted.split())
        intent = Intent(states, wanted, strict_new, certain=frozenset(certain.split()))
        return self.ask(intent, session=session)

    def ask(self, intent: Intent, *, session: str = "session-1") -> Admission:
        return self.runner.run(self.store.begin(self.key(session), intent))

    def admit(
        self,
        permitted: str,
        wanted: str | None,
        **more: Any,
    ) -> str:
        """Begin a request that must be admitted, and return its token."""
        token = self.begin(permitted, wanted, **more).token
        assert token is not None
        return token

    def finish(
        self, token: str, resulting_state: RequestOutcome, *, session: str = "session-1"
    ) -> None:
        self.runner.run(self.store.finish(self.key(session), token, resulting_state))

    def end(self, token: str, *, session: str = "session-1") -> Ending:
        """Finish a request that was done, and return what came of it."""
        return self.runner.run(self.store.finish(self.key(session), token, Learned()))

    def learn(self, state: str, *, session: str = "session-1") -> None:
        """Let the store learn that a session is in a state."""
        everything = "open closed partially_returned cancelled new"
        token = self.admit(everything, state, session=session)
        self.finish(token, Learned(state), session=session)
        assert self.states(session) == {state}

    def states(self, session: str = "session-1", *, strict_new: bool = False) -> frozenset[str]:
        """Return the states that a session may be in; see `states_of`."""
        return self.runner.run(states_of(self.store, self.key(session), strict_new=strict_new))

    def wait(self, seconds: float) -> None:
        """Let time pass, for the store and for what it runs on."""
        self.now += seconds
        if self.kind == "redis":
            with closing(self.valkey.client()) as client:
                for key in client.scan_iter(f"{PREFIX}:{self.application}*"):
                    left = client.pttl(key)
                    client.pexpire(key, left - int(seconds * 1000))

    def close(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()


@contextmanager
def open_stand(kind: str, folder: Path, valkey: Valkey) -> Iterator[Stand]:
    made = Stand(kind, folder, valkey)
    try:
        yield made
    finally:
        made.close()


def attempt(store: Store) -> str:
    """Use a store that can't be used, and return the report."""

    async def run() -> str:
        with pytest.raises(StoreError) as caught:
            await store.begin(KEY, CLOSE)
        await store.close()
        return str(caught.value)

    return asyncio.run(run())
