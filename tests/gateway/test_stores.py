"""What every store promises, tried on each of them; and what only one of them can get wrong."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.processes import free_port
from gateway.stands import EXPIRY, KINDS, LEASE, Stand, stand
from gateway.valkey import Valkey
from talonschema.gateway import sqlite as sqlite_module
from talonschema.gateway.memory import MemoryStore
from talonschema.gateway.record import MOST_PENDINGS
from talonschema.gateway.redis import PREFIX, RedisStore
from talonschema.gateway.sqlite import FORMAT, SqliteStore
from talonschema.gateway.store import (
    Admission,
    Intent,
    Key,
    Learned,
    Refused,
    Store,
    StoreError,
    Uncertain,
    open_store,
)

NOON = datetime(2026, 6, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
KEY = Key("shop", "session-1")
CLOSE = Intent(frozenset({"open", "new"}), "closed")


@pytest.fixture(params=KINDS)
def on(request: pytest.FixtureRequest, tmp_path: Path, valkey: Valkey) -> Iterator[Stand]:
    with stand(request.param, tmp_path, valkey) as made:
        yield made


# What is admitted.


def test_a_session_that_is_not_known_passes_from_any_state(on: Stand) -> None:
    assert on.look() == frozenset()
    admission = on.begin("cancelled", "closed")
    assert admission.token
    assert admission.states == frozenset()


def test_a_request_passes_only_from_a_state_that_permits_it(on: Stand) -> None:
    on.know("closed")
    assert on.begin("open new", "open") == Admission(None, frozenset({"closed"}))
    assert on.begin("open closed", "cancelled").states == {"closed"}


def test_what_a_request_in_flight_leads_to_permits_the_next(on: Stand) -> None:
    on.know("open")
    on.admit("open", "closed")
    assert on.begin("closed", "partially_returned").states == {"open", "closed"}
    # The one before may have come first, so that is possible now as well.
    assert on.begin("partially_returned", "partially_returned").token


def test_a_refused_request_leaves_no_trace(on: Stand) -> None:
    on.know("closed")
    assert on.begin("open", "cancelled").token is None
    assert on.look() == {"closed"}


# What is learned.


@pytest.mark.parametrize("state", ["open", "closed", "partially_returned", "cancelled"])
def test_the_state_that_was_answered_is_learned(on: Stand, state: str) -> None:
    on.finish(on.admit("open", "closed"), Learned(state, NOON))
    assert on.look() == {state}


def test_the_state_that_was_wanted_is_learned_if_none_was_answered(on: Stand) -> None:
    on.finish(on.admit("open", "closed"), Learned())
    assert on.look() == {"closed"}


def test_a_request_that_the_api_refused_teaches_nothing(on: Stand) -> None:
    on.finish(on.admit("open", "closed"), Refused())
    assert on.look() == frozenset()
    on.know("open")
    on.finish(on.admit("open", "closed"), Refused())
    assert on.look() == {"open"}


def test_a_request_without_an_answer_widens_what_is_possible(on: Stand) -> None:
    on.know("open")
    on.finish(on.admit("open", "closed"), Uncertain())
    assert on.look() == {"open", "closed"}


def test_a_lost_request_can_take_effect_until_its_lease_ends(on: Stand) -> None:
    on.know("open")
    on.finish(on.admit("open", "closed"), Uncertain())
    on.wait(LEASE / 2)
    # Done before the lost one, or after it: nobody can tell.
    on.finish(on.admit("open", "open"), Learned("open"))
    assert on.look() == {"open", "closed"}
    on.wait(LEASE / 2)
    assert on.look() == {"open", "closed"}
    on.finish(on.admit("open", "open"), Learned("open"))
    assert on.look() == {"open"}


def test_a_lease_that_ends_widens_what_is_possible(on: Stand) -> None:
    on.know("open")
    late = on.admit("open", "closed")
    on.wait(LEASE)
    assert on.look() == {"open", "closed"}
    on.finish(late, Refused())
    assert on.look() == {"open", "closed"}


@pytest.mark.parametrize("updated", [None, NOON])
def test_a_lease_that_ends_during_another_request_counts_for_it(
    on: Stand, updated: datetime | None
) -> None:
    on.finish(on.admit("open", "open"), Learned("open", NOON - SECOND))
    on.admit("open", "closed")
    on.wait(LEASE / 2)
    token = on.admit("open", "open")
    on.wait(LEASE / 2)
    # The first may have been done after this one, just before its lease ended.
    on.finish(token, Learned("open", updated))
    assert on.look() == {"open", "closed"}


def test_an_answer_after_all_is_learned(on: Stand) -> None:
    on.know("open")
    token = on.admit("open", "closed")
    on.finish(token, Uncertain())
    on.finish(token, Learned("closed"))
    assert on.look() == {"closed"}


def test_a_request_is_finished_once(on: Stand) -> None:
    token = on.admit("open", "closed")
    on.finish(token, Learned("closed"))
    on.finish(token, Learned("open"))
    assert on.look() == {"closed"}


def test_tokens_that_are_not_known_are_ignored(on: Stand) -> None:
    on.know("closed")
    on.know("open", session="another")
    other = on.admit("open", "cancelled", session="another")
    for token in ("", "x", "\0", "é" * 300, other):
        on.finish(token, Learned("open"))
    assert on.look() == {"closed"}
    assert on.look("another") == {"open", "cancelled"}


def test_tokens_cannot_be_guessed(on: Stand) -> None:
    tokens = {on.admit("open", "open") for _ in range(20)}
    assert len(tokens) == 20
    # 128 bits, and fit for a header.
    assert all(re.fullmatch(r"[\w-]{22}", token) for token in tokens)


def test_a_state_that_is_not_known_here_permits_anything(on: Stand) -> None:
    on.finish(on.admit("open", "closed"), Learned("archived"))
    assert on.look() == frozenset()
    admission = on.begin("partially_returned", "cancelled")
    assert admission.token
    on.finish(admission.token, Learned())
    assert on.look() == {"cancelled"}


# Requests that leave the state as it is.


def test_keeping_the_state_of_an_unknown_session_teaches_only_what_was_answered(on: Stand) -> None:
    on.finish(on.admit("open", None), Learned())
    assert on.look() == frozenset()
    on.finish(on.admit("open", None), Learned("open"))
    assert on.look() == {"open"}


def test_keeping_a_known_state_keeps_it(on: Stand) -> None:
    on.know("open")
    on.finish(on.admit("open", None), Learned())
    assert on.look() == {"open"}
    on.finish(on.admit("open", "closed"), Uncertain())
    on.finish(on.admit("open", None), Learned())
    assert on.look() == {"open", "closed"}


# A store that is known to be complete.


def test_strictly_an_unknown_session_is_new(on: Stand) -> None:
    assert on.begin("open", "cancelled", strict_new=True) == Admission(None, frozenset({"new"}))
    admission = on.begin("open new", "closed", strict_new=True)
    assert admission.token
    assert admission.states == {"new"}
    on.finish(admission.token, Refused())
    assert on.begin("open", "cancelled", strict_new=True).states == {"new"}


def test_strictly_a_new_session_without_a_state_is_open(on: Stand) -> None:
    token = on.admit("open new", None, strict_new=True)
    assert on.begin("open", "cancelled", strict_new=True).states == {"new", "open"}
    on.finish(token, Learned())
    on.wait(LEASE)
    assert on.look() == {"open", "cancelled"}


def test_strictly_a_lost_creation_may_have_happened(on: Stand) -> None:
    on.finish(on.admit("open new", "closed", strict_new=True), Uncertain())
    on.wait(LEASE * 2)
    assert on.look() == {"new", "closed"}
    token = on.admit("open new", None, strict_new=True)
    # It was made open by this one, or was closed and stays so.
    on.finish(token, Learned())
    assert on.look() == {"open", "closed"}


def test_leniently_what_was_strictly_new_may_be_anything(on: Stand) -> None:
    on.admit("open new", "closed", strict_new=True)
    assert on.begin("partially_returned", "cancelled").states == frozenset()


# The order of answers.


def test_answers_are_ordered_by_when_the_api_says_it_was(on: Stand) -> None:
    on.know("open")
    first, second = on.admit("open", "open"), on.admit("open", "closed")
    on.finish(second, Learned("closed", NOON + SECOND))
    on.finish(first, Learned("open", NOON))
    assert on.look() == {"closed"}


def test_the_newest_answer_wins_whatever_came_in_between(on: Stand) -> None:
    on.know("open")
    tokens = [on.admit("open", "open") for _ in range(3)]
    for token, second, state in zip(
        tokens, (1, 0, 2), ("closed", "open", "cancelled"), strict=True
    ):
        on.finish(token, Learned(state, NOON + second * SECOND))
    assert on.look() == {"cancelled"}


def test_a_microsecond_tells_the_order(on: Stand) -> None:
    on.know("open")
    first, second = on.admit("open", "open"), on.admit("open", "closed")
    on.finish(second, Learned("closed", NOON + timedelta(microseconds=1)))
    on.finish(first, Learned("open", NOON))
    assert on.look() == {"closed"}


def test_offsets_of_time_zones_count(on: Stand) -> None:
    on.know("open")
    first, second = on.admit("open", "open"), on.admit("open", "closed")
    on.finish(second, Learned("closed", NOON + SECOND))
    # Later by the hands of the clock, but an hour earlier.
    east = timezone(timedelta(hours=2))
    on.finish(first, Learned("open", NOON.replace(hour=13, tzinfo=east)))
    assert on.look() == {"closed"}


@pytest.mark.parametrize("updated", [None, NOON])
def test_without_an_order_both_are_possible_until_the_next_alone(
    on: Stand, updated: datetime | None
) -> None:
    on.know("open")
    first, second = on.admit("open", "closed"), on.admit("open", "cancelled")
    on.finish(second, Learned("cancelled", updated))
    on.finish(first, Learned("closed", updated))
    assert on.look() == {"closed", "cancelled"}
    on.finish(on.admit("closed", "partially_returned"), Learned("partially_returned"))
    assert on.look() == {"partially_returned"}


def test_one_without_a_date_may_be_later_than_one_with(on: Stand) -> None:
    on.know("open")
    first, second, third = (on.admit("open", "open") for _ in range(3))
    on.finish(first, Learned("closed", NOON))
    on.finish(second, Learned("cancelled"))
    assert on.look() == {"closed", "cancelled", "open"}
    on.finish(third, Learned("open", NOON + SECOND))
    assert on.look() == {"cancelled", "open"}


def test_what_was_outdone_stays_so_beside_one_without_a_date(on: Stand) -> None:
    on.know("open")
    first, second, third = (on.admit("open", "open") for _ in range(3))
    on.finish(second, Learned("closed", NOON + SECOND))
    on.finish(first, Learned("open", NOON))
    on.finish(third, Learned("cancelled"))
    assert on.look() == {"closed", "cancelled"}


def test_a_request_that_began_later_wins_over_an_equal_date(on: Stand) -> None:
    on.finish(on.admit("open", "open"), Learned("open", NOON))
    on.finish(on.admit("open", "closed"), Learned("closed", NOON))
    assert on.look() == {"closed"}


def test_a_date_that_cannot_be_makes_both_possible(on: Stand) -> None:
    # The API's clock went back, or a stored answer was repeated: nobody can tell.
    on.finish(on.admit("open", "open"), Learned("open", NOON))
    on.finish(on.admit("open", "closed"), Learned("closed", NOON - SECOND))
    assert on.look() == {"open", "closed"}
    on.finish(on.admit("open", "closed"), Learned("closed", NOON + SECOND))
    assert on.look() == {"closed"}


def test_a_date_that_cannot_be_orders_nothing(on: Stand) -> None:
    on.finish(on.admit("open", "open"), Learned("open", NOON))
    odd, other = on.admit("open", "closed"), on.admit("open", "open")
    on.finish(odd, Learned("closed", NOON - SECOND))
    on.finish(other, Learned("open", NOON + SECOND))
    assert on.look() == {"open", "closed"}


# What is forgotten, and what it may cost.


def test_a_session_is_forgotten_when_it_was_not_used_for_long(on: Stand) -> None:
    on.know("closed")
    on.wait(EXPIRY - 1)
    on.finish(on.admit("closed", "closed"), Learned())
    on.wait(EXPIRY - 1)
    assert on.look() == {"closed"}
    on.wait(1)
    assert on.look() == frozenset()
    assert on.begin("open", "open").states == frozenset()


def test_refused_requests_do_not_keep_a_session(on: Stand) -> None:
    on.know("closed")
    on.wait(EXPIRY - 1)
    assert on.begin("open", "open").token is None
    on.wait(1)
    assert on.look() == frozenset()


def test_the_requests_of_one_session_are_bounded_and_none_is_refused(on: Stand) -> None:
    on.know("open")
    tokens = [on.admit("open", "open") for _ in range(MOST_PENDINGS)]
    for wanted in ("closed", "cancelled", "closed"):
        beyond = on.admit("open", wanted)
        on.finish(beyond, Learned("partially_returned"))
    # Not told apart, so nothing was learned; but what they wanted is possible.
    assert on.look() == {"open", "closed", "cancelled"}
    for token in tokens:
        on.finish(token, Learned("open"))
    assert on.look() == {"open", "closed", "cancelled"}
    on.wait(LEASE)
    on.finish(on.admit("cancelled", "cancelled"), Learned())
    assert on.look() == {"cancelled"}


def test_a_record_does_not_grow_without_end(on: Stand) -> None:
    on.know("open")
    for number in range(MOST_PENDINGS * 5):
        on.admit("open", ("open", "closed", None)[number % 3])
    assert size(on) < 4000


def size(on: Stand) -> int:
    if on.kind == "memory":
        assert isinstance(on.store, MemoryStore)
        ((_, record),) = on.store._records.values()  # noqa: SLF001 - shows nowhere else
        return len(record.write())
    if on.kind == "sqlite":
        with closing(sqlite3.connect(on.path)) as connection:
            return len(connection.execute("SELECT record FROM session").fetchone()[0])
    with closing(on.valkey.client()) as client:
        return client.strlen(f"{PREFIX}:{on.key().name}")


# Keys.


ODD = (
    *("a", "A", "a b", "a/b", "a%2Fb", "a:b", "a#b", "a|b", "{a}", "a\0", "a\n", "ä", "a\u0308"),
    *("\ud800", "\ufffd", "'; DROP TABLE session; --", "*", "..", "", " ", "x" * 400, "x" * 401),
    *("y" * 100_000, "🛒" * 300),
)


def test_ids_of_any_length_and_characters_are_kept_apart(on: Stand) -> None:
    states = ("open", "closed", "partially_returned", "cancelled")
    for number, session in enumerate(ODD):
        on.know(states[number % 4], session=session)
    for number, session in enumerate(ODD):
        assert on.look(session) == {states[number % 4]}, repr(session[:20])


def test_applications_are_kept_apart(on: Stand) -> None:
    async def run() -> None:
        first, second = Key(on.application + ":a", "b"), Key(on.application, "a:b")
        admission = await on.store.begin(first, CLOSE)
        assert admission.token
        await on.store.finish(first, admission.token, Learned())
        assert await on.store.look(first) == {"closed"}
        assert await on.store.look(second) == frozenset()

    on.runner.run(run())


texts = st.text(st.characters() | st.sampled_from(":#%/"), max_size=500)


@given(texts, texts, texts, texts)
def test_names_of_keys_are_distinct_short_and_printable(
    application: str, session: str, application2: str, session2: str
) -> None:
    key, other = Key(application, session), Key(application2, session2)
    assume(key != other)
    assert key.name != other.name
    assert key.name.isascii()
    assert key.name.isprintable()
    assert len(Key("shop", session).name) <= 405


# Two that share what they know.


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_another_process_finishes_what_one_began(kind: str, tmp_path: Path, valkey: Valkey) -> None:
    with stand(kind, tmp_path, valkey) as on:
        first, second = on.store, on.another()
        token = on.admit("open", "closed")
        on.store = second
        assert on.begin("closed", "cancelled").token
        on.finish(token, Learned("closed"))
        on.store = first
        assert on.look() == {"closed", "cancelled"}
        on.runner.run(second.close())


# The life of a store.


def test_a_store_says_that_it_is_ready_and_can_be_closed_twice(on: Stand) -> None:
    on.runner.run(on.store.ready())
    on.runner.run(on.store.close())
    on.runner.run(on.store.close())


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", MemoryStore),
        ("sqlite:{folder}/a.db", SqliteStore),
        ("redis://127.0.0.1:1/0", RedisStore),
        ("rediss://user:secret@127.0.0.1:1/0", RedisStore),
        ("redis+cluster://127.0.0.1:1", RedisStore),
        ("unix:///run/valkey.sock", RedisStore),
    ],
)
def test_addresses_say_what_store_it_is(url: str, kind: type, tmp_path: Path) -> None:
    store = open_store(url.format(folder=tmp_path))
    assert type(store) is kind
    asyncio.run(store.close())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "takes one of memory:, sqlite:PATH"),
        ("sessions.db", "takes one of"),
        ("mysql://root:secret@host/db", "'mysql:'..., which is no kind of store"),
        ("memory:x", "memory takes no path"),
        ("sqlite:", "write sqlite: and the path"),
        ("sqlite:///a.db", "write sqlite: and the path"),
        ("sqlite::memory:", "write sqlite: and the path"),
        ("redis://me:secret@host/0?colour=blue", "store is redis://host/0, .*colour"),
        ("redis://:secret@host:port/0", "store is redis://host:port/0"),
    ],
)
def test_bad_addresses_are_told_without_what_is_secret(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["lease", "expiry", "timeout"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_seconds_have_to_make_sense(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is .*seconds above 0"):
        open_store("memory:", **{name: value})


def test_a_lease_fits_into_the_expiry() -> None:
    with pytest.raises(ValueError, match="expiry is 5 s; it can't be shorter than the lease, 6 s"):
        open_store("memory:", lease=6, expiry=5)


@pytest.mark.parametrize("url", ["memory:", "sqlite:{folder}/a.db"])
def test_stores_of_one_machine_need_no_extra(url: str, tmp_path: Path) -> None:
    script = f"""
