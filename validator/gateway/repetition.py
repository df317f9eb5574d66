"""Repetition: digests that identify repetitions of requests with an ``Idempotency-Key``.

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
"""The maximum length of a key in characters."""
_BYTES: Final = 18
"""Bytes of a digest: enough to rule out collisions, and base64 needs no padding for 18."""


def digest(operation: Operation, headers: Headers, payload: bytes | None) -> str:
    """Return the digest that a request with a key shares with its repetitions; empty without a key.

    The key can't be recovered from it. A request with several keys, or with one that the API does
    not accept, has no repetitions.
    """
    keys = [value for name, value in headers if name == IDEMPOTENCY_KEY]
    if len(keys) != 1 or not 0 < len(keys[0]) <= LONGEST:
        return ""
    # The separator is unambiguous: only the body, which comes last, may have line breaks.
    text = f"{operation}\n{keys[0]}\n".encode("latin-1", "replace") + (payload or b"")
    return urlsafe_b64encode(sha256(text).digest()[:_BYTES]).decode()
