"""Token: the handle of an admitted request.

Its first part is unguessable; its second is the time at which the request began, which
distinguishes a late answer from one to a request of another store. The third is the digest of a
request that may be repeated.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from typing import Final

from . import Ending

KEYED: Final = "="
"""The separator before the digest."""


_BYTES: Final = 18
"""Random bytes of a token: base64 needs no padding for 18."""


class _Random:
    """Random bytes of the operating system, taken for many tokens at a time."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        # A fork must not use the bytes that its parent uses.
        os.register_at_fork(after_in_child=self._parts.clear)

    def take(self) -> bytes:
        """Return bytes that were never returned before."""
        try:
            return self._parts.pop()
        except IndexError:
            taken = os.urandom(_BYTES * _TOGETHER)
            parts = [taken[start : start + _BYTES] for start in range(0, len(taken), _BYTES)]
            first = parts.pop()
            self._parts += parts
            return first


_TOGETHER: Final = 128
"""Tokens for which random bytes are taken at a time: a system call takes longer than a token."""
_RANDOM: Final = _Random()


def new_token(now: int, digest: str = "") -> str:
    """Return a token for a request that begins at `now`, in milliseconds."""
    token = f"{urlsafe_b64encode(_RANDOM.take()).decode()}.{now:x}"
    return f"{token}{KEYED}{digest}" if digest else token


def missing(token: str, now: int, lease: int) -> Ending:
    """Return why no pending request has the token: its lease has ended, or it never existed."""
    try:
        began = int(token.partition(KEYED)[0].rpartition(".")[2], 16)
    except ValueError:
        return Ending.UNKNOWN
    return Ending.LATE if began + lease <= now else Ending.UNKNOWN
