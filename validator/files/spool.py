"""Spool: a temporary file of results, for several forms of output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Self

from ..checking.report import Report, Skipped
from ..findings.code import Severity
from ..findings.finding import Finding, Span
from .results import FileResults, PayloadResult, ReadError

_IN_MEMORY = 1 << 20
"""Bytes of results that are kept in memory."""


class Spool:
    """A record of the results of files, which can be iterated over again; a context manager."""

    def __init__(self) -> None:
        """Open an anonymous file."""
        self._file: IO[bytes] = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by `__exit__`

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def record_all(self, outcomes: Iterable[FileResults]) -> Iterator[FileResults]:
        """Yield the same results, recording each as it is consumed."""
        for outcome in outcomes:
            early = outcome.error
            self._write((outcome.path, early, outcome.lines, outcome.unrecognised))
            results = _Recorded(outcome, self._write)
            yield FileResults(outcome.path, results, error=early, lines=outcome.lines)
            self._write(None)
            late = outcome.error if outcome.error != early else ""
            self._write((outcome.payloads, outcome.unrecognised, outcome.silenced, late))

    def replay(self) -> Iterator[FileResults]:
        """Yield the recorded results from the start; those of each file have to be consumed."""
        self._file.seek(0)
        while (head := self._read()[0]) is not None:
            path, early, lines, unrecognised = head
            results = _Replayed(self._read, unrecognised)
            yield FileResults(path, results, error=early, lines=lines)
            results.finish()

    def _write(self, record: object, source: bytes | None = None) -> None:
        """Write a record of plain JSON, followed by a source."""
        size = None if source is None else len(source)
        self._file.write(json.dumps([record, size]).encode() + b"\n" + (source or b""))

    def _read(self) -> tuple[Any, bytes | None]:
        """Return the next record and its source; None at the end of the file."""
        line = self._file.readline()
        if not line:
            return None, None
        record, size = json.loads(line)
        return record, None if size is None else self._file.read(size)


class _Recorded:
    """The results of a file, which are recorded during iteration."""

    def __init__(self, outcome: FileResults, write: Any) -> None:
        self._outcome = outcome
        self._write = write

    @property
    def payloads(self) -> int:
        return self._outcome.payloads

    @property
    def unrecognised(self) -> int:
        return self._outcome.unrecognised

    @property
    def silenced(self) -> int:
        return self._outcome.silenced

    def __iter__(self) -> Iterator[PayloadResult]:
        last: bytes | None = None
        for result in self._outcome:
            # Payloads of a file may share its text.
            source = None if result.source is last else result.source
            last = result.source
            self._write((result.report.__getstate__(), result.line), source)
            yield result
        if self._outcome.error:
            raise ReadError(self._outcome.error)


class _Replayed:
    """The recorded results of a file."""

    def __init__(self, read: Any, unrecognised: int) -> None:
        self._read = read
        self._finished = False
        self.payloads = 0
        self.unrecognised = unrecognised
        self.silenced = 0

    def __iter__(self) -> Iterator[PayloadResult]:
        source = b""
        while (result := self._read())[0] is not None:
            (report, line), given = result
            source = source if given is None else given
            yield PayloadResult(_report(report), source, line)
        self._finished = True
        (self.payloads, self.unrecognised, self.silenced, late), _ = self._read()
        if late:
            raise ReadError(late)

    def finish(self) -> None:
        """Skip the results of a file that could not be opened, which no form of output consumes."""
        if not self._finished:
            for _ in self:
                pass


def _report(plain: dict[str, Any]) -> Report:
    return Report(
        **{
            **plain,
            "findings": tuple(map(_finding, plain["findings"])),
            "skipped": tuple(Skipped(*each) for each in plain["skipped"]),
        }
    )


def _finding(plain: list[Any]) -> Finding:
    finding = Finding(*plain)
    return finding._replace(
        severity=Severity(finding.severity),
        related=tuple(finding.related),
        places=tuple(each and Span(*each) for each in finding.places),
    )
