"""Amounts of money: exact sums of numbers as JSON writes them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import TypeAlias

Number: TypeAlias = int | float | Decimal

_EXACT = Context(prec=5000, Emax=10**9, Emin=-(10**9), traps=[])
"""Wide enough for the sum of a cart of the longest numbers a reader lets through."""


def decimal(number: Number) -> Decimal:
    """Return `number` as it is written: 0.1 is one tenth, not the double next to it."""
    return Decimal(repr(float(number))) if isinstance(number, float) else Decimal(number)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum."""
    result = Decimal(0)
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return result


def times(amount: Decimal, count: Decimal) -> Decimal:
    """Return the exact product."""
    return _EXACT.multiply(amount, count)


def near(one: Decimal, other: Decimal, tolerance: Decimal) -> bool:
    """Tell whether two amounts are no more than `tolerance` apart."""
    return abs(_EXACT.subtract(one, other)) <= tolerance


def written(amount: Decimal) -> float | int:
    """Return `amount` as a JSON number for people to read."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
