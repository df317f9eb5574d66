"""The order in which every store puts answers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from support.gateway.stands import NOON, SECOND, Stand
from talonschema.gateway.store import Learned


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
