"""Batch: files with one payload a line (NDJSON), checked in constant memory, on several cores.

Lines end with a line feed, and lines of white space are passed over. Source: RFC 8259 for each
line; the form has no standard of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeAlias

from .document import MAX_BYTES
from .outcome import ReadError, Result

if TYPE_CHECKING:
    from .progress import Progress
    from .report import Report

Judge: TypeAlias = "Callable[[bytes, int], Report]"
"""Checks a line, given its number, and knows the places of what it finds."""

_CHUNK = 1 << 18
"""So many bytes of lines go to a worker at once: some milliseconds of work."""
_AHEAD = 4
"""So many chunks for each worker are under way at once."""


class Chunk(NamedTuple):
    """Some lines that are checked together."""

    first: int
    """The number of the first one."""
    lines: bytes


class Checked(NamedTuple):
    """What came of some lines."""

    size: int
    """Of the lines, in bytes."""
    payloads: int
    found: list[Result]


class Batch:
    """A file with one payload a line, which is checked as it is iterated over."""

    def __init__(
        self,
        file: BinaryIO,
        make: Callable[[], Judge],
        jobs: int,
        progress: Progress | None = None,
    ) -> None:
        """Check the lines of `file`, which is closed at the end, in so many processes as `jobs`.

        `make` makes the check; with more than one process it is called in each of them, so it has
        to be picklable. `progress` is kept up to date.
        """
        self._progress = progress
        self._file = file
        self._make = make
        self._jobs = jobs
        self.payloads = 0
        """How many there were so far."""

    def __iter__(self) -> Iterator[Result]:
        """Yield the lines that something was found in, in order."""
        progress = self._progress
        read = 0
        with self._file as file:
            try:
                for checked in self._checked(_chunks(file)):
                    read += checked.size
                    self.payloads += checked.payloads
                    if progress is not None and checked.found:
                        progress.clear()
                    yield from checked.found
                    if progress is not None:
                        progress.note(read)
            finally:
                if progress is not None:
                    progress.clear()

    def _checked(self, chunks: Iterator[Chunk]) -> Iterator[Checked]:
        if self._jobs > 1:
            return _spread(chunks, self._make, self._jobs)
        judge = self._make()
        return (_check(chunk, judge) for chunk in chunks)


def _chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Yield lines together; raises `ReadError`."""
    first = 1
    while True:
        try:
            chunk = _lines(file)
        except OSError as error:
            raise ReadError(f"can't be read: {error.strerror or error}") from None
        if not chunk:
            return
        yield Chunk(first, chunk)
        first += chunk.count(b"\n") + (not chunk.endswith(b"\n"))


def _lines(file: BinaryIO) -> bytes:
    """Return the next lines; of one that is too large, so much that it is known to be."""
    chunk = file.read(_CHUNK)
    if chunk and not chunk.endswith(b"\n"):
        rest = file.readline(MAX_BYTES + 1)
        chunk += rest
        while len(rest) > MAX_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(MAX_BYTES + 1)
    return chunk


def _check(chunk: Chunk, judge: Judge) -> Checked:
    found = []
    payloads = 0
    lines = chunk.lines.removesuffix(b"\n").split(b"\n")
    for number, line in enumerate(lines, chunk.first):
        if line and not line.isspace():
            payloads += 1
            report = judge(line, number)
            if report.findings:
                found.append(Result(report, line, number))
    return Checked(len(chunk.lines), payloads, found)


def _spread(chunks: Iterator[Chunk], make: Callable[[], Judge], jobs: int) -> Iterator[Checked]:
    """Check chunks in worker processes, a few ahead of the one that is due."""
    from concurrent.futures import Future, ProcessPoolExecutor

    with ProcessPoolExecutor(jobs, initializer=_start, initargs=(make,)) as workers:
        waiting: deque[Future[Checked]] = deque()
        try:
            failure = None
            try:
                for chunk in chunks:
                    waiting.append(workers.submit(_work, chunk))
                    if len(waiting) > jobs * _AHEAD:
                        yield waiting.popleft().result()
            except ReadError as error:
                failure = error
            while waiting:
                yield waiting.popleft().result()
            if failure is not None:
                # What was read before it counts all the same.
                raise failure
        finally:
            workers.shutdown(wait=False, cancel_futures=True)


_judges: list[Judge] = []
"""In a worker process: its check."""


def _start(make: Callable[[], Judge]) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to stop
    _judges[:] = [make()]


def _work(chunk: Chunk) -> Checked:
    return _check(chunk, _judges[0])
