"""Unsupported values: the remedy for each kind of value that JSON can't represent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet


def remedy(kind: type) -> str:
    """Return the name of the hint of `json/unsupported-type` for a type, or an empty string."""
    # Imported here, since few payloads have such values.
    from collections import UserString
    from datetime import date, datetime, time, timedelta
    from decimal import Decimal
    from enum import Enum
    from fractions import Fraction
    from io import IOBase
    from os import PathLike
    from uuid import UUID

    remedies: tuple[tuple[str, type | tuple[type, ...]], ...] = (
        ("datetime", datetime),
        ("date", (date, time)),
        ("duration", timedelta),
        ("decimal", Decimal),
        ("enumeration", Enum),
        ("text", (UUID, UserString)),
        ("bytes", (bytes, bytearray, memoryview)),
        ("fraction", Fraction),
        ("path", PathLike),
        ("file", IOBase),
    )
    for name, kinds in remedies:
        if issubclass(kind, kinds):
            return name
    for name, method in _METHODS:
        if callable(getattr(kind, method, None)):
            return name
    if hasattr(kind, "__attrs_attrs__"):
        return "attrs"
    if issubclass(kind, AbstractSet):
        return "set"
    if issubclass(kind, (list, tuple, Mapping)):
        # One of its methods failed.
        return ""
    if issubclass(kind, Iterable):
        return "iterable"
    return "call" if issubclass(kind, _CALLED) else ""


_METHODS = (
    ("array", "tolist"),
    ("to-dict", "to_dict"),
    ("dict", "dict"),
)
"""Methods that return plain values: of NumPy, of many models, and of pydantic 1."""

_CALLED = (type, type(remedy), type(len))
"""The types of values that should have been called: classes and functions."""
