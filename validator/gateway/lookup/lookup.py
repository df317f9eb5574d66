"""Lookup: look-ups, one at a time for each session, whose results are stored.

To the store, a look-up is a request that changes no state: it begins before the API is called, and
ends with the state and date in the answer. It is thus ordered among the other requests of the
session in the same way: a newer answer wins, and the results of pending requests stay possible.
"""

from __future__ import annotations

import asyncio
import logging
import re
from time import perf_counter
from typing import Final

from ...config.fields import InvalidValue
from ...model.states import STATES
from ..messages import Headers
from ..store import Ending, Intent, Key, Learned, Refused
from ..store_health import StoreHealth
from . import LookupMeter, Subject
from .breaker import Breaker
from .client import SessionReader
from .reply import interpret
from .settings import LookupSettings

MOST_ASKED: Final = 64
"""The most concurrent look-ups of a process; more wait for their turn."""
READING: Final = Intent(frozenset({*STATES, "new"}), None)
"""The intent of a look-up, as the store records it."""
_UNANSWERED: Final = frozenset({"failed", "limited"})
"""The outcomes that count as no answer."""
_KEY: Final = re.compile(r"[\x21-\x7e]+")
_LONGEST_KEY: Final = 4096
_COMPLAINTS: Final = {
    "denied": "the API rejects the key of look-ups; check key_file",
    "malformed": "a response to a look-up is not from the API; check url",
}
"""The log lines for outcomes that the settings may have caused."""

_log = logging.getLogger(__name__)


class Lookup:
    """The look-ups of a guard; it can be used from one event loop at a time."""

    def __init__(
        self, settings: LookupSettings, health: StoreHealth, meter: LookupMeter | None = None
    ) -> None:
        """Look up by `settings`; raises `ValueError` for a key that can't be read."""
        self._timeout = settings.timeout
        self._own = None if settings.key_file is None else authorization_of(settings.key_file)
        self._api = SessionReader(settings.url, MOST_ASKED)
        self._health = health
        self._meter = meter
        self._breaker = Breaker()
        self._complaints: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flights: dict[Key, asyncio.Task[str]] = {}
        self._turns = asyncio.Semaphore(MOST_ASKED)

    async def ask(self, subject: Subject, headers: Headers, started: float) -> str:
        """Look a session up for a request that began at `started`; return the outcome.

        Concurrent calls for a session share one look-up. The outcome is ``timeout`` if none is
        known by the deadline of the request.
        """
        await self._enter(asyncio.get_running_loop())
        flight = self._flights.get(subject.key)
        if flight is None:
            authorization = self._own or _authorization(headers)
            if authorization is None:
                return self._count("keyless", 0.0)
            flight = asyncio.create_task(self._run_flight(subject, authorization))
            self._flights[subject.key] = flight
        left = started + self._timeout - perf_counter()
        done, _ = await asyncio.wait((flight,), timeout=max(0.0, left))
        return flight.result() if done else "timeout"

    async def close(self) -> None:
        """Cancel the look-ups in progress, and close the connections; may be called twice."""
        await self._enter(asyncio.get_running_loop())
        while self._flights:
            await asyncio.wait(self._flights.values())
        await self._api.close()

    async def _enter(self, loop: asyncio.AbstractEventLoop) -> None:
        """Discard the state that belongs to another event loop, which has ended."""
        if loop is not self._loop:
            self._loop = loop
            self._flights = {}
            self._turns = asyncio.Semaphore(MOST_ASKED)
            await self._api.close()

    async def _run_flight(self, subject: Subject, authorization: str) -> str:
        """Look a session up in a task that outlives the request."""
        started = perf_counter()
        try:
            outcome = await self._wait_for_turn(subject, authorization)
        finally:
            self._flights.pop(subject.key, None)
        return self._count(outcome, perf_counter() - started)

    async def _wait_for_turn(self, subject: Subject, authorization: str) -> str:
        """Look a session up when a slot is free."""
        end = asyncio.get_running_loop().time() + self._timeout
        try:
            async with asyncio.timeout_at(end):
                await self._turns.acquire()
        except TimeoutError:
            return "crowded"
        try:
            # Only now, since earlier look-ups may have found that the API does not answer.
            if not self._breaker.permits():
                return "paused"
            return await self._look_up(subject, authorization, end)
        finally:
            self._turns.release()

    async def _look_up(self, subject: Subject, authorization: str, end: float) -> str:
        """Look a session up, and store the result."""
        store, key, strict_new = subject
        begun = await self._health.answer("begin", store, lambda: store.begin(key, READING))
        if begun is None or begun.token is None:
            return "unstored"
        token = begun.token
        outcome, learned = await self._request(key.session, authorization, end)
        if outcome == "missing" and strict_new and not begun.states:
            learned = Learned("new")
        ending = await self._health.answer(
            "finish", store, lambda: store.finish(key, token, learned or Refused())
        )
        return outcome if learned is None or ending is Ending.TAKEN else "unstored"

    async def _request(
        self, session: str, authorization: str, end: float
    ) -> tuple[str, Learned | None]:
        """Call the API; return the outcome, and what the store learns from the answer."""
        try:
            async with asyncio.timeout_at(end):
                response = await self._api.read(session, authorization)
        except TimeoutError:
            self._breaker.record_failure("no answer in time")
            return "timeout", None
        except Exception as error:  # noqa: BLE001 - requests must not fail with it
            self._breaker.record_failure(type(error).__name__)
            return "unreachable", None
        outcome, learned = interpret(response, session)
        if outcome in _UNANSWERED:
            self._breaker.record_failure(f"status {response.status}")
        else:
            self._breaker.record_answer()
            self._log_once(outcome)
        return outcome, learned

    def _log_once(self, outcome: str) -> None:
        """Log once each outcome that the settings may have caused."""
        text = _COMPLAINTS.get(outcome)
        if text is None or outcome in self._complaints or (outcome == "denied" and not self._own):
            return
        self._complaints.add(outcome)
        _log.error(text, extra={"fields": {"event": "lookup-failed", "lookup": outcome}})

    def _count(self, outcome: str, seconds: float) -> str:
        if self._meter is not None:
            self._meter.count_lookup(outcome, seconds)
        return outcome


def authorization_of(path: str) -> str:
    """Return the ``Authorization`` for the API key in a file; raises `InvalidValue`."""
    where = "lookup", "key_file"
    try:
        with open(path, encoding="ascii") as file:
            key = file.read(_LONGEST_KEY).strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not ASCII"
        message = f"lookup.key_file is {path!r}, which can't be read: {why}"
        raise InvalidValue(message, *where) from None
    if not _KEY.fullmatch(key):
        message = f"lookup.key_file is {path!r}; expected a file that contains only an API key"
        raise InvalidValue(message, *where)
    return f"ApiKey-v1 {key}"


def _authorization(headers: Headers) -> str | None:
    """Return the ``Authorization`` of a request; None if it has none that can be forwarded."""
    given = [value for name, value in headers if name == "authorization"]
    return given[0] if len(given) == 1 and given[0].isascii() and given[0] else None
