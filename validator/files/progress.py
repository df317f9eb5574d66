"""Progress: a line on the terminal with the progress of a long check."""

from __future__ import annotations

import sys
from time import monotonic

_PATIENCE = 1.0
"""Seconds before anything is shown."""
_PAUSE = 0.2
_BAR = 30


class Progress:
    """A progress bar for a file, which appears if reading takes long."""

    def __init__(self, name: str, size: int) -> None:
        """Start the clock for a file of `size` bytes; 0 if the size is unknown."""
        self._name = name
        self._size = size
        self._next = monotonic() + _PATIENCE
        self._shown = 0

    def note(self, done: int) -> None:
        """Show that `done` bytes were read, unless the bar was updated just before."""
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
        """Clear the bar."""
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
    """Return True if standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()
