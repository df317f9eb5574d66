"""States: the states of a customer session and the transitions between them, as data.

Sources: the description of ``state`` in CustomerSessionV2 (SDK 2.5.1 and the Integration API's
OpenAPI files), the descriptions of the operations "Update customer session", "Return cart items"
and "Reopen customer session", and the docs page on customer sessions.
"""

from typing import Final, Literal, NamedTuple, TypeAlias, get_args

State: TypeAlias = Literal["open", "closed", "partially_returned", "cancelled"]
Operation: TypeAlias = Literal["update", "return", "reopen"]

STATES: Final[tuple[State, ...]] = get_args(State)
OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
DEFAULT_STATE: Final[State] = "open"
SETTABLE: Final = tuple(state for state in STATES if state != "partially_returned")
"""The states that an update may send; only a return leads to the other one."""
INITIAL: Final[frozenset[str]] = frozenset({"open", "closed"})
"""The states in which a session can be created."""


class New:
    """The type of `NEW`, the state of a session that does not exist yet."""

    def __repr__(self) -> str:
        """Return the public name."""
        return "talonschema.NEW"


NEW: Final = New()
"""The value of ``previous`` for the first update of a session."""


class Move(NamedTuple):
    """A transition that an operation may make; ``start`` is None for creation."""

    start: State | None
    end: State
    operation: Operation


_COMMON: Final = (
    Move(None, "open", "update"),
    Move(None, "closed", "update"),
    Move("open", "open", "update"),
    Move("open", "closed", "update"),
    Move("open", "cancelled", "update"),
    Move("closed", "cancelled", "update"),
    Move("partially_returned", "cancelled", "update"),
    Move("closed", "partially_returned", "return"),
    Move("partially_returned", "partially_returned", "return"),
)
MOVES: Final[dict[str, tuple[Move, ...]]] = {
    "2022-06": _COMMON,
    "2026-06": (*_COMMON, Move("closed", "open", "reopen")),
}
"""The legal transitions of each edition. Reopening was added in SDK 3.0.0 (2023-04)."""


def resulting_state(operation: str, asked: str | None, before: str | None) -> str:
    """Return the state that an operation leads to, legal or not.

    `asked` is the ``state`` of an update, None if omitted; `before` is the previous state, None for
    a session that does not exist. An omitted state is `open` on creation and otherwise unchanged.
    """
    if operation == "return":
        return "partially_returned"
    if operation == "reopen":
        return "open"
    return asked or before or DEFAULT_STATE


def legal(edition: str, before: str | None, after: str, operation: str) -> bool:
    """Return True if `edition` permits the transition from `before` (None: creation) to `after`."""
    return (before, after, operation) in MOVES[edition]


def reachable(edition: str, before: str | None) -> tuple[Move, ...]:
    """Return the transitions from a state, in the order of the table."""
    return tuple(move for move in MOVES[edition] if move.start == before)
