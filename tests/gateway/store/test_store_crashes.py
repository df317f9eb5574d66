"""What a store has taken in outlives the death of the gateway, and of the server."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest

from support.gateway import writer
from support.gateway.states import states_of
from support.gateway.valkey import Valkey
from support.gateway.writer import is_known, steps
from talonschema.gateway.store import Key, Store, StoreError, open_store


class Writing:
    """A gateway that works until it is killed."""

    def __init__(self, url: str, name: str) -> None:
        command = [sys.executable, writer.__file__, url, name]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.steps: dict[str, int] = {}
        """The last step of each session that is known to be taken in."""

    def read(self, lines: int | None = None) -> None:
        """Read so many lines; None reads all there are."""
        assert self.process.stdout
        for _ in range(lines if lines is not None else sys.maxsize):
            line = self.process.stdout.readline()
            if not line.endswith("\n"):
                # A line that was cut off is no record.
                assert lines is None, "it has ended by itself"
                return
            session, step = line.split()
            self.steps[session] = int(step)

    def kill(self) -> None:
        with self.process:
            self.process.kill()
            self.read()


async def session_states(store: Store, session: str) -> frozenset[str]:
    return await states_of(store, Key("shop", session))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_a_gateway_that_is_killed_loses_nothing(kind: str, tmp_path: Path, valkey: Valkey) -> None:
    path = tmp_path / "sessions.db"
    url = f"sqlite:{path}" if kind == "sqlite" else valkey.url
    all_steps: dict[str, int] = {}
    for lines in (1, 50, 333):
        first, second = Writing(url, uuid4().hex), Writing(url, uuid4().hex)
        first.read(lines)
        second.read(lines)
        first.kill()
        # The other one works on, whatever the first was in the middle of.
        second.read(300)
        second.kill()
        all_steps |= first.steps | second.steps

    async def check() -> None:
        store = open_store(url, timeout=30)
        for session, step in all_steps.items():
            states = await session_states(store, session)
            assert is_known(states, step), (session, step, states)
        await anext(steps(store, uuid4().hex))
        await store.close()

    asyncio.run(check())
    assert sum(all_steps.values()) > 1000
    if kind == "sqlite":
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_a_server_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    server = Valkey(tmp_path, "--appendonly", "yes", "--appendfsync", "always")

    async def write(
        store: Store,
        session: str,
        written: dict[str, int],
        process: subprocess.Popen[bytes],
        least: int,
    ) -> None:
        async for step in steps(store, session):
            written[session] = step
            if sum(written.values()) >= least:
                process.kill()

    async def run(stack: ExitStack) -> int:
        store = open_store(server.url, timeout=5)
        total = 0
        for turn, least in enumerate((20, 200, 500)):
            written: dict[str, int] = {}
            process = stack.enter_context(server.serving())
            writing = [write(store, f"{turn}-{each}", written, process, least) for each in range(8)]
            # The same store, whose connections are broken then, is used for all turns.
            ends = await asyncio.gather(*writing, return_exceptions=True)
            assert {type(end) for end in ends} == {StoreError}, ends
            with server.serving():
                for session, step in written.items():
                    states = await session_states(store, session)
                    assert is_known(states, step), (session, step, states)
            total += sum(written.values())
        await store.close()
        return total

    with ExitStack() as stack:
        assert asyncio.run(run(stack)) > 700


def test_a_lost_step_would_be_found() -> None:
    assert is_known(frozenset({"open"}), 4)
    assert is_known(frozenset({"open", "closed"}), 4)
    assert is_known(frozenset({"closed"}), 4)
    assert not is_known(frozenset({"cancelled"}), 4)
    assert not is_known(frozenset({"open", "cancelled"}), 4)
    assert not is_known(frozenset(), 4)
