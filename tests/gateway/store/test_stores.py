"""What every store promises, tried on each of them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from support.gateway.stands import CLOSE, EXPIRY, LEASE, NOON, ODD, Stand, open_stand
from support.gateway.states import states_of
from support.gateway.valkey import Valkey
from talonschema.gateway.store import Key, Learned, open_store
from talonschema.gateway.store.memory import MemoryStore
from talonschema.gateway.store.record import MOST_PENDINGS
from talonschema.gateway.store.redis import PREFIX, RedisStore
from talonschema.gateway.store.sqlite import SqliteStore

# What is forgotten, and what it may cost.


def test_a_session_is_forgotten_when_it_was_not_used_for_long(stand: Stand) -> None:
    stand.learn("closed")
    stand.wait(EXPIRY - 1)
    stand.finish(stand.admit("closed", "closed"), Learned())
    stand.wait(EXPIRY - 1)
    assert stand.states() == {"closed"}
    stand.wait(1 + stand.slack)
    assert stand.states() == frozenset()
    assert stand.begin("open", "open").states == frozenset()


def test_refused_requests_do_not_keep_a_session(stand: Stand) -> None:
    stand.learn("closed")
    stand.wait(EXPIRY - 1)
    assert stand.begin("open", "open").token is None
    stand.wait(1 + stand.slack)
    assert stand.states() == frozenset()


def test_the_requests_of_one_session_are_bounded_and_none_is_refused(stand: Stand) -> None:
    stand.learn("open")
    tokens = [stand.admit("open", "open") for _ in range(MOST_PENDINGS)]
    for wanted in ("closed", "cancelled", "closed"):
        beyond = stand.admit("open", wanted)
        stand.finish(beyond, Learned("partially_returned"))
    # Not tracked one by one, so nothing was learned; but what they wanted is possible.
    assert stand.states() == {"open", "closed", "cancelled"}
    for token in tokens:
        stand.finish(token, Learned("open"))
    assert stand.states() == {"open", "closed", "cancelled"}
    stand.wait(LEASE)
    stand.finish(stand.admit("cancelled", "cancelled"), Learned())
    assert stand.states() == {"cancelled"}


def test_a_record_does_not_grow_without_end(stand: Stand) -> None:
    stand.learn("open")
    for number in range(MOST_PENDINGS * 5):
        stand.admit("open", ("open", "closed", None)[number % 3])
    assert size(stand) < 4000


def size(stand: Stand) -> int:
    if stand.kind == "memory":
        assert isinstance(stand.store, MemoryStore)
        ((_, record),) = stand.store._records.values()  # noqa: SLF001 - shows nowhere else
        return len(record.write())
    if stand.kind == "sqlite":
        with closing(sqlite3.connect(stand.path)) as connection:
            return len(connection.execute("SELECT record FROM session").fetchone()[0])
    with closing(stand.valkey.client()) as client:
        return client.strlen(f"{PREFIX}:{stand.key().name}")


# Keys.


def test_ids_of_any_length_and_characters_are_kept_apart(stand: Stand) -> None:
    states = ("open", "closed", "partially_returned", "cancelled")
    for number, session in enumerate(ODD):
        stand.learn(states[number % 4], session=session)
    for number, session in enumerate(ODD):
        assert stand.states(session) == {states[number % 4]}, repr(session[:20])


def test_applications_are_kept_apart(stand: Stand) -> None:
    async def run() -> None:
        first, second = Key(stand.application + ":a", "b"), Key(stand.application, "a:b")
        admission = await stand.store.begin(first, CLOSE)
        assert admission.token
        await stand.store.finish(first, admission.token, Learned())
        assert await states_of(stand.store, first) == {"closed"}
        assert await states_of(stand.store, second) == frozenset()

    stand.runner.run(run())


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
    with open_stand(kind, tmp_path, valkey) as stand:
        first, second = stand.store, stand.second_store()
        token = stand.admit("open", "closed")
        stand.store = second
        assert stand.begin("closed", "cancelled").token
        stand.finish(token, Learned("closed"))
        stand.store = first
        assert stand.states() == {"closed", "cancelled"}
        stand.runner.run(second.close())


# The life of a store.


def test_a_store_is_ready_and_can_be_closed_twice(stand: Stand) -> None:
    stand.runner.run(stand.store.ready())
    stand.runner.run(stand.store.close())
    stand.runner.run(stand.store.close())


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
def test_addresses_choose_the_store(url: str, kind: type, tmp_path: Path) -> None:
    store = open_store(url.format(folder=tmp_path))
    assert type(store) is kind
    asyncio.run(store.close())


@pytest.mark.parametrize(
    ("url", "reported"),
    [
        ("", "expected one of memory:, sqlite:PATH"),
        ("sessions.db", "expected one of"),
        ("mysql://root:secret@host/db", "'mysql:'..., which is not a kind of store"),
        ("memory:x", "a store in memory has no path"),
        ("sqlite:", "write the path directly after sqlite:"),
        ("sqlite:///a.db", "write the path directly after sqlite:"),
        ("sqlite::memory:", "write the path directly after sqlite:"),
        ("redis://me:secret@host/0?colour=blue", "store is redis://host/0, .*colour"),
        ("redis://:secret@host:port/0", "store is redis://host:port/0"),
    ],
)
def test_bad_addresses_are_reported_without_what_is_secret(url: str, reported: str) -> None:
    with pytest.raises(ValueError, match=reported) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["lease", "expiry", "timeout"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_seconds_have_to_make_sense(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is .*seconds above 0"):
        open_store("memory:", **cast("Any", {name: value}))


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


def test_the_stored_form_is_the_same_in_a_server_and_in_a_file(
    tmp_path: Path, valkey: Valkey
) -> None:
    forms: list[Any] = []
    for kind in ("sqlite", "redis"):
        with open_stand(kind, tmp_path, valkey) as stand:
            stand.finish(stand.admit("open", "closed"), Learned("closed", NOON))
            stand.admit("closed", "cancelled")
            if kind == "sqlite":
                with closing(sqlite3.connect(stand.path)) as connection:
                    text = connection.execute("SELECT record FROM session").fetchone()[0]
            else:
                with closing(valkey.client()) as client:
                    text = client.get(f"{PREFIX}:{stand.key().name}")
            states, updated, pendings = json.loads(text)
            numbers = [[int(number) for number in each] for each in pendings.values()]
            forms.append((states, int(updated), numbers))
    assert forms[0] == forms[1]
