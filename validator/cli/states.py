"""``talonschema states``: lists the transitions of sessions."""

from __future__ import annotations

import argparse

from ..model.states import MOVES
from .console import OK, write
from .options import add_edition


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_edition(parser, "default: all")


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    from .pages import table_of_moves

    write(table_of_moves(MOVES if args.edition is None else {args.edition: MOVES[args.edition]}))
    return OK
