"""Parsers: fast readers of JSON text, each proven to have lost nothing.

Of duplicate keys orjson keeps the last, and integers beyond 64 bits it rounds. What was lost or
rounded is missing from what it writes: there is a string less, or a number with an exponent.
"""

from collections.abc import Callable
from typing import TypeAlias

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]  # `verified_orjson` then has nothing to offer

Parse: TypeAlias = Callable[[bytes], object]
"""Returns the value of a good document; raises ValueError, RecursionError or MemoryError."""

_EXPONENT = b"e+"
_BEYOND = float(2**63)


def verified_orjson(strict: Parse) -> Parse:
    """Return what parses as `strict` does, and faster; that itself if orjson is not installed.

    Documents whose goodness does not show at once are left to `strict`.
    """
    if orjson is None or _EXPONENT not in orjson.dumps(_BEYOND):
        return strict
    loads, dumps = orjson.loads, orjson.dumps

    def parse(data: bytes) -> object:
        try:
            value = loads(data)
            again = dumps(value)
        except (ValueError, TypeError):
            return strict(data)
        if again == data:
            return value
        # A single byte is found many times faster than two.
        if b"+" in again and _EXPONENT in again:
            return strict(data)
        if b"\\" in data:
            alike = _quotes(data) == _quotes(again)
        else:
            # There are no escapes in what orjson writes of it either.
            alike = data.count(b'"') == again.count(b'"')
        return value if alike else strict(data)

    return parse


def _quotes(text: bytes) -> int:
    """Return how many quotes are around strings, less one for each that ends with a backslash.

    So a string adds one or two, and what orjson writes of it never adds more than the string did.
    """
    return text.count(b'"') - text.count(b'\\"')
