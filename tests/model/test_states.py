"""The states of a session, against a table of its own."""

from __future__ import annotations

from itertools import product

import pytest

from talonschema import NEW
from talonschema.model import states
from talonschema.model.states import OPERATIONS, STATES, legal, reachable, resulting_state
from talonschema.schemas import EDITIONS

UPDATES = {
    (None, "open"),
    (None, "closed"),
    ("open", "open"),
    ("open", "closed"),
    ("open", "cancelled"),
    ("closed", "cancelled"),
    ("partially_returned", "cancelled"),
}
RETURNS = {("closed", "partially_returned"), ("partially_returned", "partially_returned")}
REOPENINGS: dict[str, set[tuple[str, str]]] = {"2022-06": set(), "2026-06": {("closed", "open")}}


@pytest.mark.parametrize("edition", EDITIONS)
def test_each_move_is_legal_or_not(edition: str) -> None:
    expected = {
        *((*move, "update") for move in UPDATES),
        *((*move, "return") for move in RETURNS),
        *((*move, "reopen") for move in REOPENINGS[edition]),
    }
    every = list(product((None, *STATES), STATES, OPERATIONS))
    assert {move for move in every if legal(edition, *move)} == expected
    listed = [move for before in (None, *STATES) for move in reachable(edition, before)]
    assert {(move.start, move.end, move.operation) for move in listed} == expected
    assert len(listed) == len(expected)


def test_states_by_what_they_are_for() -> None:
    assert STATES == ("open", "closed", "partially_returned", "cancelled")
    assert states.SETTABLE == ("open", "closed", "cancelled")
    assert sorted(states.INITIAL) == ["closed", "open"]
    assert states.DEFAULT_STATE == "open"
    assert OPERATIONS == ("update", "return", "reopen")
    assert repr(NEW) == "talonschema.NEW"


@pytest.mark.parametrize(
    ("operation", "asked", "before", "after"),
    [
        ("update", "closed", "open", "closed"),
        ("update", None, "closed", "closed"),
        ("update", None, None, "open"),
        ("return", "open", "closed", "partially_returned"),
        ("reopen", "cancelled", "closed", "open"),
    ],
)
def test_the_state_that_a_call_leads_to(
    operation: str, asked: str | None, before: str | None, after: str
) -> None:
    assert resulting_state(operation, asked, before) == after
