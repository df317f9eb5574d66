"""Silences: what is kept of results, and notes on what silences nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..files.paths import STDIN
from .console import print_note

if TYPE_CHECKING:
    from ..config.settings import IgnoredCode, Origin
    from ..files.comments import CommentSilence
    from ..files.results import FileResults
    from ..files.silence import EntrySilence, Silence
    from .checks import FileChecks


class Silences:
    """What the settings silence and pass over, and what comments silence."""

    def __init__(self, checks: FileChecks, args: argparse.Namespace) -> None:
        """Take the checks that the results are of, and the options of the command."""
        self._checks = checks
        self._max_findings = args.max_findings
        self._entries: dict[Origin, EntrySilence] = {}

    def screened(self, found: Iterator[FileResults]) -> Iterator[FileResults]:
        """Yield results as far as they are kept; print notes on a file once they are taken."""
        for outcome in found:
            name = None if outcome.path == STDIN else outcome.path
            settings = self._checks.settings_of(name)
            comments = list(_comments(outcome))
            silences: list[Silence] = [*map(self._entry, settings.silenced), *comments]
            skips = settings.value("skip_unrecognised")
            if not silences and not skips and not self._checks.is_thorough(name):
                yield outcome
                continue
            from ..files.screen import Screen, screened

            yield screened(outcome, Screen(silences, self._max_findings, skips_unrecognised=skips))
            if not outcome.unreadable:
                reported = self._checks.reported(settings)
                for each in comments:
                    if not each.count and not each.codes.isdisjoint(reported):
                        print_note(f"{outcome.name}:{each.line}: this comment silences nothing")

    def _entry(self, ignored: IgnoredCode) -> EntrySilence:
        if ignored.origin not in self._entries:
            from ..files.silence import EntrySilence

            self._entries[ignored.origin] = EntrySilence([ignored.name], ignored.pointer)
        return self._entries[ignored.origin]


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
