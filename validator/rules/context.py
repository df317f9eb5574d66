"""Context: what a rule may look at."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from ..outline import Outline
from ..pointer import Path
from ..policy import Policy
from ..states import New

Known: TypeAlias = Literal["unknown", "new", "state", "session", "alone"]
"""What is known of the session before the call; ``alone``: a dry update, which ignores it."""


class Missing(NamedTuple):
    """What a rule yields where it can't be judged."""

    reason: str


class Setting(NamedTuple):
    """All of a call but the payload that decides which rules apply."""

    model: str
    operation: str
    dry: bool
    known: Known
    now: bool
    """The query parameter ``now`` is given."""


@dataclass(slots=True)
class Context:
    """A payload and what it is judged against."""

    edition: str
    policy: Policy
    setting: Setting
    value: Any
    """The payload as plain JSON, in wire names."""
    session: Mapping[str, Any]
    """The customer session within `value`, or what is returned of one; empty if there is
    none."""
    base: Path
    """Where `session` stands in `value`."""
    outline: Outline
    state: str | New | None = None
    """The session's state before the call; None if unknown or set aside by a dry run."""
    previous: Mapping[str, Any] | None = None
    """The session before the call; empty for a new one, None if unknown."""
    now: str | datetime | None = None
    invalid: frozenset[Path] = frozenset()
    """The places that structure finds fault with."""
    doubts: Sequence[int] | None = None
    """The indexes of the cart items that a rule with `clean` has to look at; None for all."""
    present: datetime | None = None
    """The moment of the check, set where `now` is."""
    _touched: frozenset[Path] | None = field(default=None, repr=False)

    def valid(self, *path: str | int) -> bool:
        """Tell whether the place at `path` below the session is valid, whole and all above it."""
        if not self.invalid:
            return True
        if self._touched is None:
            self._touched = frozenset(
                bad[:length] for bad in self.invalid for length in range(len(bad) + 1)
            )
        place = (*self.base, *path)
        return place not in self._touched and not any(
            place[:length] in self.invalid for length in range(len(place))
        )

    def items(self, *reads: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield index and item of the cart, without items that are invalid in what is read."""
        return self._items(reads, None)

    def doubtful_items(self, *reads: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield what `items` does, without items that are known to be in order."""
        return self._items(reads, self.doubts)

    def _items(
        self, reads: tuple[str, ...], only: Sequence[int] | None
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        cart = self.session.get("cartItems") or ()
        if not self.readable("cartItems"):
            return
        for index in range(len(cart)) if only is None else only:
            item = cart[index]
            if not self.invalid or (
                self.readable("cartItems", index)
                and all(self.valid("cartItems", index, name) for name in reads)
            ):
                yield index, item

    def readable(self, *path: str | int) -> bool:
        """Tell whether the value at `path` is itself valid, whatever is below it."""
        place = (*self.base, *path)
        return not self.invalid or not any(
            place[:length] in self.invalid for length in range(len(place) + 1)
        )

    def place(self, *path: str | int) -> Path:
        """Return the path in the payload of a place below the session."""
        return (*self.base, *path)


def blocked(places: Collection[Path], invalid: frozenset[Path]) -> bool:
    """Tell whether an invalid place stands in the way of reading one of `places`.

    It does if it is one of them (``*`` matches any step), or above or below one.
    """
    return any(
        all(want in ("*", step) for want, step in zip(place, bad, strict=False))
        for bad in invalid
        for place in places
    )
