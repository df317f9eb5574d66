"""What every store learns from answers, and from requests without one."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from support.gateway.stands import LEASE, NOON, SECOND, Stand
from talonschema.gateway.store import Ending, Learned, Refused, Uncertain
from talonschema.gateway.store.record import MOST_PENDINGS

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
