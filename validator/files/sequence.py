"""Sequence: files that hold the calls on sessions, in order, each judged on those before it.

An entry is a payload, or an object with a payload under ``payload`` that also describes the call:
``operation``, ``dry`` and ``now``, as `history.Update` has them, and ``integrationId``, the session
that the call is on. Entries stand in an array, one a line (NDJSON), in YAML, or in files of their
own; what came before carries over from one file to the next, unless each file is a history of
its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..checking.call import Call, PreviousSession, before
from ..checking.registry import CODES
from ..checking.report import Report
from ..findings.code import Severity
from ..findings.finding import Finding, finding
from ..findings.pointer import Path as Keys
from ..findings.pointer import order, to_pointer
from ..findings.problem import Problem
from ..history import Update, step
from ..model.states import OPERATIONS
from ..reading import document, python_values
from ..reading.document import MAX_DEPTH, Document, decoded
from ..reading.lines import Lines
from ..reading.positions import JsonPositions, Position, Positions, located, pointers
from ..reading.positions import steps as steps_of
from .defaults import EntryDefaults
from .paths import HAR, LINES, STDIN, YAML, Path, ends
from .reader import content, in_lines, why
from .results import FileResults, PayloadResult

if TYPE_CHECKING:
    from ..findings.finding import Span
    from .reader import Reading

_CALL = ("integrationId", "operation", "dry", "now", "payload", "description")
"""The keys of an entry that has more than its payload; the last one is for people."""
_OF_CALLS = frozenset({"payload", "operation", "dry", "now"})
"""Those of them that no payload has: with one of these, an object is an entry with a payload."""
_ID = "integrationId"
FILE = "file"
"""The session key that stands for the file."""
_HAR = "a HAR file has its own order: check it without --sequence"
_TYPES = {"dry": bool, "now": str, _ID: str}


class EntrySettings(Protocol):
    """The settings of files."""

    def setting(self, name: str | None) -> EntryDefaults:
        """Return what holds for the file called `name`, None for one that has no name."""


class EntryError(ValueError):
    """The settings do not fit an entry, such as a model that is no request of its operation."""


class _Entry(NamedTuple):
    """An entry, and where its file has it."""

    value: Any
    place: Keys
    problems: tuple[Problem, ...] = ()
    """Of the text, with paths from the root of the file."""


class Histories:
    """The sessions that a sequence is about, as far as it was read.

    Raises `EntryError` while results are iterated over.
    """

    def __init__(self, settings: EntrySettings, key: str | None) -> None:
        """Tell sessions apart by what is at the JSON Pointer `key`, else by ``integrationId``.

        With `FILE` as the key, nothing carries over from one file to the next.
        """
        self._settings = settings
        self._apart = key == FILE
        self._key = None if key is None or self._apart else steps_of(key)
        self._known: dict[str, PreviousSession] = {}

    def outcomes(self, paths: Iterable[Path], reading: Reading) -> Iterator[FileResults]:
        """Yield what came of each file, in order."""
        for path in paths:
            if path.error:
                yield FileResults(path.name, error=path.error)
                continue
            if self._apart:
                self._known = {}
            name = reading.named(path.name)
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
                yield FileResults(name or path.name, error=why(error))
            else:
                yield self._outcome(name, source, self._settings.setting(name))

    def _outcome(self, name: str | None, source: bytes, setting: EntryDefaults) -> FileResults:
        if name is not None and ends(name, YAML):
            return self._yaml(name, source, setting)
        no_body = not source and setting.operation == "reopen"
        read = Document(None) if no_body else _read(source)
        if not read.readable:
            report = _unread(setting, read).located(source)
            return FileResults(name or STDIN, [PayloadResult(report, source)])
        found = _entries(read)
        reports = self._judged(found, setting)
        text = decoded(source)
        results = _results(text, found, reports, partial(JsonPositions, text))
        if isinstance(read.value, list):
            return FileResults(name or STDIN, _Counted(results, len(found)), lines=True)
        return FileResults(name or STDIN, results or [PayloadResult(reports[0][1], source)])

    def _yaml(self, name: str, source: bytes, setting: EntryDefaults) -> FileResults:
        try:
            from ..reading.yaml_reader import payloads
        except ImportError:
            from .yaml_documents import NEEDED

            return FileResults(name, error=NEEDED)
        text = document.text_of(source)
        if not isinstance(text, str):
            report = _unread(setting, Document(None, (text,), readable=False))
            return FileResults(name, [PayloadResult(report.located(source), source)])
        results: list[PayloadResult] = []
        count = 0
        for payload in payloads(text):
            if not payload.document.readable:
                count += 1
                report = _unread(setting, payload.document)
                places = payload.find_places(pointers(report.findings))
                findings = tuple(located(report.findings, places))
                results.append(PayloadResult(report._replace(findings=findings), source, 1))
                continue
            found = _entries(payload.document)
            count += len(found)
            results += _results(text, found, self._judged(found, setting), payload.find_places)
        return FileResults(name, _Counted(results, count), lines=True)

    def _lines(self, setting: EntryDefaults) -> Callable[[bytes], Report]:
        def judge(source: bytes) -> Report:
            read = _read(source)
            if not read.readable:
                return _unread(setting, read).located(source)
            entry = _Entry(read.value, (), read.problems)
            ((at, report),) = self._judged([entry], setting)
            if not report.findings:
                return report
            wanted = [at + each for each in pointers(report.findings)]
            places = _Below(JsonPositions(decoded(source), wanted), at)
            return report._replace(findings=tuple(located(report.findings, places)))

        return judge

    def _judged(
        self, entries: Sequence[_Entry], setting: EntryDefaults
    ) -> list[tuple[str, Report]]:
        """Judge entries in order; return with each report the pointer that it counts from."""
        return [self._judge(entry, setting) for entry in entries]

    def _judge(self, entry: _Entry, setting: EntryDefaults) -> tuple[str, Report]:
        value = entry.value
        calls = isinstance(value, dict) and bool(value.keys() & _OF_CALLS)
        if calls:
            faults = list(_faults(value, setting))
            if faults:
                return "", _faulty(setting, faults)
        at: Keys = ("payload",) if calls else ()
        payload = value.get("payload") if calls else value
        said = value if calls else {}
        own = (*entry.place, *at)
        problems = tuple(
            each._replace(
                path=_cut(each.path, own), related=tuple(_cut(path, own) for path in each.related)
            )
            for each in entry.problems
        )
        session = self._session(value, payload)
        if self._key is None:
            payload = _without_id(payload)
        operation = said.get("operation", setting.operation)
        if isinstance(payload, dict) and not problems:
            sent: Any = payload  # which is judged faster where it is in order
        else:
            no_body = payload is None and operation == "reopen"
            sent = None if no_body else Document(payload, problems)
        update = Update(
            sent,
            operation,
            said.get("dry", setting.dry),
            said.get("now", setting.now),
        )
        known = self._known.get(session)
        validator = setting.validator
        try:
            if known is None:
                known = before(validator.engine, validator.naming, setting.previous)
            report, self._known[session] = step(validator, known, update, model=setting.model)
        except ValueError as error:
            raise EntryError(str(error)) from None
        return to_pointer(at), report

    def _session(self, entry: Any, payload: Any) -> str:
        """Return the identifier of an entry's session."""
        if self._key is not None:
            names = [_at(entry, self._key)]
        else:
            envelope = _at(payload, ["customerSession"])
            names = [_at(each, [_ID]) for each in (entry, payload, envelope)]
        return next((str(name) for name in names if name is not None), "")


