"""Sequence: files with ordered calls on sessions, each checked against the previous ones.

An entry is a payload, or an object with the payload under ``payload`` that also describes the call:
``operation``, ``dry`` and ``now``, as in `history.Update`, and ``integrationId``, the session of
the call. Entries are in an array, one per line (NDJSON), in YAML, or in separate files; the states
of sessions carry over from one file to the next, unless each file is a separate history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..checking.call import Call, PreviousSession, before
from ..checking.registry import CODES
from ..checking.report import Report
from ..findings.code import Severity
from ..findings.finding import finding
from ..findings.pointer import Path as Keys
from ..findings.pointer import order, to_pointer
from ..findings.problem import Problem
from ..history import Update, step
from ..model.detection import is_response, wire_keys
from ..model.naming import to_snake
from ..model.states import OPERATIONS
from ..reading.document import Document
from ..reading.positions import steps as steps_of
from .defaults import EntryDefaults
from .documents import (
    CheckedPayload,
    MissingYaml,
    json_document,
    locate,
    place_results,
    problems_below,
    yaml_documents,
)
from .paths import HAR, LINES, STDIN, YAML, Path, ends
from .reader import content, in_lines, read_error_text
from .results import FileResults, PayloadResult

if TYPE_CHECKING:
    from ..validator import Validator
    from .ndjson import CheckLine
    from .reader import Reading

_CALL = ("integrationId", "operation", "dry", "now", "payload", "description")
"""The keys of an entry that describes its call; the last one is for human readers."""
_OF_CALLS = frozenset({"payload", "operation", "dry", "now"})
"""The keys that no payload has: an object with one of them is an entry that describes its call."""
_ID = "integrationId"
FILE = "file"
"""The session key that makes each file a separate history."""
_HAR = "a HAR file defines the order of its calls; check it without --sequence"
_TYPES = {"dry": bool, "now": str, _ID: str}


class EntrySettings(Protocol):
    """The settings of files."""

    def setting(self, name: str | None) -> EntryDefaults:
        """Return the defaults for the file `name`, None for one without a name."""


class EntryError(ValueError):
    """Raised if settings do not fit an entry, such as a model that its operation does not have."""


class _Entry(NamedTuple):
    """An entry, and its place in the file."""

    value: Any
    place: Keys
    problems: tuple[Problem, ...] = ()
    """Problems of the text, with paths from the root of the file."""


class Histories:
    """The sessions of a sequence, with their states after the entries read so far.

    Raises `EntryError` while results are iterated over.
    """

    def __init__(self, settings: EntrySettings, key: str | None) -> None:
        """Identify sessions by the value at the JSON Pointer `key`, by default ``integrationId``.

        With `FILE` as the key, nothing carries over from one file to the next.
        """
        self._settings = settings
        self._apart = key == FILE
        self._key = None if key is None or self._apart else steps_of(key)
        self._known: dict[str, PreviousSession] = {}

    def outcomes(self, paths: Iterable[Path], reading: Reading) -> Iterator[FileResults]:
        """Yield the results of each file, in order."""
        for path in paths:
            if path.error:
                yield FileResults(path.name, error=path.error)
                continue
            if self._apart:
                self._known = {}
            name = reading.display_name(path.name)
            if ends(name, HAR):
                yield FileResults(name or path.name, error=_HAR)
                continue
            try:
                if ends(name, LINES):
                    make = partial(self._lines, self._settings.setting(name))
                    yield in_lines(path.name, name or "", make, reading)
                    continue
                source = content(path.name)
            except (OSError, ValueError) as error:
                yield FileResults(name or path.name, error=read_error_text(error))
            else:
                yield self._outcome(name, source, self._settings.setting(name))

    def _outcome(self, name: str | None, source: bytes, setting: EntryDefaults) -> FileResults:
        if name is not None and ends(name, YAML):
            return self._yaml(name, source, setting)
        no_body = not source and setting.operation == "reopen"
        text = json_document(source)
        read = Document(None) if no_body else text.document
        if not read.readable:
            report = _unreadable_report(setting, read).located(source)
            return FileResults(name or STDIN, [PayloadResult(report, source)])
        checked = self._check_entries(_entries(read), setting)
        results = place_results(text, checked)
        if isinstance(read.value, list):
            return FileResults(name or STDIN, _Counted(results, len(checked)), lines=True)
        return FileResults(name or STDIN, results or [PayloadResult(checked[0].report, source)])

    def _yaml(self, name: str, source: bytes, setting: EntryDefaults) -> FileResults:
        results: list[PayloadResult] = []
        count = 0
        try:
            for text in yaml_documents(source):
                if not text.document.readable:
                    count += 1
                    report = locate(text, _unreadable_report(setting, text.document))
                    results.append(PayloadResult(report, source, 1))
                    continue
                checked = self._check_entries(_entries(text.document), setting)
                count += len(checked)
                results += place_results(text, checked)
        except MissingYaml as error:
            return FileResults(name, error=str(error))
        return FileResults(name, _Counted(results, count), lines=True, source=source)

    def _lines(self, setting: EntryDefaults) -> CheckLine:
        def check(source: bytes) -> tuple[int, list[Report]]:
            return 1, [self.report(source, setting)]

        return check

    def report(self, source: bytes, setting: EntryDefaults) -> Report:
        """Return the report of the next entry of the sequence, which is a separate text."""
        text = json_document(source)
        read = text.document
        if not read.readable:
            return locate(text, _unreadable_report(setting, read))
        checked = self._check_entry(_Entry(read.value, (), read.problems), setting)
        placed = place_results(text, [checked])
        return placed[0].report if placed else checked.report

    def _check_entries(
        self, entries: Sequence[_Entry], setting: EntryDefaults
    ) -> list[CheckedPayload]:
        """Check entries in order."""
        return [self._check_entry(entry, setting) for entry in entries]

    def _check_entry(self, entry: _Entry, setting: EntryDefaults) -> CheckedPayload:
        value = entry.value
        calls = isinstance(value, dict) and bool(value.keys() & _OF_CALLS)
        if calls:
            faults = list(_faults(value, setting))
            if faults:
                return CheckedPayload(to_pointer(entry.place), _faulty(setting, faults))
        at: Keys = ("payload",) if calls else ()
        payload = value.get("payload") if calls else value
        given = value if calls else {}
        own = (*entry.place, *at)
        problems = problems_below(entry.problems, own)
        session = self._session(value, payload, setting.validator)
        if self._key is None or self._key[-1:] == [_ID]:
            payload = self._without_id(payload, setting.validator)
        operation = given.get("operation", setting.operation)
        if isinstance(payload, dict) and not problems:
            sent: Any = payload  # valid values are checked faster than documents
        else:
            no_body = payload is None and operation == "reopen"
            sent = None if no_body else Document(payload, problems)
        update = Update(
            sent,
            operation,
            given.get("dry", setting.dry),
            given.get("now", setting.now),
        )
        known = self._known.get(session)
        validator = setting.validator
        try:
            if known is None:
                known = before(validator.engine, validator.naming, setting.previous)
            report, self._known[session] = step(validator, known, update, model=setting.model)
        except ValueError as error:
            raise EntryError(str(error)) from None
        return CheckedPayload(to_pointer(entry.place), report, to_pointer(at))

    def _session(self, entry: Any, payload: Any, validator: Validator) -> str:
        """Return the identifier of an entry's session."""
        if self._key is not None:
            names = [_at(entry, self._key)]
        else:
            own = _own_name(_ID, validator)
            envelope = _at(payload, [_own_name("customerSession", validator)])
            names = [_at(entry, [_ID]), _at(payload, [own]), _at(envelope, [own])]
        return next((str(name) for name in names if name is not None), "")

    @staticmethod
    def _without_id(payload: Any, validator: Validator) -> Any:
        """Return a request without the ``integrationId`` that names its session in the sequence."""
        own, envelope = _own_name(_ID, validator), _own_name("customerSession", validator)
        if isinstance(payload, dict) and isinstance(payload.get(envelope), dict):
            session = _without_key(payload[envelope], own, validator)
            payload = payload if session is payload[envelope] else {**payload, envelope: session}
        return _without_key(payload, own, validator)


