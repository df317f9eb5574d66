"""Amounts: quick answers never contradict the exact ones."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from talonschema.rules.amounts import Number, decimal, near, surely_near, times, total

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


def test_what_floats_can_not_show_is_left_open() -> None:
    assert not surely_near(10**400, [(1, 10**400)], TOLERANCE)
    assert not surely_near(1e300, [(1e308, 1e308)], TOLERANCE)
    assert surely_near(1e300, [(1e300, 1)], TOLERANCE)
