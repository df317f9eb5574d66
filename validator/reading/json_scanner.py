"""JSON scanner: a strict parser that reports all problems of a text with their places.

It follows RFC 8259 (the grammar) and RFC 7493, I-JSON (no duplicate keys, no unpaired surrogates,
no numbers beyond a double). It reads texts that a fast parser refused, so it prefers precise
diagnoses to speed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from json import JSONDecoder
from math import isinf
from typing import Any, NamedTuple, TypeAlias

from ..findings.pointer import Path
from ..findings.problem import Problem
from . import MAX_DIGITS
from .json_faults import (
    COLON,
    END,
    FIRST_ITEM,
    FIRST_KEY,
    KEY,
    KEYS,
    VALUE,
    FaultError,
    fault_at,
    syntax_fault,
    too_deep,
)
from .lines import Lines

_NOTHING: Mapping[str, Any] = {}
_FOUND_LENGTH = 20
_CHUNK_DIGITS = 512
_SHORT = 18
"""The most digits of an integer that needs no check of its range."""

_CLOSERS = {"[": "]", "{": "}"}
_LITERALS = {"true": True, "false": False, "null": None}
_NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})

_SPACE = re.compile(r"[ \t\n\r]*")
_PLAIN = r'"[^"\\\x00-\x1f]*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
# A token and the comma or colon after it, which halves the number of matches.
_TOKEN = re.compile(
    rf"""(
        [\[\]{{}}]
      | {_PLAIN}
      | (?: {_NUMBER} | true | false | null | NaN | -?Infinity ) (?![\w.+-])
    )
    [ \t\n\r]*([,:]?)[ \t\n\r]*""",
    re.VERBOSE,
)
# A member, other than the last one, with plain key and value.
_MEMBER = re.compile(
    rf"""({_PLAIN})[ \t\n\r]*:[ \t\n\r]*(
        {_PLAIN} | (?: {_NUMBER} | true | false | null ) (?![\w.+-])
    )[ \t\n\r]*,[ \t\n\r]*""",
    re.VERBOSE,
)
_SEPARATOR = re.compile(r"()[ \t\n\r]*([,:]?)[ \t\n\r]*")
_STRING_PIECE = re.compile(r'[^"\\\x00-\x1f]+|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}')
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_MAYBE_SURROGATE = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2}|[\ud800-\udfff])"
    r"|\\.",
)
_STRING = JSONDecoder()

_Event: TypeAlias = tuple[str, int, int, str]
"""The kind ("{", "[", "key", "string", "scalar" or "end"), start, end and text of a token.

