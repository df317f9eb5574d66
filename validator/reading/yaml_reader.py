"""YAML reader: the documents of a YAML text as JSON values, with problems and positions.

Values are those of YAML 1.2's core schema. Features that JSON lacks are refused: aliases, tags, and
keys that are not strings. A text whose documents are all JSON is read as JSON, without the limits
of PyYAML: libyaml refuses escaped surrogate pairs, and quoted keys of more than 1024 characters.
Source: YAML 1.2.2, section 10.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..findings.problem import Problem
from . import document, python_values
from .document import MAX_DEPTH, Document
from .lines import Lines
from .positions import JsonPositions, Positions
from .yaml_composer import Composer, Fault
from .yaml_places import YamlPlaces

_BLANK = re.compile(r"[ \t\r\n]*")
_MARKER = re.compile(r"^(?:---|\.\.\.)(?=[ \t\r\n]|\Z)", re.MULTILINE)
_OF_JSON = frozenset(
    f"json/{name}" for name in ("duplicate-key", "lone-surrogate", "number-range", "too-deep")
)
"""The problems of texts that conform to the grammar of JSON."""


class Payload(NamedTuple):
    """A document of a YAML text."""

    document: Document
    start: int
    """The offset of its start."""
    text: str
    lines: Lines
    places: YamlPlaces | None = None
    """Its positions; None for a document in JSON."""

    def find_places(self, pointers: Iterable[str]) -> Positions:
        """Return the positions of the values at `pointers`."""
        return self.places or JsonPositions(self.text, pointers, self.start, self.lines)


def payloads(text: str) -> Iterator[Payload]:
    """Yield the documents of a YAML text; a fault may end the last one early."""
    lines = Lines(text)
    return iter(_json_payloads(text, lines) or _yaml_payloads(text, lines))


def _json_payloads(text: str, lines: Lines) -> list[Payload]:
    """Return the documents of a text if all are JSON, else an empty list."""
    found: list[Payload] = []
    markers = [(match.start(), match.end()) for match in _MARKER.finditer(text)]
    starts = [0, *(end for _, end in markers)]
    ends = [*(start for start, _ in markers), len(text)]
    for start, end in zip(starts, ends, strict=True):
        first = _end_of_blank(text, start)
        if first >= end:
            if start and text.startswith("---", start - 3):
                return []  # an empty document, which JSON does not have
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
    """Return a problem of a document moved down by `lines`, and right by `columns`."""
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
    """Yield the documents of a text with their positions."""
    composer = Composer(text)
    while True:
        places = YamlPlaces(lines)
        try:
            found = composer.read_document(places)
        except Fault:
            broken = Document(None, tuple(composer.problems), readable=False)
            yield Payload(broken, composer.start, text, lines, places)
            return
        if not found:
            return
        read = Document(composer.root, tuple(composer.problems))
        yield Payload(read, composer.start, text, lines, places)
