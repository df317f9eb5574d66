"""Positions: the lines and columns of values in a JSON text.

Values are parsed without positions, which is fast. If there are findings, a second pass determines
positions, entering only the containers of findings. Lines end with a line feed, as is the default
in the regions of SARIF 2.1.0; a carriage return is an ordinary character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from json import JSONDecoder
from typing import NamedTuple, Protocol

from ..findings.finding import Finding, Span
from .lines import Lines


class Position(NamedTuple):
    """The position of a member of an object or an array."""

    value: Span
    key: Span | None = None
    """The span of the key; None for values without one."""


class Positions(Protocol):
    """The positions of the values in a text."""

    def find(self, pointer: str) -> Position | None:
        """Return the position of a value, or that of its parent if it is missing."""

    def fault(self, finding: Finding) -> tuple[Span, Span | None]:
        """Return the position of a fault of the text, and of the related place."""


def locate_findings(findings: Iterable[Finding], places: Positions) -> Iterator[Finding]:
    """Yield the findings with their positions."""
    for each in findings:
        if each.end_line is not None or each.parameter is not None:
            yield each
        elif each.line is not None:
            span, other = places.fault(each)
            yield each._replace(**span._asdict(), places=(other,) * len(each.related))
        else:
            yield _locate(each, places)


def _locate(finding: Finding, places: Positions) -> Finding:
    place = places.find(finding.pointer)
    if place is None:
        return finding
    others = tuple(places.find(pointer) for pointer in finding.related)
    span = place.key if finding.about_key and place.key else place.value
    return finding._replace(**span._asdict(), places=tuple(each and each.value for each in others))


def pointers(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield the pointers that have to be located for `findings`."""
    for each in findings:
        if each.line is None and each.parameter is None:
            yield each.pointer
            yield from each.related


def steps(pointer: str) -> list[str]:
    """Return the keys and indexes of a JSON Pointer (RFC 6901, section 4)."""
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]


class _Wanted:
    """A requested value of a document, or a container of requested values."""

    __slots__ = ("key", "parts", "value")

    def __init__(self) -> None:
        self.parts: dict[str, _Wanted] = {}
        self.key: tuple[int, int] | None = None
        self.value: tuple[int, int] | None = None

    def forget(self) -> None:
        """Discard the positions found here and below, after a duplicate of the key."""
        self.key = self.value = None
        for part in self.parts.values():
            part.forget()


_DECODER = JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
"""A decoder that skips values at the speed of C, without converting numbers."""

_SPACE = re.compile(r"[ \t\n\r]*")
_AFTER = re.compile(r"[ \t\n\r]*([,:\]}]?)[ \t\n\r]*")
_WORD = re.compile(r"[\w$.+-]+")
_RUN_LENGTH = 1024
_RUN = re.compile(
    r"(?>(?:[\w.+-]+|\"[^\"\\,\x00-\x1f]*\"|\[[ \t\n\r]*\]|\{[ \t\n\r]*\})"
    r"[ \t\n\r]*,[ \t\n\r]*){1,1024}"
)
"""Elements of an array without inner commas, which are skipped at once."""
_MEMBER = re.compile(
    r"\"([^\"\\\x00-\x1f]*)\"[ \t\n\r]*:[ \t\n\r]*"
    r"((?:\"[^\"\\\x00-\x1f]*\"|[\w.+-]+)[ \t\n\r]*,[ \t\n\r]*)?"
)
"""The key of a member, and its value and comma if the value is a plain scalar."""
_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}")
_REST = re.compile(r"[^\r\n]*")


