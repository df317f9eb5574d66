"""Write the completions of the command for each shell."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from typing import Final

import shtab

from talonschema.checking.registry import CODES, GROUPS
from talonschema.cli import COMMANDS
from talonschema.cli.completion import SHELLS
from talonschema.cli.console import PROG
from talonschema.cli.schema import FORMS
from talonschema.schemas import EDITIONS, models

MODELS: Final = sorted({name for edition in EDITIONS for name in models(edition)})
CHOICES: Final = {
    "code": [*GROUPS, *CODES],
    "ignore": [*GROUPS, *CODES],
    "model": [*FORMS, *MODELS],
    "select": [*GROUPS, *CODES],
}
"""What an argument takes beyond the choices that its parser knows."""
FILES: Final = ("FILE", "PATH", "EXPORT")
"""What the names of arguments that are files end in."""


def outputs() -> dict[str, str]:
    """Return the completions by the name of their file."""
    return {f"{shell}.txt": shtab.complete(_parser(), shell=shell) for shell in SHELLS}


def _parser() -> argparse.ArgumentParser:
    """Return one parser with all commands, which the command itself makes one by one."""
    parser = argparse.ArgumentParser(prog=PROG)
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    commands = parser.add_subparsers()
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about)
        import_module(f"talonschema.cli.{name}").configure(command)
        _complete(command)
    return parser


def _complete(parser: argparse.ArgumentParser) -> None:
    for action in parser._actions:  # noqa: SLF001 -- argparse has no other list of them
        if isinstance(action.choices, Mapping):
            for each in action.choices.values():
                _complete(each)
        elif choices := CHOICES.get(action.dest):
            action.choices = choices
        elif str(action.metavar or action.dest).upper().endswith(FILES):
            action.complete = shtab.FILE
