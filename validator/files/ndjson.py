"""NDJSON: files with one payload per line, checked in constant memory and on several cores.

Lines end with a line feed; blank lines are skipped. Source: RFC 8259 for each line; the format
itself has no standard.
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
"""A function of a line that returns the number of its payloads, and reports with positions."""

_CHUNK = 1 << 18
"""Bytes per chunk: some milliseconds of work."""
_STRETCH = 4 * _CHUNK
"""Bytes per chunk if workers read the file themselves: larger, to save messages."""
_AHEAD = 4
"""Chunks in flight per worker."""


class Stretch(NamedTuple):
    """A range of lines of a file, for a worker that reads them itself."""

    path: str
    start: int
    size: int
    """The size in bytes, as is `start`."""


Chunk: TypeAlias = bytes | Stretch
"""Lines that are checked together."""


class Checked(NamedTuple):
    """The results of a chunk."""

    size: int
    """The size of the lines in bytes."""
    lines: int
    payloads: int
    found: list[tuple[int, bytes, Report]]
    """The lines with findings: number in the chunk, from 0, text and report."""


class Batch:
    """A file with one payload per line, which is checked during iteration."""

    def __init__(
        self,
        file: BinaryIO,
        path: str | None,
        make: Callable[[], CheckLine],
        jobs: int,
        progress: Progress | None = None,
    ) -> None:
        """Check the lines of `file`, which is closed at the end, in `jobs` processes.

        If `path` is not None, the file can be opened there again and read from any position. `make`
        returns the check; with several processes it is called in each, so it has to be picklable.
        `progress` is updated.
        """
        self._progress = progress
        self._file = file
        self._path = path
        self._make = make
        self._jobs = jobs
        self.payloads = 0
        """The number of payloads so far."""

    def __iter__(self) -> Iterator[PayloadResult]:
        """Yield the results of the lines with findings, in order."""
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
    """Yield the lines in chunks; raises `ReadError`."""
    while chunk := _lines(file):
        yield chunk


def _lines(file: BinaryIO) -> bytes:
    """Return the next chunk; raises `ReadError`."""
    try:
        chunk = file.read(_CHUNK)
        return chunk + _rest_of_line(file) if chunk and not chunk.endswith(b"\n") else chunk
    except OSError as error:
        raise _unreadable(error) from None


def _rest_of_line(file: BinaryIO) -> bytes:
    """Return the rest of a line, truncated if the line is too large in any case."""
    part = rest = file.readline(MAX_BYTES + 1)
    while len(part) > MAX_BYTES and not part.endswith(b"\n"):
        part = file.readline(MAX_BYTES + 1)
    return rest


def _stretches(file: BinaryIO, path: str) -> Iterator[Stretch]:
    """Yield the ranges of the chunks; raises `ReadError`."""
    start = 0
    try:
        size = file.seek(0, os.SEEK_END)
        while start < size:
            file.seek(start + _STRETCH - 1)
            rest = b"" if file.read(1) in b"\n" else _rest_of_line(file)
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
    """Check chunks in worker processes, some chunks ahead; yield results in order."""
    from concurrent.futures import Future, ProcessPoolExecutor

    workers = ProcessPoolExecutor(jobs, initializer=_start, initargs=(make,))
    waiting: deque[Future[Checked]] = deque()
    failure = None
    try:
        try:
            for chunk in chunks:
                waiting.append(workers.submit(_check_chunk, chunk))
                if len(waiting) > jobs * _AHEAD:
                    yield waiting.popleft().result()
        except ReadError as error:
            failure = error
        while waiting:
            yield waiting.popleft().result()
        if failure is not None:
            # Raised after the results of what was read before.
            raise failure
    finally:
        # The thread of the pool has to end before the interpreter does: at exit, concurrent.futures
        # wakes such threads through a pipe, which the thread may be closing at that moment.
        workers.shutdown(wait=True, cancel_futures=True)


_judges: list[CheckLine] = []
"""The check of a worker process."""


def _start(make: Callable[[], CheckLine]) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    _judges[:] = [make()]


def _check_chunk(chunk: Chunk) -> Checked:
    if isinstance(chunk, bytes):
        return _check(chunk, _judges[0])
    try:
        with open(chunk.path, "rb") as file:
            file.seek(chunk.start)
            lines = file.read(chunk.size)
    except OSError as error:
        raise _unreadable(error) from None
    return _check(lines, _judges[0])
