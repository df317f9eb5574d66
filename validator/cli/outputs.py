"""Outputs: the files that ``check --output-file`` writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from errno import EACCES
from typing import IO, NamedTuple, Self

from ..findings.message import suggestion
from ..output import FORMATS
from .console import UsageError


class Output(NamedTuple):
    """A form of output and its target."""

    format: str
    path: str | None
    """The path of a file; None for standard output."""


def outputs(given: Sequence[str], format_name: str) -> list[Output]:
    """Return the outputs chosen by the options; that of ``--format`` is the first.

    Raises `UsageError` for a value of ``--output-file`` that is neither PATH nor FORMAT=PATH.
    """
    printed: list[Output] = []
    others: list[Output] = []
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or os.path.dirname(name):
            printed.append(Output(format_name, text))
        elif name in FORMATS:
            others.append(Output(name, path))
        else:
            close = suggestion(name, FORMATS) or f" (expected one of {', '.join(FORMATS)})"
            raise UsageError(
                f"--output-file {text}: {name!r} is not a format{close};"
                f" to write to a file of that name, use ./{text}"
            )
    if len(printed) > 1:
        raise UsageError(
            f"--output-file {printed[1].path}: the output of --format already goes to"
            f" {printed[0].path}; for another format, use FORMAT=PATH"
        )
    for each in (*printed, *others):
        if each.path in {"", "-"}:
            raise UsageError(
                f"--output-file for {each.format}: the path is missing;"
                " standard output is used for --format only"
            )
    found = [*(printed or [Output(format_name, None)]), *others]
    _refuse_repeated(found)
    return found


def _refuse_repeated(found: Iterable[Output]) -> None:
    known: set[str] = set()
    for each in found:
        if each.path is None:
            continue
        where = os.path.realpath(each.path)
        if where in known:
            raise UsageError(f"--output-file {each.path}: two outputs can't share a file")
        known.add(where)


def refuse_inputs(found: Iterable[Output], inputs: Iterable[str]) -> None:
    """Raise `UsageError` for an output that would overwrite an input."""
    targets = {os.path.realpath(each.path): each.path for each in found if each.path is not None}
    identities = {_identity(path): path for path in targets.values()}
    identities.pop(None, None)
    for path in inputs:
        target = targets.get(os.path.realpath(path)) or identities.get(_identity(path))
        if target is not None:
            raise UsageError(
                f"--output-file {target}: this file is also an input ({path});"
                " write to another file, or exclude it with --exclude"
            )


def _identity(path: str) -> tuple[int, int] | None:
    """Return the device and inode of a regular file, None for anything else."""
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return None
    return (about.st_dev, about.st_ino) if stat.S_ISREG(about.st_mode) else None


class OutputFile:
    """A file that is created or replaced once its text is complete; a context manager.

    Missing folders are created at once. Pipes and devices are written to directly. Raises `OSError`
    with the path in its text.
    """

    def __init__(self, path: str) -> None:
        """Open a temporary file in the folder of `path`."""
        self._path = path
        self._temporary = ""
        try:
            # The target of a link is replaced, not the link itself.
            self._target = os.path.realpath(path)
            self._file = self._open_target()
        except (OSError, ValueError) as error:
            raise self._failure(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._file.close()
        if self._temporary:
            with suppress(OSError):
                os.unlink(self._temporary)

    def write(self, parts: Iterable[str]) -> None:
        """Write all parts and move the file to its path."""
        for part in parts:
            try:
                self._file.write(part)
            except OSError as error:
                raise self._failure(error) from None
        try:
            self._file.close()
            if self._temporary:
                os.replace(self._temporary, self._target)
                self._temporary = ""
        except OSError as error:
            raise self._failure(error) from None

    def _open_target(self) -> IO[str]:
        target = self._target
        # Pipes in /dev/fd have no other path that can be opened.
        try:
            mode = os.stat(self._path).st_mode
        except FileNotFoundError:
            mode = None
        if mode is not None and not stat.S_ISREG(mode):
            return _open(self._path, "w")
        if mode is not None and not os.access(target, os.W_OK):
            raise PermissionError(EACCES, os.strerror(EACCES))
        folder = os.path.dirname(target)
        if not os.path.exists(folder):
            os.makedirs(folder)
        temporary = os.path.join(folder, f".talonschema-{os.urandom(6).hex()}.tmp")
        file = _open(temporary, "x")
        self._temporary = temporary
        if mode is not None:
            with suppress(OSError):
                os.chmod(temporary, stat.S_IMODE(mode))
        return file

    def _failure(self, error: OSError | ValueError) -> OSError:
        reason = getattr(error, "strerror", None) or error
        return OSError(f"{self._path}: can't be written: {reason}")


def _open(path: str, mode: str) -> IO[str]:
    # Payloads may have lone surrogates, which UTF-8 can't encode.
    return open(path, mode, encoding="utf-8", errors="backslashreplace", newline="\n")
