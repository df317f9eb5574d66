"""``talonschema explain``: the description of a code, with examples."""

from __future__ import annotations

import argparse

from .console import OK, UsageError, write


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "code",
        metavar="CODE",
        help="a code, such as cart/quantity-sum, or a group of codes, such as cart",
    )


def run(args: argparse.Namespace) -> int:
    """Print the explanation of a code."""
    from ..checking.registry import CODES, GROUPS, select_codes
    from ..display.terminal import Style, wants_colours, width
    from .explanation import Explanation
    from .pages import table_of_codes

    try:
        names = select_codes([args.code])
    except ValueError as error:
        raise UsageError(str(error)) from None
    if args.code in CODES:
        style = Style(coloured=wants_colours("auto"), width=width())
        write(str(Explanation(CODES[args.code], style)))
    else:
        table = table_of_codes(code for name, code in CODES.items() if name in names)
        write(f"{args.code}: {GROUPS[args.code]}\n\n{table}")
    return OK
