"""The command ``talonschema``.

Exit status: 0 without errors, 1 with errors found, 2 for wrong usage or a wrong policy, 3 if a file
could not be read or is not JSON (which outweighs 1). An interrupt ends it with 130 and a closed
pipe with 141, as a shell reports processes that such a signal ended.

What a command needs is imported when it runs, so that it starts fast.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from .states import MOVES, OPERATIONS, STATES

if TYPE_CHECKING:
    from .call import Previous
    from .report import Report
    from .text import Outcome

OK = 0
ERRORS = 1
USAGE = 2
UNREADABLE = 3
INTERRUPTED = 130
BROKEN_PIPE = 141

PROG = "talonschema"
FORMATS = ("text", "json")
NAMINGS = ("wire", "snake")
ENGINES = ("jsonschema", "jsonschema-rs")
DEFAULT_EDITION = "2022-06"
MAX_FINDINGS = 100
STDIN = "-"
LINES = (".ndjson", ".jsonl")
"""The ends of the names of files that have one payload a line."""

_STATUSES = """\
exit status:
  0    no errors were found
  1    errors were found
  2    wrong usage, or a policy that is not valid
  3    a file could not be read or is not JSON, whatever was found in others
  130  interrupted
  141  the reader of the output went away
"""


class UsageError(Exception):
    """The command was called wrongly; the text is one line that says how."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see '{self.prog} --help')")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv`, by default that of the process; return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A payload may hold characters that the output's encoding has not.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            status = _run(argv)
        except UsageError as error:
            _complain(str(error))
            status = USAGE
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _let_go()
        return BROKEN_PIPE
    except OSError as error:
        _let_go()
        _complain(str(error))
        return UNREADABLE
    return status


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; ``run`` holds the function of the command."""
    top = _Parser(
        prog=PROG,
        description="Check payloads of Talon.One's Integration API, customer sessions above all.",
        epilog=_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="store_true", help="show the version and exit")
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], about: str, more: str = ""
    ) -> argparse.ArgumentParser:
        own = commands.add_parser(
            name,
            help=about,
            description=f"{about[0].upper()}{about[1:]}. {more}".strip(),
            epilog=_STATUSES if run is _check else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        own.set_defaults(run=run)
        return own

    check = command("check", _check, "check payloads in JSON files")
    check.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a JSON file, a file with one payload a line (.ndjson, .jsonl), a directory (the"
        " *.json, *.ndjson and *.jsonl files below it) or - for standard input",
    )
    check.add_argument(
        "--jobs",
        type=_jobs,
        default=1,
        metavar="N",
        help="check files with one payload a line (.ndjson, .jsonl) in N processes. Default: 1",
    )
    _add_call(check.add_argument_group("the call that the payloads belong to"))
    _add_report(check.add_argument_group("what is reported, and how"))

    rules = command("rules", _rules, "list the codes of all findings there are")
    rules.add_argument("--format", choices=FORMATS, default="text", help="default: text")

    explain = command("explain", _explain, "say all about a code, with examples")
    explain.add_argument(
        "code", metavar="CODE", help="such as cart/quantity-sum; for a group (cart), its codes"
    )

    states = command("states", _states, "list the changes of state that a session can go through")
    _add_edition(states, "default: all")

    schema = command("schema", _schema, "print the JSON Schema of a model")
    schema.add_argument("model", metavar="MODEL", help="such as IntegrationRequest")
    _add_edition(schema, f"default: {DEFAULT_EDITION}")
    return top


def _add_edition(to: argparse._ActionsContainer, about: str) -> None:
    to.add_argument("--edition", choices=tuple(MOVES), help=f"edition of the API; {about}")


def _add_call(to: argparse._ActionsContainer) -> None:
    _add_edition(to, f"default: {DEFAULT_EDITION}")
    to.add_argument(
        "--operation",
        choices=OPERATIONS,
        default="update",
        help="what is called; a reopening has no body: give an empty file. Default: update",
    )
    to.add_argument("--model", help="what the payloads are; by default told from their shape")
    to.add_argument(
        "--naming",
        choices=NAMINGS,
        default="wire",
        help="property names as on the wire (camelCase) or as in the SDKs (snake). Default: wire",
    )
    to.add_argument(
        "--previous",
        metavar="STATE|new|PATH",
        help="the session before the call: its state"
        f" ({', '.join(STATES)}), new if there is none yet, or a JSON file that holds it: a path"
        " that ends in .json or has a slash in it. By default nothing is known of it",
    )
    to.add_argument("--dry", action="store_true", help="the call has dry=true")
    to.add_argument("--now", metavar="TIME", help="the call has now=TIME")
    to.add_argument(
        "--policy", metavar="PATH", help="a .toml or .json file with what your Application is like"
    )


def _add_report(to: argparse._ActionsContainer) -> None:
    for name, about in (("select", "report only these"), ("ignore", "do not report these")):
        to.add_argument(
            f"--{name}",
            action="extend",
            type=_listed,
            metavar="CODES",
            help=f"{about}: codes or groups of codes, joined by commas; may be repeated",
        )
    to.add_argument(
        "--severity",
        action="extend",
        type=_levels,
        metavar="CODE=LEVEL",
        help="report a code or group as error, warning or info; may be repeated",
    )
    to.add_argument(
        "--max-findings",
        type=int,
        default=MAX_FINDINGS,
        metavar="N",
        help=f"report at most N findings for each file. Default: {MAX_FINDINGS}",
    )
    to.add_argument(
        "--redact", action="store_true", help="keep values of the payloads out of the output"
    )
    to.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    to.add_argument(
        "--engine", choices=ENGINES, help="what validates; by default the fastest that is installed"
    )


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _jobs(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, 1 or more")
    return int(text)


def _levels(text: str) -> list[tuple[str, str]]:
    pairs = [name.partition("=") for name in _listed(text)]
    if not all(equals for _, equals, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form CODE=LEVEL")
    return [(code.strip(), level.strip()) for code, _, level in pairs]


def _run(argv: Sequence[str] | None) -> int:
    top = parser()
    try:
        args = top.parse_args(argv)
    except SystemExit:
        # Errors are raised as UsageError, so this was --help.
        return OK
    if args.version:
        from . import __version__

        _tell(f"{PROG} {__version__}\n")
        return OK
    if "run" not in args:
        top.print_help(sys.stderr)
        return USAGE
    status: int = args.run(args)
    return status


def _check(args: argparse.Namespace) -> int:
    if args.files.count(STDIN) > 1:
        raise UsageError("standard input (-) can be checked only once")
    judge = _judge(args)
    from .text import REPORTS

    statuses = [OK]

    def noted() -> Iterator[Outcome]:
        for outcome in _outcomes(args, judge):
            if outcome.error:
                _complain(f"{outcome.path}: {outcome.error}")
            yield outcome
            statuses.append(_status(outcome))

    for part in REPORTS[args.format](noted()):
        _tell(part)
    return max(statuses)


def _rules(args: argparse.Namespace) -> int:
    from .registry import CODES
    from .text import RULES

    _tell(RULES[args.format](CODES.values()))
    return OK


def _explain(args: argparse.Namespace) -> int:
    from .registry import CODES, chosen
    from .text import explanation, table_of_codes

    try:
        names = chosen([args.code])
    except ValueError as error:
        raise UsageError(str(error)) from None
    if args.code in CODES:
        _tell(explanation(CODES[args.code]))
    else:
        _tell(table_of_codes(code for name, code in CODES.items() if name in names))
    return OK


def _states(args: argparse.Namespace) -> int:
    from .text import table_of_moves

    moves = MOVES if args.edition is None else {args.edition: MOVES[args.edition]}
    _tell(table_of_moves(moves))
    return OK


def _schema(args: argparse.Namespace) -> int:
    from . import schemas

    try:
        _tell(schemas.text(args.edition or schemas.DEFAULT_EDITION, args.model))
    except LookupError as error:
        raise UsageError(str(error)) from None
    return OK


def _judge(args: argparse.Namespace) -> Callable[[bytes], Report]:
    """Return the check that the options ask for; every fault of theirs shows here."""
    from .policy import Policy
    from .validator import Validator

    try:
        validator = Validator(
            edition=args.edition or DEFAULT_EDITION,
            policy=None if args.policy is None else Policy.load(args.policy),
            naming=args.naming,
            engine=args.engine,
            select=args.select,
            ignore=args.ignore or (),
            severity=dict(args.severity or ()),
            max_findings=args.max_findings,
            redact=args.redact,
        )
        call = validator.call(
            previous=_previous(args.previous),
            model=args.model,
            operation=args.operation,
            dry=args.dry,
            now=args.now,
        )
    except (ImportError, TypeError, ValueError) as error:
        raise UsageError(str(error)) from None
    return lambda payload: validator.judge(payload, call).report


def _previous(given: str | None) -> Previous:
    """Return what ``--previous`` stands for."""
    if given is None or given in STATES:
        return given
    if given == "new":
        from .states import NEW

        return NEW
    if not given.endswith(".json") and os.path.basename(given) == given:
        from .policy import suggestion

        close = suggestion(given, ("new", *STATES))
        raise UsageError(
            f"--previous is {given!r}{close}; it takes new, one of {', '.join(STATES)}, or the"
            " path of a JSON file (that ends in .json or has a slash in it)"
        )
    from . import document

    try:
        read = document.read(_bytes(given))
    except OSError as error:
        raise UsageError(f"--previous {given}: {_why(error)}") from None
    if read.problems:
        raise UsageError(f"--previous {given} is not valid JSON; check it on its own")
    if not isinstance(read.value, dict):
        raise UsageError(f"--previous {given} holds no JSON object")
    return read.value


def _outcomes(args: argparse.Namespace, judge: Callable[[bytes], Report]) -> Iterator[Outcome]:
    from .text import Outcome

    def outcome(path: str) -> Outcome:
        return _batch(path, args) if path.endswith(LINES) else _outcome(path, judge)

    for argument in args.files:
        if argument == STDIN or not os.path.isdir(argument):
            yield outcome(argument)
            continue
        failures: list[OSError] = []
        found = _below(argument, failures)
        for failure in failures:
            yield Outcome(failure.filename, error=_why(failure))
        if not found and not failures:
            yield Outcome(
                argument, error="no JSON files (*.json, *.ndjson, *.jsonl) in this directory"
            )
        for path in found:
            yield outcome(path)


def _below(folder: str, failures: list[OSError]) -> list[str]:
    """Return the JSON files below `folder`, sorted; add to `failures` what can't be listed."""
    return sorted(
        os.path.join(place, name)
        for place, _, names in os.walk(folder, onerror=failures.append)
        for name in names
        if name.endswith((".json", *LINES))
    )


def _outcome(path: str, judge: Callable[[bytes], Report]) -> Outcome:
    from .text import Outcome

    try:
        payload = _bytes(path)
    except (OSError, ValueError) as error:
        return Outcome(path, error=_why(error))
    return Outcome(path, judge(payload))


def _batch(path: str, args: argparse.Namespace) -> Outcome:
    from functools import partial

    from .batch import Batch
    from .text import Outcome

    try:
        file = open(path, "rb")  # noqa: SIM115 - closed by the batch, at its end
    except (OSError, ValueError) as error:
        return Outcome(path, error=_why(error))
    return Outcome(path, batch=Batch(file, partial(_judge, args), args.jobs))


def _bytes(path: str) -> bytes:
    """Return what a file holds, or so much of it that it is known to be too large."""
    from .document import MAX_BYTES

    if path != STDIN:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _why(error: OSError | ValueError) -> str:
    return f"can't be read: {getattr(error, 'strerror', None) or error}"


def _status(outcome: Outcome) -> int:
    if outcome.batch is not None:
        return UNREADABLE if outcome.batch.unreadable else ERRORS if outcome.batch.bad else OK
    if outcome.report is None or outcome.report.unreadable:
        return UNREADABLE
    return OK if outcome.report.ok else ERRORS


def _tell(text: str) -> None:
    if sys.stdout is not None:
        sys.stdout.write(text)


def _complain(text: str) -> None:
    """Write one line about what went wrong, after what was told before."""
    from .text import printable

    if sys.stdout is not None:
        sys.stdout.flush()
    if sys.stderr is not None:
        sys.stderr.write(printable(f"{PROG}: error: {text}") + "\n")


def _let_go() -> None:
    """Drop what could not be written, or the interpreter would try again as it ends."""
    if sys.stdout is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
