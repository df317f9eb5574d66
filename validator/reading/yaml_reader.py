"""YAML text: its documents as JSON values, what is wrong with them, and where all of it stands.

Values are those of YAML 1.2's core schema: no dates, no ``yes`` and ``no``. What JSON has no form
for is refused: aliases, tags, keys that are no texts. PyYAML parses; its events are put together
here, without recursion, so that no depth of nesting can do harm. A text whose documents are all
JSON is read as JSON, with JSON's limits and not those of PyYAML: libyaml refuses surrogate pairs
written as escapes and quoted keys of more than 1024 characters. Source: YAML 1.2.2, section 10.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from math import isinf
from typing import Any, NamedTuple

import yaml

from ..findings.finding import Finding, Span
from ..findings.pointer import Path
from ..findings.problem import Problem
from . import MAX_DIGITS, document, python_values
from .document import MAX_DEPTH, Document
from .lines import Lines
from .positions import JsonPositions, Position, Positions, steps

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = {name: value for word, value in (("true", True), ("false", False))
         for name in (word, word.title(), word.upper())}  # fmt: skip
_INT = re.compile(r"[-+]?[0-9]+")
_OTHER_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BLANK = re.compile(r"[ \t\r\n]*")
_MARKER = re.compile(r"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_OPENER = re.compile(r"[\[{]")
_OF_JSON = frozenset(
    f"json/{name}" for name in ("duplicate-key", "lone-surrogate", "number-range", "too-deep")
)
"""Problems of texts that follow JSON's grammar."""


class Part:
    """A value in the text, and those in it."""

    __slots__ = ("end", "key", "parts", "start")

    def __init__(self, start: int, key: tuple[int, int] | None = None) -> None:
        """Begin at the offset `start`; `key` is where the key of the value is."""
        self.start = start
        self.end = start
        self.key = key
        self.parts: dict[str, Part] = {}


class Payload(NamedTuple):
    """A document of a YAML text."""

    document: Document
    start: int
    """The offset where it starts."""
    text: str
    lines: Lines
    places: YamlPlaces | None = None
    """None for a document in JSON."""

    def find_places(self, pointers: Iterable[str]) -> Positions:
        """Return the places of the values at `pointers`."""
        return self.places or JsonPositions(self.text, pointers, self.start, self.lines)


class _Fault(Exception):
    """Nothing can be read from here on; the problem has been noted."""


class YamlPlaces:
    """The positions of the parts of a document."""

    def __init__(self, lines: Lines) -> None:
        """Find places by `lines`."""
        self._lines = lines
        self.root: Part | None = None
        self._faults: dict[tuple[int, int], tuple[Span, Span | None]] = {}

    def note(self, span: Span, other: Span | None = None) -> None:
        """Keep the place of a fault of the text, and what it relates to."""
        self._faults[span.line, span.column] = (span, other)

    def span(self, start: int, end: int) -> Span:
        """Return the place between two offsets."""
        return Span(*self._lines.locate(start), *self._lines.locate(end))

    def find(self, pointer: str) -> Position | None:
        """Return the place of a value, or of what should hold it."""
        part = self.root
        if part is None:
            return None
        for step in steps(pointer):
            below = part.parts.get(step)
            if below is None:
                return Position(self.span(part.start, part.end))
            part = below
        key = None if part.key is None else self.span(*part.key)
        return Position(self.span(part.start, part.end), key)

    def fault(self, finding: Finding) -> tuple[Span, Span | None]:
        """Return the place of a fault of the text; beside a key, that of the same one before."""
        return self._faults[finding.line or 1, finding.column or 1]


def payloads(text: str) -> Iterator[Payload]:
    """Yield the documents of a YAML text; the last one may be broken off by a fault."""
    lines = Lines(text)
    return iter(_json_payloads(text, lines) or _yaml_payloads(text, lines))


def _json_payloads(text: str, lines: Lines) -> list[Payload]:
    """Return the documents of a text if all of them are JSON, else nothing."""
    found: list[Payload] = []
    markers = [(match.start(), match.end()) for match in _MARKER.finditer(text)]
    starts = [0, *(end for _, end in markers)]
    ends = [*(start for start, _ in markers), len(text)]
    for start, end in zip(starts, ends, strict=True):
        first = _end_of_blank(text, start)
        if first >= end:
            if start and text.startswith("---", start - 3):
                return []  # an empty document, which JSON has no form for
            continue
        if text[first] not in "[{":
            return []
        read = document.read(text[first:end])
        if (
            read.readable
            and not read.problems
            and not python_values.is_plain(read.value, max_depth=MAX_DEPTH - 1)
        ):
            read = document.reread(text[first:end])
        if not _OF_JSON.issuperset(each.code for each in read.problems):
            return []
        above, before = (number - 1 for number in lines.locate(first))
        problems = tuple(_below(each, above, before) for each in read.problems)
        found.append(Payload(read._replace(problems=problems), first, text, lines))
        if not read.readable:
            break
    return found


