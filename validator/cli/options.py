"""Options: the options that several commands have."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, get_args

from .. import schemas
from ..findings.code import FAIL_ON
from ..model.naming import Naming
from ..model.states import MOVES, OPERATIONS, STATES
from .console import UsageError

if TYPE_CHECKING:
    from ..config.settings import SettingsResolver


def number(text: str) -> int:
    """Parse a number of processes."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes of at least 1")
    return int(text)


def add_edition(to: argparse._ActionsContainer, about: str) -> None:
    """Add ``--edition``."""
    to.add_argument("--edition", choices=tuple(MOVES), help=f"edition of the API; {about}")


def add_call(to: argparse._ActionsContainer) -> None:
    """Add the options for the call that payloads belong to."""
    add_edition(to, f"default: {schemas.DEFAULT_EDITION}")
    to.add_argument(
        "--operation",
        choices=OPERATIONS,
        help="operation of the API; reopen has no body, so pass an empty file. Default: update",
    )
    to.add_argument("--model", help="model of the payloads. Default: detected from their structure")
    to.add_argument(
        "--naming",
        choices=get_args(Naming),
        help="property names of the wire format (camelCase) or of the SDKs (snake). Default: wire",
    )
    to.add_argument(
        "--at",
        metavar="POINTER",
        help="JSON Pointer to the payloads in each document, with * for any key or index, such as"
        " '/cases/*/request'. Default: the whole document is one payload",
    )
    to.add_argument(
        "--previous",
        metavar="STATE|new|PATH",
        help="session before the call: its state"
        f" ({', '.join(STATES)}), new if it does not exist yet, or the path of a JSON file with it,"
        " which ends in .json or contains a slash. Default: unknown",
    )
    to.add_argument("--dry", action="store_const", const=True, help="the call has dry=true")
    to.add_argument(
        "--policy", metavar="PATH", help="a .toml or .json file that describes your Application"
    )
    to.add_argument(
        "--catalog",
        metavar="PATH",
        help="a .toml or .json file with the existing attributes and additional costs, as written"
        " by 'talonschema catalog build'; takes precedence over the catalog of the policy",
    )


def add_codes(to: argparse._ActionsContainer) -> None:
    """Add the options for the selection of findings."""
    for name, about in (("select", "report only these"), ("ignore", "do not report these")):
        to.add_argument(
            f"--{name}",
            action="extend",
            type=_split,
            metavar="CODES",
            help=f"{about} codes or groups of codes, separated by commas; may be repeated",
        )
    to.add_argument(
        "--severity",
        action="extend",
        type=_levels,
        metavar="CODE=LEVEL",
        help="report a code or group as error, warning or info; may be repeated",
    )
    to.add_argument(
        "--skip-unrecognised",
        action="store_const",
        const=True,
        help="skip and count documents that do not look like a payload, such as package.json;"
        " by default, each is an error",
    )
    to.add_argument(
        "--baseline",
        metavar="PATH",
        help="silence the findings in this file, which --write-baseline writes",
    )
    to.add_argument(
        "--fail-on",
        choices=FAIL_ON,
        help="lowest severity that makes the exit status 1. Default: error",
    )


def add_config(to: argparse._ActionsContainer) -> None:
    """Add the options for the source of settings."""
    either = to.add_mutually_exclusive_group()
    either.add_argument(
        "--config",
        metavar="PATH",
        help="read settings from this file. Default: the nearest talonschema.toml, or"
        " pyproject.toml with a table [tool.talonschema], in the working directory or above it",
    )
    either.add_argument("--no-config", action="store_true", help="do not read a settings file")


def choice(args: argparse.Namespace) -> SettingsResolver:
    """Return the settings chosen by the options."""
    from ..config import discovery
    from ..config.settings import DEFAULTS, SettingsResolver

    names = (*DEFAULTS, "ignore", "severity")
    flags = {name: value for name in names if (value := getattr(args, name)) is not None}
    try:
        if "previous" in flags:
            from ..config.fields import previous

            previous(flags["previous"], "--previous")
        if "at" in flags:
            from ..config.fields import pointer

            pointer(flags["at"], "--at")
        for glob in getattr(args, "exclude", ()):
            from ..config.fields import glob as take

            take(glob, "--exclude")
        if "severity" in flags:
            flags["severity"] = dict(flags["severity"])
        if args.no_config:
            return SettingsResolver(None, flags)
        return SettingsResolver(
            discovery.find() if args.config is None else discovery.at(args.config), flags
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _split(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _levels(text: str) -> list[tuple[str, str]]:
    pairs = [name.partition("=") for name in _split(text)]
    if not all(equals for _, equals, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form CODE=LEVEL")
    return [(code.strip(), level.strip()) for code, _, level in pairs]
