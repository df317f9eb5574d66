"""Code: the stable name of one kind of finding, with all that is to be said about it."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

EDITIONS = ("2022-06", "2026-06")
REDACTED = "[redacted]"
MANY_BITS = 10_000
"""The size of an integer of 3000 digits; Python refuses to write one of more than 4300."""
ENDLESS = "a number of thousands of digits"
_SHOWN = 60
_NOTHING: Mapping[str, Any] = {}


class Severity(StrEnum):
    """How bad a finding is; only errors make a report fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


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
    """What a code means, why it matters and how to get rid of it."""

    name: str
    severity: Severity
    summary: str
    message: str
    """The sentence of a finding, with the names of parameters in braces."""
    why: str
    fix: str
    source: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    hint: str | Mapping[str, str] = ""
    """What to do about it, in the same form; a mapping has one for each ``kind`` in `params`."""
    confidence: Confidence = Confidence.DOCUMENTED
    editions: tuple[str, ...] = EDITIONS
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
        return json.dumps(value)
    if isinstance(value, str):
        quoted = json.dumps(str(value[:_SHOWN]), ensure_ascii=False)
        return quoted if len(value) <= _SHOWN else quoted[:-1] + '..."'
    if isinstance(value, int) and value.bit_length() > MANY_BITS:
        return ENDLESS
    return _cut(str(value), _SHOWN)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "..."


class _Shown:
    """A parameter in a template: ``{name}`` shows it as a value, ``{name:bare}`` as a word."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __format__(self, spec: str) -> str:
        if spec != "bare":
            return shown(self.value)
        words = self.value if isinstance(self.value, (list, tuple)) else [self.value]
        return _cut(", ".join(map(str, words)), 4 * _SHOWN)


class _Redacted:
    def __format__(self, spec: str) -> str:
        return REDACTED


class _Params(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return _Shown(self.get(key)) if key in self else _Redacted()


def render(template: str, params: Mapping[str, Any]) -> str:
    """Return `template` with each ``{name}`` replaced; a name that is missing was redacted."""
    return template.format_map(_Params(params)) if "{" in template else template
