"""Code: the stable name of a kind of finding, with its description."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from .. import schemas

_NOTHING: Mapping[str, Any] = {}


class Severity(StrEnum):
    """The severity of a finding; only errors make a report fail.

    Severities are ordered, with the worst as the greatest: ``ERROR > WARNING > INFO``. They can
    also be compared with their names as strings.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """The rank: 0 for an info, 1 for a warning, 2 for an error."""
        return _RANKS[self._value_]

    def __lt__(self, other: str) -> bool:
        """Return True if `other` is worse; raises `TypeError` if it is not a severity."""
        return self.rank < _rank(other)

    def __le__(self, other: str) -> bool:
        """Return True if `other` is equal or worse."""
        return self.rank <= _rank(other)

    def __gt__(self, other: str) -> bool:
        """Return True if `other` is less bad."""
        return self.rank > _rank(other)

    def __ge__(self, other: str) -> bool:
        """Return True if `other` is equal or less bad."""
        return self.rank >= _rank(other)


_RANKS = {"info": 0, "warning": 1, "error": 2}


def _rank(severity: str) -> int:
    rank = _RANKS.get(severity)
    if rank is None:
        message = f"{severity!r} can't be compared; expected one of {', '.join(_RANKS)}"
        raise TypeError(message)
    return rank


FAIL_ON = ("error", "warning")
"""The severities that can make a check fail."""


class Confidence(StrEnum):
    """The confidence in a fact about the API."""

    DOCUMENTED = "documented"
    PRACTICE = "practice"
    INFERRED = "inferred"


class Example(NamedTuple):
    """A payload and the context in which it is checked.

    `context` takes the keyword arguments of `Validator.check` (``model``, ``previous``,
    ``operation``, ``dry``, ``now``) and ``edition`` and ``policy``, all in the form of JSON:
    ``"NEW"`` stands for `NEW`.
    """

    part: Any
    context: Mapping[str, Any] = _NOTHING
    times: int = 1
    """The number of repetitions of `part`, if it is a text."""

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
    """The template of the message, with names of parameters in braces; a mapping has one for each
    ``kind`` in `params`."""
    why: str
    fix: str
    source: str
    bad: tuple[Example, ...]
    good: tuple[Example, ...]
    hint: str | Mapping[str, str] = ""
    """The template of the remedy, in the same form."""
    confidence: Confidence = Confidence.DOCUMENTED
    refusal: Confidence | None = None
    """The confidence that the API refuses a call with such a finding, so that it has no effect;
    None if the API does not refuse it, or the code is not about a call."""
    editions: tuple[str, ...] = schemas.EDITIONS
    models: tuple[str, ...] = ()
    """The models to which the code applies; empty for all."""
    about: Literal["value", "key"] = "value"
    """The part of a member at fault: its value, or its key regardless of the value."""
    leaves: Literal["something invalid", "nothing", "something readable"] = "something invalid"
    """The value at the place of a finding: nothing that can be checked further, a value that rules
    can still read, or one that they can't."""
    api_title: str = ""
    """The title of such an error in responses of the API, if it is known."""

    @property
    def group(self) -> str:
        """The part before the slash."""
        return self.name.partition("/")[0]