def _below(problem: Problem, lines: int, columns: int) -> Problem:
    """Return a problem of a document whose text begins after other `lines` and `columns`."""
    line, column = problem.line or 1, problem.column or 1
    params = dict(problem.params)
    if params.get("first_line") == 1:
        params["first_column"] += columns
    if "first_line" in params:
        params["first_line"] += lines
    column += columns if line == 1 else 0
    return problem._replace(line=line + lines, column=column, params=params)


def _end_of_blank(text: str, start: int) -> int:
    match = _BLANK.match(text, start)
    return match.end() if match else start


def _yaml_payloads(text: str, lines: Lines) -> Iterator[Payload]:
    reader = _Reader(text, lines)
    events = yaml.parse(text, Loader=_LOADER)
    while True:
        places = YamlPlaces(lines)
        reader.begin(places)
        try:
            found = reader.document(events)
        except _Fault:
            broken = Document(None, tuple(reader.problems), readable=False)
            yield Payload(broken, reader.start, text, lines, places)
            return
        if not found:
            return
        read = Document(reader.root, tuple(reader.problems))
        yield Payload(read, reader.start, text, lines, places)


class _Open(NamedTuple):
    """A container that is being read."""

    value: Any
    part: Part
    path: Path
    flow: bool


class _Key(NamedTuple):
    """The key of a value that comes next."""

    text: str
    place: tuple[int, int]
    kept: bool