class JsonPositions:
    """The positions of values in a JSON text."""

    def __init__(
        self, text: str, pointers: Iterable[str], start: int = 0, lines: Lines | None = None
    ) -> None:
        """Locate the values at `pointers` in the JSON document that begins at `start`.

        `lines` are those of `text`, if it has several documents. Values after a syntax error are
        not found. The last of duplicate keys wins, as in the parsers.
        """
        self._text = text
        self._lines = lines or Lines(text)
        self._root = _Wanted()
        wanted = False
        for pointer in pointers:
            wanted = True
            part = self._root
            for step in steps(pointer):
                part = part.parts.setdefault(step, _Wanted())
        if wanted:
            # Nothing can be located after a syntax error.
            with suppress(ValueError, RecursionError):
                self._walk(_end(_SPACE.match(text, start)), self._root)

    def find(self, pointer: str) -> Position | None:
        """Return the position of a requested value, or that of its parent if it is missing."""
        part = self._root
        found = part
        for step in steps(pointer):
            part = part.parts[step]
            if part.value is None:
                break
            found = part
        if found.value is None:
            return None
        key = None if found is not part or found.key is None else self._span(*found.key)
        return Position(self._span(*found.value), key)

    def fault(self, finding: Finding) -> tuple[Span, Span | None]:
        """Return the position of a fault of the text, and that of the first of duplicate keys."""
        span = self._fault(finding.line or 1, finding.column or 1)
        params = finding.params
        if "first_line" not in params:
            return span, None
        return span, self._fault(params["first_line"], params["first_column"])

    def _fault(self, line: int, column: int) -> Span:
        start = self._lines.offset(line, column)
        return self._span(start, self._extent(start))

    def _extent(self, start: int) -> int:
        """Return the end of the token, even if it is invalid, at the offset `start`."""
        text = self._text
        if text.startswith('"', start):
            try:
                return _DECODER.raw_decode(text, start)[1]
            except ValueError:
                return start + len(text[start : _end(_REST.match(text, start))].rstrip())
        match = _ESCAPE.match(text, start) or _WORD.match(text, start)
        if match:
            return match.end()
        return start + (start < len(text) and text[start] not in "\r\n")

    def _span(self, start: int, end: int) -> Span:
        line, column = self._lines.locate(start)
        end_line, end_column = self._lines.locate(end)
        return Span(line, column, end_line, end_column)

    def _walk(self, pos: int, part: _Wanted) -> int:
        """Locate `part`, whose value starts at `pos`, and its parts; return the end offset.

        Raises `ValueError` for invalid JSON.
        """
        first = self._text[pos : pos + 1] if part.parts else ""
        if first == "{":
            end = self._members(pos, part)
        elif first == "[":
            end = self._elements(pos, part)
        else:
            _, end = _DECODER.raw_decode(self._text, pos)
        part.value = (pos, end)
        return end

    def _members(self, pos: int, part: _Wanted) -> int:
        text, parts = self._text, part.parts
        pos = _end(_SPACE.match(text, pos + 1))
        if text.startswith("}", pos):
            return pos + 1
        while True:
            start = pos
            member = _MEMBER.match(text, pos)
            if member:
                key, end = member[1], member.end(1) + 1
                if member[2] and key not in parts:
                    pos = member.end()
                    continue
                pos = member.end() - len(member[2] or "")
            else:
                _expect(text, '"', start)
                key, end = _DECODER.raw_decode(text, start)
                pos = _end(_SPACE.match(text, end))
                _expect(text, ":", pos)
                pos = _end(_SPACE.match(text, pos + 1))
            wanted = parts.get(key)
            if wanted is None:
                _, pos = _DECODER.raw_decode(text, pos)
            else:
                if wanted.key is not None:
                    wanted.forget()
                pos = self._walk(pos, wanted)
                wanted.key = (start, end)
            separator, after = _separator(text, pos)
            if separator == "}":
                return _end(_SPACE.match(text, pos)) + 1
            _expect(separator, ",", 0)
            pos = after

    def _elements(self, pos: int, part: _Wanted) -> int:
        text, parts = self._text, part.parts
        pos = _end(_SPACE.match(text, pos + 1))
        if text.startswith("]", pos):
            return pos + 1
        index = 0
        indexes = sorted(int(step) for step in parts if step.isdecimal())
        while True:
            while indexes and indexes[0] < index:
                del indexes[0]
            if not indexes or indexes[0] - index >= _RUN_LENGTH:
                run = _RUN.match(text, pos)
                if run:
                    index += text.count(",", pos, run.end())
                    pos = run.end()
                    continue
            wanted = parts.get(str(index))
            if wanted is None:
                _, pos = _DECODER.raw_decode(text, pos)
            else:
                pos = self._walk(pos, wanted)
            separator, after = _separator(text, pos)
            if separator == "]":
                return _end(_SPACE.match(text, pos)) + 1
            _expect(separator, ",", 0)
            pos = after
            index += 1


def _separator(text: str, pos: int) -> tuple[str, int]:
    match = _AFTER.match(text, pos)
    return (match[1], match.end()) if match else ("", pos)


def _expect(text: str, mark: str, pos: int) -> None:
    if not text.startswith(mark, pos):
        raise ValueError


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0
