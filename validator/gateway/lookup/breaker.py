"""Breaker: stops look-ups that the API does not answer, and finds out when it does again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

FAILURES: Final = 8
"""Look-ups in a row without an answer, after which the API is only probed."""
PROBE: Final = 1.0
"""Seconds between two probes."""

_log = logging.getLogger(__name__)


class Breaker:
    """The health of the API, as look-ups show it."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._failures = 0
        self._probe_at = 0.0

    def permits(self) -> bool:
        """Return True if the API is to be asked now."""
        if self._failures < FAILURES:
            return True
        now = self._now()
        if now < self._probe_at:
            return False
        self._probe_at = now + PROBE
        return True

    def record_failure(self, reason: str) -> None:
        """Count a look-up that the API did not answer."""
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
