"""Missed changes: the results of requests during a failure of the store, until it learns them.

The store still has the state from before its failure, for which the next call on such a session may
be refused although the API would accept it. The states are therefore kept here, and reported as
possible as soon as the store answers again: those of a session before its next call is judged, the
others in the background.

The changes that other gateways of a fleet have missed are not known here. They, too, report these
at once, so for a moment after a failure of the store no request is refused for its state.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final

from ..model.states import STATES
from .decision import NEW_SESSION
from .store import Admission, Intent, Key, Store
from .store_health import StoreHealth

ANY: Final = frozenset({*STATES, NEW_SESSION})
MOST_SESSIONS: Final = 100_000
"""The most sessions that are kept, of some 250 bytes each; the oldest are dropped first."""
_MOST_OF_ONE: Final = 32
"""Requests of a session that are kept one by one; beyond, each state is kept once."""
_AT_ONCE: Final = 16
"""Sessions that are reported concurrently, so that other calls get their turn."""


class MissedChanges:
    """The changes that a store has missed."""

    def __init__(self, health: StoreHealth) -> None:
        self._health = health
        self._states: dict[Key, tuple[str, ...]] = {}
        """The states to which unseen requests led, by session."""
        self._catching_up: asyncio.Task[None] | None = None

    def note(self, key: Key, state: str | None) -> None:
        """Keep the state to which an unseen request leads; None if it keeps its state."""
        if state is None:
            return
        states = self._states.pop(key, ())
        if len(states) < _MOST_OF_ONE or state not in states:
            states += (state,)
        self._states[key] = states
        if len(self._states) > MOST_SESSIONS:
            del self._states[next(iter(self._states))]

    def forget(self, key: Key, state: str | None) -> None:
        """Drop the state of a request that was refused, or that the store knows by now."""
        states = list(self._states.get(key, ()))
        if state in states and len(states) < _MOST_OF_ONE:
            states.remove(state)
            self._set_states(key, tuple(states))

    async def begin(self, store: Store, key: Key, intent: Intent) -> Admission:
        """Report what the store missed, and have it admit a request; raises as the store does."""
        if self._states:
            await self._report(store, key)
        admission = await store.begin(key, intent)
        if not (admission.may_pass or admission.doubtful) and self._health.settling:
            admission = await store.begin(key, intent._replace(permitted=ANY))
        if self._states and self._catching_up is None:
            self._catching_up = asyncio.create_task(self._catch_up(store))
            self._catching_up.add_done_callback(self._caught_up)
        return admission

    def close(self) -> None:
        """Stop reporting."""
        if self._catching_up is not None:
            self._catching_up.cancel()

    async def _report(self, store: Store, key: Key) -> None:
        """Report the missed requests of a session as requests that the API may have done."""
        missed = set(self._states.get(key, ()))
        for state in missed:
            await store.begin(key, Intent(ANY, state))
        self._set_states(
            key, tuple(each for each in self._states.get(key, ()) if each not in missed)
        )

    def _set_states(self, key: Key, states: tuple[str, ...]) -> None:
        if states:
            self._states[key] = states
        else:
            self._states.pop(key, None)

    async def _catch_up(self, store: Store) -> None:
        while keys := list(self._states):
            for start in range(0, len(keys), _AT_ONCE):
                calls = (
                    partial(self._report_all, store, key) for key in keys[start : start + _AT_ONCE]
                )
                reports = (self._health.answer("begin", store, call) for call in calls)
                if not all(await asyncio.gather(*reports)):
                    return

    async def _report_all(self, store: Store, key: Key) -> bool:
        await self._report(store, key)
        return True

    def _caught_up(self, _: asyncio.Task[None]) -> None:
        self._catching_up = None
