"""Parsers: fast parsers of JSON text whose results are verified to be lossless.

orjson keeps only the last of duplicate keys, and rounds integers beyond 64 bits. Both show when the
value is serialised again: the text has fewer strings, or a number with an exponent.
"""

from collections.abc import Callable
from typing import TypeAlias

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]  # `verified_orjson` then has nothing to offer

Parse: TypeAlias = Callable[[bytes], object]
"""A function that parses a valid document; raises ValueError, RecursionError or MemoryError."""

_EXPONENT = b"e+"
_BEYOND = float(2**63)


def verified_orjson(strict: Parse) -> Parse:
    """Return a faster equivalent of `strict`, or `strict` itself if orjson is not installed.

    Documents that can't be verified quickly are left to `strict`.
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
        # Searching for a single byte is many times faster than for two.
        if b"+" in again and _EXPONENT in again:
            return strict(data)
        if b"\\" in data:
            alike = _quotes(data) == _quotes(again)
        else:
            # The text that orjson writes has no escapes, either.
            alike = data.count(b'"') == again.count(b'"')
        return value if alike else strict(data)

    return parse


def _quotes(text: bytes) -> int:
    """Return the number of quotes around strings, less one for each that ends with a backslash.

    A string adds one or two, and its form written by orjson never adds more than its original.
    """
    return text.count(b'"') - text.count(b'\\"')
