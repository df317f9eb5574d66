"""Parser: the arguments, help and errors of commands."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from typing import Any, NoReturn

from .console import UsageError

_WIDTH = 80
"""The width of help that is not printed on a terminal."""


class Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError`, with a suggestion for misspelled names."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, formatter_class=_Help, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(f"{message} (see '{self.prog} --help')")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the arguments."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            names = [each.partition("=")[0] for each in unknown if each.startswith("--")]
            known = [name for action in self._actions for name in action.option_strings]
            close = _suggestion(names[0], known) if names else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{close}")
        return parsed

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and isinstance(value, str) and value not in action.choices:
            close = _suggestion(value, action.choices)
            choices = ", ".join(map(repr, action.choices))
            raise argparse.ArgumentError(
                action, f"invalid choice: {value!r}{close} (choose from {choices})"
            )
        super()._check_value(action, value)


def _suggestion(name: str, known: Iterable[str]) -> str:
    from ..findings.message import suggestion

    return suggestion(name, known)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal.

    argparse creates a formatter for each option, which would load shutil to find the width.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_width() - 2)


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    try:
        return (columns.isdecimal() and int(columns)) or os.get_terminal_size().columns or _WIDTH
    except OSError:
        return _WIDTH
