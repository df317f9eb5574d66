"""The store in a SQLite file: for the processes of one machine.

Calls are made in the event loop, where one takes less time than the switch to a thread. All calls
of one turn of the loop share a transaction, since its begin and commit take longer than a call;
each returns after the commit. Nothing blocks the loop: a lock that another process holds is retried
between other tasks, and upkeep runs in a thread.

A call that has returned is in the file (``synchronous=NORMAL`` with a write-ahead log), and
survives any end of the process, even `kill -9`. A power failure may lose the last calls, but does
not corrupt the file.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

from . import (
    EXPIRY,
    LEASE,
    TIMEOUT,
    Admission,
    Ending,
    Intent,
    Key,
    Report,
    RequestOutcome,
    StoreError,
    Uncertain,
    ignore_failure,
)
from .record import UNKNOWN, Record
from .sqlite_file import check_version, is_busy, open_file, store_error
from .sqlite_upkeep import Upkeep
from .token import missing, new_token

UPKEEP: Final = 4000
"""Writes between runs of the upkeep."""
UPKEEP_SECONDS: Final = 60.0
"""The most seconds between runs, if there are fewer writes."""
STEPS: Final = 64
"""Steps of the expiry, to which times are rounded up, so that their index, which costs a third of a
write, seldom changes."""

_SELECT: Final = "SELECT expires, record FROM session WHERE name = ?"
_UPSERT: Final = (
    "INSERT INTO session VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET expires = excluded.expires, record = excluded.record"
)
_UPDATE: Final = "UPDATE session SET record = ? WHERE name = ?"
_DELETE: Final = "DELETE FROM session WHERE name = ?"
_READY: Final = "ready"
"""The name of the row that `ready` writes; those of sessions have a colon or a number sign."""

T = TypeVar("T")


class _Call(NamedTuple):
    """A call that is waiting for its transaction."""

    work: Callable[[int], Any]
    """Called with the time under the lock, and again if the transaction fails."""
    result: asyncio.Future[Any]
    end: float
    """The deadline of the call."""


class SqliteStore:
    """A store in a file."""

    def __init__(
        self,
        path: str,
        *,
        lease: float = LEASE,
        expiry: float = EXPIRY,
        timeout: float = TIMEOUT,
        now: Callable[[], float] = time.time,
        report: Report = ignore_failure,
    ) -> None:
        """Open or create the file; `report` is called for failures of upkeep and damaged records.

        Raises `StoreError` if it can't be used.
        """
        self._path = os.path.abspath(path)
        self._lease = round(lease * 1000)
        self._expiry = round(expiry * 1000)
        self._timeout = timeout
        self._now = now
        self._report = report
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[_Call] = []
        """Calls that are waiting; while there are any, `_flush` is scheduled."""
        self._writes = 0
        self._kept_up_at: float | None = None
        self._keeping_up: asyncio.Task[None] | None = None
        try:
            self._connection = open_file(self._path)
            self._upkeep = Upkeep(self._path, self._time)
        except (sqlite3.Error, OSError) as error:
            raise store_error(self._path, error) from error

    async def begin(self, key: Key, intent: Intent) -> Admission:
        """Admit a request unless none of the session's possible states permits it."""
        name = key.name

        def work(now: int) -> Admission:
            expires, record = self._read(name, now)
            token = new_token(now, intent.digest)
            admission = record.begin(intent, token, now, self._lease)
            if admission.may_pass:
                self._write(name, record, now, expires)
            return admission

        return await self._transact(work)

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> Ending:
        """Learn the outcome of an admitted request; unknown tokens are ignored."""
        if isinstance(outcome, Uncertain):
            return Ending.TAKEN
        name = key.name

        def work(now: int) -> Ending:
            expires, record = self._read(name, now)
            ending = record.finish(token, outcome, now)
            if ending is Ending.TAKEN:
                self._write(name, record, now, expires)
            return missing(token, now, self._lease) if ending is Ending.UNKNOWN else ending

        return await self._transact(work)

    async def ready(self) -> None:
        """Return if a row can be written and read, and the file is still at its path."""

        def work(now: int) -> None:
            row = (now, f"[{UNKNOWN},{now},{{}}]")
            self._connection.execute(_UPSERT, (_READY, *row))
            if self._connection.execute(_SELECT, (_READY,)).fetchone() != row:
                raise sqlite3.DatabaseError("a row that was written can't be read")

        await self._transact(work)
        self._upkeep.check_identity()

    async def close(self) -> None:
        """Close the file; may be called twice."""
        self._upkeep.stop()
        if self._keeping_up is not None and not self._keeping_up.done():
            await asyncio.wait([self._keeping_up])
        self._flush()
        self._upkeep.close()
        self._connection.close()

    def _time(self) -> int:
        return int(self._now() * 1000)

    def _read(self, name: str, now: int) -> tuple[int, Record]:
        """Return the row's time of expiry, 0 if there is no row, and the current record."""
        row = self._connection.execute(_SELECT, (name,)).fetchone()
        if row is None:
            return 0, Record()
        expires, text = row
        try:
            return expires, Record.read(text) if now < expires else Record()
        except (ValueError, TypeError):
            text = f"a record in {self._path} is damaged: its session counts as unknown"
            self._report("record", StoreError(text, "damaged"))
            return 0, Record()

    def _write(self, name: str, record: Record, now: int, before: int) -> None:
        """Write a record in place of the row that expires at `before`."""
        if record.empty:
            self._connection.execute(_DELETE, (name,))
        else:
            expires = record.expires(now, self._expiry)
            if record.states != UNKNOWN:
                step = max(1, self._expiry // STEPS)
                expires += -expires % step
            if expires == before:
                self._connection.execute(_UPDATE, (record.write(), name))
            else:
                self._connection.execute(_UPSERT, (name, expires, record.write()))
        self._writes += 1

    async def _transact(self, work: Callable[[int], T]) -> T:
        """Call `work` with the time, in a transaction; return its result after the commit."""
        loop = self._loop
        # To get the running loop takes a system call in CPython 3.11.
        if loop is None or not loop.is_running():
            # Calls from a loop that has ended are no longer waited for.
            loop = self._loop = asyncio.get_running_loop()
            self._waiting = []
        call = _Call(work, loop.create_future(), time.monotonic() + self._timeout)
        self._waiting.append(call)
        if len(self._waiting) == 1:
            loop.call_soon(self._flush)
        result: T = await call.result
        self._schedule_upkeep()
        return result

    def _flush(self) -> None:
        """Make the waiting calls in one transaction, or schedule another attempt."""
        calls = [call for call in self._waiting if not call.result.done()]
        self._waiting = []
        error = self._attempt(calls)
        if error is None:
            return
        if not (isinstance(error, sqlite3.Error) and is_busy(error)) and len(calls) > 1:
            # One call may fail the transaction of all, so each gets its own.
            for call in calls:
                alone = self._attempt([call])
                if alone is not None:
                    self._fail_all([call], alone)
        else:
            self._fail_all(calls, error)
        if self._waiting and self._loop is not None:
            # Jitter, so that processes do not retry in lockstep.
            self._loop.call_later(random.uniform(0.0002, 0.002), self._flush)  # noqa: S311

    def _fail_all(self, calls: Sequence[_Call], error: Exception) -> None:
        """Have calls wait for the lock; fail them past their deadline, or for any other error."""
        now = time.monotonic()
        for call in calls:
            if isinstance(error, sqlite3.Error) and is_busy(error) and now < call.end:
                self._waiting.append(call)
            else:
                call.result.set_exception(store_error(self._path, error))

    def _attempt(self, calls: Sequence[_Call]) -> Exception | None:
        """Make calls in one transaction; return the error if it was rolled back."""
        if not calls:
            return None
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            check_version(self._connection)
            # Read under the lock, so that time does not run backwards for a session.
            now = self._time()
            results = [call.work(now) for call in calls]
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - passed to the caller
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            return error
        for call, result in zip(calls, results, strict=True):
            call.result.set_result(result)
        return None

    def _schedule_upkeep(self) -> None:
        """Start the upkeep if it is due."""
        if self._keeping_up is not None and not self._keeping_up.done():
            return
        now = time.monotonic()
        last = self._kept_up_at
        if last is None or self._writes >= UPKEEP or now - last >= UPKEEP_SECONDS:
            self._writes, self._kept_up_at = 0, now
            self._keeping_up = asyncio.create_task(self._run_upkeep())

    async def _run_upkeep(self) -> None:
        # Failed upkeep is retried the next time.
        try:
            await asyncio.to_thread(self._upkeep.run)
        except StoreError as error:
            self._report("upkeep", error)


def open_store(
    url: str, *, lease: float, expiry: float, timeout: float, report: Report
) -> SqliteStore:
    """Return a store in the file that `url` names: ``sqlite:PATH``.

    Raises `ValueError` if it names none, and `StoreError` if the file can't be used.
    """
    path = url.removeprefix("sqlite:")
    if not path or path.startswith(("//", ":")):
        raise ValueError(
            f"store is {url!r}; write the path directly after sqlite:, as in "
            "sqlite:/var/lib/talonschema/sessions.db"
        )
    return SqliteStore(path, lease=lease, expiry=expiry, timeout=timeout, report=report)
