"""What only the store in a file can get wrong."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from support.gateway.stands import CLOSE, KEY, attempt
from talonschema.gateway.store import Key, Learned, StoreError
from talonschema.gateway.store import sqlite as sqlite_module
from talonschema.gateway.store.sqlite import FORMAT, SqliteStore


def test_a_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    asyncio.run(SqliteStore(str(path)).close())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=f"has format {FORMAT + 1}, and this release knows"):
        SqliteStore(str(path))
    assert path.read_bytes() == before


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE invoices (id)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="belongs to another program"):
        SqliteStore(str(path))
    assert path.read_bytes() == before


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_text("not a database, but long enough to be looked at as one. " * 30)
    with pytest.raises(StoreError, match="move the file and its -wal and -shm away"):
        SqliteStore(str(path))


@pytest.mark.parametrize("path", ["no/such/folder/a.db", "."])
def test_a_path_that_cannot_be_opened_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="look after the path"):
        SqliteStore(str(tmp_path / path))


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes")
def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "a.db"))
    asyncio.run(store.ready())
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}
    asyncio.run(store.close())


def test_a_file_that_was_damaged_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    async def fill() -> None:
        store = SqliteStore(str(path))
        for number in range(200):
            await store.begin(Key("shop", str(number)), CLOSE)
        await store.close()

    asyncio.run(fill())
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    assert "it is damaged" in attempt(SqliteStore(str(path)))


@pytest.mark.parametrize("record", ["", "{}", "[1]", '[1,0,{"a":[1]}]'])
def test_a_row_that_was_damaged_is_reported(record: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(str(path))
    with closing(sqlite3.connect(path)) as connection, connection:
        row = (KEY.name, int(time.time() * 2000), record)
        connection.execute("INSERT INTO session VALUES (?, ?, ?)", row)
    assert "it is damaged" in attempt(store)


def test_a_closed_file_is_reported(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "a.db"))
    asyncio.run(store.close())
    assert "the store was closed" in attempt(store)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that only one process can have."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")


def test_a_lock_that_is_held_too_long_stalls_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), timeout=0.3)

    async def run() -> int:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        with pytest.raises(StoreError, match="another process held it too long"):
            await store.begin(KEY, CLOSE)
        counting.cancel()
        await store.close()
        return turns

    with locked(path):
        turns = asyncio.run(run())
    assert turns > 10


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), timeout=20)

    async def run() -> None:
        with locked(path):
            waiting = asyncio.create_task(store.begin(KEY, CLOSE))
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert not waiting.done()
            # Who only reads doesn't wait.
            assert await store.look(KEY) == frozenset()
        assert (await waiting).token
        await store.close()

    asyncio.run(run())


def test_a_cancelled_wait_leaves_the_store_usable(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), timeout=20)

    async def run() -> None:
        with locked(path):
            waiting = asyncio.create_task(store.begin(KEY, CLOSE))
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert (await store.begin(KEY, CLOSE)).token
        await store.close()

    asyncio.run(run())


def test_a_file_that_was_removed_while_in_use_is_not_ready(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    async def run() -> None:
        store = SqliteStore(str(path))
        await store.ready()
        path.unlink()
        with pytest.raises(StoreError, match="was removed or replaced while in use"):
            await store.ready()
        shutil.copy(__file__, path)
        with pytest.raises(StoreError, match="was removed or replaced while in use"):
            await store.ready()
        await store.close()

    asyncio.run(run())


def test_upkeep_keeps_the_files_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_module, "UPKEEP", 50)
    monkeypatch.setattr(sqlite_module, "SWEEP", 100)
    monkeypatch.setattr(sqlite_module, "LONG_LOG", 200_000)
    path = tmp_path / "a.db"
    now = 1_800_000_000.0

    async def run() -> None:
        nonlocal now
        store = SqliteStore(str(path), timeout=20, expiry=1000, now=lambda: now)
        for number in range(1500):
            # Ids in the order of time, so that all that is new comes behind what has expired.
            key = Key("shop", f"session-{number:04d}")
            token = (await store.begin(key, CLOSE)).token
            assert token
            await store.finish(key, token, Learned())
            await asyncio.sleep(0)
            if store._upkeep is not None:  # noqa: SLF001 - shows nowhere else
                await store._upkeep  # noqa: SLF001 - shows nowhere else
            now += 10
        await store.close()

    asyncio.run(run())
    with closing(sqlite3.connect(path)) as connection:
        (left,) = connection.execute("SELECT count(*) FROM session").fetchone()
    # 100 are those that have not expired; without a sweep there would be 1500.
    assert 100 <= left < 400
    assert path.stat().st_size < 500_000


def test_the_log_of_writes_stays_short_under_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "UPKEEP", 50)
    monkeypatch.setattr(sqlite_module, "LONG_LOG", 200_000)
    path = tmp_path / "a.db"
    sizes = []

    async def run() -> None:
        store = SqliteStore(str(path), timeout=20)
        for number in range(6000):
            await store.begin(KEY, CLOSE)
            sizes.append(path.with_name("a.db-wal").stat().st_size)
            if number > 1500 and sizes[-1] < max(sizes):
                break
            # Upkeep has a thread of its own, which a busy machine may not run for a while.
            await asyncio.sleep(0 if number < 3000 else 0.005)
        await store.close()

    asyncio.run(run())
    # It grew beyond what is long, and was cut off while others wrote.
    assert max(sizes) > 200_000
    assert min(sizes[sizes.index(max(sizes)) :]) < 200_000


OPENS = """
import asyncio, sys
from talonschema.gateway.store.sqlite import SqliteStore
sys.stdin.readline()
async def run():
    store = SqliteStore(sys.argv[1], timeout=20)
    await store.ready()
    await store.close()
asyncio.run(run())
"""


def test_processes_may_make_the_file_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPENS, str(tmp_path / "a.db")]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
