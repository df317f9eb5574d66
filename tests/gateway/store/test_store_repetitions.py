"""Requests that are repeated by an Idempotency-Key, tried on every store."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.gateway.stands import KINDS, LEASE, NOON, Stand, open_stand
from support.gateway.valkey import Valkey
from talonschema.gateway.store import Admission, Ending, Intent, Learned, Refused, Uncertain
from talonschema.gateway.store.memory import MemoryStore
from talonschema.gateway.store.record import MOST_PENDINGS, MOST_REMEMBERED, REMEMBERED
from talonschema.gateway.store.redis import PREFIX

DIGEST = "x" * 24


def close(stand: Stand, digest: str = DIGEST) -> Admission:
    """Begin an update that closes an open session, and may be repeated."""
    intent = Intent(frozenset({"open", "new"}), "closed", digest=digest)
    return stand.runner.run(stand.store.begin(stand.key(), intent))


def close_and_finish(stand: Stand, digest: str = DIGEST) -> None:
    """Close a session by a request that is seen through."""
    token = close(stand, digest).token
    assert token is not None
    stand.finish(token, Learned())


def test_what_was_done_passes_from_any_state_and_teaches_nothing(stand: Stand) -> None:
    stand.learn("open")
    close_and_finish(stand)
    stand.learn("cancelled")
    assert close(stand) == Admission(None, frozenset({"cancelled"}), repeated=True)
    stand.wait(LEASE)
    assert stand.states() == {"cancelled"}
    # Even if the answer to it comes from somewhere.
    assert close(stand, "y" * 24) == Admission(None, frozenset({"cancelled"}))


def test_requests_without_a_key_are_no_repetitions(stand: Stand) -> None:
    stand.learn("open")
    close_and_finish(stand, "")
    assert close(stand, "") == Admission(None, frozenset({"closed"}))


def test_sessions_have_keys_of_their_own(stand: Stand) -> None:
    stand.learn("open")
    close_and_finish(stand)
    stand.learn("closed", session="another")
    intent = Intent(frozenset({"open"}), "closed", digest=DIGEST)
    assert not stand.runner.run(stand.store.begin(stand.key("another"), intent)).may_pass


def test_while_the_first_is_in_flight_the_first_answer_to_either_is_learned(stand: Stand) -> None:
    stand.learn("open")
    first = close(stand).token
    assert first
    assert close(stand) == Admission(first, frozenset({"open", "closed"}), repeated=True)
    stand.finish(first, Uncertain())
    assert stand.states() == {"open", "closed"}
    assert stand.end(first) is Ending.TAKEN
    assert stand.states() == {"closed"}
    stand.learn("cancelled")
    # The other answer is the same one again.
    assert stand.end(first) is Ending.TAKEN
    assert stand.states() == {"cancelled"}
    assert close(stand).repeated


def test_a_repetition_may_take_effect_for_a_lease_of_its_own(stand: Stand) -> None:
    stand.learn("open")
    first = close(stand).token
    assert first
    stand.wait(LEASE * 0.6)
    close(stand)
    stand.wait(LEASE * 0.6)
    stand.finish(stand.admit("open", "open"), Learned("open"))
    assert stand.states() == {"open", "closed"}
    assert stand.end(first) is Ending.TAKEN
    assert stand.states() == {"open", "closed"}


def test_that_one_of_several_was_refused_decides_nothing(stand: Stand) -> None:
    stand.learn("open")
    token = close(stand).token
    assert token
    close(stand)
    stand.finish(token, Refused())
    assert stand.states() == {"open", "closed"}
    stand.finish(token, Learned())
    assert stand.states() == {"closed"}


def test_what_the_api_refused_is_judged_anew(stand: Stand) -> None:
    stand.learn("open")
    token = close(stand).token
    assert token
    stand.finish(token, Refused())
    stand.learn("cancelled")
    assert close(stand) == Admission(None, frozenset({"cancelled"}))


def test_an_answer_that_was_lost_may_be_repeated_or_the_request_done_only_now(stand: Stand) -> None:
    stand.learn("open")
    close(stand)
    stand.wait(LEASE)
    stand.finish(stand.admit("open closed", "open"), Learned("open"))
    assert stand.states() == {"open"}
    assert close(stand) == Admission(None, frozenset({"open"}), repeated=True)
    # The answer to none of them is learned.
    assert close(stand) == Admission(None, frozenset({"open", "closed"}), repeated=True)
    stand.finish(stand.admit("open", "open"), Learned("open"))
    assert stand.states() == {"open", "closed"}
    stand.wait(LEASE)
    assert stand.states() == {"open", "closed"}
    stand.learn("cancelled")
    assert close(stand).repeated


def test_the_first_request_of_a_session_may_be_repeated_after_its_lease(stand: Stand) -> None:
    close(stand)
    stand.wait(LEASE)
    stand.learn("cancelled")
    assert close(stand) == Admission(None, frozenset({"cancelled"}), repeated=True)


def test_one_beyond_those_that_are_tracked_may_be_repeated(stand: Stand) -> None:
    stand.learn("open")
    for _ in range(MOST_PENDINGS):
        stand.admit("open", "open")
    assert close(stand).token
    stand.wait(LEASE)
    stand.learn("cancelled")
    assert close(stand).repeated


def test_late_answers_are_told_from_unknown_ones(stand: Stand) -> None:
    token = close(stand).token
    assert token
    stand.wait(LEASE)
    assert stand.end(token) is Ending.LATE
    assert stand.end("x" * 22 + "=" + DIGEST) is Ending.UNKNOWN
    assert stand.end("?" + DIGEST) is Ending.UNKNOWN
    assert stand.end("=" + DIGEST) is Ending.UNKNOWN


def test_it_is_forgotten_before_the_api_forgets_it(tmp_path: Path, valkey: Valkey) -> None:
    for kind in KINDS:
        with open_stand(kind, tmp_path, valkey) as stand:
            stand.learn("open")
            close_and_finish(stand)
            # Used now and then, or the session itself would be forgotten.
            for _ in range(25):
                assert close(stand).repeated
                stand.wait(REMEMBERED / 1000 / 25)
                stand.learn("cancelled")
            assert not close(stand).may_pass


def test_the_newest_of_a_session_are_remembered(stand: Stand) -> None:
    stand.learn("open")
    digests = [f"{number:024}" for number in range(MOST_REMEMBERED * 3)]
    for digest in digests:
        stand.learn("open")
        close_and_finish(stand, digest)
        stand.wait(0.01)
    stand.learn("cancelled")
    passed = [digest for digest in digests if close(stand, digest).may_pass]
    assert passed == digests[-MOST_REMEMBERED:]
    assert len(stored_record(stand)[2]) == MOST_REMEMBERED


def test_what_was_repeated_is_remembered_once(stand: Stand) -> None:
    # The oldest gives way, whatever the order of their digests.
    digests = [f"{number:024}" for number in range(MOST_REMEMBERED + 1, 0, -1)]
    for digest in digests:
        stand.learn("open")
        close(stand, digest)
        close_and_finish(stand, digest)
        stand.wait(0.01)
    stand.learn("cancelled")
    passed = [digest for digest in digests if close(stand, digest).may_pass]
    assert passed == digests[1:]


def stored_record(stand: Stand) -> Any:
    """Return the record as it is stored."""
    if stand.kind == "memory":
        assert isinstance(stand.store, MemoryStore)
        ((_, record),) = stand.store._records.values()  # noqa: SLF001 - shows nowhere else
        return json.loads(record.write())
    if stand.kind == "sqlite":
        with closing(sqlite3.connect(stand.path)) as connection:
            return json.loads(connection.execute("SELECT record FROM session").fetchone()[0])
    with closing(stand.valkey.client()) as client:
        return json.loads(client.get(f"{PREFIX}:{stand.key().name}") or "")


def test_older_releases_take_what_is_remembered_for_requests_without_an_effect(
    tmp_path: Path, valkey: Valkey
) -> None:
    forms: list[Any] = []
    for kind in KINDS:
        with open_stand(kind, tmp_path, valkey) as stand:
            stand.learn("open")
            close_and_finish(stand)
            stand.learn("open")
            stand.wait(1)
            close(stand, "y" * 24)
            close(stand, "y" * 24)
            states, updated, pendings = stored_record(stand)
            marks = {key[0]: each for key, each in pendings.items() if key[0] in "=?"}
            assert {mark: int(each[0]) for mark, each in marks.items()} == {"=": 0, "?": 0}
            numbers = {key[-26:]: [int(each) for each in pendings[key]] for key in pendings}
            forms.append((states, int(updated), numbers))
    assert forms[0] == forms[1] == forms[2]
    assert all(len(each) == 6 for each in forms[0][2].values())


def test_dates_order_answers_as_ever(stand: Stand) -> None:
    stand.learn("open")
    first = close(stand).token
    other = stand.admit("open", "cancelled")
    assert first
    close(stand)
    stand.finish(other, Learned("cancelled", NOON + timedelta(seconds=1)))
    stand.finish(first, Learned("closed", NOON))
    assert stand.states() == {"cancelled"}
