"""Record: the knowledge about one session, and how each request changes it.

The invariant is that the session is in one of `Record.states`, or in a state that one of
`Record.pendings` leads to. Everything else follows from it:

* A request is refused only if none of these states permits it.
* A request without an answer keeps its pending until the lease ends, because the API may do it
  until then. Afterwards its result is added to the states.
* The result of a request that was done becomes the state. Other requests that ended since it began
  may have been done after it, so their results stay possible, unless `updated` gives the order.
* A request with repetitions (it has a digest) is done once, whichever answer shows it. While its
  lease runs, repetitions share the pending of the first, and the first answer that it was done is
  learned. After that the API repeats this answer, so there is nothing more to learn. If the lease
  ends without such an answer, the API may do a repetition or repeat an earlier answer; the result
  then stays possible until the lease of the repetition ends.

redis.lua implements the same; a test compares the two.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

from . import Admission, Ending, Intent, Learned, Refused, RequestOutcome
from .token import KEYED

UNKNOWN: Final = 0
OPEN: Final = 1
NEW: Final = 16
OTHER: Final = 32
"""The bit of a state that this release does not know; the session may be in any then."""
BITS: Final = {"open": OPEN, "closed": 2, "partially_returned": 4, "cancelled": 8, "new": NEW}
"""The bit of each state; a set of states is the sum of their bits."""

ANY: Final = sum(BITS.values())

MOST_PENDINGS: Final = 32
"""The most requests that are tracked individually; others share one pending."""
SHARED: Final = ""
"""The key of the shared pending. It is not a token, so nothing finishes it."""

DONE: Final = "="
LOST: Final = "?"
"""Prefixes of the keys of requests that may be repeated: done, and of unknown outcome. They are
kept as pendings that lead to no state, as which older releases read them."""
MOST_REMEMBERED: Final = 8
"""The most of these that are kept for a session; the oldest are dropped first."""
REMEMBERED: Final = 23 * 3600 * 1000
"""Milliseconds for which they are kept: the 24 hours for which the API keeps its answers, less a
margin for leases and differences of clocks."""


_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Pending(NamedTuple):
    """A request that may still take effect."""

    wanted: int
    """The states it may lead to."""
    keeps: bool
    """Whether it may leave the state unchanged."""
    deadline: int
    """The time after which it can't take effect, in milliseconds of the store's clock."""
    started_at: int = 0
    """The `updated` of the record when the request began."""
    undated: int = 0
    """The results of others since it began whose `updated` is missing or impossible."""
    since: int = 0
    """The results of all others since it began."""


class Record:
    """The knowledge about one session."""

    __slots__ = ("pendings", "states", "updated")

    def __init__(
        self, states: int = UNKNOWN, updated: int = 0, pendings: dict[str, Pending] | None = None
    ) -> None:
        self.states = states
        self.updated = updated
        """The newest `updated` of an answer, in microseconds; 0 if there was none."""
        self.pendings = pendings if pendings is not None else {}

    @classmethod
    def read(cls, text: str) -> Record:
        """Return the record that `write` wrote; raises `ValueError` for any other text."""
        try:
            states, updated, pendings = json.loads(text)
            found = {token: Pending(*each) for token, each in pendings.items()}
            if not all(
                isinstance(each, int) for each in (states, updated, *chain(*found.values()))
            ):
                raise ValueError("a number is missing")
        except (TypeError, AttributeError, RecursionError) as error:
            raise ValueError(str(error)) from error
        return cls(states, updated, found)

    def write(self) -> str:
        """Return the record as JSON text."""
        return _ENCODE([self.states, self.updated, self.pendings])

    @property
    def empty(self) -> bool:
        """Whether the record holds no knowledge and can be dropped."""
        return not self.pendings and self.states in (UNKNOWN, NEW)

    def expires(self, now: int, expiry: int) -> int:
        """Return the time at which the record expires if it is last used at `now`."""
        if self.states != UNKNOWN:
            return now + expiry
        last = now
        for token, each in self.pendings.items():
            repeatable = KEYED in token and not token.startswith(DONE)
            last = max(last, each.deadline + REMEMBERED if repeatable else each.deadline)
        return min(last, now + expiry)

    def begin(self, intent: Intent, token: str, now: int, lease: int) -> Admission:
        """Judge a request and, if it may pass, add its pending."""
        self._expire(now)
        states = self.states or (NEW if intent.strict_new else UNKNOWN)
        known = self._possible(states)
        if known & NEW and not intent.strict_new:
            known = UNKNOWN
        first = self._first(intent.digest) if intent.digest else ""
        if first.startswith(DONE):
            return Admission(None, names(known), repeated=True)
        if first and not first.startswith(LOST):
            self.pendings[first] = self.pendings[first]._replace(deadline=now + lease)
            self._remember(LOST + intent.digest, now + REMEMBERED)
            return Admission(first, names(known), repeated=True)
        certain = to_bits(intent.certain)
        if certain and not first and _in_doubt(known if self.states else UNKNOWN, certain):
            return Admission(None, names(known), doubtful=True)
        if not first and known and not known & to_bits(intent.permitted):
            return Admission(None, names(known))
        self.states = states
        wanted = BITS[intent.wanted] if intent.wanted else states & NEW and OPEN
        pending = Pending(wanted, intent.wanted is None, now + lease, self.updated)
        if first:
            # It has no token, so only the end of its lease removes it.
            token = token.partition(KEYED)[0]
        if len(self.pendings) < MOST_PENDINGS:
            self.pendings[token] = pending
        else:
            crowd = self.pendings.get(SHARED, pending)
            self.pendings[SHARED] = pending._replace(wanted=wanted | crowd.wanted)
            if intent.digest:
                self._remember(LOST + intent.digest, now + REMEMBERED)
        return Admission(None if first else token, names(known), repeated=bool(first))

    def finish(self, token: str, outcome: RequestOutcome, now: int) -> Ending:
        """Learn the outcome of a request whose lease has not ended."""
        self._expire(now)
        digest = token.partition(KEYED)[2]
        if digest and DONE + digest in self.pendings:
            return Ending.TAKEN
        if token == SHARED or token.startswith(LOST) or token not in self.pendings:
            return Ending.CROWDED if token and SHARED in self.pendings else Ending.UNKNOWN
        if isinstance(outcome, Refused) and LOST + digest in self.pendings:
            # A repetition may still be done.
            return Ending.TAKEN
        pending = self.pendings.pop(token)
        if isinstance(outcome, Learned):
            self._learn(pending, outcome)
            if digest:
                self.pendings.pop(LOST + digest, None)
                self._remember(DONE + digest, now + REMEMBERED)
        return Ending.TAKEN

    def _possible(self, states: int) -> int:
        if states == UNKNOWN or states & OTHER:
            return UNKNOWN
        for each in self.pendings.values():
            states |= each.wanted
        return states

    def _expire(self, now: int) -> None:
        """Add the results of pendings whose leases have ended to the states."""
        ended = [token for token, each in self.pendings.items() if each.deadline <= now]
        for token, pending in [(token, self.pendings.pop(token)) for token in ended]:
            wanted, deadline = pending.wanted, pending.deadline + REMEMBERED
            if self.states:
                self.states |= wanted
            self._note_result(wanted, dated=False)
            digest = token.partition(KEYED)[2]
            if digest and not token.startswith(DONE) and deadline > now:
                self._remember(LOST + digest, deadline)

    def _first(self, digest: str) -> str:
        """Return the key of the first request with a digest; empty if there is none."""
        end = KEYED + digest
        found = next((key for key in self.pendings if key.endswith(end)), LOST + digest)
        return found if found in self.pendings else ""

    def _remember(self, key: str, deadline: int) -> None:
        """Keep a request that may be repeated, in place of the oldest if there are too many."""
        self.pendings[key] = Pending(UNKNOWN, keeps=False, deadline=deadline)
        kept = [each for each in self.pendings if each.startswith((DONE, LOST))]
        if len(kept) > MOST_REMEMBERED:
            del self.pendings[min(kept, key=lambda each: (self.pendings[each].deadline, each))]

    def _learn(self, pending: Pending, outcome: Learned) -> None:
        if outcome.state is None and pending.keeps:
            if self.states & NEW:
                self.states = self.states & ~NEW | OPEN
                self._note_result(OPEN, dated=False)
            return
        state = BITS.get(outcome.state, OTHER) if outcome.state else pending.wanted
        updated = microseconds(outcome.updated) if outcome.updated else 0
        if not updated:
            self.states = state | pending.since
        elif updated > self.updated:
            self.states = state | pending.undated
            self.updated = updated
        elif updated == self.updated:
            self.states = state | pending.since
        elif self.updated > pending.started_at:
            return  # An overlapping request was done later.
        else:
            # It began after the newest was done, so one of the two dates is impossible: the API's
            # clock was set back, or an answer was repeated.
            self.states = self.states & ~NEW | state
            updated = 0
        self._note_result(state, dated=bool(updated))

    def _note_result(self, state: int, *, dated: bool) -> None:
        """Add the result of another request to all pendings."""
        for token, each in self.pendings.items():
            undated = each.undated if dated else each.undated | state
            self.pendings[token] = each._replace(undated=undated, since=each.since | state)


def _in_doubt(known: int, certain: int) -> bool:
    """Return True if some, but not all, of the possible states are among the `certain` ones."""
    possible = known or ANY
    return bool(possible & certain) and bool(possible & ~certain)


@lru_cache
def names(states: int) -> frozenset[str]:
    """Return the names of the states in a set of bits."""
    return frozenset(name for name, bit in BITS.items() if states & bit)


@lru_cache
def to_bits(states: frozenset[str]) -> int:
    """Return a set of states as bits."""
    return sum(BITS[name] for name in states)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Return a datetime with an offset as microseconds since 1970, but at least 1."""
    return max(1, (moment - _EPOCH) // timedelta(microseconds=1))
