"""The command ``talonschema``.

Exit status: 0 without errors, 1 with errors, 2 for wrong usage, settings or policies, 3 if a file
could not be read or is not JSON (which outweighs 1). It is 130 after an interrupt and 141 after a
broken pipe, as shells report processes that were ended by these signals.

Modules are imported when a command needs them, so that it starts fast.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from .console import (
    BROKEN_PIPE,
    INTERRUPTED,
    OK,
    PROG,
    UNREADABLE,
    USAGE,
    UsageError,
    discard_output,
    print_error,
    write,
)
from .parser import Parser

COMMANDS = {
    "check": "check payloads in JSON files",
    "config": "print the effective settings and their origins",
    "catalog": "build a catalog of the attributes and costs of an account",
    "rules": "list the codes of all findings",
    "explain": "describe a code, with examples",
    "states": "list the legal state changes of sessions",
    "schema": "print the JSON Schema of a model",
    "gateway": "run the API gateway plugin",
    "init": "create a settings file and a pre-commit hook",
    "completion": "print completions for a shell",
}
"""The commands; each is a module of this package, which is imported when the command runs."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv`, by default that of the process, and return its exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Payloads may have characters that the encoding of the output lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            status = _run(sys.argv[1:] if argv is None else argv)
        except UsageError as error:
            print_error(str(error))
            status = USAGE
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        discard_output()
        return BROKEN_PIPE
    except OSError as error:
        discard_output()
        print_error(str(error))
        return UNREADABLE
    return status


def _run(argv: Sequence[str]) -> int:
    if not argv or argv[0] not in COMMANDS:
        return _run_alone(argv)
    name, *rest = argv
    command = import_module(f".{name}", __package__)
    about = COMMANDS[name]
    parser = Parser(f"{PROG} {name}", description=f"{about[0].upper()}{about[1:]}.")
    command.configure(parser)
    try:
        args = parser.parse_args(rest)
    except SystemExit:
        # Only --help exits; errors are raised as UsageError.
        return OK
    status: int = command.run(args)
    return status


def _run_alone(argv: Sequence[str]) -> int:
    """Print the help, the version, or an error about an unknown command."""
    rows = "".join(f"  {name:12}{about}\n" for name, about in COMMANDS.items())
    parser = Parser(
        PROG,
        usage=f"{PROG} [-h] [--version] COMMAND ...",
        description="Check payloads of Talon.One's Integration API, mainly customer sessions.",
        epilog=f"commands:\n{rows}\n'{PROG} COMMAND --help' has the options of a command.\n",
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    parser.add_argument("command", nargs="*", help=argparse.SUPPRESS)
    try:
        args = parser.parse_args(argv)
    except SystemExit:
        return OK
    if args.command:
        raise UsageError(_unknown_command(args.command[0]))
    if args.version:
        from .. import __version__

        write(f"{PROG} {__version__}\n")
        return OK
    parser.print_help(sys.stderr)
    return USAGE


def _unknown_command(command: str) -> str:
    """Return the error message for an unknown command."""
    from ..findings.message import suggestion

    if os.path.exists(command):
        return f"{command!r} is not a command; to check it: {PROG} check {command}"
    close = suggestion(command, COMMANDS)
    advice = close or f"; the commands are {', '.join(COMMANDS)}"
    return f"{command!r} is not a command{advice} (see '{PROG} --help')"
