"""Terminal: the style of lines for people, coloured or not, and their width."""

import os
import sys
from typing import NamedTuple

WIDTH = 100
"""The width of lines that go to no terminal."""
_NARROW = 40

_MARKS = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "good": "1;32",
    "strong": "1",
    "faint": "2",
    "frame": "34",
}


class Style(NamedTuple):
    """How lines look."""

    coloured: bool = False
    width: int = WIDTH
    quoting: bool = True
    """Lines of the source are shown."""
    verbose: bool = False
    """Each file gets a verdict, and lists the rules that could not be judged."""

    def paint(self, text: str, *marks: str) -> str:
        """Return `text` with the colours of `marks`."""
        if not self.coloured or not text:
            return text
        return "".join(f"\x1b[{_MARKS[mark]}m" for mark in marks) + text + "\x1b[0m"


def wants_colours(choice: str, *, to_file: bool = False) -> bool:
    """Return True if the output gets colours; `choice` is auto, always or never.

    Without a choice, ``NO_COLOR`` (no-color.org) turns them off, and wins over ``FORCE_COLOR``
    (force-color.org), which turns them on; empty ones have no effect. Else a terminal gets them.
    """
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return not to_file and _is_terminal() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the width of the terminal that lines go to, or else `WIDTH`."""
    if not _is_terminal():
        return WIDTH
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    # Some terminals don't know, and report 0.
    return max(_NARROW, columns) if columns else WIDTH


def is_interactive() -> bool:
    """Return True if standard output is a terminal that shows the whole of a check.

    pre-commit and prek give hooks a terminal for the sake of colours, and each of several processes
    a part of the files.
    """
    return _is_terminal() and not os.environ.get("PRE_COMMIT")


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def printable(text: str) -> str:
    """Return `text` with escapes for what would break its line or command a terminal.

    Characters that standard output has not in its encoding become the escapes that it writes.
    """
    text = escape_controls(text)
    if text.isascii():
        return text
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def escape_controls(text: str) -> str:
    """Return `text` with escapes for control characters, lone surrogates and the like."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
