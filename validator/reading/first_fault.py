"""First fault: the fault at which a fast parser stops, for texts too long for the scanner.

It has the line and column of the fault, but no path.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..findings.problem import Problem
from . import MAX_DIGITS

try:
    import jiter
except ImportError:
    jiter = None  # type: ignore[assignment]  # types from the module above

_PLACED = re.compile(r"(?s)(.*) at line (\d+) column (\d+)$")
_KINDS = (
    ("EOF while parsing a string", "unterminated-string"),
    ("EOF", "unexpected-end"),
    ("trailing comma", "trailing-comma"),
    ("trailing characters", "trailing-data"),
    ("key must be a string", "expected-key"),
    ("expected `:`", "expected-colon"),
    ("expected `,`", "expected-comma"),
    ("expected ident", "bad-literal"),
    ("control character", "control-character"),
    ("invalid escape", "bad-escape"),
    ("invalid number", "bad-number"),
)
"""Prefixes of messages of jiter, and the kinds of the syntax errors that they describe."""
_ESCAPED = re.compile(r"(?s)\\(?:u\{([0-9a-f]+)\}|(.))")
"""An escaped character of a key in such a message, in Rust's notation."""
_MEANT = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


def find(text: str, max_depth: int) -> Problem:
    """Return the problem at which a fast parser stops, or else `json/too-deep`.

    The text is known to be faulty, and nesting beyond `max_depth` is the only fault that the
    parsers may accept.
    """
    found = _with_json(text) if jiter is None else _with_jiter(text, max_depth)
    return found or Problem("json/too-deep", params={"limit": max_depth})


def _with_jiter(text: str, max_depth: int) -> Problem | None:
    data = text.encode(errors="surrogatepass")
    try:
        jiter.from_json(data, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        found = _PLACED.match(str(error))
        if found is not None:
            return _problem(found[1], data, int(found[2]), int(found[3]), max_depth)
    return None


class _FoundError(ValueError):
    """Raised for a problem that the parser of the standard library accepts."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


def _with_json(text: str) -> Problem | None:
    """Return a problem with less detail: only syntax errors have a place."""
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_int=_integer, parse_constant=_constant
        )
        json.dumps(value, ensure_ascii=False).encode()
    except _FoundError as error:
        return error.problem
    except json.JSONDecodeError as error:
        return _syntax("expected-value", error.lineno, error.colno)
    except UnicodeEncodeError:
        return Problem("json/lone-surrogate")
    except RecursionError:
        pass
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _FoundError(Problem("json/duplicate-key", values={"key": key}))
        result[key] = value
    return result


def _integer(token: str) -> int:
    if len(token.lstrip("-")) > MAX_DIGITS:
        raise _FoundError(Problem("json/number-range", params={"limit": f"{MAX_DIGITS} digits"}))
    return 0


def _constant(_: str) -> None:
    raise _FoundError(Problem("json/syntax", params={"kind": "expected-value"}))


def _problem(message: str, data: bytes, line: int, column: int, max_depth: int) -> Problem:
    column = _characters(data, line, column)
    place: dict[str, Any] = {"line": line, "column": column}
    if message.startswith("Detected duplicate key"):
        key = _ESCAPED.sub(_unescape, message[len('Detected duplicate key "') : -1])
        return Problem("json/duplicate-key", values={"key": key}, **place)
    if message.startswith("number out of range"):
        return Problem("json/number-range", params={"limit": f"{MAX_DIGITS} digits"}, **place)
    if message.startswith("recursion limit"):
        return Problem("json/too-deep", params={"limit": max_depth}, **place)
    if any(each in message for each in ("hex escape", "code point")):
        return Problem("json/lone-surrogate", **place)
    kind = next((kind for start, kind in _KINDS if message.startswith(start)), "expected-value")
    return _syntax(kind, line, column)


def _unescape(escaped: re.Match[str]) -> str:
    return chr(int(escaped[1], 16)) if escaped[1] else _MEANT.get(escaped[2], escaped[2])


def _characters(data: bytes, line: int, column: int) -> int:
    """Return the column in characters for a column in bytes."""
    start = 0
    for _ in range(line - 1):
        start = data.index(b"\n", start) + 1
    # The place may be within a character.
    return max(1, len(data[start : start + column].decode(errors="replace")))


def _syntax(kind: str, line: int, column: int) -> Problem:
    return Problem("json/syntax", params={"kind": kind}, line=line, column=column)
