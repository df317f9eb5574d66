"""NDJSON: files with one payload a line, checked in constant memory, on several cores.

Lines end with a line feed, and lines of white space are passed over. Source: RFC 8259 for each
line; the form has no standard of its own.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeAlias

from ..reading.document import MAX_BYTES
from .results import PayloadResult, ReadError

if TYPE_CHECKING:
    from ..checking.report import Report
    from .progress import Progress

CheckLine: TypeAlias = "Callable[[bytes], tuple[int, Sequence[Report]]]"
"""Takes a line; returns the number of its payloads, and reports with the positions of findings."""

_CHUNK = 1 << 18
"""Bytes of lines per chunk: some milliseconds of work."""
_STRETCH = 4 * _CHUNK
"""Bytes per chunk where workers read the file themselves: larger, to save messages."""
_AHEAD = 4
"""Chunks in flight per worker."""


class Stretch(NamedTuple):
    """Some lines of a file, for a worker that reads them by itself."""

    path: str
    start: int
    size: int
    """In bytes, as `start` is."""


Chunk: TypeAlias = bytes | Stretch
"""Some lines that are checked together."""


class Checked(NamedTuple):
    """The results of some lines."""

    size: int
    """Of the lines, in bytes."""
    lines: int
    payloads: int
    found: list[tuple[int, bytes, Report]]
    """The number of a line among them, from 0, with what it holds and what was found."""


class Batch:
    """A file with one payload a line, which is checked as it is iterated over."""

    def __init__(
        self,
        file: BinaryIO,
        path: str | None,
        make: Callable[[], CheckLine],
        jobs: int,
        progress: Progress | None = None,
    ) -> None:
        """Check the lines of `file`, which is closed at the end, in `jobs` processes.

        At `path` it can be opened again and read from any place; None if not. `make` makes the
        check; with more than one process it is called in each of them, so it has to be picklable.
        `progress` is kept up to date.
        """
        self._progress = progress
        self._file = file
        self._path = path
        self._make = make
        self._jobs = jobs
        self.payloads = 0
        """How many there were so far."""

    def __iter__(self) -> Iterator[PayloadResult]:
        """Yield the lines that something was found in, in order."""
        progress = self._progress
        read = 0
        first = 1
        with self._file as file:
            try:
                for checked in self._check_all(file):
                    read += checked.size
                    self.payloads += checked.payloads
                    if progress is not None and checked.found:
                        progress.clear()
                    for number, line, report in checked.found:
                        yield PayloadResult(report.moved(first - 1 + number), line, first + number)
                    first += checked.lines
                    if progress is not None:
                        progress.note(read)
            finally:
                if progress is not None:
                    progress.clear()

    def _check_all(self, file: BinaryIO) -> Iterator[Checked]:
        if self._jobs == 1:
            check = self._make()
            return (_check(lines, check) for lines in _chunks(file))
        chunks = _chunks(file) if self._path is None else _stretches(file, self._path)
        return _check_in_workers(chunks, self._make, self._jobs)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines together; raises `ReadError`."""
    while chunk := _lines(file):
        yield chunk


def _lines(file: BinaryIO) -> bytes:
    """Return the next lines; raises `ReadError`."""
    try:
        chunk = file.read(_CHUNK)
        return chunk + _rest(file) if chunk and not chunk.endswith(b"\n") else chunk
    except OSError as error:
        raise _unreadable(error) from None


def _rest(file: BinaryIO) -> bytes:
    """Return the rest of a line; of one that is too large, so much that it is known to be."""
    part = rest = file.readline(MAX_BYTES + 1)
    while len(part) > MAX_BYTES and not part.endswith(b"\n"):
        part = file.readline(MAX_BYTES + 1)
    return rest


def _stretches(file: BinaryIO, path: str) -> Iterator[Stretch]:
    """Yield where there are lines to be read together; raises `ReadError`."""
    start = 0
    try:
        size = file.seek(0, os.SEEK_END)
        while start < size:
            file.seek(start + _STRETCH - 1)
            rest = b"" if file.read(1) in b"\n" else _rest(file)
            end = max(file.tell(), start + _STRETCH)
            yield Stretch(path, start, _STRETCH + len(rest))
            start = end
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> ReadError:
    return ReadError(f"can't be read: {error.strerror or error}")


def _check(lines: bytes, check: CheckLine) -> Checked:
    found = []
    payloads = 0
    split = lines.split(b"\n")
    if not split[-1]:
        del split[-1]
    for number, line in enumerate(split):
        if line and not line.isspace():
            count, reports = check(line)
            payloads += count
            found += [(number, line, report) for report in reports if report.findings]
    return Checked(len(lines), len(split), payloads, found)


def _check_in_workers(
    chunks: Iterator[Chunk], make: Callable[[], CheckLine], jobs: int
) -> Iterator[Checked]:
    """Check chunks in worker processes, a few ahead of the one that is due."""
    from concurrent.futures import Future, ProcessPoolExecutor

    workers = ProcessPoolExecutor(jobs, initializer=_start, initargs=(make,))
    waiting: deque[Future[Checked]] = deque()
    failure = None
    try:
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
        # The pool's thread has to be gone before the interpreter ends: at exit, concurrent.futures
        # wakes what is left through a pipe that the thread may close at that moment.
        workers.shutdown(wait=True, cancel_futures=True)


_judges: list[CheckLine] = []
"""In a worker process: its check."""


def _start(make: Callable[[], CheckLine]) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    _judges[:] = [make()]


def _work(chunk: Chunk) -> Checked:
    if isinstance(chunk, bytes):
        return _check(chunk, _judges[0])
    try:
        with open(chunk.path, "rb") as file:
            file.seek(chunk.start)
            lines = file.read(chunk.size)
    except OSError as error:
        raise _unreadable(error) from None
    return _check(lines, _judges[0])
