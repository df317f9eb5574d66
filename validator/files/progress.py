"""Progress: a line on the terminal about how far a long check has come."""

from __future__ import annotations

import sys
from time import monotonic

_PATIENCE = 1.0
"""Seconds before anything is shown."""
_PAUSE = 0.2
_BAR = 30


class Progress:
    """Shows how much of a file was read, once that takes long; cleared at the end."""

    def __init__(self, name: str, size: int) -> None:
        """Start the clock for a file of `size` bytes; 0 if that is not known."""
        self._name = name
        self._size = size
        self._next = monotonic() + _PATIENCE
        self._shown = 0

    def note(self, done: int) -> None:
        """Show that `done` bytes were read, if the last time is not just past."""
        now = monotonic()
        if now < self._next or sys.stderr is None:
            return
        self._next = now + _PAUSE
        line = f"{self._name}: {self._part(done)}"
        self.clear()
        sys.stderr.write(line)
        sys.stderr.flush()
        self._shown = len(line)

    def clear(self) -> None:
        """Take back what is shown."""
        if self._shown and sys.stderr is not None:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._shown = 0

    def _part(self, done: int) -> str:
        read = f"{done / 1e6:.1f} MB"
        if not self._size:
            return read
        part = min(1.0, done / self._size)
        filled = round(part * _BAR)
        return f"[{'#' * filled}{' ' * (_BAR - filled)}] {part:4.0%} of {self._size / 1e6:.1f} MB"


def has_terminal() -> bool:
    """Return True if there is a terminal to show progress on."""
    return sys.stderr is not None and sys.stderr.isatty()
