"""Code: the stable name of one kind of finding, with its description."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from .. import schemas

REDACTED = "[redacted]"
MANY_BITS = 10_000
"""The size of an integer of 3000 digits; Python refuses to write one of more than 4300."""
ENDLESS = "a number of thousands of digits"
_SHOWN = 60
_WORDS = {True: "true", False: "false", None: "null"}
_NOTHING: Mapping[str, Any] = {}


class Severity(StrEnum):
    """How bad a finding is; only errors make a report fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


FAIL_ON = ("error", "warning")
"""The severities that can make a check fail."""


class Confidence(StrEnum):
    """How well a fact of the API is known."""

    DOCUMENTED = "documented"
    PRACTICE = "practice"
    INFERRED = "inferred"


class Example(NamedTuple):
    """A payload and the context it is judged in.

    `context` takes the keyword arguments of `Validator.check` (``model``, ``previous``,
    ``operation``, ``dry``, ``now``) and ``edition`` and ``policy``, all in the form of JSON:
    ``"NEW"`` stands for `NEW`.
    """

    part: Any
    context: Mapping[str, Any] = _NOTHING
    times: int = 1
    """How often `part`, then a text, comes in a row."""

    @property
    def data(self) -> Any:
        """The payload."""
        return self.part if self.times == 1 else self.part * self.times


class Code(NamedTuple):
    """The meaning of a code, its reason and its remedy."""

    name: str
    severity: Severity
    summary: str
    message: str | Mapping[str, str]
    """The sentence of a finding, with the names of parameters in braces; a mapping has one for
    each ``kind`` in `params`."""
    why: str
    fix: str
    source: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    hint: str | Mapping[str, str] = ""
    """The remedy, in the same form."""
    confidence: Confidence = Confidence.DOCUMENTED
    refusal: Confidence | None = None
    """How well it is known that the API refuses a call with it, so that nothing of the call takes
    effect; None if the API does not, or the code is about something else than a call."""
    editions: tuple[str, ...] = schemas.EDITIONS
    models: tuple[str, ...] = ()
    """The models the code can appear on; empty for any."""

    @property
    def group(self) -> str:
        """The part before the slash."""
        return self.name.partition("/")[0]


def shown(value: object) -> str:
    """Return `value` as short text: strings in JSON quotes, lists joined by commas."""
    if isinstance(value, (list, tuple)):
        return _cut(", ".join(shown(each) for each in value[:_SHOWN]), 4 * _SHOWN)
    if isinstance(value, bool) or value is None:
        return _WORDS[value]
    if isinstance(value, str):
        quoted = _quoting()(str(value[:_SHOWN]))
        return quoted if len(value) <= _SHOWN else quoted[:-1] + '..."'
    if isinstance(value, int) and value.bit_length() > MANY_BITS:
        return ENDLESS
    return _cut(str(value), _SHOWN)


@cache
def _quoting() -> Callable[[str], str]:
    from json import JSONEncoder

    return JSONEncoder(ensure_ascii=False).encode


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "..."


def render(template: str, params: Mapping[str, Any]) -> str:
    """Return `template` with ``{name}`` shown as a value, ``{name:bare}`` as a word.

    A name that `params` has not was redacted.
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
        return shown(value)
    words = value if isinstance(value, (list, tuple)) else [value]
    return _cut(", ".join(map(str, words)), 4 * _SHOWN)
