"""Amounts of money: exact sums of numbers as JSON writes them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal
from math import fsum, isinf
from typing import TypeAlias

Number: TypeAlias = int | float | Decimal

_MOST_DIGITS = 5000
_EXACT = Context(prec=_MOST_DIGITS, traps=[])
"""Wide enough for the sum of a cart of the longest numbers a reader lets through."""

_ENDLESS = Decimal(f"1E+{_MOST_DIGITS}")

_RELATIVE = Decimal("1e-9")
"""The part of an amount by which doubles may be off after some sums and products."""

_SLACK = 2.0**-49
"""More than the relative error of a product of two rounded numbers, and of a rounded sum."""


def decimal(number: Number) -> Decimal:
    """Return `number` as it is written: 0.1 is one tenth, not the double next to it.

    Decimals of more digits than any reader lets through all count as one: to write their digits
    down could take forever.
    """
    amount = Decimal(repr(float(number))) if isinstance(number, float) else Decimal(number)
    return _ENDLESS.copy_sign(amount) if amount.adjusted() > _MOST_DIGITS else amount


def integer(number: Number) -> int:
    """Return an integer, in whatever type it came."""
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
    """Return True if floats show that a sum of products is `near` an amount.

    False means unknown: then the exact numbers have to be compared.
    """
    try:
        wanted = float(amount)
        parts = [float(one) * float(other) for one, other in products]
        # Each number and each product is off by half a unit in the last place at most.
        slack = (fsum(map(abs, parts)) + abs(wanted)) * _SLACK
        limit = float(tolerance) + abs(wanted) * float(_RELATIVE)
        return abs(fsum(parts) - wanted) + slack < limit
    except (OverflowError, ValueError):
        return False


def near(one: Decimal, other: Decimal, tolerance: Decimal) -> bool:
    """Return True if two amounts differ by no more than `tolerance` and what doubles lose."""
    slack = _EXACT.multiply(max(abs(one), abs(other)), _RELATIVE)
    return abs(_EXACT.subtract(one, other)) <= _EXACT.add(tolerance, slack)


def json_number(amount: Decimal) -> float | int:
    """Return `amount` as a JSON number for people to read, so never an infinite one."""
    number = float(amount)
    return int(amount) if amount == amount.to_integral_value() or isinf(number) else number
