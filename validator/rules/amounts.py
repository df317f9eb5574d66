"""Amounts: exact decimal arithmetic with the numbers of JSON."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from math import fsum, isinf
from typing import TypeAlias

Number: TypeAlias = int | float | Decimal

_MOST_DIGITS = 5000
_EXACT = Context(prec=_MOST_DIGITS, traps=[])
"""Sufficient precision for the sum of a cart with the longest numbers that readers accept."""

_ENDLESS = Decimal(f"1E+{_MOST_DIGITS}")

_RELATIVE = Decimal("1e-9")
"""The relative error of doubles after some sums and products."""

_SLACK = 2.0**-49
"""An upper bound of the relative error of a product of rounded numbers, and of a rounded sum."""


def decimal(number: Number) -> Decimal:
    """Return the decimal value of `number`: 0.1 is one tenth, not the nearest double.

    All decimals with more digits than any reader accepts become the same value, since computing
    with their digits could take for ever.
    """
    amount = Decimal(repr(float(number))) if isinstance(number, float) else Decimal(number)
    return _ENDLESS.copy_sign(amount) if amount.adjusted() > _MOST_DIGITS else amount


def integer(number: Number) -> int:
    """Return an integer of any numeric type as an int."""
    return int(decimal(number)) if isinstance(number, Decimal) else int(number)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum."""
    result = Decimal(0)
    for amount in amounts:
        result = _EXACT.add(result, amount)
    return result


def times(amount: Decimal, count: Decimal) -> Decimal:
    """Return the exact product."""
    return _EXACT.multiply(amount, count)


def surely_near(
    amount: Number, products: Iterable[tuple[Number, Number]], tolerance: Decimal
) -> bool:
    """Return True if floating-point arithmetic proves that a sum of products is `near` an amount.

    False means unknown: the exact numbers have to be compared.
    """
    try:
        wanted = float(amount)
        parts = [float(one) * float(other) for one, other in products]
        # The error of each number and each product is at most half a unit in the last place.
        slack = (fsum(map(abs, parts)) + abs(wanted)) * _SLACK
        limit = float(tolerance) + abs(wanted) * float(_RELATIVE)
        return abs(fsum(parts) - wanted) + slack < limit
    except (OverflowError, ValueError):
        return False


def near(one: Decimal, other: Decimal, tolerance: Decimal) -> bool:
    """Return True if two amounts differ by at most `tolerance` plus the error of doubles."""
    slack = _EXACT.multiply(max(abs(one), abs(other)), _RELATIVE)
    return abs(_EXACT.subtract(one, other)) <= _EXACT.add(tolerance, slack)


def json_number(amount: Decimal) -> float | int:
    """Return `amount` as a finite JSON number, for messages."""
    number = float(amount)
    return int(amount) if amount == amount.to_integral_value() or isinf(number) else number
