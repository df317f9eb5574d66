"""Context: what a rule may look at."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from ..findings.pointer import Path
from ..model.policy import Policy
from ..model.schema_tree import SchemaNode
from ..model.states import New

PreviousKind: TypeAlias = Literal["unknown", "new", "state", "session", "alone"]
"""The knowledge of the session before the call; ``alone``: a dry update ignores it."""


class Missing(NamedTuple):
    """A reason why a rule can't be applied."""

    reason: str


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
        """Return the invalid places below `place`: what follows each step from there."""
        if place in self._parts:
            return self._parts[place]
        found = self._parts[place] = {}
        depth = len(place)
        for bad in self._places:
            if len(bad) > depth and bad[:depth] == place:
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
    named: bool = False
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
    suspects: Sequence[int] | None = None
    """The indexes of the cart items that a rule with `clean` has to look at; None for all."""
    invalid: Invalid = NOTHING_INVALID

    def items(self, *reads: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield index and item of the cart, without items that are invalid in what is read."""
        return self._items(reads, None)

    def suspect_items(self, *reads: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield what `items` does, without items that are known to be in order."""
        return self._items(reads, self.suspects)

    def _items(
        self, reads: tuple[str, ...], only: Sequence[int] | None
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        cart = self.session.get("cartItems") or ()
        place = self.place("cartItems")
        if not self.invalid:
            for index in range(len(cart)) if only is None else only:
                yield index, cart[index]
        elif self.invalid.readable(place):
            parts = self.invalid.parts(place)
            for index in range(len(cart)) if only is None else only:
                broken = parts.get(index)
                if broken is None or not _hit(reads, broken):
                    yield index, cart[index]

    def readable(self, *path: str | int) -> bool:
        """Return True if the value at `path` is itself valid, whatever is below it."""
        return not self.invalid or self.invalid.readable(self.place(*path))

    def place(self, *path: str | int) -> Path:
        """Return the path in the payload of a place below the session."""
        return (*self.base, *path)


def _hit(reads: Sequence[str], broken: Iterable[Path]) -> bool:
    """Return True if one of the broken places in an item is the item, or in one of its `reads`."""
    return any(not path or path[0] in reads for path in broken)
