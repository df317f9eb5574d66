"""``talonschema states``: lists the changes of state that a session can go through."""

from __future__ import annotations

import argparse

from ..console import OK, tell
from ..states import MOVES
from .options import add_edition


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_edition(parser, "default: all")


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    from ..text import table_of_moves

    tell(table_of_moves(MOVES if args.edition is None else {args.edition: MOVES[args.edition]}))
    return OK
