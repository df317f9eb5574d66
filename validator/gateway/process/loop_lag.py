"""Loop lag: how late the event loop is, which is how long everybody waits for what runs on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

STEP: Final = 0.05
"""Seconds between two measurements."""


class LoopLag:
    """Measures how much later than asked for the running event loop calls."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        """Call `observe` with the seconds of each measurement."""
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._ask()

    def stop(self) -> None:
        """Measure no more."""
        self._timer.cancel()

    def _ask(self) -> None:
        self._due = monotonic() + STEP
        self._timer = self._loop.call_later(STEP, self._on_time)

    def _on_time(self) -> None:
        # Timers may be early by the resolution of the loop's clock.
        self._observe(max(0.0, monotonic() - self._due))
        self._ask()
