"""Which requests every store admits, and which are in doubt."""

from __future__ import annotations

import pytest

from support.gateway.stands import LEASE, NOON, Stand
from talonschema.gateway.store import Admission, Intent, Learned, Refused, Uncertain

ANYTHING = ("open", "closed", "partially_returned", "cancelled", "new")


# What is admitted.


def test_a_session_that_is_not_known_passes_from_any_state(stand: Stand) -> None:
    assert stand.states() == frozenset()
    admission = stand.begin("cancelled", "closed")
    assert admission.token
    assert admission.states == frozenset()


def test_a_session_that_is_not_known_may_be_in_any_state_beside_a_request(stand: Stand) -> None:
    stand.admit("open", "closed")
    assert stand.states() == frozenset()
    assert stand.begin("open", "open").token


def test_a_request_passes_only_from_a_state_that_permits_it(stand: Stand) -> None:
    stand.learn("closed")
    assert stand.begin("open new", "open") == Admission(None, frozenset({"closed"}))
    assert stand.begin("open closed", "cancelled").states == {"closed"}


def test_what_a_request_in_flight_leads_to_permits_the_next(stand: Stand) -> None:
    stand.learn("open")
    stand.admit("open", "closed")
    assert stand.begin("closed", "partially_returned").states == {"open", "closed"}
    # The one before may have come first, so that is possible now as well.
    assert stand.begin("partially_returned", "partially_returned").token


def test_a_refused_request_leaves_no_trace(stand: Stand) -> None:
    stand.learn("closed")
    assert stand.begin("open", "cancelled").token is None
    assert stand.states() == {"closed"}


# What is in doubt.


@pytest.mark.parametrize("strict_new", [False, True])
def test_a_request_on_an_unknown_session_is_in_doubt(stand: Stand, *, strict_new: bool) -> None:
    some, every = frozenset({"open", "new"}), frozenset(ANYTHING)
    for permitted in (some, every):
        # What is permitted, and what is certain, need not be the same.
        intent = Intent(permitted, "closed", strict_new, certain=some)
        states = frozenset({"new"}) if strict_new else frozenset()
        assert stand.ask(intent) == Admission(None, states, doubtful=True)
    assert stand.states() == frozenset()
    assert stand.ask(Intent(every, "closed", strict_new, certain=every)).token


def test_a_request_is_in_doubt_if_only_some_of_the_possible_states_permit_it(stand: Stand) -> None:
    stand.learn("open")
    assert stand.begin("closed", "open", certain="closed") == Admission(None, frozenset({"open"}))
    stand.finish(stand.admit("open", "closed", certain="open"), Uncertain())
    both = frozenset({"open", "closed"})
    for state in both:
        assert stand.begin(state, state, certain=state) == Admission(None, both, doubtful=True)
    assert stand.states() == both
    assert stand.begin("cancelled", "open", certain="cancelled") == Admission(None, both)
    assert stand.begin("open closed", "cancelled", certain="open closed").token


def test_a_request_that_may_repeat_another_is_not_in_doubt(stand: Stand) -> None:
    intent = Intent(frozenset({"open"}), "closed", digest="x" * 24)
    token = stand.ask(intent).token
    assert token
    again = intent._replace(certain=intent.permitted)
    assert stand.ask(again).repeated
    stand.wait(LEASE)
    # The first may have been done, or not.
    assert stand.ask(again) == Admission(None, frozenset(), repeated=True)


# A store that is known to be complete.


def test_strictly_an_unknown_session_is_new(stand: Stand) -> None:
    assert stand.begin("open", "cancelled", strict_new=True) == Admission(None, frozenset({"new"}))
    admission = stand.begin("open new", "closed", strict_new=True)
    assert admission.token
    assert admission.states == {"new"}
    stand.finish(admission.token, Refused())
    assert stand.begin("open", "cancelled", strict_new=True).states == {"new"}


def test_strictly_a_new_session_without_a_state_is_open(stand: Stand) -> None:
    token = stand.admit("open new", None, strict_new=True)
    assert stand.begin("open", "cancelled", strict_new=True).states == {"new", "open"}
    stand.finish(token, Learned())
    stand.wait(LEASE)
    assert stand.states() == {"open", "cancelled"}


def test_strictly_a_creation_counts_beside_a_look_up_from_before_it(stand: Stand) -> None:
    creation = stand.admit("open new", None, strict_new=True)
    look_up = stand.admit("open closed partially_returned cancelled new", None)
    stand.finish(creation, Learned())
    stand.finish(look_up, Learned("new"))
    assert "open" in stand.begin("closed", "cancelled", strict_new=True).states


def test_strictly_a_creation_without_a_date_counts_beside_one_with(stand: Stand) -> None:
    creation = stand.admit("open new", None, strict_new=True)
    other = stand.admit("open new", "closed", strict_new=True)
    stand.finish(creation, Learned())
    stand.finish(other, Learned("closed", NOON))
    assert stand.states() == {"open", "closed"}


def test_strictly_a_lost_creation_may_have_happened(stand: Stand) -> None:
    stand.finish(stand.admit("open new", "closed", strict_new=True), Uncertain())
    stand.wait(LEASE * 2)
    assert stand.states(strict_new=True) == {"new", "closed"}
    token = stand.admit("open new", None, strict_new=True)
    # It was made open by this one, or was closed and stays so.
    stand.finish(token, Learned())
    assert stand.states() == {"open", "closed"}


def test_leniently_what_was_strictly_new_may_be_anything(stand: Stand) -> None:
    stand.admit("open new", "closed", strict_new=True)
    assert stand.begin("partially_returned", "cancelled").states == frozenset()
