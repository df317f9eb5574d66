"""Repetition: what makes a request the same as an earlier one, by its ``Idempotency-Key``.

Source: the operations "Update customer session", "Return cart items" and "Reopen customer session"
of the Integration API's OpenAPI file of 2026: a key has up to 255 characters, and the API keeps its
answer for 24 hours.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

from ..model.states import Operation
from .messages import Headers

IDEMPOTENCY_KEY: Final = "idempotency-key"
LONGEST: Final = 255
"""The most characters of a key."""
_BYTES: Final = 18
"""Bytes of a digest: no two requests share so many, and base64 needs no padding for them."""


def digest(operation: Operation, headers: Headers, payload: bytes | None) -> str:
    """Return what a request with a key has in common with its repetitions; empty without one.

    The key can't be read from it. A request with several keys, or one that the API doesn't take, is
    no repetition of any other.
    """
    keys = [value for name, value in headers if name == IDEMPOTENCY_KEY]
    if len(keys) != 1 or not 0 < len(keys[0]) <= LONGEST:
        return ""
    # The body comes last, and the other two have no line breaks.
    text = f"{operation}\n{keys[0]}\n".encode("latin-1", "replace") + (payload or b"")
    return urlsafe_b64encode(sha256(text).digest()[:_BYTES]).decode()
