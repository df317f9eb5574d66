"""Requests that are repeated by an Idempotency-Key, tried on every store."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.gateway.stands import KINDS, LEASE, NOON, Stand, stand
from support.gateway.valkey import Valkey
from talonschema.gateway.store import Admission, Ending, Intent, Learned, Refused, Uncertain
from talonschema.gateway.store.memory import MemoryStore
from talonschema.gateway.store.record import MOST_PENDINGS, MOST_REMEMBERED, REMEMBERED
from talonschema.gateway.store.redis import PREFIX

DIGEST = "x" * 24


def close(on: Stand, digest: str = DIGEST) -> Admission:
    """Begin an update that closes an open session, and may be repeated."""
    intent = Intent(frozenset({"open", "new"}), "closed", digest=digest)
    return on.runner.run(on.store.begin(on.key(), intent))


def close_and_finish(on: Stand, digest: str = DIGEST) -> None:
    """Close a session by a request that is seen through."""
    token = close(on, digest).token
    assert token is not None
    on.finish(token, Learned())


def test_what_was_done_passes_from_any_state_and_teaches_nothing(on: Stand) -> None:
    on.know("open")
    close_and_finish(on)
    on.know("cancelled")
    assert close(on) == Admission(None, frozenset({"cancelled"}), repeated=True)
    on.wait(LEASE)
    assert on.look() == {"cancelled"}
    # Even if the answer to it comes from somewhere.
    assert close(on, "y" * 24) == Admission(None, frozenset({"cancelled"}))


def test_requests_without_a_key_are_no_repetitions(on: Stand) -> None:
    on.know("open")
    close_and_finish(on, "")
    assert close(on, "") == Admission(None, frozenset({"closed"}))


def test_sessions_have_keys_of_their_own(on: Stand) -> None:
    on.know("open")
    close_and_finish(on)
    on.know("closed", session="another")
    intent = Intent(frozenset({"open"}), "closed", digest=DIGEST)
    assert not on.runner.run(on.store.begin(on.key("another"), intent)).may_pass


def test_while_the_first_is_in_flight_the_first_answer_to_either_is_learned(on: Stand) -> None:
    on.know("open")
    first = close(on).token
    assert first
    assert close(on) == Admission(first, frozenset({"open", "closed"}), repeated=True)
    on.finish(first, Uncertain())
    assert on.look() == {"open", "closed"}
    assert on.end(first) is Ending.TAKEN
    assert on.look() == {"closed"}
    on.know("cancelled")
    # The other answer is the same one again.
    assert on.end(first) is Ending.TAKEN
    assert on.look() == {"cancelled"}
    assert close(on).repeated


def test_a_repetition_may_take_effect_for_a_lease_of_its_own(on: Stand) -> None:
    on.know("open")
    first = close(on).token
    assert first
    on.wait(LEASE * 0.6)
    close(on)
    on.wait(LEASE * 0.6)
    on.finish(on.admit("open", "open"), Learned("open"))
    assert on.look() == {"open", "closed"}
    assert on.end(first) is Ending.TAKEN
    assert on.look() == {"open", "closed"}


def test_that_one_of_several_was_refused_decides_nothing(on: Stand) -> None:
    on.know("open")
    token = close(on).token
    assert token
    close(on)
    on.finish(token, Refused())
    assert on.look() == {"open", "closed"}
    on.finish(token, Learned())
    assert on.look() == {"closed"}


def test_what_the_api_refused_is_judged_anew(on: Stand) -> None:
    on.know("open")
    token = close(on).token
    assert token
    on.finish(token, Refused())
    on.know("cancelled")
    assert close(on) == Admission(None, frozenset({"cancelled"}))


def test_an_answer_that_was_lost_may_be_repeated_or_the_request_done_only_now(on: Stand) -> None:
    on.know("open")
    close(on)
    on.wait(LEASE)
    on.finish(on.admit("open closed", "open"), Learned("open"))
    assert on.look() == {"open"}
    assert close(on) == Admission(None, frozenset({"open"}), repeated=True)
    on.finish(on.admit("open", "open"), Learned("open"))
    assert on.look() == {"open", "closed"}
    on.wait(LEASE)
    assert on.look() == {"open", "closed"}
    on.know("cancelled")
    assert close(on).repeated


def test_the_first_request_of_a_session_may_be_repeated_after_its_lease(on: Stand) -> None:
    close(on)
    on.wait(LEASE)
    on.know("cancelled")
    assert close(on) == Admission(None, frozenset({"cancelled"}), repeated=True)


def test_one_beyond_those_that_are_tracked_may_be_repeated(on: Stand) -> None:
    on.know("open")
    for _ in range(MOST_PENDINGS):
        on.admit("open", "open")
    assert close(on).token
    on.wait(LEASE)
    on.know("cancelled")
    assert close(on).repeated


def test_late_answers_are_told_from_unknown_ones(on: Stand) -> None:
    token = close(on).token
    assert token
    on.wait(LEASE)
    assert on.end(token) is Ending.LATE
    assert on.end("x" * 22 + "=" + DIGEST) is Ending.UNKNOWN
    assert on.end("?" + DIGEST) is Ending.UNKNOWN
    assert on.end("=" + DIGEST) is Ending.UNKNOWN


def test_it_is_forgotten_before_the_api_forgets_it(tmp_path: Path, valkey: Valkey) -> None:
    for kind in KINDS:
        with stand(kind, tmp_path, valkey) as on:
            on.know("open")
            close_and_finish(on)
            # Used now and then, or the session itself would be forgotten.
            for _ in range(25):
                assert close(on).repeated
                on.wait(REMEMBERED / 1000 / 25)
                on.know("cancelled")
            assert not close(on).may_pass


def test_the_newest_of_a_session_are_remembered(on: Stand) -> None:
    on.know("open")
    digests = [f"{number:024}" for number in range(MOST_REMEMBERED * 3)]
    for digest in digests:
        on.know("open")
        close_and_finish(on, digest)
        on.wait(0.01)
    on.know("cancelled")
    passed = [digest for digest in digests if close(on, digest).may_pass]
    assert passed == digests[-MOST_REMEMBERED:]
    assert len(stored_record(on)[2]) == MOST_REMEMBERED


def stored_record(on: Stand) -> Any:
    """Return the record as it is stored."""
    if on.kind == "memory":
        assert isinstance(on.store, MemoryStore)
        ((_, record),) = on.store._records.values()  # noqa: SLF001 - shows nowhere else
        return json.loads(record.write())
    if on.kind == "sqlite":
        with closing(sqlite3.connect(on.path)) as connection:
            return json.loads(connection.execute("SELECT record FROM session").fetchone()[0])
    with closing(on.valkey.client()) as client:
        return json.loads(client.get(f"{PREFIX}:{on.key().name}") or "")


def test_older_releases_take_what_is_remembered_for_requests_without_an_effect(
    tmp_path: Path, valkey: Valkey
) -> None:
    forms: list[Any] = []
    for kind in KINDS:
        with stand(kind, tmp_path, valkey) as on:
            on.know("open")
            close_and_finish(on)
            on.know("open")
            on.wait(1)
            close(on, "y" * 24)
            close(on, "y" * 24)
            states, updated, pendings = stored_record(on)
            marks = {key[0]: each for key, each in pendings.items() if key[0] in "=?"}
            assert {mark: int(each[0]) for mark, each in marks.items()} == {"=": 0, "?": 0}
            numbers = {key[-26:]: [int(each) for each in pendings[key]] for key in pendings}
            forms.append((states, int(updated), numbers))
    assert forms[0] == forms[1] == forms[2]
    assert all(len(each) == 6 for each in forms[0][2].values())


def test_dates_order_answers_as_ever(on: Stand) -> None:
    on.know("open")
    first = close(on).token
    other = on.admit("open", "cancelled")
    assert first
    close(on)
    on.finish(other, Learned("cancelled", NOON + timedelta(seconds=1)))
    on.finish(first, Learned("closed", NOON))
    assert on.look() == {"cancelled"}
