"""The store in memory: for a single process, and lost when it ends."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

from . import EXPIRY, LEASE, Admission, Ending, Intent, Key, Report, RequestOutcome, Uncertain
from .record import Record
from .token import missing, new_token

MOST_SESSIONS: Final = 100_000
"""The most sessions that are remembered; the least recently used is forgotten first."""


class MemoryStore:
    """A store in a dictionary. No call blocks, so none times out."""

    def __init__(
        self,
        *,
        lease: float = LEASE,
        expiry: float = EXPIRY,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._lease = round(lease * 1000)
        self._expiry = round(expiry * 1000)
        self._now = now
        self._records: OrderedDict[str, tuple[int, Record]] = OrderedDict()
        """The records and their times of expiry, by last use."""

    async def begin(self, key: Key, intent: Intent) -> Admission:
        """Admit a request unless none of the session's possible states permits it."""
        now = self._time()
        record = self._read(key, now)
        token = new_token(now, intent.digest)
        admission = record.begin(intent, token, now, self._lease)
        if admission.may_pass:
            self._write(key, record, now)
        return admission

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> Ending:
        """Learn the outcome of an admitted request; unknown tokens are ignored."""
        now = self._time()
        record = self._read(key, now)
        if isinstance(outcome, Uncertain):
            return Ending.TAKEN
        ending = record.finish(token, outcome, now)
        if ending is Ending.TAKEN:
            self._write(key, record, now)
        return missing(token, now, self._lease) if ending is Ending.UNKNOWN else ending

    async def ready(self) -> None:
        """Return: memory is always available."""

    async def close(self) -> None:
        """Forget all sessions."""
        self._records.clear()

    def _time(self) -> int:
        return int(self._now() * 1000)

    def _read(self, key: Key, now: int) -> Record:
        expires, record = self._records.get(key.name, (0, None))
        return record if record is not None and now < expires else Record()

    def _write(self, key: Key, record: Record, now: int) -> None:
        name = key.name
        if record.empty:
            self._records.pop(name, None)
            return
        self._records[name] = (record.expires(now, self._expiry), record)
        self._records.move_to_end(name)
        # The least recently used come first; checking two at each write keeps up with expiry.
        for _ in range(2):
            first = next(iter(self._records))
            if len(self._records) > MOST_SESSIONS or self._records[first][0] <= now:
                del self._records[first]


def open_store(
    url: str,
    *,
    lease: float,
    expiry: float,
    timeout: float,  # noqa: ARG001 - required by `Opener`
    report: Report,  # noqa: ARG001 - required by `Opener`
) -> MemoryStore:
    """Return a store in memory; raises `ValueError` if `url` has more than ``memory:``."""
    if url != "memory:":
        raise ValueError(f"store is {url!r}; a store in memory has no path; write memory:")
    return MemoryStore(lease=lease, expiry=expiry)
