"""Look-up: requests to the API for the state of a session that is unknown or in doubt.

Look-ups are made only if the settings have a table ``[gateway.lookup]``; otherwise only this module
and `settings` are loaded.
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
    """The store that learns its state."""
    key: Key
    strict_new: bool
    """Whether a session that the API does not have is new."""


class LookupMeter(Protocol):
    """A counter of look-ups."""

    def count_lookup(self, outcome: str, seconds: float) -> None:
        """Count a look-up and its duration; its outcome is one of `OUTCOMES`."""
