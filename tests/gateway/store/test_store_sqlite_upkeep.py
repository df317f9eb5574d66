"""The upkeep of the store in a file: it stays small, and nobody is locked out."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from support.gateway.sqlite_files import lock, wait_for_upkeep
from support.gateway.stands import CLOSE, KEY
from support.gateway.states import states_of
from talonschema.gateway.store import Key, Learned, StoreError, sqlite_upkeep
from talonschema.gateway.store import sqlite as sqlite_module
from talonschema.gateway.store.sqlite import SqliteStore
from talonschema.gateway.store.sqlite_file import FORMAT


def test_upkeep_keeps_the_file_as_small_as_what_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "UPKEEP", 400)
    monkeypatch.setattr(sqlite_upkeep, "SWEEP", 50)
    monkeypatch.setattr(sqlite_upkeep, "PAGES", 8)
    path = tmp_path / "a.db"
    now = 1_800_000_000.0
    sizes = []

    async def run() -> int:
        nonlocal now
        store = SqliteStore(str(path), timeout=20, expiry=1000, now=lambda: now)
        for number in range(1500):
            # Some are never answered, and none is asked about twice.
            token = (await store.begin(Key("shop", f"session-{number % 7}-{number}"), CLOSE)).token
            assert token
            if number % 2:
                await store.finish(Key("shop", f"session-{number % 7}-{number}"), token, Learned())
            await wait_for_upkeep(store)
            sizes.append(path.stat().st_size)
        now += 5000
        store._kept_up_at = None  # noqa: SLF001 - as it is after a minute
        await store.begin(KEY, CLOSE)
        await wait_for_upkeep(store)
        with closing(sqlite3.connect(path)) as connection:
            (left,) = connection.execute("SELECT count(*) FROM session").fetchone()
        await store.close()
        return int(left)

    assert asyncio.run(run()) == 1
    assert max(sizes) > 100_000
    assert path.stat().st_size < max(sizes) / 3


def test_a_file_of_an_older_release_is_used_and_can_shrink(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE session (name TEXT PRIMARY KEY, expires INTEGER NOT NULL,"
            " record TEXT NOT NULL) WITHOUT ROWID"
        )
        row = (KEY.name, int(time.time() * 2000), "[2,0,{}]")
        connection.execute("INSERT INTO session VALUES (?, ?, ?)", row)
        connection.execute(f"PRAGMA application_id = {0x54534348}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")

    async def run() -> None:
        store = SqliteStore(str(path))
        assert await states_of(store, KEY) == {"closed"}
        await store.ready()
        await store.close()

    asyncio.run(run())
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_the_log_of_writes_stays_short_under_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "UPKEEP", 50)
    monkeypatch.setattr(sqlite_upkeep, "LONG_LOG", 200_000)
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


def test_a_reader_locks_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_module, "UPKEEP", 50)
    monkeypatch.setattr(sqlite_upkeep, "LONG_LOG", 100_000)
    path = tmp_path / "a.db"
    reports: list[StoreError] = []

    async def run(reader: sqlite3.Connection) -> None:
        # Shorter than what the upkeep may take: to be locked out for so long is an error here.
        store = SqliteStore(str(path), timeout=1, report=lambda _, error: reports.append(error))
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM session").fetchone()
        for _ in range(1000):
            await store.begin(KEY, CLOSE)
            await asyncio.sleep(0)
        await wait_for_upkeep(store)
        await store.begin(KEY, CLOSE)
        await wait_for_upkeep(store)
        reader.execute("COMMIT")
        store._writes = sqlite_module.UPKEEP  # noqa: SLF001 - shows nowhere else
        before = path.with_name("a.db-wal").stat().st_size
        await store.begin(KEY, CLOSE)
        await wait_for_upkeep(store)
        assert path.with_name("a.db-wal").stat().st_size < before
        await store.close()

    asyncio.run(SqliteStore(str(path)).close())
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        asyncio.run(run(reader))
    assert reports
    assert {error.kind for error in reports} == {"locked"}
    assert "-wal has grown" in str(reports[0])


def test_upkeep_that_fails_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_upkeep, "PATIENCE", 0.01)
    path = tmp_path / "a.db"
    reports: list[tuple[str, str]] = []

    async def run() -> None:
        store = SqliteStore(
            str(path), report=lambda call, error: reports.append((call, error.kind))
        )
        await store.begin(KEY, CLOSE)
        with lock(path):
            await wait_for_upkeep(store)
        await store.close()

    asyncio.run(run())
    assert reports == [("upkeep", "locked")]


def test_a_file_that_was_removed_is_not_made_again_by_the_upkeep(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    reports: list[tuple[str, str]] = []

    async def run() -> None:
        store = SqliteStore(
            str(path), report=lambda call, error: reports.append((call, error.kind))
        )
        for name in ("a.db", "a.db-wal", "a.db-shm"):
            path.with_name(name).unlink()
        await store.begin(KEY, CLOSE)
        await wait_for_upkeep(store)
        assert not path.exists()
        await store.close()

    asyncio.run(run())
    assert reports == [("upkeep", "removed")]


def test_a_file_that_a_newer_release_takes_over_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    async def run() -> None:
        store = SqliteStore(str(path))
        await store.begin(KEY, CLOSE)
        await wait_for_upkeep(store)
        with closing(sqlite3.connect(path)) as newer:
            newer.execute(f"PRAGMA user_version = {FORMAT + 1}")
            newer.execute("UPDATE session SET record = 'something else', expires = 1")
            newer.commit()
            store._kept_up_at = None  # noqa: SLF001 - shows nowhere else
            for ask in (lambda: store.begin(KEY, CLOSE), store.ready):
                with pytest.raises(StoreError, match="format") as caught:
                    await ask()
                assert caught.value.kind == "foreign"
            with pytest.raises(StoreError, match="format"):
                await asyncio.to_thread(store._upkeep.run)  # noqa: SLF001 - shows nowhere else
            rows = newer.execute("SELECT record FROM session").fetchall()
            assert rows == [("something else",)]
        await store.close()

    asyncio.run(run())
