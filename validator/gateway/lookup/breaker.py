"""Breaker: a circuit breaker for look-ups, which probes an API that does not answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

FAILURES: Final = 8
"""Consecutive look-ups without an answer after which the API is only probed."""
PROBE: Final = 1.0
"""Seconds between probes."""

_log = logging.getLogger(__name__)


class Breaker:
    """The health of the API, derived from the outcomes of look-ups."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._failures = 0
        self._probe_at = 0.0

    def permits(self) -> bool:
        """Return True if a look-up may be made now."""
        if self._failures < FAILURES:
            return True
        now = self._now()
        if now < self._probe_at:
            return False
        self._probe_at = now + PROBE
        return True

    def record_failure(self, reason: str) -> None:
        """Count a look-up without an answer."""
        self._failures += 1
        if self._failures == FAILURES:
            self._probe_at = self._now() + PROBE
            fields = {"event": "lookup-paused", "reason": reason}
            text = "the API does not answer look-ups (%s), so it is only probed"
            _log.error(text, reason, extra={"fields": fields})

    def record_answer(self) -> None:
        """Reset the count after an answer."""
        if self._failures >= FAILURES:
            fields = {"event": "lookup-back"}
            _log.warning("the API answers look-ups again", extra={"fields": fields})
        self._failures = 0
