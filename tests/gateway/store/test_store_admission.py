"""Which requests every store admits, and which are in doubt."""

from __future__ import annotations

import pytest

from support.gateway.stands import LEASE, Stand
from talonschema.gateway.store import Admission, Intent, Learned, Refused, Uncertain

ANYTHING = ("open", "closed", "partially_returned", "cancelled", "new")


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


def test_strictly_a_creation_counts_beside_a_look_up_from_before_it(on: Stand) -> None:
    creation = on.admit("open new", None, strict_new=True)
    look_up = on.admit("open closed partially_returned cancelled new", None)
    on.finish(creation, Learned())
    on.finish(look_up, Learned("new"))
    assert "open" in on.begin("closed", "cancelled", strict_new=True).states


def test_strictly_a_lost_creation_may_have_happened(on: Stand) -> None:
    on.finish(on.admit("open new", "closed", strict_new=True), Uncertain())
    on.wait(LEASE * 2)
    assert on.look(strict_new=True) == {"new", "closed"}
    token = on.admit("open new", None, strict_new=True)
    # It was made open by this one, or was closed and stays so.
    on.finish(token, Learned())
    assert on.look() == {"open", "closed"}


def test_leniently_what_was_strictly_new_may_be_anything(on: Stand) -> None:
    on.admit("open new", "closed", strict_new=True)
    assert on.begin("partially_returned", "cancelled").states == frozenset()
