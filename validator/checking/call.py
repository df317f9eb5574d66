"""Call: the request or response that a payload belongs to, without the payload itself."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypedDict

from .. import schemas
from ..findings.message import format_value, suggestion
from ..model.detection import OPERATIONS_OF
from ..model.naming import Naming, Translation, to_snake
from ..model.schema_tree import schema_tree
from ..model.states import DEFAULT_STATE, NEW, OPERATIONS, STATES, New
from ..reading import document, python_values
from ..rules.context import CallKind, PreviousKind
from ..structure import Engine
from ..structure.engine import is_integer

if TYPE_CHECKING:
    from ..reading.objects import Classic, Dataclass, Pydantic

    SessionObject: TypeAlias = Classic | Dataclass | Pydantic
else:
    SessionObject = object

Previous: TypeAlias = str | bytes | Mapping[str, Any] | SessionObject | New | None
"""The session before a call: its state, the session itself as a mapping, an object of an SDK, a
pydantic model, a dataclass or JSON text, `NEW` (or ``"new"``), or None if it is unknown."""


class _ArgumentsButPrevious(TypedDict, total=False):
    """The keyword arguments of `Validator.check` except `previous`; see there."""

    model: str | None
    operation: str | None
    dry: bool
    now: str | datetime | None


class CheckArguments(_ArgumentsButPrevious, total=False):
    """The keyword arguments of `Validator.check`; see there."""

    previous: Previous


class PreviousSession(NamedTuple):
    """The relevant knowledge about the session before a call."""

    known: PreviousKind = "unknown"
    state: str | New | None = None
    session: Mapping[str, Any] | None = None
    """The valid parts of the session in wire names; empty if there is no session yet."""


_UNKNOWN = PreviousSession()


class Call(NamedTuple):
    """The validated arguments of a check."""

    model: str | None = None
    operation: str | None = None
    """The operation; None to derive it from the payload."""
    dry: bool = False
    now: str | datetime | None = None
    before: PreviousSession = _UNKNOWN

    def kind(self, model: str) -> CallKind:
        """Return the context of the call for rules, if its payload is of `model`."""
        operation = self.operation
        if operation != "reopen":
            operation = OPERATIONS_OF.get(model, operation or "update")
        named = self.operation is not None
        return CallKind(model, operation, self.dry, self.before.known, self.now is not None, named)


_UNADORNED = Call()


def call(
    edition: str,
    before: PreviousSession,
    *,
    model: str | None = None,
    operation: str | None = None,
    dry: bool = False,
    now: str | datetime | None = None,
) -> Call:
    """Validate the arguments of a check.

    Raises `ValueError` or `TypeError` for arguments that are invalid, alone or in combination.
    """
    if before is _UNKNOWN and model is None and operation is None and not dry and now is None:
        return _UNADORNED
    if model is not None:
        elsewhere = [each for each in schemas.EDITIONS if model in schemas.models(each)]
        if elsewhere and edition not in elsewhere:
            message = f"{model} is a model of edition {elsewhere[0]} only, not of {edition}"
            raise ValueError(message)
        one_of("model", model, schemas.models(edition))
        if operation is not None and OPERATIONS_OF.get(model, operation) != operation:
            message = f"{model} is not the request model of the operation {operation!r}"
            raise ValueError(message)
    no_text("dry", dry)
    if operation is not None:
        one_of("operation", operation, OPERATIONS)
    if now is not None and not isinstance(now, (str, datetime)):
        message = f"now must be RFC 3339 text or a datetime, not {type(now).__name__}"
        raise TypeError(message)
    if dry and (operation or OPERATIONS_OF.get(model or "", "update")) == "update":
        before = PreviousSession("alone", None, {})
    return Call(model, operation, bool(dry), now, before)


def before(engine: Engine, naming: Naming, previous: Previous) -> PreviousSession:
    """Validate `previous`, whose names are in `naming`; raises as `call` does."""
    if previous is None:
        return _UNKNOWN
    given = previous
    if isinstance(previous, Enum) and not isinstance(previous, New):
        previous = previous.value
    if previous == "new":
        previous = NEW
    if isinstance(previous, New):
        return PreviousSession("new", previous, {})
    if isinstance(previous, (bytes, str)) and previous[:1] in ("{", b"{"):
        previous = _parse(previous)
    if isinstance(previous, str):
        return PreviousSession("state", one_of("previous", previous, (*STATES, "new")))
    if not isinstance(previous, Mapping):
        previous = python_values.plain(previous, wire=naming == "wire")[0]
    if not isinstance(previous, Mapping):
        message = f"previous must be a state, a session or NEW, not {type(given).__name__}"
        raise TypeError(message)
    session = _session(engine, naming, previous)
    state = one_of("the state of previous", session.get("state", DEFAULT_STATE), STATES)
    return PreviousSession("session", state, session)


def _parse(text: str | bytes) -> Any:
    """Return the value of a session in JSON text; raises `ValueError` for invalid JSON."""
    read = document.read(text)
    if not read.readable:
        place = read.problems[0]
        message = (
            f"previous is not valid JSON: {place.code} at line {place.line}, column {place.column}"
        )
        raise ValueError(message)
    return read.value


def no_text(name: str, value: object) -> None:
    """Raise `TypeError` for text in place of a boolean, since "false" would be true."""
    if isinstance(value, (str, bytes)):
        message = f"{name} must be True or False, not the string {value!r}"
        raise TypeError(message)


def _session(engine: Engine, naming: Naming, previous: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the valid parts of the session in wire names, so that rules can rely on them."""
    model = "NewCustomerSessionV2"
    value: Any = previous
    if not python_values.is_plain(previous):
        value = python_values.plain(previous, wire=naming == "wire")[0]
    given = value
    envelope = "customerSession" if naming == "wire" else to_snake("customerSession")
    if envelope in value:
        value = value[envelope] if isinstance(value[envelope], dict) else None
    if naming == "snake" and value:
        value = Translation(value, schema_tree(engine.edition, "CustomerSessionV2")).wire
    properties = schema_tree(engine.edition, "CustomerSessionV2").properties
    if value is None or (value and properties.keys().isdisjoint(value)):
        keys = ", ".join(map(format_value, list(given)[:_MOST_KEYS]))
        message = (
            f"previous is not a customer session: its keys are {keys}; expected a session, or an "
            f"object with one under {envelope}, in the names of naming={naming!r}"
        )
        raise ValueError(message)
    broken = set()
    if not engine.accepts(model, value):
        broken = {each.path[0] for each in engine.problems(model, value) if each.path}
    asked = schema_tree(engine.edition, model).properties
    session = {
        name: held
        for name, held in value.items()
        if held is not None and name in asked and (name not in broken or name == "state")
    }
    if is_integer(value.get(_COUNT)):
        session[_COUNT] = value[_COUNT]
    return session


_MOST_KEYS = 5
"""The number of keys in the error about an object without a session."""
_COUNT = "updateCount"
"""The only property of responses that rules read from the previous session."""


def one_of(what: str, value: Any, known: Iterable[str]) -> Any:
    """Return `value` if it is one of `known`; raises a `ValueError` that lists them if not."""
    choices = tuple(known)
    if value not in choices:
        close = suggestion(value, choices) if isinstance(value, str) else ""
        message = f"{what} is {value!r}{close}; expected one of {', '.join(choices)}"
        raise ValueError(message)
    return value
