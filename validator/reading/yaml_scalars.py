"""YAML scalars: the values of plain scalars in YAML 1.2's core schema, without dates or ``yes``.

Source: YAML 1.2.2, section 10.3.
"""

from __future__ import annotations

import re

BOOLEANS = {name: value for word, value in (("true", True), ("false", False))
            for name in (word, word.title(), word.upper())}  # fmt: skip

_NULL = re.compile(r"null|Null|NULL|~|")
_INT = re.compile(r"[-+]?[0-9]+")
_OTHER_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def kind(text: str) -> str:
    """Return the JSON type of a plain scalar in the core schema."""
    if _NULL.fullmatch(text):
        return "null"
    if text in BOOLEANS:
        return "boolean"
    if _INT.fullmatch(text) or _OTHER_INT.fullmatch(text):
        return "integer"
    if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        return "number"
    return "string"


def integer(text: str) -> int:
    """Return the value of a scalar of type integer."""
    return int(text, 0) if _OTHER_INT.fullmatch(text) else int(text)


def is_finite(text: str) -> bool:
    """Return False for a scalar of type number that is an infinity or NaN."""
    return _NOT_FINITE.fullmatch(text) is None
