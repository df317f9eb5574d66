"""What only the store in a file can get wrong."""

from __future__ import annotations

import asyncio
import re
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
from support.pages import ROOT, blocks
from talonschema.gateway.store import (
    Admission,
    Ending,
    Key,
    Learned,
    StoreError,
    sqlite_upkeep,
)
from talonschema.gateway.store import sqlite as sqlite_module
from talonschema.gateway.store.sqlite import SqliteStore
from talonschema.gateway.store.sqlite_file import FORMAT


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


def test_the_query_of_the_page_shows_a_session(tmp_path: Path) -> None:
    (block,) = (each for each in blocks(ROOT / "docs/gateway/stores.md") if each.language == "sql")

    async def run() -> None:
        store = SqliteStore(str(tmp_path / "a.db"))
        key = Key("shop", "order-17")
        token = (await store.begin(key, CLOSE)).token
        assert token is not None
        await store.finish(key, token, Learned("closed"))
        await store.close()

    asyncio.run(run())
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        ((name, record),) = connection.execute(block.text).fetchall()
    assert (name, re.findall(r"\d+", record)[0]) == ("shop:order-17", "2")


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


@pytest.mark.parametrize("record", ["", "{}", "[1]", '[1,0,{"a":[1]}]', "[2,0,[]]", "[2,0,null]"])
def test_a_record_that_was_damaged_counts_as_unknown_and_is_replaced(
    record: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.db"
    reports: list[tuple[str, str]] = []
    store = SqliteStore(str(path), report=lambda call, error: reports.append((call, error.kind)))
    with closing(sqlite3.connect(path)) as connection, connection:
        row = (KEY.name, int(time.time() * 2000), record)
        connection.execute("INSERT INTO session VALUES (?, ?, ?)", row)

    async def run() -> None:
        admission = await store.begin(KEY, CLOSE)
        assert admission.token
        assert admission.states == frozenset()
        assert await store.finish(KEY, admission.token, Learned()) is Ending.TAKEN
        assert await store.look(KEY) == {"closed"}
        await store.close()

    asyncio.run(run())
    assert reports == [("record", "damaged")]


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


async def kept_up(store: SqliteStore) -> None:
    """Wait for the upkeep, if it runs."""
    if store._keeping_up is not None:  # noqa: SLF001 - shows nowhere else
        await store._keeping_up  # noqa: SLF001 - shows nowhere else


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
            await kept_up(store)
            sizes.append(path.stat().st_size)
        now += 5000
        store._kept_up_at = None  # noqa: SLF001 - as it is after a minute
        await store.begin(KEY, CLOSE)
        await kept_up(store)
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
        assert await store.look(KEY) == {"closed"}
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
        await kept_up(store)
        await store.begin(KEY, CLOSE)
        await kept_up(store)
        reader.execute("COMMIT")
        store._writes = sqlite_module.UPKEEP  # noqa: SLF001 - shows nowhere else
        before = path.with_name("a.db-wal").stat().st_size
        await store.begin(KEY, CLOSE)
        await kept_up(store)
        assert path.with_name("a.db-wal").stat().st_size < before
        await store.close()

    asyncio.run(SqliteStore(str(path)).close())
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        asyncio.run(run(reader))
    assert reports
    assert {error.kind for error in reports} == {"locked"}
    assert "-wal grows" in str(reports[0])


def test_upkeep_that_fails_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_upkeep, "PATIENCE", 0.01)
    path = tmp_path / "a.db"
    reports: list[tuple[str, str]] = []

    async def run() -> None:
        store = SqliteStore(
            str(path), report=lambda call, error: reports.append((call, error.kind))
        )
        await store.begin(KEY, CLOSE)
        with locked(path):
            await kept_up(store)
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
        await kept_up(store)
        assert not path.exists()
        await store.close()

    asyncio.run(run())
    assert reports == [("upkeep", "removed")]


def test_a_log_that_was_removed_is_not_ready(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    async def run() -> None:
        store = SqliteStore(str(path))
        await store.ready()
        path.with_name("a.db-wal").unlink()
        with pytest.raises(StoreError, match="-wal was removed"):
            await store.ready()
        await store.close()

    asyncio.run(run())


def test_a_file_that_a_newer_release_takes_over_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    async def run() -> None:
        store = SqliteStore(str(path))
        await store.begin(KEY, CLOSE)
        await kept_up(store)
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


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    asyncio.run(SqliteStore(str(path)).close())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE session RENAME COLUMN record TO content")
    with pytest.raises(StoreError, match="has the columns name, expires, content"):
        SqliteStore(str(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE session")
    with pytest.raises(StoreError, match=r"has the columns \(none\)"):
        SqliteStore(str(path))


def test_calls_of_one_turn_share_a_transaction_and_return_after_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    statements: list[str] = []

    async def run() -> None:
        store = SqliteStore(str(path))
        store._connection.set_trace_callback(statements.append)  # noqa: SLF001 - shows nowhere else

        async def exchange(number: int) -> None:
            key = Key("shop", str(number))
            admission = await store.begin(key, CLOSE)
            assert admission.token
            # Another connection sees it as soon as the call has returned.
            with closing(sqlite3.connect(path)) as other:
                (text,) = other.execute(
                    "SELECT record FROM session WHERE name = ?", (key.name,)
                ).fetchone()
            assert admission.token in text

        await asyncio.gather(*(exchange(number) for number in range(20)))
        await store.close()

    asyncio.run(run())
    assert statements.count("COMMIT") == 1


def test_a_call_that_fails_fails_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"

    async def run() -> None:
        store = SqliteStore(str(path))
        with closing(sqlite3.connect(path)) as other:
            other.execute(
                "CREATE TRIGGER spoil BEFORE INSERT ON session WHEN NEW.name = 'shop:7'"
                " BEGIN SELECT RAISE(ABORT, 'spoilt'); END"
            )
        begins = [store.begin(Key("shop", str(number)), CLOSE) for number in range(20)]
        answers = await asyncio.gather(*begins, return_exceptions=True)
        for number, each in enumerate(answers):
            assert isinstance(each, StoreError if number == 7 else Admission)
            known = await store.look(Key("shop", str(number)))
            assert known == frozenset()
        ends = [
            store.finish(Key("shop", str(number)), each.token or "", Learned())
            for number, each in enumerate(answers)
            if isinstance(each, Admission)
        ]
        assert set(await asyncio.gather(*ends)) == {Ending.TAKEN}
        await store.close()

    asyncio.run(run())


FULL = """
import asyncio, resource, sys
from talonschema.gateway.store import Intent, Key, StoreError
from talonschema.gateway.store.sqlite import SqliteStore

CLOSE = Intent(frozenset({"open", "new"}), "closed")

async def run():
    store = SqliteStore(sys.argv[1])
    await store.ready()
    # Upkeep could make space in the log.
    await store._keeping_up
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    full = 0
    for number in range(2000):
        try:
            await store.begin(Key("shop", str(number)), CLOSE)
        except StoreError as error:
            full += 1
    try:
        await store.ready()
    except StoreError as error:
        print("not ready")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.ready()
    assert (await store.begin(Key("shop", "last"), CLOSE)).token
    print("ready", full > 100)
    await store.close()

asyncio.run(run())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_disk_that_takes_no_more_is_not_ready_until_it_does(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "a.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("not ready\nready True\n", "")


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