class _Counted:
    """Results of some of the payloads of a file."""

    def __init__(self, results: list[PayloadResult], payloads: int) -> None:
        self._results = results
        self.payloads = payloads

    def __iter__(self) -> Iterator[PayloadResult]:
        return iter(self._results)


class _Below:
    """Places below a pointer."""

    def __init__(self, places: Positions, above: str) -> None:
        self._places = places
        self._above = above

    def find(self, pointer: str) -> Position | None:
        return self._places.find(self._above + pointer)

    def fault(self, finding: Finding) -> tuple[Span, Span | None]:
        return self._places.fault(finding)


def _read(source: bytes) -> Document:
    read = document.read(source)
    if read.readable and not read.problems:
        if python_values.is_plain(read.value, max_depth=MAX_DEPTH - 1):
            return read
        read = document.reread(source)
    return read


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


def _results(
    text: str,
    entries: Sequence[_Entry],
    reports: Sequence[tuple[str, Report]],
    find_places: Callable[[list[str]], Positions],
) -> list[PayloadResult]:
    """Return what came of those entries that something was found in, with its places."""
    wanted = [
        to_pointer(entry.place) + pointer
        for entry, (at, report) in zip(entries, reports, strict=True)
        for pointer in ("", *(at + each for each in pointers(report.findings)))
        if report.findings
    ]
    places = find_places(wanted)
    lines = Lines(text)
    results = []
    for entry, (at, report) in zip(entries, reports, strict=True):
        if not report.findings:
            continue
        pointer = to_pointer(entry.place)
        found = tuple(located(report.findings, _Below(places, pointer + at)))
        place = places.find(pointer)
        first, last = (1, 1) if place is None else (place.value.line, place.value.end_line)
        source = text[lines.start(first) : lines.start(last + 1)]
        results.append(PayloadResult(report._replace(findings=found), source.encode(), first))
    return results


