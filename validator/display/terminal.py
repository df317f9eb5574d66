"""Terminal: the style and width of lines, with or without colours."""

import os
import sys
from typing import NamedTuple

WIDTH = 100
"""The width of lines that are not printed on a terminal."""
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
    """The style of lines."""

    coloured: bool = False
    width: int = WIDTH
    quoting: bool = True
    """Whether lines of the source are shown."""
    verbose: bool = False
    """Whether each file gets a verdict and a list of the rules that could not be judged."""

    def paint(self, text: str, *marks: str) -> str:
        """Return `text` with the colours of `marks`."""
        if not self.coloured or not text:
            return text
        return "".join(f"\x1b[{_MARKS[mark]}m" for mark in marks) + text + "\x1b[0m"


def wants_colours(choice: str, *, to_file: bool = False) -> bool:
    """Return True if the output gets colours; `choice` is auto, always or never.

    With auto, ``NO_COLOR`` (no-color.org) turns them off, and takes precedence over ``FORCE_COLOR``
    (force-color.org), which turns them on; empty values have no effect. Otherwise only terminals
    get colours.
    """
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return not to_file and _is_terminal() and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Return the width of the terminal, or `WIDTH` without one."""
    if not _is_terminal():
        return WIDTH
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    # Some terminals report 0, because they do not know their width.
    return max(_NARROW, columns) if columns else WIDTH


def is_interactive() -> bool:
    """Return True if standard output is a terminal that shows the whole check.

    pre-commit and prek provide hooks with a terminal only for colours, and divide the files among
    several processes.
    """
    return _is_terminal() and not os.environ.get("PRE_COMMIT")


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def printable(text: str) -> str:
    """Return `text` with escapes for line breaks and control sequences.

    Characters that the encoding of standard output lacks also become escapes.
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
