"""``talonschema gateway``: runs the API gateway plugin."""

from __future__ import annotations

import argparse
import os

from .options import number

_OWN = "talonschema.toml"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--config",
        metavar="PATH",
        help=f"the settings file. Default: {_OWN} in this folder, if it exists",
    )
    parser.add_argument(
        "--workers",
        type=number,
        metavar="N",
        help="number of processes, each on the next port. Default: from the settings, or 1",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it."""
    from ..gateway.process.signals import hold_hangups

    # These imports are slow.
    hold_hangups(held=True)
    from ..gateway.process.server import main

    return main(args.config or (_OWN if os.path.isfile(_OWN) else None), args.workers)
