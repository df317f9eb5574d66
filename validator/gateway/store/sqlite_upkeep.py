"""SQLite upkeep: checkpoints of the log, and removal of expired sessions and free pages.

It runs in a thread, on a separate connection that stays open: a new one might open another file of
the same name, or lack permissions that have changed since. Each step holds the lock for some
milliseconds, and none while it waits for another process.
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
"""Sessions deleted per transaction."""
PAGES: Final = 256
"""Pages freed per transaction, and free pages that are always kept."""
LONG_LOG: Final = 64 * 1024 * 1024
"""Bytes of the write-ahead log beyond which it is truncated after its checkpoint."""
PATIENCE: Final = 2.0
"""Seconds to wait for the lock."""
_TRIES: Final = 100
_PAUSE: Final = 0.002
"""Seconds between steps, in which others can take the lock."""

_SWEEP: Final = (
    "DELETE FROM session WHERE name IN (SELECT name FROM session WHERE expires <= ?"
    " ORDER BY expires LIMIT ?)"
)


class Upkeep:
    """The upkeep of one file."""

    def __init__(self, path: str, now: Callable[[], int]) -> None:
        """Connect to the existing file; `now` returns milliseconds."""
        self._path = path
        self._now = now
        self._stop = threading.Event()
        self._connection = connect(path, _read)
        self.identities = identities(path)

    def run(self) -> None:
        """Do all upkeep that is due; raises `StoreError`."""
        try:
            self._patience(PATIENCE)
            self._run_steps(self._sweep)
            self._run_steps(self._shrink)
            self._write_back()
        except (sqlite3.Error, OSError) as error:
            raise store_error(self._path, error) from error
        self.check_identity()

    def check_identity(self) -> None:
        """Raise `StoreError` if the file or its log was removed or replaced."""
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
        """Close the connection; may be called twice."""
        self._connection.close()

    def _patience(self, seconds: float) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def _run_steps(self, step: Callable[[], bool]) -> None:
        """Repeat a step, in transactions, until it has nothing left to do."""
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
        """Free some pages if more than a quarter of the file is free, which new sessions reuse."""
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
        # Under constant load a passive checkpoint never finishes, so the log never restarts. By
        # now, little is left to write. Without patience, this attempt fails at once if another
        # process still reads from the log, and so releases the lock.
        self._patience(0)
        for _ in range(_TRIES):
            (busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy or self._stop.is_set():
                return
            time.sleep(_PAUSE)
        size = self._size(log) // 2**20
        raise StoreError(
            f"{log} has grown to {size} MB: a long transaction is reading the file, such as that "
            "of a sqlite3 shell or a backup; end it",
            "locked",
        )

    @staticmethod
    def _size(log: str) -> int:
        with suppress(FileNotFoundError):
            return os.path.getsize(log)
        return 0


def _read(connection: sqlite3.Connection) -> None:
    """Have SQLite open all its files, which it does on the first read."""
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