import sys
sys.modules["redis"] = None
from talonschema.gateway.store import StoreError, open_store
open_store({url.format(folder=tmp_path)!r})
try:
    open_store("redis://host")
except StoreError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert "pip install 'talonschema[gateway]'" in done.stdout


# Memory.


def test_memory_is_bounded(tmp_path: Path, valkey: Valkey) -> None:
    with stand("memory", tmp_path, valkey, most=3) as on:
        for number in range(3):
            on.know("closed", session=str(number))
        on.know("closed", session="0")
        on.know("closed", session="3")
        known = [session for session in "0123" if on.look(session)]
        # The one that was not used for longest is gone.
        assert known == ["0", "2", "3"]


def test_memory_lets_go_of_what_has_expired(tmp_path: Path, valkey: Valkey) -> None:
    with stand("memory", tmp_path, valkey) as on:
        assert isinstance(on.store, MemoryStore)
        for number in range(10):
            on.know("closed", session=str(number))
        on.wait(EXPIRY)
        for number in range(5):
            on.know("closed", session=f"new-{number}")
        assert len(on.store) == 5


# SQLite.


def attempt(store: Store) -> str:
    """Use a store that can't be used, and return what is told."""

    async def run() -> str:
        with pytest.raises(StoreError) as caught:
            await store.begin(KEY, CLOSE)
        await store.close()
        return str(caught.value)

    return asyncio.run(run())


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


