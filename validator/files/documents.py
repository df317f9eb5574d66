"""Documents: the documents of a file with the positions of their values, and their payloads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..findings.pointer import Path, to_pointer
from ..findings.problem import Problem
from ..reading import document, python_values
from ..reading.document import MAX_DEPTH, Document, decode
from ..reading.lines import Lines
from ..reading.positions import JsonPositions, Position, Positions, locate_findings, pointers
from ..reading.positions import steps as steps_of
from .results import FileResults, PayloadResult

if TYPE_CHECKING:
    from ..checking.report import Report
    from ..findings.finding import Finding, Span

CheckPayload: TypeAlias = "Callable[[bytes | Document], Report]"

ANY = "*"
"""The token of a pointer that matches any key or index."""


class SourceDocument(NamedTuple):
    """A document, with the text of its file."""

    document: Document
    text: str
    lines: Lines
    find_places: Callable[[Iterable[str]], Positions]
    """A function that returns the positions of the values at pointers."""


class CheckedPayload(NamedTuple):
    """The report of a payload, and its place in the document."""

    place: str
    """The pointer of the entry with the payload."""
    report: Report
    below: str = ""
    """The pointer of the payload, relative to the entry."""


class MissingYaml(Exception):
    """Raised if PyYAML is not installed."""

    def __init__(self) -> None:
        super().__init__("reading YAML requires PyYAML: pip install 'talonschema[yaml]'")


class PositionsBelow:
    """Positions by pointers that are relative to a place in the document."""

    def __init__(self, places: Positions, above: str) -> None:
        """Wrap the positions of the document, for the place at the pointer `above`."""
        self._places = places
        self._above = above

    def find(self, pointer: str) -> Position | None:
        """Return the position of a value, or that of its parent if it is missing."""
        return self._places.find(self._above + pointer)

    def fault(self, finding: Finding) -> tuple[Span, Span | None]:
        """Return the position of a fault of the text, and of the related place."""
        return self._places.fault(finding)


def json_document(source: bytes) -> SourceDocument:
    """Return the document in a JSON text."""
    read = document.read(source)
    if (
        read.readable
        and not read.problems
        and not python_values.is_plain(read.value, max_depth=MAX_DEPTH - 1)
    ):
        read = document.reread(source)
    text = decode(source)
    lines = Lines(text)
    return SourceDocument(read, text, lines, partial(JsonPositions, text, lines=lines))


def yaml_documents(source: bytes) -> Iterator[SourceDocument]:
    """Yield the documents of a YAML text; raises `MissingYaml`."""
    try:
        from ..reading.yaml_reader import payloads
    except ImportError:
        raise MissingYaml from None
    text = document.text_of(source)
    if not isinstance(text, str):
        unread = Document(None, (text,), readable=False)
        shown = decode(source)
        yield SourceDocument(unread, shown, Lines(shown), partial(JsonPositions, shown))
        return
    for each in payloads(text):
        yield SourceDocument(each.document, text, each.lines, each.find_places)


def locate(source: SourceDocument, report: Report) -> Report:
    """Return the report of a whole document with the positions of its findings."""
    if not report.findings:
        return report
    places = source.find_places(list(pointers(report.findings)))
    return report._replace(findings=tuple(locate_findings(report.findings, places)))


def place_results(source: SourceDocument, checked: Sequence[CheckedPayload]) -> list[PayloadResult]:
    """Return the results of the payloads with findings, with positions in the document."""
    found = [each for each in checked if each.report.findings]
    if not found:
        return []
    places = source.find_places(
        [
            each.place + pointer
            for each in found
            for pointer in ("", *(each.below + own for own in pointers(each.report.findings)))
        ]
    )
    lines, results = source.lines, []
    for place, report, below in found:
        findings = tuple(locate_findings(report.findings, PositionsBelow(places, place + below)))
        position = places.find(place)
        value = None if position is None else position.value
        # Unreadable texts are shown in full.
        first = 1 if value is None else value.line
        end = len(source.text) if value is None else lines.start(value.end_line + 1)
        part = source.text[lines.start(first) : end]
        results.append(PayloadResult(report._replace(findings=findings), part.encode(), first))
    return results


def problems_below(problems: Iterable[Problem], above: Path) -> tuple[Problem, ...]:
    """Return problems with paths relative to `above`; those elsewhere get the path of the root."""

    def relative_path(path: Path) -> Path:
        return path[len(above) :] if path[: len(above)] == above else ()

    return tuple(
        each._replace(
            path=relative_path(each.path), related=tuple(map(relative_path, each.related))
        )
        for each in problems
    )


class PayloadsAt:
    """The payloads of a document at a JSON Pointer, in which ``*`` matches any key or index."""

    def __init__(self, pointer: str, check: CheckPayload) -> None:
        """Check each value at `pointer` by `check`."""
        self._pointer = pointer
        self._steps = steps_of(pointer)
        self._check = check

    def results(self, source: SourceDocument) -> tuple[int, list[PayloadResult]]:
        """Return the number of payloads, and the results of those that have findings.

        The pointers of findings are relative to the root of the document. A document without a
        payload counts as one payload.
        """
        read = source.document
        if not read.readable:
            return 1, place_results(source, [CheckedPayload("", self._check(read))])
        found, reached = select(read.value, self._steps)
        if not found:
            missing = _missing(self._pointer, reached, read.value)
            report = self._check(Document(None, (missing,), readable=False))
            return 1, place_results(source, [CheckedPayload("", report)])
        checked = [self._check_part(path, value, read.problems) for path, value in found]
        results = place_results(source, checked)
        places = (each.place for each in checked if each.report.findings)
        return len(found), [
            _from_root(result, place) for result, place in zip(results, places, strict=True)
        ]

    def _check_part(self, path: Path, value: Any, problems: Sequence[Problem]) -> CheckedPayload:
        own = [each for each in problems if _is_above_or_below(each.path, path)]
        report = self._check(Document(value, problems_below(own, path)))
        return CheckedPayload(to_pointer(path), report)


def select(value: Any, steps: Sequence[str]) -> tuple[list[tuple[Path, Any]], Path]:
    """Return the values that match `steps` with their paths, and the deepest path that exists."""
    found: list[tuple[Path, Any]] = [((), value)]
    reached: Path = ()
    for step in steps:
        found = [
            ((*path, key), each) for path, held in found for key, each in _children(held, step)
        ]
        if not found:
            break
        reached = found[0][0]
    return found, reached


def _children(value: Any, step: str) -> Iterable[tuple[str | int, Any]]:
    """Return the members of an object or array that match a token of a pointer."""
    if isinstance(value, dict):
        if step == ANY:
            return list(value.items())
        return [(step, value[step])] if step in value else []
    if isinstance(value, list):
        if step == ANY:
            return list(enumerate(value))
        # RFC 6901, section 4: an index has no leading zeros.
        if step.isascii() and step.isdecimal() and str(int(step)) == step:
            return [(int(step), value[int(step)])] if int(step) < len(value) else []
    return []


def _is_above_or_below(path: Path, other: Path) -> bool:
    """Return True if one of two paths is a prefix of the other."""
    length = min(len(path), len(other))
    return path[:length] == other[:length]


def _missing(pointer: str, reached: Path, value: Any) -> Problem:
    for step in reached:
        value = value[step]
    kind = "keys" if isinstance(value, dict) and value else "kind"
    about: dict[str, Any] = {"keys": list(value)} if kind == "keys" else {}
    params = {"kind": kind, "at": pointer, "reached": to_pointer(reached) or "(root)"}
    return Problem("payload/nothing-at-pointer", reached, {**params, "type": _type(value)}, about)


def _type(value: Any) -> str:
    if isinstance(value, dict):
        return "an empty object"
    if isinstance(value, list):
        return f"an array of {len(value)}"
    return "a string" if isinstance(value, str) else "neither an object nor an array"


def _from_root(result: PayloadResult, place: str) -> PayloadResult:
    """Return a result with the pointers of its findings relative to the root."""
    findings = tuple(
        each
        if each.parameter is not None
        else each._replace(
            pointer=place + each.pointer, related=tuple(place + other for other in each.related)
        )
        for each in result.report.findings
    )
    return result._replace(report=result.report._replace(findings=findings))


class DocumentResults:
    """The results of documents, which are checked during iteration."""

    def __init__(self, documents: Iterable[SourceDocument], at: PayloadsAt) -> None:
        """Check the payloads `at` in the documents of a file."""
        self._documents = documents
        self._at = at
        self.payloads = 0
        """The number of payloads so far."""

    def __iter__(self) -> Iterator[PayloadResult]:
        """Yield the results of the payloads that have findings, in order."""
        for each in self._documents:
            count, results = self._at.results(each)
            self.payloads += count
            yield from results


def yaml_results(path: str, source: bytes, check: CheckPayload) -> FileResults:
    """Return the results of the documents of a YAML text, each of which is a payload."""
    found = list(yaml_documents(source))
    if not found:
        # A text that is empty or has only comments is treated as empty JSON.
        return FileResults(path, [PayloadResult(check(b"").located(b""), source)])
    if len(found) == 1:
        (only,) = found
        result = PayloadResult(locate(only, check(only.document)), source)
        return FileResults(path, [result], source=source)
    results = DocumentResults(found, PayloadsAt("", check))
    return FileResults(path, results, lines=True, source=source)