class _Reader:
    def __init__(self, text: str, lines: Lines) -> None:
        self._text = text
        self._lines = lines
        self.root: Any = None
        self.problems: list[Problem] = []
        self.start = 0
        self._reached = 0
        self._places = YamlPlaces(lines)
        self._open: list[_Open] = []
        # Of each open mapping the key whose value comes next; False: a key comes next.
        self._keys: list[Any] = []

    def begin(self, places: YamlPlaces) -> None:
        """Begin another document, whose places go into `places`."""
        self.root = None
        self.problems = []
        self._places = places
        self._open = []
        self._keys = []

    def document(self, events: Iterator[Any]) -> bool:
        """Read up to the end of a document; return False if there is none. Raises `_Fault`."""
        try:
            for event in events:
                self._reached = event.end_mark.index
                if isinstance(event, yaml.DocumentStartEvent) and event.start_mark:
                    self.start = event.start_mark.index
                elif isinstance(event, yaml.DocumentEndEvent):
                    return True
                elif isinstance(event, yaml.NodeEvent):
                    self._node(event)
                elif isinstance(event, yaml.CollectionEndEvent):
                    self._close(event)
        except yaml.YAMLError as error:
            start, end = self._at(error)
            self._enter_up_to(start)
            self._stop("yaml/syntax", start, end, {"detail": _detail(error)})
        return False

    def _enter_up_to(self, end: int) -> None:
        """Enter the containers that begin between the last event and a fault at `end`.

        libyaml looks ahead for the colon of a key, by 1024 characters, and from 0.2.6 on refuses
        more than 1000 containers there before it hands out the first. Raises `_Fault` if there are
        too many for us.
        """
        first = _OPENER.search(self._text, self._reached, end)
        if first is None:
            return
        begin = first.start()
        openers = self._text.count("[", begin, end) + self._text.count("{", begin, end)
        if len(self._open) + openers <= MAX_DEPTH:
            return
        with suppress(yaml.YAMLError):
            for event in yaml.parse(self._text[begin:end], Loader=yaml.BaseLoader):
                if isinstance(event, yaml.NodeEvent):
                    self._node(event, begin)
                elif isinstance(event, yaml.CollectionEndEvent):
                    return

    def _node(self, event: Any, offset: int = 0) -> None:
        """Take a value or a key; `offset` is where the text begins that its marks count from."""
        start, end = event.start_mark.index + offset, event.end_mark.index + offset
        if isinstance(event, yaml.AliasEvent):
            self._stop("yaml/alias", start, end, {"kind": "aliases"})
        if event.anchor is not None:
            self._stop("yaml/alias", start, start + len(event.anchor) + 1, {"kind": "anchors"})
        if event.tag is not None:
            self._stop("yaml/tag", start, end, {}, {"tag": event.tag})
        if self._keys and self._keys[-1] is False:
            self._key(event, start, end)
        elif isinstance(event, yaml.ScalarEvent):
            end = start + len(self._text[start:end].rstrip(" \t\r\n"))
            part = self._put(self._scalar(event, start, end), start)
            part.end = end
        else:
            self._enter(event, start)

    def _enter(self, event: Any, start: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._report("json/too-deep", start, start + 1, {"limit": MAX_DEPTH})
            raise _Fault
        mapping = isinstance(event, yaml.MappingStartEvent)
        value: Any = {} if mapping else []
        path = self._path()
        part = self._put(value, start)
        self._open.append(_Open(value, part, path, bool(event.flow_style)))
        self._keys.append(False if mapping else None)

    def _close(self, event: Any) -> None:
        closed = self._open.pop()
        self._keys.pop()
        closed.part.end = event.end_mark.index
        if not closed.flow:
            # The event ends where something else begins, lines further down.
            start = closed.part.start
            ends = [part.end for part in closed.part.parts.values()]
            closed.part.end = max([start, *ends])

    def _path(self) -> Path:
        """Return the path of the value that comes next."""
        if not self._open:
            return ()
        around = self._open[-1]
        if isinstance(around.value, list):
            return (*around.path, len(around.value))
        return (*around.path, self._keys[-1].text)

    def _put(self, value: Any, start: int) -> Part:
        """Put a value where it belongs, and return its part of the text."""
        if not self._open:
            self.root = value
            self._places.root = part = Part(start)
            return part
        around = self._open[-1]
        if isinstance(around.value, list):
            around.part.parts[str(len(around.value))] = part = Part(start)
            around.value.append(value)
            return part
        key = self._keys[-1]
        self._keys[-1] = False
        part = Part(start, key.place)
        if key.kept:
            around.value[key.text] = value
            around.part.parts[key.text] = part
        return part

    def _key(self, event: Any, start: int, end: int) -> None:
        around = self._open[-1]
        if not isinstance(event, yaml.ScalarEvent):
            kind = "object" if isinstance(event, yaml.MappingStartEvent) else "array"
            self._report("json/key-type", start, start + 1, {"type": kind}, path=around.path)
            raise _Fault
        end = start + len(self._text[start:end].rstrip(" \t\r\n"))
        key = event.value
        kind = "string"
        if event.implicit[0]:
            if key == "<<":
                self._stop("yaml/alias", start, end, {"kind": "merge keys"})
            kind = _kind(key)
            if kind != "string":
                self._report("json/key-type", start, end, {"type": kind}, path=around.path)
        first = around.part.parts.get(key)
        self._keys[-1] = _Key(key, (start, end), kind == "string")
        if kind == "string" and first is not None and first.key is not None:
            other = self._places.span(*first.key)
            params = {"first_line": other.line, "first_column": other.column}
            path = self._path()
            self._report(
                "json/duplicate-key",
                start,
                end,
                params,
                values={"key": key},
                related=(path,),
                other=other,
            )

    def _scalar(self, event: Any, start: int, end: int) -> Any:
        text = event.value
        if not event.implicit[0]:
            return text
        kind = _kind(text)
        if kind == "null":
            return None
        if kind == "boolean":
            return _BOOL[text]
        if kind == "integer":
            if len(text.lstrip("+-")) <= MAX_DIGITS:
                return int(text, 0) if _OTHER_INT.fullmatch(text) else int(text)
            self._report("json/number-range", start, end, {"limit": f"{MAX_DIGITS} digits"})
            return None
        if kind == "number":
            return self._number(text, start, end)
        return text

    def _number(self, text: str, start: int, end: int) -> float | None:
        if _NOT_FINITE.fullmatch(text):
            self._report("json/not-finite", start, end, {}, values={"found": text})
            return None
        number = float(text)
        if isinf(number):
            self._report("json/number-range", start, end, {"limit": "double"})
            return None
        return number

    def _at(self, error: yaml.YAMLError) -> tuple[int, int]:
        """Return the offsets of what the parser fell over."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is None:
            # A character that YAML has not; the native parser counts bytes.
            start = getattr(error, "position", 0)
            if _LOADER is not yaml.BaseLoader:
                start = len(self._text.encode()[:start].decode(errors="ignore"))
        else:
            start = mark.index
        start = min(start, len(self._text))
        return start, start + (start < len(self._text) and self._text[start] not in "\r\n")

    def _stop(
        self,
        code: str,
        start: int,
        end: int,
        params: dict[str, Any],
        values: dict[str, Any] | None = None,
    ) -> None:
        path = self._open[-1].path if self._open else ()
        self._report(code, start, end, params, values=values, path=path)
        raise _Fault

    def _report(
        self,
        code: str,
        start: int,
        end: int,
        params: dict[str, Any],
        *,
        values: dict[str, Any] | None = None,
        related: tuple[Path, ...] = (),
        path: Path | None = None,
        other: Span | None = None,
    ) -> None:
        span = self._places.span(start, end)
        self._places.note(span, other)
        place = self._path() if path is None else path
        self.problems.append(
            Problem(code, place, params, values or {}, related, line=span.line, column=span.column)
        )


def _kind(text: str) -> str:
    """Return the JSON type of a plain scalar in the core schema."""
    if _NULL.fullmatch(text):
        return "null"
    if text in _BOOL:
        return "boolean"
    if _INT.fullmatch(text) or _OTHER_INT.fullmatch(text):
        return "integer"
    if _FLOAT.fullmatch(text) or _NOT_FINITE.fullmatch(text):
        return "number"
    return "string"


def _detail(error: yaml.YAMLError) -> str:
    """Return the message of the parser, on one line."""
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "no reason given"
    return " ".join(str(said).split())
