"""What every store promises, tried on each of them."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from support.gateway.stands import CLOSE, EXPIRY, KINDS, LEASE, ODD, Stand, stand
from support.gateway.valkey import Valkey
from talonschema.gateway.store import (
    Admission,
    Ending,
    Intent,
    Key,
    Learned,
    Refused,
    Uncertain,
    open_store,
)
from talonschema.gateway.store.memory import MemoryStore
from talonschema.gateway.store.record import MOST_PENDINGS
from talonschema.gateway.store.redis import PREFIX, RedisStore
from talonschema.gateway.store.sqlite import SqliteStore

ANYTHING = ("open", "closed", "partially_returned", "cancelled", "new")
NOON = datetime(2026, 6, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


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


# What is in doubt.


@pytest.mark.parametrize("strict_new", [False, True])
def test_a_request_on_an_unknown_session_is_in_doubt(on: Stand, *, strict_new: bool) -> None:
    some, every = frozenset({"open", "new"}), frozenset(ANYTHING)
    for permitted in (some, every):
        # What is permitted, and what is certain, need not be the same.
        intent = Intent(permitted, "closed", strict_new, certain=some)
        states = frozenset({"new"}) if strict_new else frozenset()
        assert on.ask(intent) == Admission(None, states, doubtful=True)
    assert on.look() == frozenset()
    assert on.ask(Intent(every, "closed", strict_new, certain=every)).token


def test_a_request_is_in_doubt_if_only_some_of_the_possible_states_permit_it(on: Stand) -> None:
    on.know("open")
    assert on.begin("closed", "open", certain="closed") == Admission(None, frozenset({"open"}))
    on.finish(on.admit("open", "closed", certain="open"), Uncertain())
    both = frozenset({"open", "closed"})
    for state in both:
        assert on.begin(state, state, certain=state) == Admission(None, both, doubtful=True)
    assert on.look() == both
    assert on.begin("cancelled", "open", certain="cancelled") == Admission(None, both)
    assert on.begin("open closed", "cancelled", certain="open closed").token


def test_a_request_that_may_repeat_another_is_not_in_doubt(on: Stand) -> None:
    intent = Intent(frozenset({"open"}), "closed", digest="x" * 24)
    token = on.ask(intent).token
    assert token
    again = intent._replace(certain=intent.permitted)
    assert on.ask(again).repeated
    on.wait(LEASE)
    # The first may have been done, or not.
    assert on.ask(again) == Admission(None, frozenset(), repeated=True)


# What is learned.


@pytest.mark.parametrize("state", ["open", "closed", "partially_returned", "cancelled"])
def test_the_state_that_was_answered_is_learned(on: Stand, state: str) -> None:
    on.finish(on.admit("open", "closed"), Learned(state, NOON))
    assert on.look() == {state}


def test_the_state_that_was_wanted_is_learned_if_none_was_answered(on: Stand) -> None:
    on.finish(on.admit("open", "closed"), Learned())
    assert on.look() == {"closed"}


def test_the_ending_of_an_answer_is_returned(on: Stand) -> None:
    token = on.admit("open", "closed")
    assert on.end("AAAAAAAAAAAAAAAAAAAAAA.18f") is Ending.LATE
    assert on.end("AAAAAAAAAAAAAAAAAAAAAA") is Ending.UNKNOWN
    assert on.end(token, session="another") is Ending.UNKNOWN
    assert on.end(token) is Ending.TAKEN
    assert on.end(token) is Ending.UNKNOWN
    for session in ("known", "not known"):
        if session == "known":
            on.know("open", session=session)
        late = on.admit("open", "closed", session=session)
        on.wait(LEASE)
        assert on.end(late, session=session) is Ending.LATE
        assert on.end(late, session=session) is Ending.LATE


def test_an_answer_beyond_those_that_are_tracked_is_not_learned(on: Stand) -> None:
    tokens = [on.admit("open", "open") for _ in range(MOST_PENDINGS + 1)]
    assert on.end(tokens[-1]) is Ending.CROWDED
    assert on.end(tokens[0]) is Ending.TAKEN


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
    # Done before the lost one, or after it: nobody knows.
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
    assert all(re.fullmatch(r"[\w-]{22}\.[0-9a-f]{11}", token) for token in tokens)


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


def test_answers_are_ordered_by_the_time_of_the_api(on: Stand) -> None:
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


def test_a_microsecond_decides_the_order(on: Stand) -> None:
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
    # The API's clock went back, or a stored answer was repeated: nobody knows.
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
    on.wait(1 + on.slack)
    assert on.look() == frozenset()
    assert on.begin("open", "open").states == frozenset()


def test_refused_requests_do_not_keep_a_session(on: Stand) -> None:
    on.know("closed")
    on.wait(EXPIRY - 1)
    assert on.begin("open", "open").token is None
    on.wait(1 + on.slack)
    assert on.look() == frozenset()


def test_the_requests_of_one_session_are_bounded_and_none_is_refused(on: Stand) -> None:
    on.know("open")
    tokens = [on.admit("open", "open") for _ in range(MOST_PENDINGS)]
    for wanted in ("closed", "cancelled", "closed"):
        beyond = on.admit("open", wanted)
        on.finish(beyond, Learned("partially_returned"))
    # Not tracked one by one, so nothing was learned; but what they wanted is possible.
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


def test_a_store_is_ready_and_can_be_closed_twice(on: Stand) -> None:
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
def test_addresses_choose_the_store(url: str, kind: type, tmp_path: Path) -> None:
    store = open_store(url.format(folder=tmp_path))
    assert type(store) is kind
    asyncio.run(store.close())


@pytest.mark.parametrize(
    ("url", "reported"),
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
