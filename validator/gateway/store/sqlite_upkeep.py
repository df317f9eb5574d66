"""SQLite upkeep: writes the log back into the file, deletes what has expired, gives space back.

It runs in a thread, on a connection of its own that stays open: one that is made anew finds
whatever has the name of the file by then, and needs permissions that may have changed.
Each step holds the lock for some milliseconds, and none holds it while it waits for somebody else.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from . import StoreError
from .sqlite_file import check_version, connect, identities, store_error

SWEEP: Final = 500
"""Sessions that are deleted in one transaction."""
PAGES: Final = 256
"""Pages that are given back in one transaction, and free pages that are kept in any case."""
LONG_LOG: Final = 64 * 1024 * 1024
"""Bytes of write-ahead log from which it is not only written back, but begun anew."""
PATIENCE: Final = 2.0
"""Seconds to wait for the lock."""
_TRIES: Final = 100
_PAUSE: Final = 0.002
"""Seconds in which others get the lock between two steps."""

_SWEEP: Final = (
    "DELETE FROM session WHERE name IN (SELECT name FROM session WHERE expires <= ?"
    " ORDER BY expires LIMIT ?)"
)


class Upkeep:
    """The upkeep of one file."""

    def __init__(self, path: str, now: Callable[[], int]) -> None:
        """Connect to the file, which is there; `now` returns milliseconds."""
        self._path = path
        self._now = now
        self._stop = threading.Event()
        self._connection = connect(path, _read)
        self.identities = identities(path)

    def run(self) -> None:
        """Do all that has to be done now; raises `StoreError`."""
        try:
            self._patience(PATIENCE)
            self._in_steps(self._sweep)
            self._in_steps(self._shrink)
            self._write_back()
        except (sqlite3.Error, OSError) as error:
            raise store_error(self._path, error) from error
        self.check_identity()

    def check_identity(self) -> None:
        """Raise `StoreError` if the file or its log has gone."""
        with suppress(OSError):
            if identities(self._path) == self.identities:
                return
        raise StoreError(
            f"the file {self._path} or its -wal was removed or replaced while in use; "
            "restart the gateway",
            "removed",
        )

    def stop(self) -> None:
        """Have `run` end soon."""
        self._stop.set()

    def close(self) -> None:
        """Close the connection; closing twice does no harm."""
        self._connection.close()

    def _patience(self, seconds: float) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def _in_steps(self, step: Callable[[], bool]) -> None:
        """Do a step, in a transaction, until there is nothing left to do."""
        more = True
        while more and not self._stop.is_set():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                check_version(self._connection)
                more = step()
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            time.sleep(_PAUSE)

    def _sweep(self) -> bool:
        return self._connection.execute(_SWEEP, (self._now(), SWEEP)).rowcount == SWEEP

    def _shrink(self) -> bool:
        """Give free pages back beyond a quarter of the file, which new sessions take again."""
        (free,) = self._connection.execute("PRAGMA freelist_count").fetchone()
        (pages,) = self._connection.execute("PRAGMA page_count").fetchone()
        (mode,) = self._connection.execute("PRAGMA auto_vacuum").fetchone()
        if not mode or free <= max(PAGES, pages // 4):
            return False
        self._connection.execute(f"PRAGMA incremental_vacuum({PAGES})").fetchall()
        return True

    def _write_back(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        log = f"{self._path}-wal"
        if self._size(log) <= LONG_LOG:
            return
        # Under constant load there is always a bit more to write back, so the log never starts
        # anew. Little is left to do by now. Without patience this gives up at once, and with it
        # the lock, if somebody still reads what is in the log.
        self._patience(0)
        for _ in range(_TRIES):
            (busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy or self._stop.is_set():
                return
            time.sleep(_PAUSE)
        size = self._size(log) // 2**20
        raise StoreError(
            f"{log} grows, it has {size} MB: somebody has read the file in one transaction for "
            "long, such as a sqlite3 shell or a backup; end that",
            "locked",
        )

    @staticmethod
    def _size(log: str) -> int:
        with suppress(FileNotFoundError):
            return os.path.getsize(log)
        return 0


def _read(connection: sqlite3.Connection) -> None:
    """Have SQLite open all its files now: it does at the first read."""
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
