"""YAML composer: JSON values with positions, built from the events of PyYAML's parser.

It is not recursive, so deep nesting is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from math import isinf
from typing import Any, NamedTuple

import yaml

from ..findings.finding import Span
from ..findings.pointer import Path
from ..findings.problem import Problem
from . import MAX_DIGITS
from .document import MAX_DEPTH
from .yaml_places import Part, YamlPlaces
from .yaml_scalars import BOOLEANS, integer, is_finite, kind

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_OPENER = re.compile(r"[\[{]")


class Fault(Exception):
    """Raised if the text can't be read any further; the problem has been reported."""


class _Key(NamedTuple):
    """The key of the next value."""

    text: str
    place: tuple[int, int]
    kept: bool
    """Whether it is a string, so that the value is added to the mapping."""


class _Open:
    """An open container."""

    __slots__ = ("flow", "key", "part", "path", "value")

    def __init__(self, value: Any, part: Part, path: Path, *, flow: bool) -> None:
        self.value = value
        self.part = part
        self.path = path
        self.flow = flow
        """Whether it is in flow style, in brackets or braces."""
        self.key: _Key | None = None
        """In a mapping, the key of the next value; None if a key is next."""


class Composer:
    """A composer of the values of a text, document by document."""

    def __init__(self, text: str) -> None:
        self.root: Any = None
        self.problems: list[Problem] = []
        self.start = 0
        """The offset where the document starts."""
        self._text = text
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._reached = 0
        self._places: YamlPlaces
        self._open: list[_Open] = []

    def read_document(self, places: YamlPlaces) -> bool:
        """Read the next document and its positions; return False if there is none.

        Raises `Fault`.
        """
        self.root = None
        self.problems = []
        self._places = places
        self._open = []
        try:
            for event in self._events:
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

        libyaml looks 1024 characters ahead for the colon of a key, and from 0.2.6 on refuses more
        than 1000 containers there before it returns the first. Raises `Fault` if they are nested
        too deeply.
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
        """Process a value or a key; `offset` is added to the marks of the event."""
        start, end = event.start_mark.index + offset, event.end_mark.index + offset
        if isinstance(event, yaml.AliasEvent):
            self._stop("yaml/alias", start, end, {"kind": "aliases"})
        if event.anchor is not None:
            self._stop("yaml/alias", start, start + len(event.anchor) + 1, {"kind": "anchors"})
        if event.tag is not None:
            self._stop("yaml/tag", start, end, {}, {"tag": event.tag})
        around = self._open[-1] if self._open else None
        if around is not None and around.key is None and isinstance(around.value, dict):
            self._key(around, event, start, end)
        elif isinstance(event, yaml.ScalarEvent):
            end = start + len(self._text[start:end].rstrip(" \t\r\n"))
            part = self._put(self._scalar(event, start, end), start)
            part.end = end
        else:
            self._enter(event, start)

    def _enter(self, event: Any, start: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._report("json/too-deep", start, start + 1, {"limit": MAX_DEPTH})
            raise Fault
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        path = self._path()
        part = self._put(value, start)
        self._open.append(_Open(value, part, path, flow=bool(event.flow_style)))

    def _close(self, event: Any) -> None:
        closed = self._open.pop()
        closed.part.end = event.end_mark.index
        if not closed.flow:
            # The event of a block ends where the next token begins, which may be lines below.
            start = closed.part.start
            ends = [part.end for part in closed.part.parts.values()]
            closed.part.end = max([start, *ends])

    def _path(self) -> Path:
        """Return the path of the next value."""
        if not self._open:
            return ()
        around = self._open[-1]
        step = len(around.value) if around.key is None else around.key.text
        return (*around.path, step)

    def _put(self, value: Any, start: int) -> Part:
        """Add a value to its container; return its part of the text."""
        if not self._open:
            self.root = value
            self._places.root = part = Part(start)
            return part
        around = self._open[-1]
        key = around.key
        if key is None:
            around.part.parts[str(len(around.value))] = part = Part(start)
            around.value.append(value)
            return part
        around.key = None
        part = Part(start, key.place)
        if key.kept:
            around.value[key.text] = value
            around.part.parts[key.text] = part
        return part

    def _key(self, around: _Open, event: Any, start: int, end: int) -> None:
        """Process the next key of a mapping."""
        if not isinstance(event, yaml.ScalarEvent):
            found = "object" if isinstance(event, yaml.MappingStartEvent) else "array"
            self._report("json/key-type", start, start + 1, {"type": found}, path=around.path)
            raise Fault
        end = start + len(self._text[start:end].rstrip(" \t\r\n"))
        key = event.value
        found = "string"
        if event.implicit[0]:
            if key == "<<":
                self._stop("yaml/alias", start, end, {"kind": "merge keys"})
            found = kind(key)
            if found != "string":
                self._report("json/key-type", start, end, {"type": found}, path=around.path)
        first = around.part.parts.get(key)
        around.key = _Key(key, (start, end), found == "string")
        if found == "string" and first is not None and first.key is not None:
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
        found = kind(text)
        if found == "null":
            return None
        if found == "boolean":
            return BOOLEANS[text]
        if found == "integer":
            if len(text.lstrip("+-")) <= MAX_DIGITS:
                return integer(text)
            self._report("json/number-range", start, end, {"limit": f"{MAX_DIGITS} digits"})
            return None
        if found == "number":
            return self._number(text, start, end)
        return text

    def _number(self, text: str, start: int, end: int) -> float | None:
        if not is_finite(text):
            self._report("json/not-finite", start, end, {}, values={"found": text})
            return None
        number = float(text)
        if isinf(number):
            self._report("json/number-range", start, end, {"limit": "double"})
            return None
        return number

    def _at(self, error: yaml.YAMLError) -> tuple[int, int]:
        """Return the offsets of the character at which the parser failed."""
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if mark is None:
            # A character that YAML excludes; the native parser counts bytes.
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
        raise Fault

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


def _detail(error: yaml.YAMLError) -> str:
    """Return the message of the parser on one line."""
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "no reason given"
    return " ".join(str(reason).split())
