"""What only the store in a file can get wrong."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from support.gateway.sqlite_files import lock
from support.gateway.stands import CLOSE, KEY, attempt
from support.gateway.states import states_of
from support.pages import ROOT, blocks
from talonschema.gateway.store import Admission, Ending, Key, Learned, StoreError
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
    with pytest.raises(StoreError, match="check the path"):
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
        assert await states_of(store, KEY) == {"closed"}
        await store.close()

    asyncio.run(run())
    assert reports == [("record", "damaged")]


def test_a_closed_file_is_reported(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "a.db"))
    asyncio.run(store.close())
    assert "the store was closed" in attempt(store)


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
        with pytest.raises(StoreError, match="another process locked it too long"):
            await store.begin(KEY, CLOSE)
        counting.cancel()
        await store.close()
        return turns

    with lock(path):
        turns = asyncio.run(run())
    assert turns > 10


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), timeout=20)

    async def run() -> None:
        with lock(path):
            waiting = asyncio.create_task(store.begin(KEY, CLOSE))
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert not waiting.done()
        assert (await waiting).token
        await store.close()

    asyncio.run(run())


def test_a_cancelled_wait_leaves_the_store_usable(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), timeout=20)

    async def run() -> None:
        with lock(path):
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
            known = await states_of(store, Key("shop", str(number)))
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
