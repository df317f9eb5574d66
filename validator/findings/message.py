"""Message: the text of values, and the rendering of templates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

REDACTED = "[redacted]"
MANY_BITS = 10_000
"""The size of an integer with 3000 digits; by default, Python converts at most 4300."""
ENDLESS = "a number of thousands of digits"
_SHOWN = 60
_WORDS = {True: "true", False: "false", None: "null"}


def format_value(value: object) -> str:
    """Return `value` as short text: strings in JSON quotes, lists joined by commas."""
    if isinstance(value, str):
        quoted = _quoting()(str(value[:_SHOWN]))
        return quoted if len(value) <= _SHOWN else quoted[:-1] + '..."'
    if isinstance(value, (list, tuple)):
        return _truncate(", ".join([format_value(each) for each in value[:_SHOWN]]), 4 * _SHOWN)
    if isinstance(value, bool) or value is None:
        return _WORDS[value]
    if isinstance(value, int) and value.bit_length() > MANY_BITS:
        return ENDLESS
    return _truncate(str(value), _SHOWN)


@cache
def _quoting() -> Callable[[str], str]:
    from json import JSONEncoder

    return JSONEncoder(ensure_ascii=False).encode


def _truncate(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "..."


def render(template: str, params: Mapping[str, Any]) -> str:
    """Return `template` with ``{name}`` replaced by a value, ``{name:bare}`` by a word.

    Names that `params` lacks were redacted.
    """
    if "{" not in template:
        return template
    rendered = []
    for text, name, form in _parts(template):
        rendered.append(text)
        if name is not None:
            rendered.append(_parameter(params[name], form) if name in params else REDACTED)
    return "".join(rendered)


@cache
def _parts(template: str) -> tuple[tuple[str, str | None, str | None], ...]:
    from string import Formatter

    return tuple((text, name, form) for text, name, form, _ in Formatter().parse(template))


def _parameter(value: object, form: str | None) -> str:
    if form != "bare":
        return format_value(value)
    words = value if isinstance(value, (list, tuple)) else [value]
    return _truncate(", ".join(map(str, words)), 4 * _SHOWN)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean ...?)`` for the known name closest to `name`, or an empty string."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
