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
def test_the_state_that_was_answered_is_learned(stand: Stand, state: str) -> None:
    stand.finish(stand.admit("open", "closed"), Learned(state, NOON))
    assert stand.states() == {state}


def test_the_state_that_was_wanted_is_learned_if_none_was_answered(stand: Stand) -> None:
    stand.finish(stand.admit("open", "closed"), Learned())
    assert stand.states() == {"closed"}


def test_the_ending_of_an_answer_is_returned(stand: Stand) -> None:
    token = stand.admit("open", "closed")
    assert stand.end("AAAAAAAAAAAAAAAAAAAAAA.18f") is Ending.LATE
    assert stand.end("AAAAAAAAAAAAAAAAAAAAAA") is Ending.UNKNOWN
    assert stand.end(token, session="another") is Ending.UNKNOWN
    assert stand.end(token) is Ending.TAKEN
    assert stand.end(token) is Ending.UNKNOWN
    for session in ("known", "not known"):
        if session == "known":
            stand.learn("open", session=session)
        late = stand.admit("open", "closed", session=session)
        stand.wait(LEASE)
        assert stand.end(late, session=session) is Ending.LATE
        assert stand.end(late, session=session) is Ending.LATE


def test_an_answer_beyond_those_that_are_tracked_is_not_learned(stand: Stand) -> None:
    tokens = [stand.admit("open", "open") for _ in range(MOST_PENDINGS + 1)]
    assert stand.end(tokens[-1]) is Ending.CROWDED
    # What they share has no token.
    assert stand.end("") is Ending.UNKNOWN
    assert stand.end(tokens[0]) is Ending.TAKEN


def test_a_request_that_the_api_refused_teaches_nothing(stand: Stand) -> None:
    stand.finish(stand.admit("open", "closed"), Refused())
    assert stand.states() == frozenset()
    stand.learn("open")
    stand.finish(stand.admit("open", "closed"), Refused())
    assert stand.states() == {"open"}


def test_a_request_that_the_api_refused_teaches_nothing_after_others_were_lost(
    stand: Stand,
) -> None:
    stand.learn("open")
    stand.admit("open", "closed")
    stand.wait(LEASE)
    stand.finish(stand.admit("open", "cancelled"), Refused())
    assert stand.states() == {"open", "closed"}


def test_a_request_without_an_answer_widens_what_is_possible(stand: Stand) -> None:
    stand.learn("open")
    stand.finish(stand.admit("open", "closed"), Uncertain())
    assert stand.states() == {"open", "closed"}


def test_a_lost_request_can_take_effect_until_its_lease_ends(stand: Stand) -> None:
    stand.learn("open")
    stand.finish(stand.admit("open", "closed"), Uncertain())
    stand.wait(LEASE / 2)
    # Done before the lost one, or after it: nobody knows.
    stand.finish(stand.admit("open", "open"), Learned("open"))
    assert stand.states() == {"open", "closed"}
    stand.wait(LEASE / 2)
    assert stand.states() == {"open", "closed"}
    stand.finish(stand.admit("open", "open"), Learned("open"))
    assert stand.states() == {"open"}


def test_a_lease_that_ends_widens_what_is_possible(stand: Stand) -> None:
    stand.learn("open")
    late = stand.admit("open", "closed")
    stand.wait(LEASE)
    assert stand.states() == {"open", "closed"}
    stand.finish(late, Refused())
    assert stand.states() == {"open", "closed"}


@pytest.mark.parametrize("updated", [None, NOON])
def test_a_lease_that_ends_during_another_request_counts_for_it(
    stand: Stand, updated: datetime | None
) -> None:
    stand.finish(stand.admit("open", "open"), Learned("open", NOON - SECOND))
    stand.admit("open", "closed")
    stand.wait(LEASE / 2)
    token = stand.admit("open", "open")
    stand.wait(LEASE / 2)
    # The first may have been done after this one, just before its lease ended.
    stand.finish(token, Learned("open", updated))
    assert stand.states() == {"open", "closed"}


def test_an_answer_after_all_is_learned(stand: Stand) -> None:
    stand.learn("open")
    token = stand.admit("open", "closed")
    stand.finish(token, Uncertain())
    stand.finish(token, Learned("closed"))
    assert stand.states() == {"closed"}


def test_a_request_is_finished_once(stand: Stand) -> None:
    token = stand.admit("open", "closed")
    stand.finish(token, Learned("closed"))
    stand.finish(token, Learned("open"))
    assert stand.states() == {"closed"}


def test_tokens_that_are_not_known_are_ignored(stand: Stand) -> None:
    stand.learn("closed")
    stand.learn("open", session="another")
    other = stand.admit("open", "cancelled", session="another")
    for token in ("", "x", "\0", "é" * 300, other):
        stand.finish(token, Learned("open"))
    assert stand.states() == {"closed"}
    assert stand.states("another") == {"open", "cancelled"}


def test_tokens_cannot_be_guessed(stand: Stand) -> None:
    tokens = {stand.admit("open", "open") for _ in range(20)}
    assert len(tokens) == 20
    # 144 bits, and fit for a header.
    assert all(re.fullmatch(r"[\w-]{24}\.[0-9a-f]{11}", token) for token in tokens)


def test_a_state_that_is_not_known_here_permits_anything(stand: Stand) -> None:
    stand.finish(stand.admit("open", "closed"), Learned("archived"))
    assert stand.states() == frozenset()
    admission = stand.begin("partially_returned", "cancelled")
    assert admission.token
    stand.finish(admission.token, Learned())
    assert stand.states() == {"cancelled"}


# Requests that leave the state as it is.


def test_keeping_the_state_of_an_unknown_session_teaches_only_what_was_answered(
    stand: Stand,
) -> None:
    stand.finish(stand.admit("open", None), Learned())
    assert stand.states() == frozenset()
    stand.finish(stand.admit("open", None), Learned("open"))
    assert stand.states() == {"open"}


def test_keeping_a_known_state_keeps_it(stand: Stand) -> None:
    stand.learn("open")
    stand.finish(stand.admit("open", None), Learned())
    assert stand.states() == {"open"}
    stand.finish(stand.admit("open", "closed"), Uncertain())
    stand.finish(stand.admit("open", None), Learned())
    assert stand.states() == {"open", "closed"}


def test_keeping_a_known_state_leads_to_no_other(stand: Stand) -> None:
    stand.learn("closed")
    stand.admit("closed", None)
    assert stand.states() == {"closed"}
    stand.wait(LEASE)
    assert stand.states() == {"closed"}
