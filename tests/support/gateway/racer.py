"""A model of the API that many clients race against through a store, and such a client.

It makes the legal moves in an order of its own, answers late and out of order, loses answers and
answers 500 before or after it has done what was asked. Run as a program it is one client of many:
``racer.py STORE PORT APPLICATION SEED``.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from talonschema.gateway.store import (
    Intent,
    Key,
    Learned,
    Refused,
    RequestOutcome,
    Store,
    Uncertain,
    open_store,
)
from talonschema.model.states import STATES, legal, resulting_state

EDITION: Final = "2026-06"
LEASE: Final = 120.0
"""Longer than any race takes: nothing is done after its lease."""
TASKS: Final = 2
CALLS: Final = 240
"""Clients in a process, and calls of each."""
EPOCH: Final = datetime(2026, 6, 24, tzinfo=UTC)


class Ask(NamedTuple):
    """What a client asks for."""

    operation: str
    state: str | None = None


ASKS: Final = (
    Ask("update", "open"),
    Ask("update", "closed"),
    Ask("update", "cancelled"),
    Ask("update"),
    Ask("return"),
    Ask("reopen"),
)


def accepts(before: str | None, ask: Ask, *, lenient: bool = False) -> bool:
    """Return True if the API does it; a lenient one takes what changes nothing, too."""
    after = resulting_state(ask.operation, ask.state, before)
    repeated = lenient and ask.operation == "update" and before == after
    return repeated or legal(EDITION, before, after, ask.operation)


def intent(ask: Ask, *, strict_new: bool = False) -> Intent:
    """Return what the gateway reports to the store; repeating a state always passes."""
    permitted = {
        before or "new" for before in (None, *STATES) if accepts(before, ask, lenient=True)
    }
    wanted = ask.state if ask.operation == "update" else resulting_state(ask.operation, None, None)
    return Intent(frozenset(state or "new" for state in permitted), wanted, strict_new)


class Api(Protocol):
    """What a client sees of the API."""

    async def mark(self, session: str) -> int:
        """Return a mark of now."""

    async def judge(self, session: str, mark: int, ask: Ask) -> bool:
        """Return True if it would have done it at any time since the mark."""

    async def send(self, session: str, ask: Ask) -> dict[str, Any]:
        """Ask for it, and return the answer; one without a status was lost."""


class Model:
    """The API itself."""

    def __init__(self, rng: random.Random, first: Mapping[str, str | None] | None = None) -> None:
        self.rng = rng
        self.history = {session: [state] for session, state in (first or {}).items()}
        self.clock = 0
        self.late: set[asyncio.Task[None]] = set()

    def state(self, session: str) -> str | None:
        return self.history.setdefault(session, [None])[-1]

    def commit(self, session: str, ask: Ask) -> bool:
        before = self.state(session)
        if not accepts(before, ask):
            return False
        self.history[session].append(resulting_state(ask.operation, ask.state, before))
        self.clock += self.rng.randrange(2)
        return True

    async def mark(self, session: str) -> int:
        self.state(session)
        return len(self.history[session])

    async def judge(self, session: str, mark: int, ask: Ask) -> bool:
        return all(accepts(state, ask) for state in self.history[session][mark - 1 :])

    async def send(self, session: str, ask: Ask) -> dict[str, Any]:
        fault = self.rng.random() if session.startswith("shaky") else 1.0
        await self.pause()
        if fault < 0.03:
            return {"status": 500}
        if fault < 0.06:
            task = asyncio.create_task(self.commit_later(session, ask))
            self.late.add(task)
            return {}
        done = self.commit(session, ask)
        reported = self.rng.random() < 0.6
        answer: dict[str, Any] = {"status": 200 if done else 400}
        if done and reported:
            answer |= {"state": self.state(session), "updated": self.clock}
        await self.pause()
        if fault < 0.09:
            return {"status": 500}
        return {} if fault < 0.12 else answer

    async def commit_later(self, session: str, ask: Ask) -> None:
        """Do it when nobody waits for it any more."""
        for _ in range(5):
            await self.pause()
        self.commit(session, ask)

    async def pause(self) -> None:
        await asyncio.sleep(self.rng.choice((0, 0, 0, self.rng.random() * 0.004)))


class Remote:
    """The API in another process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, *what: Any) -> Any:
        self.writer.write(json.dumps(what).encode() + b"\n")
        return json.loads(await self.reader.readline())

    async def mark(self, session: str) -> int:
        found: int = await self.ask("mark", session)
        return found

    async def judge(self, session: str, mark: int, ask: Ask) -> bool:
        found: bool = await self.ask("judge", session, mark, ask)
        return found

    async def send(self, session: str, ask: Ask) -> dict[str, Any]:
        found: dict[str, Any] = await self.ask("send", session, ask)
        return found


async def serve(model: Model, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one client in another process."""
    while line := await reader.readline():
        what, session, *more = json.loads(line)
        if more:
            more[-1] = Ask(*more[-1])
        answer = await getattr(model, what)(session, *more)
        writer.write(json.dumps(answer).encode() + b"\n")
    writer.close()


def outcome_of(answer: Mapping[str, Any]) -> RequestOutcome:
    """Return what the gateway makes of an answer."""
    if answer.get("status", 500) >= 500:
        return Uncertain()
    if answer["status"] == 400:
        return Refused()
    if "state" not in answer:
        return Learned()
    return Learned(answer["state"], EPOCH + timedelta(seconds=answer["updated"]))


class Tally(NamedTuple):
    """What became of the requests of some clients."""

    admitted: int = 0
    refused: int = 0
    wrongly: int = 0
    """Refused although the API would have done it."""


async def client(
    store: Store, application: str, api: Api, rng: random.Random, *, calls: int = CALLS
) -> Tally:
    """Send requests one after the other; all clients work on the same session at a time."""
    admitted = refused = wrongly = 0
    for turn in range(calls):
        session = f"{('calm', 'shaky', 'calm')[turn // 12 % 3]}-{turn // 12}"
        ask = rng.choices(ASKS, (5, 5, 0.05, 5, 0.3, 5))[0]
        key = Key(application, session)
        mark = await api.mark(session)
        admission = await store.begin(key, intent(ask))
        if admission.token is None:
            refused += 1
            wrongly += await api.judge(session, mark, ask)
            continue
        admitted += 1
        answer = await api.send(session, ask)
        # Where the answer was lost, the gateway may not even come to say so.
        if answer or rng.random() < 0.5:
            await store.finish(key, admission.token, outcome_of(answer))
    return Tally(admitted, refused, wrongly)


def sum_tallies(tallies: list[Tally]) -> Tally:
    return Tally(*(sum(column) for column in zip(*tallies, strict=True)))


async def main(url: str, port: str, application: str, seed: str) -> None:
    store = open_store(url, lease=LEASE, timeout=30)
    wires = [await asyncio.open_connection("127.0.0.1", int(port)) for _ in range(TASKS)]
    clients = (
        client(store, application, Remote(*wire), random.Random(f"{seed} {number}"))
        for number, wire in enumerate(wires)
    )
    tally = sum_tallies(list(await asyncio.gather(*clients)))
    for _, writer in wires:
        writer.close()
    await store.close()
    sys.stdout.write(json.dumps(tally))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
