"""Store health: counts and logs of the failures of a store, and protection from hopeless waits.

The first failure is logged, and so is the recovery: when no call has failed for a quiet time and
the store accepts a write. The quiet time doubles whenever the store fails again soon, so one that
works only for some calls, such as a file on a full disk, does not flood the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final, Protocol, TypeVar

from .store import Store, StoreError

QUIET: Final = 2.0
"""Seconds without a failure until the store is considered recovered."""
MOST_QUIET: Final = 300.0
"""The maximum of this time in seconds."""
RELAPSE: Final = 600.0
"""Seconds within which another failure doubles this time."""
LATE: Final = 8
"""Consecutive calls without an answer in time after which the store is only probed."""
PROBE: Final = 0.1
"""Seconds between probes."""
SETTLING: Final = 3.0
"""Seconds after a failure within which all gateways of a fleet report what the store missed."""

_SLOW: Final = ("timeout", "locked")
"""The kinds of failures of calls that waited for the whole timeout."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class StoreMeter(Protocol):
    """A counter of the failures of a store."""

    def count_store_failure(self, call: str, kind: str) -> None:
        """Count a failed call on the store."""


class StoreHealth:
    """The health of a store, derived from its calls."""

    def __init__(
        self, meter: StoreMeter | None = None, now: Callable[[], float] = monotonic
    ) -> None:
        self._meter = meter
        self._now = now
        self._failing = False
        self._kinds: set[tuple[str, str]] = set()
        """The pairs of call and kind of failure that were logged since the store began to fail."""
        self._failed_at = 0.0
        self._error: StoreError | None = None
        self._quiet = QUIET
        self._back_at: float | None = None
        self._late = 0
        self._probe_at = 0.0
        self._confirming: asyncio.Task[None] | None = None

    @property
    def settling(self) -> bool:
        """Whether a call has failed recently, so that the store may not yet know what it missed."""
        return self._error is not None and self._now() - self._failed_at < SETTLING

    async def answer(self, call: str, store: Store, ask: Callable[[], Awaitable[_T]]) -> _T | None:
        """Return the store's answer to `ask`; None if it failed for any reason."""
        if self._late >= LATE:
            now = self._now()
            if now < self._probe_at:
                text = "it was not queried, because it does not respond in time"
                self._count_failure(call, StoreError(text, "timeout"))
                return None
            self._probe_at = now + PROBE
        try:
            found = await ask()
        except Exception as error:  # noqa: BLE001 - requests must not fail with the store
            self._count_failure(call, _store_error(error))
            return None
        self._late = 0
        if self._failing and self._is_quiet() and self._confirming is None:
            self._confirming = asyncio.create_task(self._confirm(store))
            self._confirming.add_done_callback(self._end_confirmation)
        return found

    async def ready(self, store: Store) -> None:
        """Return if the store accepts writes, and none of its calls has failed recently.

        Raises `StoreError` if not.
        """
        try:
            await store.ready()
        except Exception as error:
            found = _store_error(error)
            self._count_failure("ready", found)
            raise found from error
        if not self._failing:
            return
        if not self._is_quiet():
            raise StoreError(f"calls fail: {self._error}", "other") from self._error
        self._recover()

    def report(self, call: str, error: StoreError) -> None:
        """Count a failure of ``upkeep`` or of a ``record``, and log the first."""
        if self._meter is not None:
            self._meter.count_store_failure(call, error.kind)
        self._log_once(call, error, "maintenance of the store fails: %s")

    def _count_failure(self, call: str, error: StoreError) -> None:
        now = self._now()
        if self._meter is not None:
            self._meter.count_store_failure(call, error.kind)
        self._late = self._late + 1 if error.kind in _SLOW else 0
        if not self._failing:
            self._failing = True
            self._kinds.clear()
            relapse = self._back_at is not None and now - self._back_at < RELAPSE
            self._quiet = min(2 * self._quiet, MOST_QUIET) if relapse else QUIET
        self._failed_at, self._error = now, error
        self._log_once("call", error, "the store fails, so changes of state are not checked: %s")

    def _log_once(self, call: str, error: StoreError, message: str) -> None:
        if (call, error.kind) not in self._kinds:
            self._kinds.add((call, error.kind))
            fields = {"event": "store-failed", "call": call, "kind": error.kind}
            _log.error(message, error, extra={"fields": fields})

    def _is_quiet(self) -> bool:
        return self._now() - self._failed_at >= self._quiet

    async def _confirm(self, store: Store) -> None:
        """Verify that the store accepts writes, since successful calls may only have read."""
        try:
            await store.ready()
        except Exception as error:  # noqa: BLE001 - as in `answer`
            self._count_failure("ready", _store_error(error))
            return
        if self._is_quiet():
            self._recover()

    def _end_confirmation(self, _: asyncio.Task[None]) -> None:
        self._confirming = None

    def _recover(self) -> None:
        self._failing = False
        self._late = 0
        self._kinds.clear()
        self._back_at = self._now()
        _log.warning("the store is back", extra={"fields": {"event": "store-back"}})


def _store_error(error: Exception) -> StoreError:
    """Return a `StoreError`, for other exceptions without their text, which may hold values."""
    if isinstance(error, StoreError):
        return error
    return StoreError(f"unexpected {type(error).__name__}", "other")