def test_a_file_that_was_damaged_is_told(tmp_path: Path) -> None:
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
def test_a_row_that_was_damaged_is_told(record: str, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(str(path))
    with closing(sqlite3.connect(path)) as connection, connection:
        row = (KEY.name, int(time.time() * 2000), record)
        connection.execute("INSERT INTO session VALUES (?, ?, ?)", row)
    assert "it is damaged" in attempt(store)


def test_a_closed_file_is_told(tmp_path: Path) -> None:
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
        with pytest.raises(StoreError, match="another process held it too long"):
            await store.begin(KEY, CLOSE)
        counting.cancel()
        await store.close()
        return turns

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        turns = asyncio.run(run())
        connection.execute("ROLLBACK")
    assert turns > 10


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), timeout=20)

    async def run() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(store.begin(KEY, CLOSE))
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert not waiting.done()
            # Who only reads doesn't wait.
            assert await store.look(KEY) == frozenset()
            connection.execute("COMMIT")
            assert (await waiting).token
        await store.close()

    asyncio.run(run())


def test_a_cancelled_wait_leaves_the_store_usable(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(str(path), timeout=20)

    async def run() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(store.begin(KEY, CLOSE))
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            connection.execute("COMMIT")
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
    longest = 0

    async def run() -> None:
        nonlocal longest
        store = SqliteStore(str(path), timeout=20)
        for _ in range(3000):
            await store.begin(KEY, CLOSE)
            await asyncio.sleep(0)
            longest = max(longest, path.with_name("a.db-wal").stat().st_size)
        await store.close()

    asyncio.run(run())
    assert 200_000 < longest < 4_000_000


OPENS = """
import asyncio, sys
from talonschema.gateway.sqlite import SqliteStore
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


# Redis and Valkey.


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    port = free_port()
    told = attempt(open_store(f"redis://me:secret@127.0.0.1:{port}/0", timeout=20))
    assert told.startswith(f"can't reach redis://127.0.0.1:{port}/0: ")
    assert "secret" not in told


def test_a_server_that_does_not_answer_has_a_deadline() -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            store = open_store(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", timeout=0.1)
            with pytest.raises(StoreError, match=r"no answer from redis://.* within 0\.1 s"):
                await store.begin(KEY, CLOSE)
            await store.close()

    asyncio.run(run())


@pytest.fixture
def redis_stand(tmp_path: Path, valkey: Valkey) -> Iterator[Stand]:
    with stand("redis", tmp_path, valkey) as made:
        yield made


def test_a_server_that_has_forgotten_the_script_gets_it_again(redis_stand: Stand) -> None:
    redis_stand.know("closed")
    with closing(redis_stand.valkey.client()) as client:
        client.script_flush()
    assert redis_stand.look() == {"closed"}


def test_connections_that_were_closed_are_made_anew(redis_stand: Stand) -> None:
    redis_stand.know("closed")
    with closing(redis_stand.valkey.client()) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert redis_stand.look() == {"closed"}


def test_leases_and_expiry_run_by_the_server_s_clock(redis_stand: Stand) -> None:
    key = redis_stand.key()
    keep = Intent(frozenset({"open"}), "open")

    async def run() -> None:
        store = RedisStore(redis_stand.valkey.url, lease=0.05, expiry=0.2, timeout=20)
        # The first of these is lost; once its lease has ended, one alone settles the state. If the
        # machine is so slow that the session expires in between, it is known again by then, too.
        assert (await store.begin(key, CLOSE)).token
        end = time.monotonic() + 30
        while await store.look(key) != {"open"}:
            token = (await store.begin(key, keep)).token
            assert token
            await store.finish(key, token, Learned())
            assert time.monotonic() < end
        while await store.look(key):
            assert time.monotonic() < end
        await store.close()

    redis_stand.runner.run(run())


def test_a_cancelled_call_does_not_mix_answers_up(redis_stand: Stand) -> None:
    states = ("open", "closed", "partially_returned", "cancelled")
    for state in states:
        redis_stand.know(state, session=state)

    async def run() -> None:
        store = redis_stand.store
        for turn in range(60):
            calls = [
                asyncio.create_task(store.look(redis_stand.key(states[number % 4])))
                for number in range(40)
            ]
            for _ in range(turn % 12):
                await asyncio.sleep(0)
            for call in calls[turn % 4 :: 4]:
                call.cancel()
            answers = await asyncio.gather(*calls, return_exceptions=True)
            for number, answer in enumerate(answers):
                if not isinstance(answer, asyncio.CancelledError):
                    assert answer == frozenset({states[number % 4]})

    redis_stand.runner.run(run())


def test_a_begin_that_is_sent_twice_counts_once(redis_stand: Stand) -> None:
    redis_stand.know("open")
    token = redis_stand.admit("open", "closed")
    other = redis_stand.admit("open", "cancelled")
    redis_stand.finish(other, Learned("cancelled"))
    store = redis_stand.store
    assert isinstance(store, RedisStore)
    again = store._run(  # noqa: SLF001 - shows nowhere else
        redis_stand.key().name, "begin", 1000, 1000, token, 1, 2, 0, 0
    )
    assert redis_stand.runner.run(again) == [1, 2 + 8]
    redis_stand.finish(token, Learned("closed"))
    # What the other did in between is not lost.
    assert redis_stand.look() == {"closed", "cancelled"}


def test_a_key_that_is_not_ours_is_told(redis_stand: Stand) -> None:
    with closing(redis_stand.valkey.client()) as client:
        client.hset(f"{PREFIX}:{redis_stand.key().name}", "a", "b")
    with pytest.raises(StoreError, match=r"refused the call: .*WRONGTYPE"):
        redis_stand.look()


def test_the_rights_that_the_page_on_stores_names_are_enough(redis_stand: Stand) -> None:
    page = (Path(__file__).parents[2] / "docs/gateway/stores.md").read_text("utf-8")
    (rights,) = re.findall(r"^ACL SETUSER gateway on >PASSWORD (.*)$", page, re.MULTILINE)
    name = uuid4().hex
    with closing(redis_stand.valkey.client()) as client:
        client.acl_setuser(
            name,
            enabled=True,
            passwords=["+secret"],
            keys=[right[1:] for right in rights.split() if right.startswith("~")],
            commands=[right for right in rights.split() if right.startswith("+")],
        )
        # Nothing that another test has left in the server helps along.
        client.script_flush()

    async def run() -> None:
        server = f"127.0.0.1:{redis_stand.valkey.port}/0"
        store = open_store(f"redis://{name}:secret@{server}", timeout=20)
        await store.ready()
        key = redis_stand.key()
        token = (await store.begin(key, CLOSE)).token
        assert token
        await store.finish(key, token, Learned())
        assert await store.look(key) == {"closed"}
        await store.close()
        stranger = open_store(f"redis://{name}:wrong@{server}", timeout=20)
        with pytest.raises(StoreError, match="can't reach"):
            await stranger.ready()
        await stranger.close()

    redis_stand.runner.run(run())


def test_a_replica_is_not_ready(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    with server.serving():
        with closing(server.client()) as client:
            client.replicaof("127.0.0.1", free_port())

        async def run() -> None:
            store = open_store(server.url, timeout=20)
            with pytest.raises(StoreError, match="takes no writes"):
                await store.ready()
            with closing(server.client()) as client:
                client.replicaof("NO", "ONE")
            await store.ready()
            await store.close()

        asyncio.run(run())


needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed; it makes a certificate"
)


@needs_openssl
def test_a_server_is_reached_by_tls_if_its_certificate_is_right(
    tmp_path: Path, redis_stand: Stand
) -> None:
    certificate, secret = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=valkey", "-addext"),
            *("subjectAltName=IP:127.0.0.1", "-keyout", secret, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, secret)

    # The server of the tests knows no TLS, so it gets somebody in front who does.
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", redis_stand.valkey.port)
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    async def run() -> None:
        front = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
        url = f"rediss://127.0.0.1:{front.sockets[0].getsockname()[1]}/0"
        store = open_store(f"{url}?ssl_ca_certs={certificate}", timeout=20)
        key = redis_stand.key()
        token = (await store.begin(key, CLOSE)).token
        assert token
        await store.finish(key, token, Learned())
        assert await store.look(key) == {"closed"}
        await store.close()
        distrustful = open_store(url, timeout=20)
        with pytest.raises(StoreError, match="certificate"):
            await distrustful.ready()
        await distrustful.close()
        front.close()
        await front.wait_closed()

    redis_stand.runner.run(run())
    assert redis_stand.look() == {"closed"}


def test_sessions_can_lie_in_a_cluster(tmp_path: Path) -> None:
    bus = ("--cluster-port", str(free_port()))
    server = Valkey(tmp_path, "--cluster-enabled", "yes", *bus)
    with server.serving():
        with closing(server.client()) as client:
            client.cluster("ADDSLOTSRANGE", 0, 16383)
            client.cluster("BUMPEPOCH")
            end = time.monotonic() + 30
            while client.cluster("INFO")["cluster_state"] != "ok":
                assert time.monotonic() < end
                time.sleep(0.05)

        async def run() -> None:
            store = open_store(server.url.replace("redis:", "redis+cluster:"), timeout=20)
            await store.ready()
            for session in ODD:
                key = Key("shop", session)
                token = (await store.begin(key, CLOSE)).token
                assert token
                await store.finish(key, token, Learned())
                assert await store.look(key) == {"closed"}
            await store.close()

        asyncio.run(run())


def test_the_stored_form_is_the_same_in_a_server_and_in_a_file(
    tmp_path: Path, valkey: Valkey
) -> None:
    forms: list[Any] = []
    for kind in ("sqlite", "redis"):
        with stand(kind, tmp_path, valkey) as on:
            on.finish(on.admit("open", "closed"), Learned("closed", NOON))
            on.admit("closed", "cancelled")
            if kind == "sqlite":
                with closing(sqlite3.connect(on.path)) as connection:
                    text = connection.execute("SELECT record FROM session").fetchone()[0]
            else:
                with closing(valkey.client()) as client:
                    text = client.get(f"{PREFIX}:{on.key().name}")
            states, updated, pendings = json.loads(text)
            numbers = [[int(number) for number in each] for each in pendings.values()]
            forms.append((states, int(updated), numbers))
    assert forms[0] == forms[1]
