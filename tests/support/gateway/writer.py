"""A gateway's work on a store, printed step by step until it is killed: ``writer.py STORE ID``.

It takes sessions through a circle of states. Each line names a step of a session that the store has
taken in; what was printed is never to be lost.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from itertools import count
from typing import Final

from talonschema.gateway.store import Intent, Key, Learned, Store, open_store

CIRCLE: Final = ("open", "closed", "partially_returned", "cancelled")
SESSIONS: Final = 5


async def steps(store: Store, session: str) -> AsyncIterator[int]:
    """Do one step after the other, and yield the number of each that was taken in."""
    key = Key("shop", session)
    for step in count():
        state = CIRCLE[step % len(CIRCLE)]
        token = (await store.begin(key, Intent(frozenset(CIRCLE), state))).token
        assert token
        await store.finish(key, token, Learned(state))
        yield step


def is_known(states: frozenset[str], step: int) -> bool:
    """Return True if the step is still known; the next may be under way, or done as well."""
    return bool(states) and states <= {CIRCLE[step % 4], CIRCLE[(step + 1) % 4]}


async def main(url: str, name: str) -> None:
    store = open_store(url, timeout=30)

    async def write(session: str) -> None:
        async for step in steps(store, session):
            print(session, step, flush=True)  # noqa: T201 - the test reads it

    await asyncio.gather(*(write(f"{name}-{number}") for number in range(SESSIONS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
