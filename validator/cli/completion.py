"""``talonschema completion``: prints the completion script for a shell."""

from __future__ import annotations

import argparse

from .console import OK, write

SHELLS = ("bash", "fish", "zsh")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to print completions for")


def run(args: argparse.Namespace) -> int:
    """Print the script, which ``make docs`` generates with shtab."""
    from importlib import resources

    script = resources.files(__package__) / "completions" / f"{args.shell}.txt"
    write(script.read_text(encoding="utf-8"))
    return OK
