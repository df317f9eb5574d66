"""Reader: checks of files, and their results."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from .paths import HAR, LINES, STDIN, YAML, Path, ends
from .results import FileResults, PayloadResult

if TYPE_CHECKING:
    from ..checking.report import Report
    from .defaults import EntryDefaults
    from .documents import CheckPayload
    from .ndjson import CheckLine
    from .progress import Progress


_COLLECTION = b"schema.getpostman.com/json/collection/"
"""A text in every Postman collection."""


class Checks(Protocol):
    """The checks of files by name."""

    def check(self, name: str | None) -> CheckPayload:
        """Return the check for the file `name`, None for one without a name."""

    def maker(self, name: str | None) -> Callable[[], CheckPayload]:
        """Return a picklable factory of this check for other processes."""

    def at(self, name: str | None) -> str | None:
        """Return the JSON Pointer of the payloads in the file, None if the file is a payload."""

    def setting(self, name: str | None) -> EntryDefaults:
        """Return the defaults for the calls in the file `name`."""


class Reading(NamedTuple):
    """The options of reading files."""

    checks: Checks
    jobs: int = 1
    """The number of processes that check files with one payload per line."""
    stdin: str | None = None
    """The name of standard input."""
    progress: Callable[[str, int], Progress] | None = None
    """A factory of progress bars, by name and size of the file."""
    prefix: str = ""
    """The prefix before ``/v2`` in the paths of captured calls."""

    def display_name(self, path: str) -> str | None:
        """Return the name of a file, None for standard input without a name."""
        return self.stdin if path == STDIN else path


def outcomes(paths: Iterable[Path], reading: Reading) -> Iterator[FileResults]:
    """Yield the results of each file, in order."""
    for path in paths:
        if path.error:
            yield FileResults(path.name, error=path.error)
            continue
        name = reading.display_name(path.name)
        try:
            if ends(name, LINES):
                yield _lines(path.name, name or "", reading)
                continue
            source = _archive(path.name) if ends(name, HAR) else content(path.name)
        except (OSError, ValueError) as error:
            yield FileResults(name or path.name, error=read_error_text(error))
            continue
        if ends(name, HAR) or _COLLECTION in source:
            from .capture import check_capture

            setting = reading.checks.setting(name)
            found = check_capture(name or STDIN, source, setting, reading.prefix)
            if found is not None:
                yield found
                continue
        yield _outcome(name, source, reading.checks)


def _archive(path: str) -> bytes:
    from .exchange import MAX_CAPTURE

    return content(path, MAX_CAPTURE)


def _outcome(name: str | None, source: bytes, checks: Checks) -> FileResults:
    check, at = checks.check(name), checks.at(name)
    if at is None and not ends(name, YAML):
        return FileResults(name or STDIN, [PayloadResult(check(source).located(source), source)])
    from .documents import (
        DocumentResults,
        MissingYaml,
        PayloadsAt,
        json_document,
        yaml_documents,
        yaml_results,
    )

    try:
        if at is None:
            return yaml_results(name or STDIN, source, check)
        found = list(yaml_documents(source)) if ends(name, YAML) else []
    except MissingYaml as error:
        return FileResults(name or STDIN, error=str(error))
    text = source if found else b""
    found = found or [json_document(source)]
    results = DocumentResults(found, PayloadsAt(at, check))
    return FileResults(name or STDIN, results, lines=True, source=text)


def _lines(path: str, name: str, reading: Reading) -> FileResults:
    make = partial(_line_check, reading.checks.maker(name), reading.checks.at(name))
    return in_lines(path, name, make, reading)


def _line_check(make: Callable[[], CheckPayload], at: str | None) -> CheckLine:
    check = make()
    if at is None:
        return lambda source: (1, (check(source).located(source),))
    from .documents import PayloadsAt, json_document

    payloads = PayloadsAt(at, check)

    def check_line(source: bytes) -> tuple[int, list[Report]]:
        count, results = payloads.results(json_document(source))
        return count, [each.report for each in results]

    return check_line


def in_lines(path: str, name: str, make: Callable[[], CheckLine], reading: Reading) -> FileResults:
    """Return the results of a file with one payload per line, which is checked during iteration.

    Raises `OSError` or `ValueError` if it can't be opened.
    """
    from .ndjson import Batch

    file = _stdin() if path == STDIN else open(path, "rb")  # noqa: SIM115 - the batch closes it
    size = _size(file)
    progress = None if reading.progress is None else reading.progress(name, size)
    again = path if size and path != STDIN else None
    return FileResults(name, Batch(file, again, make, reading.jobs, progress), lines=True)


def _size(file: BinaryIO) -> int:
    """Return the size of a regular file, 0 for a pipe or a device."""
    try:
        about = os.fstat(file.fileno())
    except OSError:
        return 0
    return about.st_size if stat.S_ISREG(about.st_mode) else 0


def content(path: str, limit: int | None = None) -> bytes:
    """Return the content of a file, truncated if it is too large.

    `limit` is in bytes, by default that of a document.
    """
    from ..reading.document import MAX_BYTES

    most = (limit or MAX_BYTES) + 1
    if path == STDIN:
        return _stdin().read(most)
    with open(path, "rb") as file:
        return file.read(most)


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return sys.stdin.buffer


def read_error_text(error: OSError | ValueError) -> str:
    """Return the message for an unreadable file."""
    return f"can't be read: {getattr(error, 'strerror', None) or error}"