def _own_name(name: str, validator: Validator) -> str:
    """Return the name of a property in the naming of the payloads."""
    return to_snake(name) if validator.naming == "snake" else name


def _without_key(session: Any, key: str, validator: Validator) -> Any:
    """Return an object without a key; the object itself if it is a session of a response."""
    if not isinstance(session, dict) or key not in session:
        return session
    if is_response(validator.edition, wire_keys(session, validator.naming)):
        return session
    return {name: value for name, value in session.items() if name != key}


class _Counted:
    """The results of the payloads with findings, and the number of all payloads."""

    def __init__(self, results: list[PayloadResult], payloads: int) -> None:
        self._results = results
        self.payloads = payloads

    def __iter__(self) -> Iterator[PayloadResult]:
        return iter(self._results)


def _entries(read: Document) -> list[_Entry]:
    if not isinstance(read.value, list):
        return [_Entry(read.value, (), read.problems)]
    problems: dict[Any, list[Problem]] = {}
    for each in read.problems:
        problems.setdefault(each.path[0] if each.path else 0, []).append(each)
    return [
        _Entry(value, (index,), tuple(problems.get(index, ())))
        for index, value in enumerate(read.value)
    ]


def _faults(entry: dict[str, Any], setting: EntryDefaults) -> Iterator[Problem]:
    """Yield the faults in the description of the call of an entry."""
    for key in entry.keys() - set(_CALL):
        yield Problem("sequence/unknown-key", (key,), {"key": key, "allowed": list(_CALL)})
    if "operation" in entry and entry["operation"] not in OPERATIONS:
        params = {"kind": "operation", "allowed": list(OPERATIONS)}
        yield _fault("operation", "not an operation", params)
    for key, kind in _TYPES.items():
        if key in entry and not isinstance(entry[key], kind):
            yield _fault(key, "of the wrong type", {"kind": key})
    if "payload" not in entry and entry.get("operation", setting.operation) != "reopen":
        yield _fault("payload", "missing", {"kind": "payload"})


def _fault(key: str, given: str, params: dict[str, Any]) -> Problem:
    return Problem("sequence/entry", (key,), {"key": key, "given": given, **params})


def _faulty(setting: EntryDefaults, faults: Iterable[Problem]) -> Report:
    checker = setting.validator.checker
    return Report(
        ok=False,
        findings=tuple(
            finding(each, CODES[each.code], Severity.ERROR, redact=checker.redact)
            for each in sorted(faults, key=lambda each: order(each.path))
        ),
        model=None,
        edition=setting.validator.edition,
    )


def _unreadable_report(setting: EntryDefaults, read: Document) -> Report:
    return setting.validator.checker.document(read, Call()).report


def _at(value: Any, keys: Sequence[str]) -> Any:
    """Return the value at a path of keys, None if there is none."""
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
