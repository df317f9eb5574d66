"""SQLite file: how the file of sessions is created, opened and recognised, and what faults mean."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from . import StoreError

FORMAT: Final = 1
"""The version of the file (``user_version``), raised when older releases can't use it."""
APPLICATION_ID: Final = 0x54_53_43_48
"""The ``application_id`` ("TSCH"), which distinguishes it from files of other programs."""

CACHE: Final = 8 * 1024
"""The page cache in KiB: some 25,000 sessions."""
STARTING: Final = 5.0
"""Seconds to wait for other processes that are opening the same file."""

_CREATE: Final = (
    "CREATE TABLE session (name TEXT PRIMARY KEY, expires INTEGER NOT NULL, record TEXT NOT NULL)"
    " WITHOUT ROWID"
)
_INDEX: Final = "CREATE INDEX IF NOT EXISTS session_expires ON session (expires)"
_COLUMNS: Final = ["name", "expires", "record"]
_INCREMENTAL: Final = 2
"""The mode of ``auto_vacuum`` in which the file shrinks on request."""

_KINDS: Final = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "denied",
    sqlite3.SQLITE_AUTH: "denied",
    sqlite3.SQLITE_CANTOPEN: "unreachable",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
}


class ForeignFile(sqlite3.DatabaseError):
    """Raised for a file of another program or a newer release."""


def open_file(path: str) -> sqlite3.Connection:
    """Return a connection to the file, which is created if it does not exist."""
    # Ids of sessions are private; SQLite gives its other files the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return connect(path, _set_up)


def connect(path: str, set_up: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    """Return a connection that never waits for locks and leaves checkpoints to the upkeep.

    `set_up` is called with it, and again with a new one while other processes hold the lock: SQLite
    does not wait if two processes change to a write-ahead log at once.
    """
    end = time.monotonic() + STARTING
    while True:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            set_up(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.Error) and is_busy(error) and time.monotonic() < end:
                time.sleep(0.01)
                continue
            raise
        return connection


def check_version(connection: sqlite3.Connection) -> None:
    """Raise `ForeignFile` if a newer release has converted the file; call it in a transaction."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != FORMAT:
        raise ForeignFile(
            f"it has format {version}, and this release knows {FORMAT}; install the release that "
            "wrote it, or name another file"
        )


def identities(path: str) -> tuple[tuple[int, int], ...]:
    """Return the identities of the file and its log, which differ if they are replaced."""
    found = (os.stat(each) for each in (path, f"{path}-wal"))
    return tuple((each.st_dev, each.st_ino) for each in found)


def is_busy(error: sqlite3.Error) -> bool:
    """Return True if another connection holds the lock."""
    return _kind(error) == "locked"


def store_error(path: str, error: Exception) -> StoreError:
    """Return an error that explains a fault of the file, and the remedy."""
    if isinstance(error, ForeignFile):
        return StoreError(f"can't use the file {path}: {error}", "foreign")
    if not isinstance(error, sqlite3.Error | OSError):
        return StoreError(f"can't use the file {path}: unexpected {type(error).__name__}", "other")
    kind = _kind(error)
    if kind == "locked":
        advice = "another process locked it too long; check what else writes to it"
    elif kind == "damaged" or "no such table" in str(error) or "no such column" in str(error):
        kind = "damaged"
        advice = (
            "it is damaged, or not a database: stop the gateway and move the file and its -wal "
            "and -shm away; a new one is created, and sessions pass until they are known again"
        )
    elif isinstance(error, sqlite3.ProgrammingError):
        advice = "the store was closed"
    else:
        advice = "check the path, its permissions and the free disk space"
    return StoreError(f"can't use the file {path}: {error} ({advice})", kind)


def _kind(error: Exception) -> str:
    if isinstance(error, OSError):
        if error.errno in (errno.EACCES, errno.EPERM):
            return "denied"
        full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return "full" if error.errno in full else "unreachable"
    code = getattr(error, "sqlite_errorcode", None)
    return _KINDS.get(code & 0xFF, "other") if code is not None else "other"


def _set_up(connection: sqlite3.Connection) -> None:
    # In one transaction, so that a file that another process creates is never seen incomplete.
    connection.execute("BEGIN")
    empty = _is_empty(connection)
    connection.execute("COMMIT")
    if empty:
        # It has no effect once there is a table.
        connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")
    connection.execute("BEGIN IMMEDIATE")
    if _is_empty(connection):
        connection.execute(_CREATE)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute(_INDEX)
    connection.execute("COMMIT")
    (mode,) = connection.execute("PRAGMA auto_vacuum").fetchone()
    if mode != _INCREMENTAL:
        # A file of an older release. If it is in use, or the disk has no space for a copy, it does
        # not shrink, and works nevertheless.
        with suppress(sqlite3.Error):
            connection.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
            connection.execute("VACUUM")


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Return True if the file is empty; raise `sqlite3.Error` if it can't be used."""
    (ours,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and not version:
        return True
    if ours != APPLICATION_ID:
        raise ForeignFile("it belongs to another program; name another file")
    check_version(connection)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(session)")]
    if columns != _COLUMNS:
        raise ForeignFile(
            f"its table of sessions has the columns {', '.join(columns) or '(none)'}, and not "
            f"{', '.join(_COLUMNS)}; move the file away, and a new one is made"
        )
    return False
