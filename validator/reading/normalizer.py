"""Copier: copies parsed values into exact builtin types, as `instance.plain` promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite, isnan
from typing import Any, NamedTuple

from ..findings.pointer import Path
from ..findings.problem import Problem
from . import MAX_DIGITS

_NOTHING: Mapping[str, Any] = {}
_TYPE_NAME = type.__dict__["__name__"]
_FOUND_LENGTH = 20
# What `_scalar` returns for a container, and what is known of one that was not met before.
_CONTAINER = object()
_UNKNOWN = (None, None, 1)


class _Container(NamedTuple):
    """A container to be copied: its members as they were when it was reached."""

    source: object
    members: Iterator[tuple[Any, Any]]
    target: Any
    keyed: bool
    problems: int
    """How many there were before it."""


class Normalizer:
    """Makes one copy."""

    def __init__(self, max_depth: int, max_problems: int) -> None:
        """Note up to `max_problems`; what is nested deeper than `max_depth` is one."""
        self.problems: list[Problem] = []
        self._max_depth = max_depth
        self._max_problems = max_problems
        # The containers being copied, outermost first, where in each, and how deep each is so far.
        self._open: list[_Container] = []
        self._steps: list[str | int] = []
        self._heights: list[int] = []
        # By id: the source, its copy and how deep it is; 0 while it is being copied.
        self._known: dict[int, tuple[object, Any, int]] = {}

    def copy(self, value: object) -> object:
        """Return the copy of `value`."""
        result = self._convert(value)
        while self._open:
            container = self._open[-1]
            if self._copy_leaves(container):
                self._close()
        return result

    def _copy_leaves(self, container: _Container) -> bool:
        """Copy members up to the next container, which is then open; return True after the last."""
        _, members, target, keyed, _ = container
        for given, item in members:
            key = given
            if keyed and not (type(key) is str and key.isascii() and key not in target):
                key = self._key(given, target)
                if key is None:
                    continue
            kind = type(item)
            if kind is int or kind is bool or item is None or (kind is str and item.isascii()):
                target[key] = item
                continue
            depth = len(self._open)
            self._steps.append(key)
            target[key] = self._convert(item)
            if len(self._open) > depth:
                return False
            self._steps.pop()
        return True

    def _close(self) -> None:
        done = self._open.pop()
        height = self._heights.pop()
        if done.problems == len(self.problems) or len(self.problems) == self._max_problems:
            self._known[id(done.source)] = (done.source, done.target, height)
        else:
            del self._known[id(done.source)]
        if self._open:
            self._steps.pop()
            self._heights[-1] = max(self._heights[-1], height + 1)

    def _convert(self, value: object) -> object:
        """Return the copy of `value`; of a container an empty one, which is then open."""
        kind = type(value)
        if kind is dict or kind is list or kind is tuple:
            return self._container(value)
        try:
            scalar = self._scalar(value, kind)
            return self._container(value) if scalar is _CONTAINER else scalar
        except Exception:  # noqa: BLE001 - objects can define any method, and raise anything in it
            self._unsupported(kind)
            return None

    def _scalar(self, value: Any, kind: type) -> object:
        """Return the copy of `value`, or _CONTAINER when it is a container."""
        # By issubclass, not isinstance: `__class__` can lie (as that of a Mock with a spec does).
        if issubclass(kind, str):
            return str.__str__(value)
        if value is None or kind is bool:
            return value
        if issubclass(kind, int):
            return int.__int__(value)
        if issubclass(kind, float):
            return self._finite(float.__float__(value))
        if issubclass(kind, (dict, list, tuple, Mapping)):
            return _CONTAINER
        return self._number(value, kind)

    def _number(self, value: Any, kind: type) -> object:
        # Late, because few callers pass any of these and the imports take longer than the check.
        from decimal import Decimal
        from enum import Enum
        from numbers import Integral, Rational, Real

        if issubclass(kind, Decimal):
            number = Decimal(value)
            if number.is_finite():
                whole = number.adjusted() < MAX_DIGITS and number == number.to_integral_value()
                return int(number) if whole else number
            self._report("json/not-finite", {}, {"found": str(number)[:_FOUND_LENGTH]})
            return None
        if issubclass(kind, Enum):
            return self._convert(value.value)
        if kind.__module__ == "numpy" and kind.__name__ in {"bool", "bool_"}:
            return bool(value.item())
        if issubclass(kind, Integral):
            return int.__int__(int(value))
        if issubclass(kind, Real) and not issubclass(kind, Rational):
            return self._finite(float.__float__(float(value)))
        self._unsupported(kind)
        return None

    def _container(self, value: Any) -> object:
        """Open `value` and return its copy, to be filled later; raises what its methods raise."""
        source, copy, height = self._known.get(id(value), _UNKNOWN)
        if not height:
            self._report("json/circular")
            return None
        if len(self._open) + height > self._max_depth:
            self._report("json/too-deep", {"limit": self._max_depth})
            return None
        if source is not None:
            self._heights[-1] = max(self._heights[-1], height + 1)
            return copy
        kind = type(value)
        if (kind is dict or kind is list) and not value:
            # Nothing to fill, so nothing to open: floods of empty containers stay cheap.
            if self._open:
                self._heights[-1] = max(self._heights[-1], 2)
            return kind()
        opened = _open_container(value, len(self.problems))
        self._known[id(value)] = (value, None, 0)
        self._open.append(opened)
        self._heights.append(1)
        return opened.target

    def _key(self, given: object, target: dict[str, Any]) -> str | None:
        """Return the key as a plain string, or None when it is not a string."""
        kind = type(given)
        if not issubclass(kind, str):
            self._report("json/key-type", {}, {"type": _type_name(kind)})
            return None
        key = str.__str__(given)
        self._steps.append(key)
        if key in target:
            nowhere = {"first_line": None, "first_column": None}
            self._report("json/duplicate-key", nowhere, {"key": key})
        self._steps.pop()
        return key

    def _finite(self, number: float) -> float | None:
        if isfinite(number):
            return number
        self._report("json/not-finite", {}, {"found": _name(number)})
        return None

    def _unsupported(self, kind: type) -> None:
        self._report("json/unsupported-type", {}, {"type": _type_name(kind)})

    def _report(
        self,
        code: str,
        params: Mapping[str, Any] = _NOTHING,
        values: Mapping[str, Any] = _NOTHING,
    ) -> None:
        if len(self.problems) < self._max_problems:
            path: Path = tuple(self._steps)
            self.problems.append(Problem(code, path, params, values))


def _open_container(value: Any, problems: int) -> _Container:
    # The members are listed first, so that nothing that runs in between can change them.
    kind = type(value)
    if kind is dict:
        return _Container(value, iter(list(value.items())), {}, keyed=True, problems=problems)
    if issubclass(kind, (list, tuple)):
        items = list(value)
        target: list[Any] = [None] * len(items)
        return _Container(value, enumerate(items), target, keyed=False, problems=problems)
    pairs = [(key, item) for key, item in value.items()]
    return _Container(value, iter(pairs), {}, keyed=True, problems=problems)


def _name(number: float) -> str:
    if isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _type_name(kind: type) -> str:
    # Past the metaclass, which could define a `__name__` of its own.
    return str.__str__(_TYPE_NAME.__get__(kind))
