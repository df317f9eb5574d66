"""Token: the handle of an admitted request.

Its first part is unguessable; its second is the time at which the request began, which
distinguishes a late answer from one to a request of another store. The third is the digest of a
request that may be repeated.
"""

from __future__ import annotations

from secrets import token_urlsafe
from typing import Final

from . import Ending

KEYED: Final = "="
"""The separator before the digest."""


def new_token(now: int, digest: str = "") -> str:
    """Return a token for a request that begins at `now`, in milliseconds."""
    token = f"{token_urlsafe(16)}.{now:x}"
    return f"{token}{KEYED}{digest}" if digest else token


def missing(token: str, now: int, lease: int) -> Ending:
    """Return why no pending request has the token: its lease has ended, or it never existed."""
    try:
        began = int(token.partition(KEYED)[0].rpartition(".")[2], 16)
    except ValueError:
        return Ending.UNKNOWN
    return Ending.LATE if began + lease <= now else Ending.UNKNOWN
