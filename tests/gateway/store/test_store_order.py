"""The order in which every store puts answers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from support.gateway.stands import NOON, SECOND, Stand
from talonschema.gateway.store import Learned


def test_answers_are_ordered_by_the_time_of_the_api(stand: Stand) -> None:
    stand.learn("open")
    first, second = stand.admit("open", "open"), stand.admit("open", "closed")
    stand.finish(second, Learned("closed", NOON + SECOND))
    stand.finish(first, Learned("open", NOON))
    assert stand.states() == {"closed"}


def test_the_newest_answer_wins_whatever_came_in_between(stand: Stand) -> None:
    stand.learn("open")
    tokens = [stand.admit("open", "open") for _ in range(3)]
    for token, second, state in zip(
        tokens, (1, 0, 2), ("closed", "open", "cancelled"), strict=True
    ):
        stand.finish(token, Learned(state, NOON + second * SECOND))
    assert stand.states() == {"cancelled"}


def test_a_microsecond_decides_the_order(stand: Stand) -> None:
    stand.learn("open")
    first, second = stand.admit("open", "open"), stand.admit("open", "closed")
    stand.finish(second, Learned("closed", NOON + timedelta(microseconds=1)))
    stand.finish(first, Learned("open", NOON))
    assert stand.states() == {"closed"}


def test_offsets_of_time_zones_count(stand: Stand) -> None:
    stand.learn("open")
    first, second = stand.admit("open", "open"), stand.admit("open", "closed")
    stand.finish(second, Learned("closed", NOON + SECOND))
    # Later by the hands of the clock, but an hour earlier.
    east = timezone(timedelta(hours=2))
    stand.finish(first, Learned("open", NOON.replace(hour=13, tzinfo=east)))
    assert stand.states() == {"closed"}


@pytest.mark.parametrize("updated", [None, NOON])
def test_without_an_order_both_are_possible_until_the_next_alone(
    stand: Stand, updated: datetime | None
) -> None:
    stand.learn("open")
    first, second = stand.admit("open", "closed"), stand.admit("open", "cancelled")
    stand.finish(second, Learned("cancelled", updated))
    stand.finish(first, Learned("closed", updated))
    assert stand.states() == {"closed", "cancelled"}
    stand.finish(stand.admit("closed", "partially_returned"), Learned("partially_returned"))
    assert stand.states() == {"partially_returned"}


def test_one_without_a_date_may_be_later_than_one_with(stand: Stand) -> None:
    stand.learn("open")
    first, second, third = (stand.admit("open", "open") for _ in range(3))
    stand.finish(first, Learned("closed", NOON))
    stand.finish(second, Learned("cancelled"))
    assert stand.states() == {"closed", "cancelled", "open"}
    stand.finish(third, Learned("open", NOON + SECOND))
    assert stand.states() == {"cancelled", "open"}


def test_what_was_outdone_stays_so_beside_one_without_a_date(stand: Stand) -> None:
    stand.learn("open")
    first, second, third = (stand.admit("open", "open") for _ in range(3))
    stand.finish(second, Learned("closed", NOON + SECOND))
    stand.finish(first, Learned("open", NOON))
    stand.finish(third, Learned("cancelled"))
    assert stand.states() == {"closed", "cancelled"}


def test_a_request_that_began_later_wins_over_an_equal_date(stand: Stand) -> None:
    stand.finish(stand.admit("open", "open"), Learned("open", NOON))
    stand.finish(stand.admit("open", "closed"), Learned("closed", NOON))
    assert stand.states() == {"closed"}


def test_a_date_that_cannot_be_makes_both_possible(stand: Stand) -> None:
    # The API's clock went back, or a stored answer was repeated: nobody knows.
    stand.finish(stand.admit("open", "open"), Learned("open", NOON))
    stand.finish(stand.admit("open", "closed"), Learned("closed", NOON - SECOND))
    assert stand.states() == {"open", "closed"}
    stand.finish(stand.admit("open", "closed"), Learned("closed", NOON + SECOND))
    assert stand.states() == {"closed"}


def test_a_date_that_cannot_be_orders_nothing(stand: Stand) -> None:
    stand.finish(stand.admit("open", "open"), Learned("open", NOON))
    odd, other = stand.admit("open", "closed"), stand.admit("open", "open")
    stand.finish(odd, Learned("closed", NOON - SECOND))
    stand.finish(other, Learned("open", NOON + SECOND))
    assert stand.states() == {"open", "closed"}
