"""Normalizer: copies of values in exact builtin types, as specified by `python_values.plain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..findings.pointer import Path
from ..findings.problem import Problem
from . import MAX_DIGITS

if TYPE_CHECKING:
    from enum import Enum

    from .objects import Encoding, Form

MOST_PROBLEMS = 1000
"""The most problems that are reported for a value."""

_NOTHING: Mapping[str, Any] = {}
_TYPE_NAME = type.__dict__["__name__"]
_FOUND_LENGTH = 20
_BUILTIN = frozenset({dict, list, tuple})
_CONTAINER = object()
"""The result of `Normalizer._scalar` for a container."""
_OBJECT = object()
"""Its result for a value that may be an object in the sense of `objects`."""
_MEMBER = object()
"""Its result for a member of an enumeration, which stands for its value."""
_IN_PROGRESS = 0
"""The height of a container that is being copied."""


class _Known(NamedTuple):
    """A container that was already converted, kept alive so that its id remains unique."""

    source: object
    copy: Any
    height: int
    """The nesting depth of the container, including itself."""


class Normalizer:
    """The conversion of a single value."""

    def __init__(self, max_depth: int, *, wire: bool) -> None:
        """Initialise; values nested deeper than `max_depth` are a problem.

        With `wire`, attributes of objects have their names on the wire, otherwise those in Python.
        """
        self.problems: list[Problem] = []
        self._max_depth = max_depth
        self._path: list[str | int] = []
        self._known: dict[int, _Known] = {}
        """The containers that were already converted, by id."""
        self._wire = wire
        self._encoding: Encoding = "none"
        self._known_in: dict[Encoding, dict[int, _Known]] = {"none": self._known}
        """These containers by the encoding of their values."""

    def copy(self, value: object) -> object:
        """Return the copy of `value`."""
        return self._convert(value)[0]

    def _convert(self, value: object, form: Form | None = None) -> tuple[object, int]:
        """Return the copy of the value at the current path, and its height.

        `form` is given for objects.
        """
        kind = type(value)
        try:
            if form is None and kind not in _BUILTIN:
                scalar = self._scalar(value, kind)
                if scalar is _MEMBER:
                    return self._convert(cast("Enum", value).value)
                if scalar is not _CONTAINER:
                    return self._object(value, kind) if scalar is _OBJECT else (scalar, 0)
            known = self._known.get(id(value))
            if form is not None and known is None:
                content = form.content(value)
                if type(content) is not dict:
                    return self._convert(content)
                members = _members(content)
            else:
                members = () if known else _members(value)
        except Exception:  # noqa: BLE001 - methods of objects can raise anything
            self._report_unsupported(kind)
            return None, 0
        if known is not None and known.height == _IN_PROGRESS:
            self._report("json/circular")
            return None, 0
        if len(self._path) + (known.height if known else 1) > self._max_depth:
            self._report("json/too-deep", {"limit": self._max_depth})
            return None, 0
        if known is not None:
            return known.copy, known.height
        return self._container(value, members, keyed=not issubclass(kind, (list, tuple)))

    def _object(self, value: object, kind: type) -> tuple[object, int]:
        """Return the copy of an object in its form on the wire, and its height.

        Raises any exception of methods of its metaclass.
        """
        from . import objects

        form = objects.form(kind, wire=self._wire)
        if form is None:
            self._report_unsupported(kind)
            return None, 0
        outside = self._encoding
        self._encoding = form.encoding or outside
        self._known = self._known_in.setdefault(self._encoding, {})
        copied = self._convert(value, form)
        self._encoding, self._known = outside, self._known_in[outside]
        return copied

    def _container(
        self, value: object, members: Sequence[Any], *, keyed: bool
    ) -> tuple[object, int]:
        """Return the copy of a new container, and its height."""
        target: Any = {} if keyed else [None] * len(members)
        if not members:
            return target, 1
        before, tallest = len(self.problems), 0
        self._known[id(value)] = _Known(value, None, _IN_PROGRESS)
        for given, item in members if keyed else enumerate(members):
            key: Any = given
            if keyed and not (type(key) is str and key not in target):
                key = self._key(given, target)
                if key is None:
                    continue
            kind = type(item)
            if kind is int or kind is bool or item is None or kind is str:
                target[key] = item
                continue
            self._path.append(key)
            target[key], height = self._convert(item)
            self._path.pop()
            tallest = max(tallest, height)
        if before == len(self.problems) or len(self.problems) == MOST_PROBLEMS:
            self._known[id(value)] = _Known(value, target, tallest + 1)
        else:
            del self._known[id(value)]
        return target, tallest + 1

    def _scalar(self, value: Any, kind: type) -> object:
        """Return the copy of a scalar, or _CONTAINER, _MEMBER or _OBJECT for any other value."""
        # issubclass, not isinstance: `__class__` can lie, as it does for a Mock with a spec.
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
        # Imported here, since few callers pass such values, and imports are slower than a check.
        from decimal import Decimal
        from enum import Enum
        from numbers import Integral, Rational, Real

        if self._encoding != "none":
            from . import objects

            text = objects.text(value, kind, self._encoding)
            if text is not None:
                return text
            if self._encoding == "classic" and issubclass(kind, (Decimal, Enum)):
                self._report_unsupported(kind)
                return None
        if issubclass(kind, Decimal):
            number = Decimal(value)
            if number.is_finite():
                whole = number.adjusted() < MAX_DIGITS and number == number.to_integral_value()
                return int(number) if whole else number
            self._report("json/not-finite", {}, {"found": str(number)[:_FOUND_LENGTH]})
            return None
        if issubclass(kind, Enum):
            return _MEMBER
        if kind.__module__ == "numpy" and kind.__name__ in {"bool", "bool_"}:
            return bool(value.item())
        if issubclass(kind, Integral):
            return int.__int__(int(value))
        if issubclass(kind, Real) and not issubclass(kind, Rational):
            return self._finite(float.__float__(float(value)))
        return _OBJECT

    def _key(self, given: object, target: dict[str, Any]) -> str | None:
        """Return the key as a plain string, or None if it is not a string."""
        kind = type(given)
        if not issubclass(kind, str):
            self._report("json/key-type", {}, {"type": _type_name(kind)})
            return None
        key = str.__str__(given)
        self._path.append(key)
        if key in target:
            nowhere = {"first_line": None, "first_column": None}
            self._report("json/duplicate-key", nowhere, {"key": key})
        self._path.pop()
        return key

    def _finite(self, number: float) -> float | None:
        if isfinite(number):
            return number
        self._report("json/not-finite", {}, {"found": _name(number)})
        return None

    def _report_unsupported(self, kind: type) -> None:
        from .unsupported import remedy

        try:
            name = remedy(kind)
        except Exception:  # noqa: BLE001 - metaclasses can define any method
            name = ""
        params = {"kind": name} if name else {}
        self._report("json/unsupported-type", params, {"type": _type_name(kind)})

    def _report(
        self,
        code: str,
        params: Mapping[str, Any] = _NOTHING,
        values: Mapping[str, Any] = _NOTHING,
    ) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            path: Path = tuple(self._path)
            self.problems.append(Problem(code, path, params, values))


def _members(value: Any) -> Sequence[Any]:
    """Return the pairs of a mapping or the elements of an array; raises as its methods do.

    They are copied first, so that code that runs meanwhile can't change them.
    """
    if isinstance(value, (list, tuple)):
        return list(value)
    return (
        list(value.items()) if type(value) is dict else [(key, item) for key, item in value.items()]
    )


def _name(number: float) -> str:
    if isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def _type_name(kind: type) -> str:
    # Bypasses the metaclass, which could define its own `__name__`.
    return str.__str__(_TYPE_NAME.__get__(kind))
