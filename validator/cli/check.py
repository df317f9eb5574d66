"""``talonschema check``: checks payloads in files."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from ..files.paths import STDIN, Path, paths
from ..files.reader import Reading, outcomes
from ..findings.code import Severity
from ..output import FOR_PEOPLE, FORMATS, form
from ..output.summary import Totals
from ..structure import EngineName
from ..validator import MAX_FINDINGS
from .checks import FileChecks
from .console import ERRORS, OK, STATUSES, UNREADABLE, UsageError, print_error, print_note, write
from .options import add_call, add_codes, add_config, choice, number
from .silences import Silences

if TYPE_CHECKING:
    from ..files.results import FileResults
    from .outputs import Output

Results: TypeAlias = "Iterator[FileResults]"
Form: TypeAlias = "Callable[[Results], Iterator[str]]"
COLOURS = ("auto", "always", "never")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = STATUSES
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a JSON file, a YAML file (.yaml, .yml; requires talonschema[yaml]), a file with one"
        " payload per line (.ndjson, .jsonl), a HAR file (.har), a Postman collection, a directory"
        " (for all such files in it), a pattern such as 'fixtures/**/*.json', or"
        " - for standard input",
    )
    parser.add_argument(
        "--stdin-filename",
        metavar="NAME",
        help="name of standard input in the output; its extension selects the format",
    )
    parser.add_argument(
        "--jobs",
        type=number,
        default=1,
        metavar="N",
        help="check files with one payload per line (.ndjson, .jsonl) in N processes. Default: 1",
    )
    parser.add_argument(
        "--sequence",
        action="store_true",
        help="treat the files, in this order, as the calls on one or more sessions, and judge each"
        " call on those before it; a file has an array of calls, one call per line, or one call",
    )
    parser.add_argument(
        "--session-key",
        metavar="POINTER|file",
        help="with --sequence: JSON Pointer to the id of the session in each entry. Default:"
        " integrationId, in the entry or its payload. With the word file: the default, but each"
        " file has sessions of its own",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="skip files and folders that match this glob, relative to the working directory, in"
        " addition to those that the settings exclude; may be repeated",
    )
    parser.add_argument(
        "--prefix",
        default="",
        metavar="PATH",
        help="in captures: path prefix of the API before /v2, such as /talon",
    )
    call = parser.add_argument_group("call")
    add_call(call)
    call.add_argument("--now", metavar="TIME", help="the call has now=TIME")
    add_config(parser.add_argument_group("settings"))
    report = parser.add_argument_group("reporting")
    add_codes(report)
    _add_report(report)


def _add_report(to: argparse._ActionsContainer) -> None:
    to.add_argument(
        "--max-findings",
        type=int,
        default=MAX_FINDINGS,
        metavar="N",
        help=f"report at most N findings for each payload. Default: {MAX_FINDINGS}",
    )
    to.add_argument(
        "--redact",
        action="store_true",
        help="omit values of the payloads and excerpts of the files from the output",
    )
    to.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    to.add_argument(
        "--output-file",
        action="append",
        default=[],
        metavar="[FORMAT=]PATH",
        help="write the output to a file instead of standard output; with FORMAT=, write that"
        " format to the file as well; may be repeated",
    )
    to.add_argument(
        "--statistics",
        action="store_true",
        help="print counts by code and severity instead of the findings, as text or json",
    )
    to.add_argument(
        "--write-baseline",
        action="store_true",
        help="write all findings to the file that --baseline, or the setting baseline, names",
    )
    to.add_argument(
        "--color",
        choices=COLOURS,
        default="auto",
        help="colour the output; auto does so on a terminal, and respects NO_COLOR and FORCE_COLOR."
        " Default: auto",
    )
    to.add_argument(
        "--verbose",
        action="store_true",
        help="in text, list each file with its model and result, and each finding on each line of"
        " .ndjson and .jsonl files; by default, similar findings are combined into one entry",
    )
    to.add_argument(
        "--engine",
        choices=get_args(EngineName),
        help="validation engine. Default: the fastest one that is installed",
    )


def run(args: argparse.Namespace) -> int:
    """Check the files and print the results."""
    _refuse_nonsense(args)
    planned = _file_outputs(args)
    checks = FileChecks(choice(args), args)
    strict = checks.settings(()).value("fail_on") == "warning"
    reading = Reading(checks, args.jobs, args.stdin_filename, _progress(), args.prefix)
    statuses = [OK]
    totals = Totals()
    silences = Silences(checks, args)

    def _note_all() -> Results:
        for outcome in silences.screen_all(_outcomes(args, checks, reading, planned)):
            early = outcome.error
            if early:
                print_error(f"{outcome.path}: {early}")
            yield outcome
            if outcome.error != early:
                # The file could be opened, but not read to its end.
                print_error(f"{outcome.path}: {outcome.error}")
            statuses.append(_status(outcome, strict=strict))
            totals.finish(outcome)

    with silences:
        if planned:
            _write_all(planned, args, _note_all())
        else:
            made = _form(args, args.format, to_file=False, counted=args.statistics)
            for part in _parts(made, _note_all()):
                write(part)
        silences.finish()
    _summarise(totals, args, planned)
    return max(statuses)


def _summarise(totals: Totals, args: argparse.Namespace, planned: list[Output]) -> None:
    """Print a summary after output on a terminal, and otherwise notes on what was left out."""
    printed = not planned or planned[0].path is None
    if printed and args.format in FOR_PEOPLE and not args.statistics:
        from ..display.terminal import is_interactive

        if is_interactive():
            write(f"\n{totals.text()}\n" if totals.files_with_findings else f"{totals.text()}\n")
            return
    if not args.statistics and not (printed and args.format == "json"):
        for text in totals.left_out():
            print_note(text)


def _file_outputs(args: argparse.Namespace) -> list[Output]:
    """Return the outputs if some are files, none if there is only standard output."""
    if not args.output_file:
        return []
    from .outputs import outputs

    return outputs(args.output_file, args.format)


def _write_all(planned: list[Output], args: argparse.Namespace, found: Results) -> None:
    """Write the first output during the check, and the others from a record of the results."""
    from contextlib import ExitStack

    from ..files.spool import Spool
    from .outputs import OutputFile

    with ExitStack() as stack:
        # Files that can't be written are reported before any check.
        files = [each.path and stack.enter_context(OutputFile(each.path)) for each in planned]
        spool = stack.enter_context(Spool()) if len(planned) > 1 else None
        results = spool.record_all(found) if spool else found
        for each, file in zip(planned, files, strict=True):
            counted = args.statistics and each is planned[0]
            made = _form(args, each.format, to_file=bool(file), counted=counted)
            parts = _parts(made, results)
            if file:
                file.write(parts)
            else:
                for part in parts:
                    write(part)
            results = spool.replay() if spool else found


def _parts(made: Form, results: Results) -> Iterator[str]:
    """Yield the parts of an output."""
    try:
        yield from made(results)
    except ValueError as error:
        from ..files.sequence import EntryError

        if not isinstance(error, EntryError):
            raise
        raise UsageError(str(error)) from None


def _refuse_nonsense(args: argparse.Namespace) -> None:
    if args.files.count(STDIN) > 1:
        raise UsageError("standard input (-) can be checked only once")
    if args.stdin_filename is not None and STDIN not in args.files:
        raise UsageError("--stdin-filename requires standard input: pass - as a file")
    if args.sequence and args.jobs > 1:
        raise UsageError("--sequence can't be combined with --jobs")
    if args.prefix and (not args.prefix.startswith("/") or args.prefix.endswith("/")):
        raise UsageError(f"--prefix is {args.prefix!r}; expected a path without a trailing slash")
    if args.statistics and args.format not in {"text", "json"}:
        raise UsageError(f"--statistics supports text and json, not --format {args.format}")
    key = args.session_key
    if key is not None and not args.sequence:
        raise UsageError("--session-key requires --sequence")
    if key not in {None, "file"} and not key.startswith("/"):
        raise UsageError(
            f"--session-key is {key!r}; expected a JSON Pointer, which begins with a slash, or file"
        )


def _outcomes(
    args: argparse.Namespace, checks: FileChecks, reading: Reading, planned: list[Output]
) -> Results:
    files = _files(args, checks)
    if planned:
        from .outputs import refuse_inputs

        known = list(files)
        named = [args.policy, args.catalog, args.config, args.previous, checks.baseline]
        refuse_inputs(planned, [*(each.name for each in known), *filter(None, named)])
        files = iter(known)
    if not args.sequence:
        return outcomes(files, reading)
    from ..files.sequence import Histories

    return Histories(checks, args.session_key).outcomes(files, reading)


def _files(args: argparse.Namespace, checks: FileChecks) -> Iterator[Path]:
    """Yield the files to check; print notes on skipped files."""

    def is_excluded(path: str) -> bool:
        if checks.excludes(path) or checks.is_baseline(path):
            return True
        if not args.exclude:
            return False
        from ..config.globs import excludes

        return excludes(checks.excluding, path, "")

    for path in paths(args.files, is_excluded, repeated=args.sequence):
        if path.note:
            print_note(f"{path.name}: {path.note}")
        else:
            yield path


def _form(args: argparse.Namespace, name: str, *, to_file: bool, counted: bool) -> Form:
    if counted:
        from ..output.statistics import FORMS

        return FORMS[name]
    made = form(name)
    if name not in FOR_PEOPLE:
        return made
    from ..display.terminal import WIDTH, Style, wants_colours, width

    style = Style(
        wants_colours(args.color, to_file=to_file),
        WIDTH if to_file else width(),
        not args.redact,
        args.verbose,
    )
    return partial(made, style=style)


def _progress() -> Any:
    """Return the factory of progress bars, None without a terminal."""
    import sys

    if sys.stderr is None or not sys.stderr.isatty():
        return None
    from ..files.progress import Progress

    return Progress


def _status(outcome: FileResults, *, strict: bool) -> int:
    if outcome.error or outcome.unreadable:
        return UNREADABLE
    return ERRORS if outcome.bad or (strict and outcome.severities[Severity.WARNING]) else OK
