"""Log writer: a non-blocking writer on standard error, with a thread of its own.

A pipe without a reader is full after 64 KiB, and then blocks its writers. So lines are queued,
those that exceed the queue are dropped, and the gap is reported once there is a reader again.
"""

from __future__ import annotations

import logging
import os
import select
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from typing import Final

MOST_WAITING: Final = 2**20
"""The most bytes in the queue: some 3500 refusals."""
_PIECE: Final = 2**16
"""Bytes per write: the capacity of a pipe on Linux."""
_LAST_WAIT: Final = 1.0
"""Seconds that the end of the process waits for the last lines to be written."""


class LogWriter(logging.Handler):
    """A handler that never blocks; it writes to the file descriptor `target`."""

    def __init__(self, target: int) -> None:
        super().__init__()
        self.on_drop: Callable[[int], None] | None = None
        """Called with the number of lines that were dropped, from any thread."""
        self._target = target
        self._changed = Condition()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        """Bytes in the queue, including those being written."""
        self._missing = 0
        """Lines that were dropped, but not yet reported."""
        self._thread: Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record, or drop it if the queue is full."""
        line = f"{self.format(record)}\n".encode()
        with self._changed:
            if self._size + len(line) > MOST_WAITING:
                self._drop(1)
                return
            self._waiting.append(line)
            self._size += len(line)
            if self._thread is None:
                # A daemon, so that the process can exit without a reader.
                self._thread = Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until the queue is written, for at most a second."""
        with self._changed:
            self._changed.wait_for(lambda: not self._size, _LAST_WAIT)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                lines = [self._waiting.popleft()]
                size = len(lines[0])
                while self._waiting and size + len(self._waiting[0]) <= _PIECE:
                    lines.append(self._waiting.popleft())
                    size += len(lines[-1])
            written = self._write(b"".join(lines))
            with self._changed:
                self._size -= size
                if not written:
                    self._drop(len(lines))
                elif self._missing:
                    self._report()
                self._changed.notify_all()

    def _write(self, data: bytes) -> bool:
        """Write all of `data`; return False if it has no reader any more."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._target, rest) :]
            except BlockingIOError:
                # Another process that shares the pipe has made it non-blocking.
                select.select([], [self._target], [])
            except OSError:
                return False
        return True

    def _drop(self, count: int) -> None:
        self._missing += count
        if self.on_drop is not None:
            self.on_drop(count)

    def _report(self) -> None:
        """Add a line about the dropped lines."""
        missing, self._missing = self._missing, 0
        text = "%d lines of the log were dropped"
        record = logging.LogRecord(
            __name__, logging.WARNING, __file__, 0, text, (missing,), exc_info=None
        )
        record.fields = {"event": "log-dropped", "lines": missing}
        line = f"{self.format(record)}\n".encode()
        self._waiting.append(line)
        self._size += len(line)
