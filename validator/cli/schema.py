"""``talonschema schema``: prints the JSON Schema of a model, or an export for another system."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from .. import schemas
from ..export.dialect import TARGETS, Target
from .console import OK, UsageError, write
from .options import add_edition

FORMS = {"report": "output.json", "log": "gateway.telemetry.log"}
"""The schemas of other data than models, with the modules that define them."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a model such as IntegrationRequest, report (the output of 'check --format json') or"
        " log (the log lines of 'gateway')",
    )
    add_edition(parser, f"default: {schemas.DEFAULT_EDITION}")
    parser.add_argument(
        "--bundle",
        action="store_true",
        help="print one self-contained document (draft 2020-12); rules that a schema can't express"
        " are listed on standard error",
    )
    parser.add_argument(
        "--target",
        choices=TARGETS[1:],
        help="print one self-contained document in this dialect; rules and keywords that it can't"
        " express are listed on standard error",
    )


def run(args: argparse.Namespace) -> int:
    """Print the schema, or an export of it."""
    if args.model in FORMS:
        return _form(args)
    if args.bundle and args.target:
        raise UsageError(
            f"--bundle gives draft 2020-12 and --target gives {args.target}: ask for one of them"
            " (every target is a self-contained document as well)"
        )
    edition = args.edition or schemas.DEFAULT_EDITION
    try:
        if not args.bundle and not args.target:
            write(schemas.text(edition, args.model))
        else:
            _export(edition, args.model, args.target)
    except LookupError as error:
        raise UsageError(str(error)) from None
    return OK


def _form(args: argparse.Namespace) -> int:
    if args.bundle or args.target or args.edition:
        raise UsageError(f"the schema of a {args.model} has no edition and no other form")
    write(import_module(f"..{FORMS[args.model]}", __package__).schema())
    return OK


def _export(edition: str, model: str, target: Target | None) -> None:
    from ..export import export
    from ..export.notes import notes

    exported = export(edition, model, target or "2020-12")
    write(exported.text)
    if sys.stdout is not None:
        sys.stdout.flush()
    if sys.stderr is not None:
        sys.stderr.write(notes(exported))
