"""Token: the handle of an admitted request.

Its first part can't be guessed, its second is the time at which the request began. The latter
distinguishes an answer that came too late from one to a request of another store. A request that
may be repeated has its digest as a third part.
"""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Final

from . import Ending

KEYED: Final = "="
"""Stands before the digest."""


def new_token(now: int, digest: str = "") -> str:
    """Return a token for a request that begins at `now`, in milliseconds."""
    token = f"{token_urlsafe(16)}.{now:x}"
    return f"{token}{KEYED}{digest}" if digest else token


def missing(token: str, now: int, lease: int) -> Ending:
    """Return why no pending request has the token: its lease has ended, or it never was there."""
    try:
        began = int(token.partition(KEYED)[0].rpartition(".")[2], 16)
    except ValueError:
        return Ending.UNKNOWN
    return Ending.LATE if began + lease <= now else Ending.UNKNOWN
