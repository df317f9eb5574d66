"""JSON faults: the reasons for syntax errors, derived from the text around them."""

from __future__ import annotations

import re

# The characters with which the next token may begin, in each state.
VALUE = '"[{-0123456789tfnNI'
FIRST_ITEM = VALUE + "]"
KEY = '"'
FIRST_KEY = '"}'
KEYS = (KEY, FIRST_KEY)
COLON = ":"
END = ""

_WORD = re.compile(r"[\w$.+-]+")

_WORDS = {
    "True": "python-literal",
    "False": "python-literal",
    "None": "python-literal",
    "undefined": "undefined",
}
_MARKS = {
    "//": "comment",
    "/*": "comment",
    "#": "comment",
    "'": "single-quotes",
    "`": "single-quotes",
    "\u2018": "curly-quotes",
    "\u2019": "curly-quotes",
    "\u201c": "curly-quotes",
    "\u201d": "curly-quotes",
    "...": "ellipsis",
    "\u2026": "ellipsis",
    "\ufeff": "bad-whitespace",
    "\u200b": "bad-whitespace",
}


class FaultError(Exception):
    """Raised where a text can't be read any further: bad syntax or too deep nesting."""

    def __init__(self, code: str, offset: int, reason: str, *, inside: bool) -> None:
        """Initialise; with `inside`, the place is in the next member, not just in its container."""
        super().__init__(code, reason)
        self.code = code
        self.offset = offset
        self.reason = reason
        self.inside = inside


def syntax_fault(offset: int, reason: str, *, inside: bool = False) -> FaultError:
    """Return the fault of bad syntax at `offset`."""
    return FaultError("json/syntax", offset, reason, inside=inside)


def too_deep(offset: int) -> FaultError:
    """Return the fault of nesting too deeply at `offset`."""
    return FaultError("json/too-deep", offset, "", inside=True)


def fault_at(text: str, pos: int, expected: str, closers: list[str]) -> FaultError:
    """Return the syntax error at `pos`, where one of the characters in `expected` is missing.

    White space before `pos` has been skipped.
    """
    if pos >= len(text):
        return _at_end(text, expected, closers)
    before = text[:pos].rstrip(" \t\n\r")
    if text[pos] in "]}" and before.endswith(","):
        if closers and closers[-1] == text[pos]:
            return syntax_fault(len(before) - 1, "trailing-comma")
        return syntax_fault(pos, _generic(expected, closers, text[pos]))
    reason = _specific(text, pos, expected) or _generic(expected, closers, text[pos])
    inside = expected in (VALUE, FIRST_ITEM, COLON)
    return syntax_fault(pos, reason, inside=inside)


def _at_end(text: str, expected: str, closers: list[str]) -> FaultError:
    pos = len(text.rstrip(" \t\n\r"))
    if not pos:
        return syntax_fault(0, "empty")
    member = expected == VALUE and closers[-1] == "}"
    return syntax_fault(pos, "unexpected-end", inside=member or expected == COLON)


def _specific(text: str, pos: int, expected: str) -> str:
    """Return the reason that the characters at `pos` show, or an empty string."""
    first = text[pos]
    word = _WORD.match(text, pos)
    reason = next((why for mark, why in _MARKS.items() if text.startswith(mark, pos)), "")
    if not reason and first.isspace():
        reason = "bad-whitespace"
    elif not reason and first < " ":
        reason = "control-character"
    elif not reason and word and expected in KEYS:
        reason = "unquoted-key"
    elif not reason and word and expected in (VALUE, FIRST_ITEM):
        is_number = first in "+-.0123456789"
        reason = "bad-number" if is_number else _WORDS.get(word[0], "bad-literal")
    return reason


def _generic(expected: str, closers: list[str], found: str) -> str:
    """Return the reason that follows from what was expected."""
    if expected == COLON:
        return "expected-colon"
    if expected in KEYS:
        return "expected-key"
    if expected in (VALUE, FIRST_ITEM):
        return "expected-value"
    if not closers:
        return "trailing-data"
    return "mismatched-bracket" if found in "]}" else "expected-comma"
