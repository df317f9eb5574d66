"""Python values: the plain JSON that parsed values represent.

Callers pass values from frameworks, databases or tests. This module converts each to RFC 8259 and
RFC 7493 (I-JSON) once, so that later checks need not distinguish them.
"""

from math import isfinite
from typing import Any

from ..findings.problem import Problem


def plain(value: object, *, max_depth: int = 100, wire: bool = True) -> tuple[Any, list[Problem]]:
    """Return a copy of `value` in exact builtin types, and the problems of unsupported values.

    - Objects are dict and every other Mapping, arrays are list and tuple.
    - Strings are str and its subclasses, including those with unpaired surrogates.
    - Numbers are int, float, finite Decimal, and types registered as Integral or Real
      (as NumPy's scalars are); Fraction and complex are not. A Decimal with a fraction stays one.
    - Members of enumerations are their values.
    - Booleans are bool and NumPy's.
    - Models of SDKs, pydantic models and dataclasses are objects of their attributes that are not
      None; see `objects`. With `wire` they have the names on the wire, else those in Python.

    In the copy, None replaces unsupported values, and members whose key is not a string are left
    out. An object without problems that occurs several times is converted once, and shared in the
    copy, too.

    The codes are `json/unsupported-type`, `json/key-type`, `json/duplicate-key` (distinct keys with
    the same characters; no line), `json/not-finite`, `json/circular` and `json/too-deep`; at most
    1000 are returned, in document order.

    `value` is not modified. No value raises an exception, however odd or deep it is.
    """
    # Imported here, since few values need it.
    from .normalizer import Normalizer

    normalizer = Normalizer(max_depth, wire=wire)
    return normalizer.copy(value), normalizer.problems


def is_plain(value: object, *, max_depth: int = 8) -> bool:
    """Return True if `plain` would return an equal copy and no problems; False may mean unknown.

    Values deeper than `max_depth` are unknown.
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
