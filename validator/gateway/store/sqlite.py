"""The store in a SQLite file: for the processes of one machine.

Calls are made in the event loop, where one takes less than the hop to a thread would. What may
wait is kept out of it. A lock that another process holds is asked for again between other tasks;
checkpoints, which wait for the disk, and the search for expired sessions run in a thread.

A call that has returned is in the file (``synchronous=NORMAL`` with a write-ahead log): no end of
the process loses it, `kill -9` included. A power cut may lose the last ones, but harms no file.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from secrets import token_urlsafe
from typing import Final, TypeVar

from . import EXPIRY, LEASE, TIMEOUT, Admission, Intent, Key, RequestOutcome, StoreError, Uncertain
from .record import Record

FORMAT: Final = 1
"""Version of the file (``user_version``); it grows when an older release can't use it."""
APPLICATION_ID: Final = 0x54_53_43_48
"""The mark of the file among those of other programs ("TSCH")."""

UPKEEP: Final = 4000
"""Writes between two checkpoints."""
SWEEP: Final = 2000
"""Sessions that are looked at after a checkpoint, to delete what has expired."""
LONG_LOG: Final = 64 * 1024 * 1024
"""Bytes of write-ahead log from which writers are held up until it is empty."""
CACHE: Final = 8 * 1024
"""KiB of the file that are kept in memory: some 25,000 sessions."""
STARTING: Final = 5.0
"""Seconds to wait for other processes that open the same file."""

_CREATE: Final = (
    "CREATE TABLE session (name TEXT PRIMARY KEY, expires INTEGER NOT NULL, record TEXT NOT NULL)"
    " WITHOUT ROWID"
)
_SELECT: Final = "SELECT expires, record FROM session WHERE name = ?"
_UPSERT: Final = (
    "INSERT INTO session VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET expires = excluded.expires, record = excluded.record"
)
_DELETE: Final = "DELETE FROM session WHERE name = ?"
_PAGE: Final = (
    "SELECT count(*), max(name)"
    " FROM (SELECT name FROM session WHERE name > ? ORDER BY name LIMIT ?)"
)
_SWEEP: Final = "DELETE FROM session WHERE name > ? AND name <= ? AND expires <= ?"

T = TypeVar("T")


