"""Code: the stable name of one kind of finding, with its description."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, NamedTuple

from .. import schemas

_NOTHING: Mapping[str, Any] = {}


class Severity(StrEnum):
    """The severity of a finding; only errors make a report fail.

    Severities compare by rank, the worst being the greatest: ``ERROR > WARNING > INFO``, also with
    their names as plain text.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for an info, 1 for a warning, 2 for an error."""
        return _RANKS[self._value_]

    def __lt__(self, other: str) -> bool:
        """Return True if `other` is worse; raise `TypeError` if it is no severity."""
        return self.rank < _rank(other)

    def __le__(self, other: str) -> bool:
        """Return True if `other` is as bad or worse."""
        return self.rank <= _rank(other)

    def __gt__(self, other: str) -> bool:
        """Return True if `other` is less bad."""
        return self.rank > _rank(other)

    def __ge__(self, other: str) -> bool:
        """Return True if `other` is as bad or less."""
        return self.rank >= _rank(other)


_RANKS = {"info": 0, "warning": 1, "error": 2}


def _rank(severity: str) -> int:
    rank = _RANKS.get(severity)
    if rank is None:
        message = f"{severity!r} is no severity to compare with; there are {', '.join(_RANKS)}"
        raise TypeError(message)
    return rank


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
    about: Literal["value", "key"] = "value"
    """The part of a member that findings are about; a key is at fault whatever its value."""
    leaves: Literal["something invalid", "nothing", "something readable"] = "something invalid"
    """The remains at the place of a finding: nothing that could be checked further, a value that
    rules can read all the same, or one that they can't."""
    api_title: str = ""
    """The title that the API gives such an error in its responses, if it is known."""

    @property
    def group(self) -> str:
        """The part before the slash."""
        return self.name.partition("/")[0]
