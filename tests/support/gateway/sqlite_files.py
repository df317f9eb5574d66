"""Files of a store, locked and tidied up by the test."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from talonschema.gateway.store.sqlite import SqliteStore


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock that only one process can have."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")


async def wait_for_upkeep(store: SqliteStore) -> None:
    """Wait for the upkeep, if it runs."""
    if store._keeping_up is not None:  # noqa: SLF001 - shows nowhere else
        await store._keeping_up  # noqa: SLF001 - shows nowhere else
