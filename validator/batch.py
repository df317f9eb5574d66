"""Batch: files with one payload a line (NDJSON), checked in constant memory, on several cores.

Lines end with a line feed, and lines of white space are passed over. Source: RFC 8259 for each
line; the form has no standard of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeAlias

from .document import MAX_BYTES

if TYPE_CHECKING:
    from .report import Report

Judge: TypeAlias = "Callable[[bytes], Report]"

_CHUNK = 1 << 18
"""So many bytes of lines go to a worker at once: some milliseconds of work."""
_AHEAD = 4
"""So many chunks for each worker are under way at once."""


class Line(NamedTuple):
    """A line that something was found in."""

    number: int
    """Counted from 1."""
    report: Report


class Chunk(NamedTuple):
    """What came of some lines."""

    lines: int
    payloads: int
    found: list[Line]
    """Their numbers count from the first line of the chunk, which is 0."""


class Batch:
    """A file with one payload a line, which is checked as it is iterated over."""

    def __init__(self, file: BinaryIO, make: Callable[[], Judge], jobs: int) -> None:
        """Check the lines of `file`, which is closed at the end, in so many processes as `jobs`.

        `make` makes the check; with more than one process it is called in each of them, so it has
        to be picklable.
        """
        self._file = file
        self._make = make
        self._jobs = jobs
        self.payloads = 0
        self.bad = 0
        """How many payloads have errors."""
        self.unreadable = 0
        """How many lines are not JSON."""

    def __iter__(self) -> Iterator[Line]:
        """Yield the lines that something was found in, in order."""
        first = 1
        with self._file as file:
            chunks = _chunks(file)
            done: Iterator[Chunk]
            if self._jobs == 1:
                judge = self._make()
                done = (_check(chunk, judge) for chunk in chunks)
            else:
                done = _spread(chunks, self._make, self._jobs)
            for chunk in done:
                self.payloads += chunk.payloads
                for number, report in chunk.found:
                    self.bad += not report.ok
                    self.unreadable += report.unreadable
                    yield Line(first + number, report)
                first += chunk.lines


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines together; of a line that is too large, so much that it is known to be."""
    while chunk := file.read(_CHUNK):
        if not chunk.endswith(b"\n"):
            rest = file.readline(MAX_BYTES + 1)
            chunk += rest
            while len(rest) > MAX_BYTES and not rest.endswith(b"\n"):
                rest = file.readline(MAX_BYTES + 1)
        yield chunk


def _check(chunk: bytes, judge: Judge) -> Chunk:
    found = []
    payloads = 0
    lines = chunk.removesuffix(b"\n").split(b"\n")
    for number, line in enumerate(lines):
        if line and not line.isspace():
            payloads += 1
            report = judge(line)
            if report.findings:
                found.append(Line(number, report))
    return Chunk(len(lines), payloads, found)


def _spread(chunks: Iterator[bytes], make: Callable[[], Judge], jobs: int) -> Iterator[Chunk]:
    """Check chunks in worker processes, a few ahead of the one that is due."""
    from concurrent.futures import Future, ProcessPoolExecutor

    with ProcessPoolExecutor(jobs, initializer=_start, initargs=(make,)) as workers:
        waiting: deque[Future[Chunk]] = deque()
        try:
            for chunk in chunks:
                waiting.append(workers.submit(_work, chunk))
                if len(waiting) > jobs * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            workers.shutdown(wait=False, cancel_futures=True)


_judges: list[Judge] = []
"""In a worker process: its check."""


def _start(make: Callable[[], Judge]) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    _judges[:] = [make()]


def _work(chunk: bytes) -> Chunk:
    return _check(chunk, _judges[0])
