"""Token: the handle of an admitted request.

Its first part can't be guessed, its second is the time at which the request began. The latter
distinguishes an answer that came too late from one to a request of another store.
"""

from __future__ import annotations

from secrets import token_urlsafe

from . import Ending


def new_token(now: int) -> str:
    """Return a token for a request that begins at `now`, in milliseconds."""
    return f"{token_urlsafe(16)}.{now:x}"


def missing(token: str, now: int, lease: int) -> Ending:
    """Return why no pending request has the token: its lease has ended, or it never was there."""
    try:
        began = int(token.rpartition(".")[2], 16)
    except ValueError:
        return Ending.UNKNOWN
    return Ending.LATE if began + lease <= now else Ending.UNKNOWN
