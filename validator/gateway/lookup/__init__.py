"""Look-up: asks the API for the state of a session that the store doesn't know, or is in doubt of.

It is made only if the settings have a table ``[gateway.lookup]``; without one, nothing is loaded of
it but this module and `settings`.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from ..store import Key, Store

OUTCOMES: Final = (
    *("learned", "missing", "denied", "limited", "failed", "malformed"),
    *("unreachable", "timeout", "crowded", "paused", "keyless", "unstored"),
)
"""The outcomes of look-ups; docs/gateway/lookup.md describes them."""


class Subject(NamedTuple):
    """The session of a look-up."""

    store: Store
    """What is to learn of it."""
    key: Key
    strict_new: bool
    """If the API has no such session, it is new."""


class LookupMeter(Protocol):
    """A counter of look-ups."""

    def count_lookup(self, outcome: str, seconds: float) -> None:
        """Count a look-up and the time it took; its outcome is one of `OUTCOMES`."""
