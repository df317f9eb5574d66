"""Python values: the JSON that parsed values stand for.

Callers pass what their framework, database or test gave them. This module determines once what
each value is in terms of RFC 8259 and RFC 7493 (I-JSON), so that no later check has to.
"""

from math import isfinite
from typing import Any

from ..findings.problem import Problem


def plain(value: object, *, max_depth: int = 100, wire: bool = True) -> tuple[Any, list[Problem]]:
    """Return a copy of `value` in exact builtin types, and what JSON cannot carry in it.

    - Objects are dict and every other Mapping, arrays are list and tuple.
    - Strings are str and its subclasses, with the characters they hold, unpaired surrogates too.
    - Numbers are int, float, finite Decimal, and what is registered as Integral or Real
      (as NumPy's scalars are); Fraction and complex are not. A Decimal with a fraction stays one.
    - Members of enumerations are their values.
    - Booleans are bool and NumPy's.
    - Models of SDKs, pydantic models and dataclasses are objects of their attributes that are not
      None; see `objects`. With `wire` they have the names on the wire, else those in Python.

    In the copy None stands for an unusable value, and a member whose key is not a string is left
    out. An object without problems that occurs several times is converted once: the copy shares it
    too.

    The codes are `json/unsupported-type`, `json/key-type`, `json/duplicate-key` (distinct keys with
    the same characters; no line), `json/not-finite`, `json/circular` and `json/too-deep`; at most
    1000 are returned, in document order.

    `value` is not changed. Nothing is raised, however odd or deep it is.
    """
    # Few values need it, so it is not loaded for the others.
    from .normalizer import Normalizer

    normalizer = Normalizer(max_depth, wire=wire)
    return normalizer.copy(value), normalizer.problems


def is_plain(value: object, *, max_depth: int = 8) -> bool:
    """Return True if `plain` would return an equal copy and no problems; False may mean unknown.

    Looks no deeper than `max_depth`.
    """
    return _is_plain(value, max_depth)


def _is_plain(value: object, depth: int) -> bool:
    kind = type(value)
    if kind is dict:
        members: Any = value
        if not _TEXT.issuperset(map(type, members)):
            return False
        parts: Any = members.values()
    elif kind is list:
        parts = value
    else:
        parts = (value,)
        depth = 0
    for part in parts:
        kind = type(part)
        if kind is float:
            if not isfinite(part):
                return False
        elif kind not in _PLAIN and not (depth and _is_plain(part, depth - 1)):
            return False
    return True


_TEXT = frozenset({str})
_PLAIN = frozenset({str, int, bool, type(None)})