class SqliteStore:
    """Remembers sessions in a file."""

    def __init__(
        self,
        path: str,
        *,
        lease: float = LEASE,
        expiry: float = EXPIRY,
        timeout: float = TIMEOUT,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Open the file, or make it.

        Raises `StoreError` if it can't be used.
        """
        self._path = os.path.abspath(path)
        self._lease = round(lease * 1000)
        self._expiry = round(expiry * 1000)
        self._timeout = timeout
        self._now = now
        self._writes = 0
        self._upkeep: asyncio.Task[None] | None = None
        self._swept = ""
        """The name up to which expired sessions were looked for."""
        try:
            self._connection = _opened(self._path)
            self._file = _identity(self._path)
        except (sqlite3.Error, OSError) as error:
            raise self._told(error) from error

    async def begin(self, key: Key, intent: Intent) -> Admission:
        """Admit a request unless none of the session's possible states permits it."""
        name = key.name

        def work(now: int) -> Admission:
            record = self._read(name, now)
            admission = record.begin(intent, token_urlsafe(16), now, self._lease)
            if admission.token is not None:
                self._write(name, record, now)
            return admission

        return await self._transact(work)

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> None:
        """Learn what became of an admitted request; a token that isn't known is ignored."""
        if isinstance(outcome, Uncertain):
            return
        name = key.name

        def work(now: int) -> None:
            record = self._read(name, now)
            if token in record.pendings:
                record.finish(token, outcome, now)
                self._write(name, record, now)

        await self._transact(work)

    async def look(self, key: Key) -> frozenset[str]:
        """Return the states the session may be in; empty if that is not known."""
        name = key.name
        return await self._call(lambda: self._read(name, self._time()).look(self._time()))

    async def ready(self) -> None:
        """Return if the file can be written."""
        await self._transact(lambda _: None)
        try:
            same = _identity(self._path) == self._file
        except OSError:
            same = False
        if not same:
            raise StoreError(
                f"the file {self._path} was removed or replaced while in use; restart the gateway"
            )

    async def close(self) -> None:
        """Close the file; closing twice does no harm."""
        if self._upkeep is not None:
            await asyncio.wait([self._upkeep])
        self._connection.close()

    def _time(self) -> int:
        return int(self._now() * 1000)

    def _read(self, name: str, now: int) -> Record:
        row = self._connection.execute(_SELECT, (name,)).fetchone()
        return Record.read(row[1]) if row is not None and now < row[0] else Record()

    def _write(self, name: str, record: Record, now: int) -> None:
        if record.empty:
            self._connection.execute(_DELETE, (name,))
        else:
            row = (name, record.expires(now, self._expiry), record.write())
            self._connection.execute(_UPSERT, row)
        self._writes += 1
        if self._writes >= UPKEEP and (self._upkeep is None or self._upkeep.done()):
            self._writes = 0
            self._upkeep = asyncio.create_task(self._keep_up())

    async def _transact(self, work: Callable[[int], T]) -> T:
        """Do `work`, which takes the time, in a transaction."""

        def transaction() -> T:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                # The time is read under the lock, so that it doesn't run backwards for a session.
                result = work(self._time())
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            return result

        return await self._call(transaction)

    async def _call(self, work: Callable[[], T]) -> T:
        """Do `work`, again and again as long as another process holds the lock."""
        end = time.monotonic() + self._timeout
        pause = 0.0
        while True:
            try:
                return work()
            except sqlite3.Error as error:
                left = end - time.monotonic()
                if not _is_busy(error) or left <= 0:
                    raise self._told(error) from error
            except (ValueError, TypeError) as error:
                raise self._told(error) from error
            # A first pause of 0 lets other tasks run: mostly, the lock is free by then.
            await asyncio.sleep(min(pause, left))
            pause = random.uniform(0.0002, 0.002)  # noqa: S311 - so that two don't keep in step

    async def _keep_up(self) -> None:
        """Write the log back into the file, and delete some of what has expired."""
        # What goes wrong here is tried again, and shows in the next call if it matters.
        with suppress(sqlite3.Error, OSError):
            self._swept = await asyncio.to_thread(_kept_up, self._path, self._swept, self._time())

    def _told(self, error: Exception) -> StoreError:
        """Return what went wrong, with what to do about it."""
        if isinstance(error, sqlite3.Error) and _is_busy(error):
            advice = "another process held it too long; is something else writing to it?"
        elif isinstance(error, _ForeignFile):
            return StoreError(f"can't use the file {self._path}: {error}")
        elif isinstance(error, sqlite3.OperationalError | OSError):
            advice = "look after the path, its permissions and the space on the disk"
        elif isinstance(error, sqlite3.ProgrammingError):
            advice = "the store was closed"
        else:
            advice = (
                "it is damaged, or no such file: stop the gateway and move the file and its -wal "
                "and -shm away; a new one is made, and sessions pass until they are known again"
            )
        return StoreError(f"can't use the file {self._path}: {error} ({advice})")


class _ForeignFile(sqlite3.DatabaseError):
    """A file that was not made by this release, nor for it."""


def open_store(url: str, *, lease: float, expiry: float, timeout: float) -> SqliteStore:
    """Return a store in the file that `url` names: ``sqlite:PATH``.

    Raises `ValueError` if it names none, and `StoreError` if the file can't be used.
    """
    path = url.removeprefix("sqlite:")
    if not path or path.startswith(("//", ":")):
        raise ValueError(
            f"store is {url!r}; write sqlite: and the path right behind, as in "
            "sqlite:/var/lib/talonschema/sessions.db"
        )
    return SqliteStore(path, lease=lease, expiry=expiry, timeout=timeout)


def _opened(path: str) -> sqlite3.Connection:
    """Return a connection to the file, which is made if it isn't there."""
    # Ids of sessions are nobody else's business; SQLite gives its other files the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    end = time.monotonic() + STARTING
    while True:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            _set_up(connection)
        except BaseException as error:
            connection.close()
            # SQLite doesn't wait by itself where two change to a write-ahead log at once.
            if isinstance(error, sqlite3.Error) and _is_busy(error) and time.monotonic() < end:
                time.sleep(0.01)
                continue
            raise
        return connection


def _set_up(connection: sqlite3.Connection) -> None:
    _check(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")
    # Checkpoints wait for the disk; see _kept_up.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("BEGIN IMMEDIATE")
    if _check(connection):
        connection.execute(_CREATE)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")


def _check(connection: sqlite3.Connection) -> bool:
    """Return True if the file is empty; raise `_ForeignFile` if it can't be used."""
    (ours,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and not version:
        return True
    if ours != APPLICATION_ID:
        raise _ForeignFile("it belongs to another program; name another file")
    if version != FORMAT:
        raise _ForeignFile(
            f"it has format {version}, and this release knows {FORMAT}; install the release that "
            "wrote it, or name another file"
        )
    return False


def _kept_up(path: str, swept: str, now: int) -> str:
    """Run a checkpoint and sweep on from the name `swept`; return the name to go on from."""
    with closing(sqlite3.connect(path, timeout=STARTING, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        # Under constant load there is always a bit more to write back, so the log never starts
        # anew. Little is left to do by now, so writers are held up for no longer than the disk.
        if os.path.getsize(f"{path}-wal") > LONG_LOG:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        count, last = connection.execute(_PAGE, (swept, SWEEP)).fetchone()
        if count:
            connection.execute(_SWEEP, (swept, last, now))
        # From a page that isn't full it starts over: it would never come back to the older names
        # if it ran after new ones that are in order of time.
        return str(last) if count == SWEEP else ""


def _is_busy(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