def _faults(entry: dict[str, Any], setting: EntryDefaults) -> Iterator[Problem]:
    """Yield what makes no sense in the description that an entry has of its call."""
    for key in entry.keys() - set(_CALL):
        yield Problem("sequence/unknown-key", (key,), {"key": key, "allowed": list(_CALL)})
    if "operation" in entry and entry["operation"] not in OPERATIONS:
        params = {"kind": "operation", "allowed": list(OPERATIONS)}
        yield _fault("operation", "none of the operations", params)
    for key, kind in _TYPES.items():
        if key in entry and not isinstance(entry[key], kind):
            yield _fault(key, "of another type", {"kind": key})
    if "payload" not in entry and entry.get("operation", setting.operation) != "reopen":
        yield _fault("payload", "missing", {"kind": "payload"})


def _fault(key: str, given: str, params: dict[str, Any]) -> Problem:
    return Problem("sequence/entry", (key,), {"key": key, "given": given, **params})


def _faulty(setting: EntryDefaults, faults: Iterable[Problem]) -> Report:
    judge = setting.validator.checker
    return Report(
        ok=False,
        findings=tuple(
            finding(each, CODES[each.code], Severity.ERROR, redact=judge.redact)
            for each in sorted(faults, key=lambda each: order(each.path))
        ),
        model=None,
        edition=setting.validator.edition,
    )


def _unread(setting: EntryDefaults, read: Document) -> Report:
    return setting.validator.checker.document(read, Call()).report


def _without_id(payload: Any) -> Any:
    """Return a payload without the ``integrationId`` that names its session in a sequence."""
    if not isinstance(payload, dict):
        return payload
    own = {name: value for name, value in payload.items() if name != _ID}
    session = own.get("customerSession")
    if isinstance(session, dict) and _ID in session:
        own["customerSession"] = {n: value for n, value in session.items() if n != _ID}
    return own


def _cut(path: Keys, above: Keys) -> Keys:
    """Return a path as counted from `above`; of one that is not below it, the root."""
    return path[len(above) :] if path[: len(above)] == above else ()


def _at(value: Any, keys: Sequence[str]) -> Any:
    """Return what is at the end of a way through a value, None if there is nothing."""
    for key in keys:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
