"""TOML reader: the values of a TOML file, and the line of each.

`tomllib` parses the values. Neither it nor any other maintained parser returns positions, so a scan
of the text determines them when a line is needed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from ..findings.message import ENDLESS, MANY_BITS
from ..findings.pointer import Path

_DEEPEST = 300
"""The maximum length of a path to a value; settings have fewer than ten steps."""


class TomlError(ValueError):
    """Raised for a file that is unreadable, is not TOML, or has an invalid value.

    The text is ``path:line: message``, or ``path: message`` if no line is at fault.
    """

    def __init__(self, path: str, line: int | None, message: str) -> None:
        self.path = path
        self.line = line
        """The 1-based line; None if the file as a whole is at fault."""
        self.message = message
        super().__init__(f"{path}: {message}" if line is None else f"{path}:{line}: {message}")


class Toml:
    """A TOML document."""

    def __init__(self, path: str, text: str, data: dict[str, Any]) -> None:
        """Wrap `data`, parsed from `text`, the text of the file at `path`; see `load`."""
        self.path = path
        self.data = data
        self._text = text
        self._lines: dict[Path, int] | None = None

    def line(self, *keys: str | int) -> int | None:
        """Return the 1-based line of a key, a table or an entry of an array.

        For a table without a header, it is the first line that names it. Returns None if there is
        no such key.
        """
        if self._lines is None:
            self._lines = _Scan(self._text).lines()
        return self._lines.get(keys)

    def error(self, message: str, *keys: str | int) -> TomlError:
        """Return an error at the value of the keys, or at the nearest table around it."""
        line = next(filter(None, (self.line(*keys[:end]) for end in range(len(keys), 0, -1))), None)
        return TomlError(self.path, line, message)


def load(path: str | os.PathLike[str], *, parse_float: Callable[[str], Any] = float) -> Toml:
    """Read a TOML file in UTF-8, with or without a byte order mark.

    `parse_float` converts floating-point numbers, as in `tomllib.loads`. Raises `TomlError`.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            raw = file.read()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise TomlError(name, None, f"can't be read: {why}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TomlError(name, line, f"is not TOML, which is UTF-8: {error.reason}") from None
    text = text.replace("\r\n", "\n")
    import tomllib

    try:
        toml = Toml(name, text, tomllib.loads(text, parse_float=parse_float))
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(name, text, error) from None
    except RecursionError:
        raise TomlError(name, None, "is nested too deeply") from None
    except ValueError as error:
        # For example, an integer with more digits than Python converts.
        raise TomlError(name, None, f"is not TOML: {error}") from None
    _refuse_endless(toml)
    return toml


def _refuse_endless(toml: Toml) -> None:
    """Raise `TomlError` for values that can't be printed, or are too deep for recursion.

    These are hexadecimal integers with more digits than Python converts to decimal, and dotted keys
    with thousands of parts.
    """
    waiting: list[tuple[Path, Any]] = [((), toml.data)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, int) and value.bit_length() > MANY_BITS:
            raise toml.error(f"a value is {ENDLESS}", *place)
        if len(place) > _DEEPEST:
            raise TomlError(toml.path, None, "is nested too deeply")
        if isinstance(value, (dict, list)):
            parts = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [((*place, step), part) for step, part in parts]


def _syntax_error(path: str, text: str, error: ValueError) -> TomlError:
    import re

    message = str(error)
    # Only newer versions of tomllib also have the place as attributes.
    place = r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)"
    match = re.fullmatch(place, message, re.DOTALL)
    if match is None:
        return TomlError(path, None, f"is not TOML: {message}")
    if match[2] is None:
        return TomlError(
            path, text.rstrip("\n").count("\n") + 1, f"is not TOML: {match[1]} at the end"
        )
    return TomlError(path, int(match[2]), f"is not TOML: {match[1]} (column {match[3]})")


class _Token(NamedTuple):
    text: str
    line: int


_END = _Token("", 0)
_NEWLINE = "\n"


def _tokens(text: str) -> Iterator[_Token]:
    """Yield the tokens: keys, strings, punctuation, newlines and parts of other values."""
    import re

    token = re.compile(
        r'(?P<string>"""(?:\\.|[^\\])*?"""(?:"{0,2})' + r"|'''.*?'''(?:'{0,2})"
        r'|"(?:\\.|[^"\\])*"' + r"|'[^']*')"
        r"|(?P<blank>[ \t]+|\#[^\n]*)"
        r"|[\[\]{}=,.\n]"
        r"|[^\s\"'#\[\]{}=,.]+",
        re.DOTALL,
    )
    line = 1
    for match in token.finditer(text):
        found = match[0]
        if match["blank"] is None:
            yield _Token(found, line)
        if found == _NEWLINE:
            line += 1
        elif match["string"] is not None:
            line += found.count("\n")


class _Scan:
    """A scan for the lines of keys and values in a valid document."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = next(self._tokens, _END)
        self._lines: dict[Path, int] = {}
        self._last: dict[Path, int] = {}
        """The index of the last entry of each array of tables."""

    def lines(self) -> dict[Path, int]:
        """Return the line of each place; may be called only once."""
        with suppress(EOFError):
            table: Path = ()
            while self._next is not _END:
                if self._next.text == _NEWLINE:
                    self._next_token()
                elif self._next.text == "[":
                    table = self._header()
                else:
                    self._pair(table)
        return self._lines

    def _next_token(self) -> _Token:
        if self._next is _END:
            # Reached only by newer versions of TOML, for which some lines are unknown.
            raise EOFError
        token, self._next = self._next, next(self._tokens, _END)
        return token

    def _key(self, end: str) -> list[str]:
        """Return the parts of a key, consuming the token `end` after it."""
        parts = []
        while (token := self._next_token()).text != end:
            if token.text != ".":
                parts.append(_name(token.text))
        return parts

    def _header(self) -> Path:
        line = self._next_token().line
        of_array = self._next.text == "["
        if of_array:
            self._next_token()
        *outer, name = self._key("]")
        if of_array:
            self._next_token()
        place: Path = ()
        for each in outer:
            place = (*place, each)
            self._lines.setdefault(place, line)
            if place in self._last:
                place = (*place, self._last[place])
        place = (*place, name)
        if of_array:
            self._lines.setdefault(place, line)
            self._last[place] = self._last.get(place, -1) + 1
            place = (*place, self._last[place])
        self._lines[place] = line
        return place

    def _pair(self, place: Path) -> None:
        line = self._next.line
        for name in self._key("="):
            place = (*place, name)
            self._lines.setdefault(place, line)
        self._value(place)

    def _value(self, place: Path) -> None:
        first = self._next_token().text
        if first == "[":
            index = 0
            while self._is_inside("]"):
                self._lines[(*place, index)] = self._next.line
                self._value((*place, index))
                index += 1
        elif first == "{":
            while self._is_inside("}"):
                self._pair(place)
        else:
            while self._next.text not in {_NEWLINE, ",", "]", "}", ""}:
                self._next_token()

    def _is_inside(self, end: str) -> bool:
        """Skip separators; return True if another value follows, else consume the token `end`."""
        while self._next.text in {_NEWLINE, ","}:
            self._next_token()
        if self._next.text == end:
            self._next_token()
            return False
        return True


def _name(key: str) -> str:
    if key[0] not in "\"'":
        return key
    import tomllib

    name: str = tomllib.loads(f"key = {key}")["key"]
    return name
