"""Amounts: quick answers never contradict the exact ones."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talonschema.rules.amounts import (
    Number,
    decimal,
    integer,
    json_number,
    near,
    surely_near,
    times,
    total,
)

TOLERANCE = Decimal("0.005")

prices = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-10_000, 10_000, places=2).map(float),
    st.integers(-(10**20), 10**20),
)
counts = st.one_of(st.integers(0, 10_000), st.just(10**400))


@given(
    products=st.lists(st.tuples(prices, counts), max_size=8),
    off=st.sampled_from(["0", "0.0049", "0.005", "0.0051", "1"]),
)
@example(products=[(0.1, 1), (0.2, 1)], off="0.005")
@example(products=[(1e15, 1), (0.004, 1)], off="0")
def test_quick_answers_are_right(products: list[tuple[Number, int]], off: str) -> None:
    exact = total(times(decimal(price), decimal(count)) for price, count in products)
    amount = float(exact + Decimal(off))
    if surely_near(amount, products, TOLERANCE):
        assert near(decimal(amount), exact, TOLERANCE)


def test_ordinary_carts_are_reported_quickly() -> None:
    products = [(99.99, 2), (0.1, 3), (19.95, 1)] * 300
    exact = total(times(decimal(price), decimal(count)) for price, count in products)
    assert surely_near(float(exact), products, TOLERANCE)
    assert surely_near(exact, [(exact, 1)], TOLERANCE)
    assert not surely_near(float(exact) + 0.0051, products, TOLERANCE)

    # A thousandth of a millionth of a large amount is within what doubles lose.
    assert surely_near(1e12 + 1, [(1e12, 1)], TOLERANCE)


def test_a_difference_at_the_limit_is_left_open() -> None:
    # In doubles it is less than the tolerance, as a decimal number it is more.
    amount, products = 8370.565008370566, [(760.96, 11)]
    exact = times(decimal(760.96), decimal(11))
    assert not near(decimal(amount), exact, TOLERANCE)
    assert surely_near(amount, products, TOLERANCE) is False


def test_what_floats_can_not_show_is_left_open() -> None:
    for amount, products in (
        (10**400, [(1, 10**400)]),
        (1e300, [(1e308, 1e308)]),
        (0, [(1e308, 1e308), (-1e308, 1e308)]),
    ):
        assert surely_near(amount, products, TOLERANCE) is False
    assert surely_near(1e300, [(1e300, 1)], TOLERANCE)


def test_amounts_are_near_up_to_the_tolerance_and_a_part_of_the_larger_one() -> None:
    ten, limit = Decimal(10), Decimal("9.99999999")
    assert near(Decimal(0), ten, limit)
    assert near(ten, Decimal(0), limit)
    assert not near(Decimal(0), ten, Decimal("9.9999999899999999999"))


def test_sums_and_products_are_exact() -> None:
    least, most = Decimal("1e-400"), Decimal("1e4000")
    assert total([most, least, -most]) == least
    assert times(Decimal(10**400 + 1), Decimal(10**400 - 1)) == Decimal(10**800 - 1)
    assert times(least, least) == Decimal("1e-800")


def test_numbers_longer_than_any_reader_lets_through_count_as_one() -> None:
    assert decimal(Decimal("2E+5000")) == Decimal("2E+5000")
    assert decimal(Decimal("2E+5001")) == decimal(Decimal("9E+999999"))
    assert decimal(Decimal("-2E+5001")) == -decimal(Decimal("2E+5001"))
    assert integer(Decimal("2E+5001")) == integer(Decimal("9E+6000")) == 10**5000


@pytest.mark.parametrize(
    ("amount", "number"),
    [
        *(("2.0", 2), ("1E+2", 100), ("0.5", 0.5), ("-1.25", -1.25), ("1.5E+308", 15 * 10**307)),
        # It would be an infinite double.
        (f"1{'0' * 400}.25", 10**400),
        (f"-1{'0' * 400}.25", -(10**400)),
    ],
)
def test_an_amount_is_written_as_an_integer_if_it_is_one_or_too_large(
    amount: str, number: float
) -> None:
    shown = json_number(Decimal(amount))
    assert (shown, type(shown)) == (number, type(number))
