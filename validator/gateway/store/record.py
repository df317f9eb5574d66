"""Record: what is known of one session, and the arithmetic of what follows from each request.

It holds at all times that the session is in one of `Record.states`, or in a state that one of
`Record.pendings` leads to. All else follows from that:

* A request is refused only if none of these states permits it.
* A request without an answer keeps its pending until the lease ends, because the API may do it as
  late as that. Then what it leads to joins the states.
* A request that was done makes its result the state. What others did since it began may have been
  done after it, so their results stay possible, unless `updated` gives the order.
* A request that is repeated (it has a digest) is done once, whichever of its answers shows it. As
  long as its lease runs, it shares the pending of the first, and the first answer that it was done
  is learned. After such an answer the API repeats that one, so there is nothing more to learn. In
  between, the API may do it or repeat an answer, and nobody knows which; what it leads to stays
  possible until a lease after it.

redis.lua does the same; a test holds them side by side.
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
"""A state that this version doesn't know: the session may be in any."""
BITS: Final = {"open": OPEN, "closed": 2, "partially_returned": 4, "cancelled": 8, "new": NEW}
"""A set of states is the sum of their bits."""

ANY: Final = sum(BITS.values())

MOST_PENDINGS: Final = 32
"""How many requests are tracked one by one; more share one pending."""
SHARED: Final = ""
"""The key of the pending that is shared. It is no token, so nothing finishes it."""

DONE: Final = "="
LOST: Final = "?"
"""Start the keys of requests that may be repeated: they were done, or nobody knows. They are kept
as pendings that lead to no state, which is what releases without them take them for."""
MOST_REMEMBERED: Final = 8
"""How many of these are kept for a session; the oldest give way."""
REMEMBERED: Final = 23 * 3600 * 1000
"""Milliseconds for which they are kept. The API keeps its answers for 24 hours after a request;
this is less by what leases and clocks may add."""


_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Pending(NamedTuple):
    """A request that may still take effect."""

    wanted: int
    """The states it may lead to."""
    keeps: bool
    """It leaves the state as it is."""
    deadline: int
    """When it can't take effect any more, in milliseconds of the store's clock."""
    started_at: int = 0
    """The record's `updated` when it began."""
    undated: int = 0
    """The results of others without `updated`, or with an impossible one, since it began."""
    since: int = 0
    """The results of any others since it began."""


class Record:
    """The knowledge about one session."""

    __slots__ = ("pendings", "states", "updated")

    def __init__(
        self, states: int = UNKNOWN, updated: int = 0, pendings: dict[str, Pending] | None = None
    ) -> None:
        self.states = states
        self.updated = updated
        """The newest `updated` that was answered, in microseconds; 0 if there was none."""
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
        """Nothing is known that would be missed."""
        return not self.pendings and self.states in (UNKNOWN, NEW)

    def expires(self, now: int, expiry: int) -> int:
        """Return when the record can be forgotten, if it is last used at `now`."""
        if self.states != UNKNOWN:
            return now + expiry
        last = now
        for token, each in self.pendings.items():
            repeatable = KEYED in token and not token.startswith(DONE)
            last = max(last, each.deadline + REMEMBERED if repeatable else each.deadline)
        return min(last, now + expiry)

    def begin(self, intent: Intent, token: str, now: int, lease: int) -> Admission:
        """Judge a request and, if it may pass, note what it may lead to."""
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
            # Nobody is to finish it, so only the end of its lease does.
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
            # Another of its repetitions may still be done.
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
        """Let what pendings lead to join the states when their leases end."""
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
        """Return the key of the request that another with this digest repeats; empty if none."""
        end = KEYED + digest
        found = next((key for key in self.pendings if key.endswith(end)), LOST + digest)
        return found if found in self.pendings else ""

    def _remember(self, key: str, deadline: int) -> None:
        """Keep a request that may be repeated, in place of the oldest if there are many."""
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
            return  # Another one that overlaps was done later.
        else:
            # It began when the newest was done already, so one of the two dates can't be: the
            # API's clock went back, or an answer was repeated.
            self.states = self.states & ~NEW | state
            updated = 0
        self._note_result(state, dated=bool(updated))

    def _note_result(self, state: int, *, dated: bool) -> None:
        """Add the result of another request to all pendings."""
        for token, each in self.pendings.items():
            undated = each.undated if dated else each.undated | state
            self.pendings[token] = each._replace(undated=undated, since=each.since | state)


def _in_doubt(known: int, certain: int) -> bool:
    """Return True if some of the possible states are among the `certain` ones, and some are not."""
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
