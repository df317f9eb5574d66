"""Context: what a rule may look at."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from ..findings.pointer import Path
from ..model.policy import Policy
from ..model.schema_tree import SchemaNode
from ..model.states import New

PreviousKind: TypeAlias = Literal["unknown", "new", "state", "session", "alone"]
"""The knowledge of the session before the call; ``alone``: a dry update ignores it."""


_NOTHING: Mapping[str, Any] = {}


class Missing(NamedTuple):
    """A reason why a rule can't be applied."""

    reason: str


class Violation(NamedTuple):
    """A place that breaks a rule: a `Problem` without its code, which is that of the rule."""

    path: Path = ()
    params: Mapping[str, Any] = _NOTHING
    values: Mapping[str, Any] = _NOTHING
    related: tuple[Path, ...] = ()
    parameter: str | None = None


Violations: TypeAlias = Iterator[Violation | Missing]
"""The findings of a rule, and what it lacks for others."""


class Invalid:
    """The places that structure finds fault with."""

    def __init__(self, places: Collection[Path], missing: Collection[Path] = ()) -> None:
        """Take the places, and those among them that are `missing` from the session itself.

        Rules expect that any key of the session may not be there, so these block none.
        """
        self._places = frozenset(places)
        self._parts: dict[Path, dict[str | int, list[Path]]] = {}
        self._kinds = {
            tuple("*" if isinstance(step, int) else step for step in place)
            for place in self._places.difference(missing)
        }

    def __bool__(self) -> bool:
        """Return True if there are any."""
        return bool(self._places)

    def readable(self, place: Path) -> bool:
        """Return True if `place` and all above it are valid, whatever is below it."""
        return not any(place[:length] in self._places for length in range(len(place) + 1))

    def blocks(self, places: Collection[Path]) -> bool:
        """Return True if one of `places`, where ``*`` is any step, can't be read.

        That is if it is invalid itself, or anything above or below it is.
        """
        for bad in self._kinds:
            for place in places:
                for want, step in zip(place, bad, strict=False):
                    if want not in ("*", step):
                        break
                else:
                    return True
        return False

    def parts(self, place: Path) -> dict[str | int, list[Path]]:
        """Return the invalid places below a readable one: what follows each step from there."""
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
    """All of a call but the payload that decides which rules apply."""

    model: str
    operation: str
    dry: bool
    known: PreviousKind
    now: bool
    """The query parameter ``now`` is given."""
    named: bool
    """The caller named the operation, so the payload is what an endpoint gets."""


class Context(NamedTuple):
    """A payload and what it is judged against."""

    edition: str
    policy: Policy
    call_kind: CallKind
    value: Any
    """The payload as plain JSON, in wire names; where a request has no body, whether one is sent
    all the same."""
    session: Mapping[str, Any]
    """The customer session within `value`, or what is returned of one; empty if there is
    none."""
    base: Path
    """The path of `session` in `value`."""
    schema_tree: SchemaNode
    state: str | New | None = None
    """The session's state before the call; None if unknown or set aside by a dry run."""
    previous: Mapping[str, Any] | None = None
    """The session before the call; empty for a new one, None if unknown."""
    now: str | datetime | None = None
    present: datetime | None = None
    """The moment of the check, set where `now` is."""
    places: frozenset[str] | None = None
    """The only places that may be at fault, as `Prefilter.suspect_places` returns them; None if
    all may be."""
    suspects: Sequence[int] | None = None
    """The indexes of the cart items that a rule with a prefilter has to examine; None for all, as
    for a rule without one."""
    invalid: Invalid = NOTHING_INVALID

    def of_all_items(self) -> "Context":
        """Return the context of a rule without a prefilter."""
        # A quarter of what `_replace` takes.
        return Context(*self[:-2], None, self.invalid)

    def doubtful_keys(self) -> Collection[str] | None:
        """Return the keys of the session whose values may be at fault; None if all may be."""
        if self.places is None:
            return None
        return {place.partition("/")[0] for place in self.places}

    def items(self, *reads: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield index and item of the cart, without items that are invalid in what is read.

        Nor those that are known to satisfy the rule; see `suspects`.
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
        """Yield index, index of the first occurrence and value of each repeated one in a list."""
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
        """Return a violation at a place below the session; the rest is as in `Problem`."""
        return Violation((*self.base, *path), params, values, related)

    def readable(self, *path: str | int) -> bool:
        """Return True if the value at `path` is itself valid, whatever is below it."""
        return not self.invalid or self.invalid.readable(self.place(*path))

    def place(self, *path: str | int) -> Path:
        """Return the path in the payload of a place below the session."""
        return (*self.base, *path)


def _hit(reads: Sequence[str], broken: Iterable[Path]) -> bool:
    """Return True if one of the broken places in an item is the item, or in one of its `reads`."""
    # A generator for `any` costs twice as much.
    for path in broken:  # noqa: SIM110
        if not path or path[0] in reads:
            return True
    return False
