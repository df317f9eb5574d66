"""Context: the input of rules."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from ..findings.pointer import Path
from ..model.policy import Policy
from ..model.schema_tree import SchemaNode
from ..model.states import New

PreviousKind: TypeAlias = Literal["unknown", "new", "state", "session", "alone"]
"""The knowledge about the session before the call; ``alone`` if a dry update ignores it."""


_NOTHING: Mapping[str, Any] = {}


class Missing(NamedTuple):
    """A reason why a rule can't be applied."""

    reason: str


class Violation(NamedTuple):
    """A violation of a rule at a place: a `Problem` without code, which is that of the rule."""

    path: Path = ()
    params: Mapping[str, Any] = _NOTHING
    values: Mapping[str, Any] = _NOTHING
    related: tuple[Path, ...] = ()
    parameter: str | None = None


Violations: TypeAlias = Iterator[Violation | Missing]
"""The violations of a rule, and the reasons why parts of it can't be applied."""


class Invalid:
    """The places that are structurally invalid."""

    def __init__(self, places: Collection[Path], missing: Collection[Path] = ()) -> None:
        """Initialise with the places, and those that are `missing` keys of the session itself.

        Rules expect that any key of the session may be missing, so these block no rule.
        """
        self._places = frozenset(places)
        self._parts: dict[Path, dict[str | int, list[Path]]] = {}
        self.kinds = frozenset(
            [
                tuple(["*" if isinstance(step, int) else step for step in place])
                for place in self._places.difference(missing)
            ]
        )
        """The places, except the missing ones, with ``*`` for each index."""

    def __bool__(self) -> bool:
        """Return True if there are invalid places."""
        return bool(self._places)

    def readable(self, place: Path) -> bool:
        """Return True if `place` and all places above it are valid, regardless of those below."""
        return not any(place[:length] in self._places for length in range(len(place) + 1))

    def blocks(self, places: Collection[Path]) -> bool:
        """Return True if one of `places`, with ``*`` for any step, can't be read.

        A place can't be read if it, or any place above or below it, is invalid.
        """
        for bad in self.kinds:
            for place in places:
                for want, step in zip(place, bad, strict=False):
                    if want not in ("*", step):
                        break
                else:
                    return True
        return False

    def parts(self, place: Path) -> dict[str | int, list[Path]]:
        """Return the invalid places below a readable one, as relative paths by their first step."""
        if place in self._parts:
            return self._parts[place]
        found = self._parts[place] = {}
        depth = len(place)
        for bad in self._places:
            if bad[:depth] == place:
                found.setdefault(bad[depth], []).append(bad[depth + 1 :])
        return found


NOTHING_INVALID = Invalid(())


class CallKind(NamedTuple):
    """The properties of a call, apart from its payload, that determine which rules apply."""

    model: str
    operation: str
    dry: bool
    known: PreviousKind
    now: bool
    """Whether the query parameter ``now`` is given."""
    named: bool
    """Whether the caller gave the operation, so that the payload is the body of a request."""


class Context(NamedTuple):
    """A payload and the context in which rules judge it."""

    edition: str
    policy: Policy
    call_kind: CallKind
    value: Any
    """The payload as plain JSON, in wire names; for a request without a body, whether one was sent
    nevertheless."""
    session: Mapping[str, Any]
    """The customer session in `value`, or the return of items; empty if there is none."""
    base: Path
    """The path of `session` in `value`."""
    schema_tree: SchemaNode
    state: str | New | None = None
    """The state of the session before the call; None if unknown or ignored by a dry run."""
    previous: Mapping[str, Any] | None = None
    """The session before the call; empty for a new one, None if unknown."""
    now: str | datetime | None = None
    present: datetime | None = None
    """The time of the check, set if `now` is."""
    places: frozenset[str] | None = None
    """The suspect places, as returned by `Prefilter.suspect_places`; None if all are."""
    suspects: Sequence[int] | None = None
    """The indexes of the cart items that a rule with a prefilter has to examine; None for all, and
    for rules without one."""
    invalid: Invalid = NOTHING_INVALID

    def of_all_items(self) -> "Context":
        """Return the context of a rule without a prefilter."""
        # This takes half of the time of `_replace`.
        return Context(*self[:-2], None, self.invalid)

    def with_invalid(self, invalid: Invalid) -> "Context":
        """Return the context with these invalid places."""
        return Context(*self[:-1], invalid)

    def suspect_keys(self) -> Collection[str] | None:
        """Return the keys of the session with suspect values; None if all are suspect."""
        if self.places is None:
            return None
        return {place.partition("/")[0] for place in self.places}

    def items(self, *reads: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield the index and item of each cart item whose properties in `reads` are valid.

        Items that are known to satisfy the rule are left out; see `suspects`.
        """
        if not self.readable("cartItems"):
            return
        cart = self.session.get("cartItems") or ()
        parts = self.invalid.parts(self.place("cartItems")) if self.invalid else {}
        for index in range(len(cart)) if self.suspects is None else self.suspects:
            if index not in parts or not _hit(reads, parts[index]):
                yield index, cart[index]

    def repeats(
        self, name: str, key: Callable[[Any], Hashable] = lambda each: each
    ) -> Iterator[tuple[int, int, Any]]:
        """Yield index, index of the first occurrence and value of each repeated value in a list."""
        first: dict[Hashable, int] = {}
        for index, each in enumerate(self.session.get(name) or ()):
            value = key(each)
            if value in first:
                yield index, first[value], value
            else:
                first[value] = index

    def violation(
        self,
        *path: str | int,
        params: Mapping[str, Any] = _NOTHING,
        values: Mapping[str, Any] = _NOTHING,
        related: tuple[Path, ...] = (),
    ) -> Violation:
        """Return a violation at a place below the session; other arguments are as in `Problem`."""
        return Violation((*self.base, *path), params, values, related)

    def readable(self, *path: str | int) -> bool:
        """Return True if the value at `path` is valid, regardless of the values below it."""
        return not self.invalid or self.invalid.readable(self.place(*path))

    def place(self, *path: str | int) -> Path:
        """Return the path in the payload of a place below the session."""
        return (*self.base, *path)


def _hit(reads: Sequence[str], broken: Iterable[Path]) -> bool:
    """Return True if an invalid place in an item is the item itself, or in one of `reads`."""
    # `any` with a generator takes twice as long.
    for path in broken:  # noqa: SIM110
        if not path or path[0] in reads:
            return True
    return False
