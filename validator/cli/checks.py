"""Checks: the checks of files according to their settings."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from ..checking.codes import UNRECOGNISED
from ..checking.registry import effective_severities
from ..files.paths import YAML, ends
from ..files.reader import content, read_error_text
from ..findings.code import Severity
from .console import UsageError

if TYPE_CHECKING:
    from ..checking.call import Previous
    from ..checking.report import Report
    from ..config.globs import Glob
    from ..config.settings import EffectiveSettings, SettingsResolver
    from ..files.defaults import EntryDefaults
    from ..files.documents import CheckPayload
    from ..reading.document import Document
    from ..validator import Validator

MANY: Final = 10_000
"""Findings to collect for a payload if some may be silenced: enough to find the others."""

_Key: TypeAlias = tuple[tuple[int, ...], int]
"""A group of files with the same settings, and the limit on findings."""


class FileChecks:
    """The checks of files according to their settings."""

    def __init__(self, chosen: SettingsResolver, args: argparse.Namespace) -> None:
        """Use the settings `chosen` and the options of the command."""
        self._choice = chosen
        self._args = args
        self._last: tuple[str | None, tuple[int, ...]] | None = None
        self._effective: dict[tuple[int, ...], EffectiveSettings] = {}
        self._reported: dict[tuple[int, ...], frozenset[str]] = {}
        self._checks: dict[_Key, CheckPayload] = {}
        self._settings: dict[_Key, EntryDefaults] = {}
        self.excluding = _globs(args.exclude)
        """The globs of ``--exclude``."""
        self.baseline: str | None = self.settings(()).value("baseline")
        """The path of the baseline."""
        if args.write_baseline and self.baseline is None:
            raise UsageError("--write-baseline requires a file: name it with --baseline")
        # Faults of the settings for all files are reported before the first file is read.
        self._check((), args.max_findings)

    @property
    def choice(self) -> SettingsResolver:
        """The settings chosen by the options."""
        return self._choice

    def settings(self, group: tuple[int, ...]) -> EffectiveSettings:
        """Return the effective settings of a group of files; raises `UsageError`."""
        if group not in self._effective:
            try:
                self._effective[group] = self._choice.settings(group)
            except ValueError as error:
                raise UsageError(str(error)) from None
        return self._effective[group]

    def check(self, name: str | None) -> CheckPayload:
        """Return the check for the file `name`, None for one without a name."""
        return self._check(self._group(name), self._max_findings(name))

    def maker(self, name: str | None) -> Callable[[], CheckPayload]:
        """Return a picklable factory of this check for other processes."""
        # Faults of the settings are raised here, not in each process.
        self.check(name)
        return partial(_make_check, self.settings_of(name), self._args, self._max_findings(name))

    def settings_of(self, name: str | None) -> EffectiveSettings:
        """Return the effective settings of a file."""
        return self.settings(self._group(name))

    def is_thorough(self, name: str | None) -> bool:
        """Return True if findings of a file may be silenced, so that more have to be collected."""
        return (
            self.baseline is not None or ends(name, YAML) or bool(self.settings_of(name).silenced)
        )

    def reported_codes(self, name: str | None) -> frozenset[str]:
        """Return the codes that may be reported for a file."""
        group = self._group(name)
        if group not in self._reported:
            settings = self.settings(group)
            ignored = [each.name for each in settings.ignored if each.reason is None]
            levels = effective_severities(settings.value("select"), ignored, {})
            found = frozenset(code for code, level in levels.items() if level is not None)
            self._reported[group] = found
        return self._reported[group]

    def is_baseline(self, path: str) -> bool:
        """Return True for the path of the baseline, which is not a payload."""
        if self.baseline is None:
            return False
        return os.path.realpath(path) == os.path.realpath(self.baseline)

    def excludes(self, path: str) -> bool:
        """Return True if the settings exclude a file or folder."""
        return self._choice.excludes(path)

    def at(self, name: str | None) -> str | None:
        """Return the JSON Pointer of the payloads in a file, None if the file is a payload."""
        pointer: str | None = self.settings_of(name).value("at")
        return pointer

    def setting(self, name: str | None) -> EntryDefaults:
        """Return the defaults for the calls in a file."""
        from ..files.defaults import EntryDefaults
        from ..model.states import NEW

        key = self._group(name), self._max_findings(name)
        if key not in self._settings:
            settings = self.settings_of(name)
            if settings.value("at") is not None:
                shown = f" (for {name})" if name else ""
                raise UsageError(f"--sequence can't be combined with at{shown}")
            previous = _previous(settings.value("previous"))
            self._settings[key] = EntryDefaults(
                _validator(settings, self._args, key[1]),
                NEW if previous is None else previous,
                settings.value("model"),
                settings.value("operation"),
                settings.value("dry"),
                self._args.now,
            )
        return self._settings[key]

    def _group(self, name: str | None) -> tuple[int, ...]:
        # Consecutive calls are for the same file, and matching globs is slow.
        if self._last is None or self._last[0] != name:
            self._last = name, self._choice.group(name)
        return self._last[1]

    def _check(self, group: tuple[int, ...], max_findings: int) -> CheckPayload:
        key = group, max_findings
        if key not in self._checks:
            self._checks[key] = _make_check(self.settings(group), self._args, max_findings)
        return self._checks[key]

    def _max_findings(self, name: str | None) -> int:
        """Return the limit on findings for each payload of a file."""
        given: int = self._args.max_findings
        return max(given, MANY) if self.is_thorough(name) else given


def _globs(patterns: list[str]) -> list[Glob]:
    if not patterns:
        return []
    from ..config.globs import Glob

    return [Glob(each, "") for each in patterns]


def _validator(
    settings: EffectiveSettings, args: argparse.Namespace, max_findings: int
) -> Validator:
    """Return the validator for settings; raises `UsageError` for any fault in them."""
    from ..validator import Validator

    try:
        validator = Validator(
            **settings.options(),
            engine=args.engine,
            max_findings=max_findings,
            redact=args.redact,
        )
    except (ImportError, TypeError, ValueError) as error:
        raise UsageError(str(error)) from None
    if settings.value("skip_unrecognised"):
        # This finding is needed to pass documents over, even if it is not reported.
        validator.checker.severities = {
            **validator.checker.severities,
            UNRECOGNISED.name: Severity.ERROR,
        }
    return validator


def _make_check(
    settings: EffectiveSettings, args: argparse.Namespace, max_findings: int
) -> CheckPayload:
    """Return the check for settings; raises `UsageError` for any fault in them."""
    validator = _validator(settings, args, max_findings)
    try:
        call = validator.call(
            previous=_previous(settings.value("previous")),
            model=settings.value("model"),
            operation=settings.value("operation"),
            dry=settings.value("dry"),
            now=args.now,
        )
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from None

    ask = validator.checker

    def check(payload: bytes | Document) -> Report:
        if isinstance(payload, bytes):
            return ask(payload, call).report
        if type(payload.value) is dict and payload.readable and not payload.problems:
            # Valid payloads are checked faster as values.
            return ask(payload.value, call).report
        return ask.document(payload, call).report

    return check


def _previous(given: str | None) -> Previous:
    """Return the value of the setting `previous`."""
    if given == "new":
        from ..model.states import NEW

        return NEW
    from ..config.path import is_path

    if given is None or not is_path(given):
        return given
    from ..reading import document

    try:
        read = document.read(content(given))
    except (OSError, ValueError) as error:
        raise UsageError(f"previous session {given}: {read_error_text(error)}") from None
    if read.problems:
        raise UsageError(f"previous session {given} is not valid JSON; check it separately")
    if not isinstance(read.value, dict):
        raise UsageError(f"previous session {given} is not a JSON object")
    return read.value