For "key" and "string" the text is the decoded string; for the others it is the token itself.
"""


class Scan(NamedTuple):
    """The value of a JSON text and its problems."""

    value: Any
    """The value; the last of duplicate keys wins, and None replaces invalid values."""
    problems: tuple[Problem, ...]
    """The problems in order of the text."""
    complete: bool
    """Whether the scan reached the end; if not, `value` is None."""


class _ExhaustedError(Exception):
    """Raised when the limit of tokens is reached."""


def scan(
    text: str, *, max_depth: int = 100, max_problems: int = 1000, max_tokens: int | None = None
) -> Scan:
    """Read `text` as one JSON value by RFC 8259 and RFC 7493 (I-JSON).

    The scan continues after a duplicate key (`json/duplicate-key`), a number beyond the limits
    (`json/number-range`), NaN or Infinity (`json/not-finite`) and an unpaired surrogate
    (`json/lone-surrogate`). It stops at the first syntax error (`json/syntax`) and at more than
    `max_depth` nested containers (`json/too-deep`). At most `max_problems` problems are returned,
    but at least one; the problem that stops the scan is always among them.

    With `max_tokens`, the scan also stops after that many tokens, and at `max_problems` problems.

    No text raises an exception.
    """
    builder = _Builder(text, max_depth, max(1, max_problems))
    try:
        builder.build(max_tokens)
    except _ExhaustedError:
        return Scan(None, tuple(builder.problems), complete=False)
    except FaultError as fault:
        builder.stop(fault)
        return Scan(None, tuple(builder.problems), complete=False)
    return Scan(builder.root, tuple(builder.problems), complete=True)


class _Builder:
    """A builder of the value from events, which tracks the current path."""

    def __init__(self, text: str, max_depth: int, max_problems: int) -> None:
        self.root: Any = None
        self.problems: list[Problem] = []
        self._text = text
        self._lines = Lines(text)
        self._max_depth = max_depth
        self._max_problems = max_problems
        self._surrogates = _MAYBE_SURROGATE.search(text) is not None
        # The open containers, innermost last, each with its current key and its known keys.
        self._open: list[Any] = []
        self._keys: list[str] = []
        self._seen: list[dict[str, int]] = []

    def build(self, max_tokens: int | None) -> None:
        """Build the value from at most `max_tokens` tokens, or from all.

        Raises `FaultError` if the text can't be read any further, and `_ExhaustedError` after
        `max_tokens`.
        """
        events = _events(self._text, self._max_depth)
        self._process(events if max_tokens is None else islice(events, max_tokens), max_tokens)
        if max_tokens is not None and next(events, None) is not None:
            raise _ExhaustedError

    def _process(self, events: Iterator[_Event], max_tokens: int | None) -> None:
        for kind, start, end, token in events:
            if max_tokens is not None and self._full():
                raise _ExhaustedError
            if kind == "key":
                self._enter(token, start, end)
            elif kind == "scalar":
                self._put(self._scalar(token, start))
            elif kind == "string":
                lone = self._surrogates and _SURROGATE.search(token) is not None
                if lone:
                    self._report_surrogate(start, end)
                self._put(None if lone else token)
            elif kind == "end":
                self._open.pop()
                self._keys.pop()
                self._seen.pop()
            else:
                container: Any = {} if kind == "{" else []
                self._put(container)
                self._open.append(container)
                self._keys.append("")
                self._seen.append({})

    def stop(self, fault: FaultError) -> None:
        """Report the fault that stopped the scan, if necessary in place of the last problem."""
        if len(self.problems) == self._max_problems:
            self.problems.pop()
        path = self._path() if fault.inside else self._path()[:-1]
        params: dict[str, Any] = {"limit": self._max_depth}
        values = {}
        if fault.reason:
            found = self._text[fault.offset : fault.offset + _FOUND_LENGTH]
            found = found.strip() and found[:1] + found[1:].partition("\n")[0].rstrip()
            params, values = {"kind": fault.reason}, {"found": found}
        self._report(fault.code, fault.offset, params, values, path=path)

    def _put(self, value: object) -> None:
        if not self._open:
            self.root = value
            return
        container = self._open[-1]
        if isinstance(container, list):
            container.append(value)
        else:
            container[self._keys[-1]] = value

    def _path(self) -> Path:
        """Return the path of the current member."""
        steps: list[str | int] = [
            len(container) - 1 if isinstance(container, list) else key
            for container, key in zip(self._open, self._keys, strict=True)
        ]
        if self._open and isinstance(self._open[-1], list):
            steps[-1] = len(self._open[-1])
        return tuple(steps)

    def _enter(self, key: str, start: int, end: int) -> None:
        self._keys[-1] = key
        first = self._seen[-1].setdefault(key, start)
        if first != start and not self._full():
            line, column = self._lines.locate(first)
            self._report(
                "json/duplicate-key",
                start,
                {"first_line": line, "first_column": column},
                {"key": key},
                related=(self._path(),),
            )
        if self._surrogates and _SURROGATE.search(key):
            self._report_surrogate(start, end)

    def _scalar(self, token: str, start: int) -> object:
        if len(token) <= _SHORT and token.isdecimal():
            return int(token)
        if token in _LITERALS:
            return _LITERALS[token]
        if token in _NOT_FINITE:
            self._report("json/not-finite", start, {}, {"found": token})
            return None
        if token.lstrip("-").isdigit():
            if len(token.lstrip("-")) <= MAX_DIGITS:
                return _integer(token)
            limit = f"{MAX_DIGITS} digits"
        else:
            number = float(token)
            if not isinf(number):
                return number
            limit = "double"
        self._report("json/number-range", start, {"limit": limit})
        return None

    def _report_surrogate(self, start: int, end: int) -> None:
        if self._full():
            return
        offset = next(
            (m.start() for m in _LONE_SURROGATE.finditer(self._text, start, end) if m[1]), start
        )
        self._report("json/lone-surrogate", offset)

    def _full(self) -> bool:
        return len(self.problems) >= self._max_problems

    def _report(
        self,
        code: str,
        offset: int,
        params: Mapping[str, Any] = _NOTHING,
        values: Mapping[str, Any] = _NOTHING,
        *,
        path: Path | None = None,
        related: tuple[Path, ...] = (),
    ) -> None:
        if not self._full():
            line, column = self._lines.locate(offset)
            place = self._path() if path is None else path
            self.problems.append(
                Problem(code, place, params, values, related, line=line, column=column)
            )


def _integer(token: str) -> int:
    # In chunks, because sys.set_int_max_str_digits may limit conversions to 640 digits.
    if len(token) <= _CHUNK_DIGITS:
        return int(token)
    digits = token.lstrip("-")
    number = 0
    for begin in range(0, len(digits), _CHUNK_DIGITS):
        chunk = digits[begin : begin + _CHUNK_DIGITS]
        number = number * 10 ** len(chunk) + int(chunk)
    return -number if token[0] == "-" else number


def _events(text: str, max_depth: int) -> Iterator[_Event]:
    """Yield the significant tokens of `text` by the grammar of RFC 8259.

    Raises `FaultError` for a violation of the grammar or of `max_depth`.
    """
    closers: list[str] = []
    expected = VALUE
    pos = _end(_SPACE.match(text))
    while True:
        start = pos
        if expected in KEYS:
            while member := _MEMBER.match(text, pos):
                key, value = member[1], member[2]
                yield "key", pos, member.end(1), key[1:-1]
                start = member.start(2)
                if value[0] == '"':
                    yield "string", start, member.end(2), value[1:-1]
                else:
                    yield "scalar", start, member.end(2), value
                start = pos = member.end()
                expected = KEY
        match = _TOKEN.match(text, start)
        if match:
            first, token, end = text[start], match[1], match.end(1)
            if first == '"':
                token = token[1:-1]
            if first not in expected:
                raise fault_at(text, start, expected, closers)
        else:
            # A string with escapes, or an unexpected token.
            first = '"'
            token, end = _escaped_string(text, start, expected, closers)
            match = _after(text, end)
        separator, pos = match[2], match.end()
        if first in _CLOSERS:
            if len(closers) >= max_depth:
                raise too_deep(start)
            yield first, start, end, token
            closers.append(_CLOSERS[first])
            expected = FIRST_ITEM if first == "[" else FIRST_KEY
            if separator:
                raise fault_at(text, match.start(2), expected, closers)
            continue
        if first == '"':
            is_key = expected in KEYS
            yield "key" if is_key else "string", start, end, token
            if is_key:
                if separator != ":":
                    raise fault_at(text, match.start(2), COLON, closers)
                expected = VALUE
                continue
        elif first in "]}":
            closers.pop()
            yield "end", start, end, token
        else:
            yield "scalar", start, end, token
        if separator == "," and closers:
            expected = VALUE if closers[-1] == "]" else KEY
            continue
        expected = closers[-1] if closers else END
        if separator or (pos < len(text) and not closers):
            raise fault_at(text, match.start(2) if separator else pos, expected, closers)
        if not closers:
            return


def _end(match: re.Match[str] | None) -> int:
    return match.end() if match else 0


def _after(text: str, end: int) -> re.Match[str]:
    match = _SEPARATOR.match(text, end)
    assert match  # noqa: S101 - every part of the pattern is optional
    return match


def _escaped_string(text: str, start: int, expected: str, closers: list[str]) -> tuple[str, int]:
    """Return the string at `start` and the offset of its end; raises `FaultError`."""
    if not (text.startswith('"', start) and '"' in expected):
        raise fault_at(text, start, expected, closers)
    try:
        # The decoder's C code joins surrogate pairs, and is linear in the number of escapes.
        return _STRING.raw_decode(text, start)
    except ValueError:
        pos = start + 1
        while piece := _STRING_PIECE.match(text, pos):
            pos = piece.end()
        inside = expected in (VALUE, FIRST_ITEM)
        if text[pos : pos + 2] in {"", "\\"}:
            raise syntax_fault(start, "unterminated-string", inside=inside) from None
        reason = "bad-escape" if text[pos] == "\\" else "control-character"
        raise syntax_fault(pos, reason, inside=inside) from None
