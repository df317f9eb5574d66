"""``talonschema rules``: lists the codes of all findings."""

from __future__ import annotations

import argparse

from .console import OK, write
from .pages import RULES


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--format", choices=tuple(RULES), default="text", help="default: text")


def run(args: argparse.Namespace) -> int:
    """Print the list."""
    from ..checking.registry import CODES

    write(RULES[args.format](CODES.values()))
    return OK
