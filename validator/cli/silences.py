"""Silences: a filter of results, and notes on entries that silence nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from ..files.paths import STDIN
from ..output.summary import count
from .console import UsageError, print_note

if TYPE_CHECKING:
    from ..config.settings import IgnoredCode, Origin
    from ..files.comments import CommentSilence
    from ..files.results import FileResults
    from ..files.silence import EntrySilence, Silence
    from ..output.baseline import Baseline
    from .checks import FileChecks
    from .outputs import OutputFile


class Silences:
    """The silences of settings and comments, and the documents to be passed over."""

    def __init__(self, checks: FileChecks, args: argparse.Namespace) -> None:
        """Filter the results of `checks`, by the options of the command."""
        self._checks = checks
        self._args = args
        self._entries: dict[Origin, EntrySilence] = {}
        self._due: set[Origin] = set()
        """The entries whose codes may have been reported."""
        self._unread: set[Origin] = set()
        """The entries for files that were not read completely."""
        self._checked: dict[str, frozenset[str]] = {}
        self._baseline = None if checks.baseline is None else _baseline(checks.baseline, args)
        self._file: OutputFile | None = None

    def __enter__(self) -> Self:
        """Open the file of the baseline if it is to be written."""
        if self._baseline is not None and self._baseline.records:
            from .outputs import OutputFile

            self._file = OutputFile(self._baseline.path)
        return self

    def __exit__(self, *exception: object) -> None:
        """Keep the previous file unless a new one was written."""
        if self._file is not None:
            self._file.__exit__(*exception)

    def screen_all(self, found: Iterator[FileResults]) -> Iterator[FileResults]:
        """Yield filtered results; print notes on a file once they are consumed."""
        for outcome in found:
            name = None if outcome.path == STDIN else outcome.path
            settings = self._checks.settings_of(name)
            comments = list(_comments(outcome))
            silences: list[Silence] = [*map(self._entry, settings.silenced), *comments]
            if self._baseline is not None:
                silences.append(self._baseline.of(outcome.path))
            skips = settings.value("skip_unrecognised")
            if not silences and not skips and not self._checks.is_thorough(name):
                yield outcome
                continue
            from ..files.screen import Screen, apply_screen

            screen = Screen(silences, self._args.max_findings, skips_unrecognised=skips)
            kept = apply_screen(outcome, screen)
            yield kept
            if kept.unreadable or kept.error:
                self._unread.update(each.origin for each in settings.silenced)
            else:
                reported = self._checks.reported_codes(name)
                self._due |= {
                    each.origin
                    for each in settings.silenced
                    if not self._entries[each.origin].codes.isdisjoint(reported)
                }
                if self._baseline is not None:
                    self._checked[self._baseline.uri(outcome.path)] = reported
                for each in comments:
                    if not each.count and not each.codes.isdisjoint(reported):
                        print_note(f"{outcome.name}:{each.line}: this comment silences nothing")

    def finish(self) -> None:
        """Write the baseline; print notes on entries and settings without effect."""
        for note in self._unused_settings():
            print_note(note)
        known = self._baseline
        if known is None:
            return
        if self._file is not None:
            self._file.write(known.text())
            total = count(known.counts.total(), "finding", "findings")
            print_note(f"{known.path}: {total} written")
        elif gone := known.count_gone(self._checked):
            total = count(gone, "finding no longer exists", "findings no longer exist")
            print_note(f"{known.path}: {total}; update it with --write-baseline")

    def _unused_settings(self) -> Iterator[str]:
        chosen, files = self._checks.choice, self._args.files
        settings = self._checks.settings(())
        if not settings.value("select") and not self._checks.excluding and chosen.path is None:
            return
        from .unused import emptied_selectors, idle_entries, unmatched_globs

        yield from emptied_selectors(chosen, settings)
        yield from unmatched_globs(chosen, self._checks.excluding, files)
        due = self._due - self._unread
        yield from idle_entries(chosen, {each: self._entries[each] for each in due}, files)

    def _entry(self, ignored: IgnoredCode) -> EntrySilence:
        if ignored.origin not in self._entries:
            from ..files.silence import EntrySilence

            self._entries[ignored.origin] = EntrySilence(ignored.name, ignored.pointer)
        return self._entries[ignored.origin]


def _baseline(path: str, args: argparse.Namespace) -> Baseline:
    from ..output.baseline import Baseline, BaselineError

    if args.write_baseline:
        return Baseline(path, records=True)
    try:
        return Baseline.load(path)
    except BaselineError as error:
        raise UsageError(str(error)) from None


def _comments(outcome: FileResults) -> Iterator[CommentSilence]:
    """Yield the comments of a file that silence findings; print notes on faulty ones."""
    if b"talonschema:" not in outcome.source:
        return
    from ..files.comments import CommentFault, comments

    for each in comments(outcome.source):
        if isinstance(each, CommentFault):
            print_note(f"{outcome.name}:{each.line}: this comment silences nothing: {each.text}")
        else:
            yield each
