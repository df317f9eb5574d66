"""Console: the messages and exit statuses of commands."""

from __future__ import annotations

import os
import sys

PROG = "talonschema"

OK = 0
ERRORS = 1
USAGE = 2
UNREADABLE = 3
INTERRUPTED = 130
BROKEN_PIPE = 141

STATUSES = """\
exit status:
  0    no errors were found
  1    errors were found
  2    wrong usage, invalid settings, or an invalid policy
  3    a file could not be read or parsed, regardless of findings in other files
  130  interrupted
  141  the reader of the output closed the pipe
"""


class UsageError(Exception):
    """Raised for wrong usage of a command; the text is one line with the reason."""


def write(text: str) -> None:
    """Write to standard output; raises `OSError` if it is closed and there is text."""
    if sys.stdout is not None:
        sys.stdout.write(text)
    elif text:
        raise OSError("standard output is closed")


def print_error(text: str) -> None:
    """Write a line about an error, after the output so far."""
    _write_line(f"{PROG}: error: {text}")


def print_note(text: str) -> None:
    """Write a line with a note, after the output so far."""
    _write_line(f"{PROG}: note: {text}")


def _write_line(line: str) -> None:
    if sys.stdout is not None:
        sys.stdout.flush()
    if sys.stderr is not None:
        from ..display.terminal import printable

        sys.stderr.write(printable(line) + "\n")


def discard_output() -> None:
    """Discard buffered output, which the interpreter would try to write again at exit."""
    if sys.stdout is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
