"""Loop lag: the delay of the event loop, for which everything that runs on it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

STEP: Final = 0.05
"""Seconds between measurements."""


class LoopLag:
    """A measurement of how late the running event loop makes scheduled calls."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        """Start; `observe` is called with the delay in seconds of each call."""
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._schedule()

    def stop(self) -> None:
        """Stop measuring."""
        self._timer.cancel()

    def _schedule(self) -> None:
        self._due = monotonic() + STEP
        self._timer = self._loop.call_later(STEP, self._tick)

    def _tick(self) -> None:
        # Timers may fire early by the resolution of the loop's clock.
        self._observe(max(0.0, monotonic() - self._due))
        self._schedule()
