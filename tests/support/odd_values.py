"""Python values that count as JSON, and such as don't: subclasses, odd mappings, what raises."""

from __future__ import annotations

import array
import collections
import datetime as dt
import enum
import fractions
import io
import numbers
import types
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import MagicMock, Mock

import attrs

from talonschema.reading.document import read


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "fooled"

    def __repr__(self) -> str:
        return "fooled"

    def __getitem__(self, _index: object) -> str:
        return "fooled"

    def encode(self, *_arguments: object) -> bytes:
        raise RuntimeError

    def isascii(self) -> bool:
        raise RuntimeError


class Word(str):
    __slots__ = ()


class Number(int):
    def __int__(self) -> int:
        return 666

    def __index__(self) -> int:
        return 666


class Real(float):
    __slots__ = ()

    def __float__(self) -> float:
        return 666.0


class Money(Decimal):
    def __str__(self) -> str:
        return "fooled"

    def is_finite(self) -> bool:
        raise RuntimeError


class Colour(str, enum.Enum):  # noqa: UP042 - the older way is still common
    RED = "red"


class Plain(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


class Pairs(Mapping[Any, Any]):
    """A mapping of any pairs, which may share a key as those of web frameworks do."""

    def __init__(self, *pairs: tuple[Any, Any]) -> None:
        self._pairs = pairs

    def __getitem__(self, key: object) -> object:
        return next(value for name, value in self._pairs if name == key)

    def __iter__(self) -> Iterator[Any]:
        return (name for name, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def items(self) -> Any:
        return self._pairs


class Broken(Mapping[str, Any]):
    def __getitem__(self, key: str) -> object:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def __len__(self) -> int:
        raise RuntimeError


class BrokenList(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError


class BrokenDict(dict[str, Any]):
    def items(self) -> Any:
        return [1, 2, 3]


class NamelessMeta(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError


class Nameless(metaclass=NamelessMeta):
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise RuntimeError


@numbers.Integral.register
class Whole:
    def __int__(self) -> int:
        return 7


@numbers.Real.register
class Single:
    def __init__(self, value: float = 1.5) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"Single({self.value})"


@numbers.Integral.register
class BrokenWhole:
    def __int__(self) -> int:
        raise RuntimeError


def numpy_bool(name: str, *, value: bool) -> object:
    """Return what looks like a NumPy boolean, without NumPy."""
    kind = type(name, (), {"__module__": "numpy", "item": lambda _self: value})
    return kind()


GOOD = [
    ({"a": 1}, {"a": 1}),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(int, a=1), {"a": 1}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (collections.UserDict(a=1), {"a": 1}),
    (collections.ChainMap({"a": 1}, {"a": 2, "b": 3}), {"a": 1, "b": 3}),
    ({Text("a"): 1, Colour.RED: 2}, {"a": 1, "red": 2}),
    ([1, 2], [1, 2]),
    ((1, (2,)), [1, [2]]),
    (Point(1, 2), [1, 2]),
    ((), []),
    ("é😀\0", "é😀\0"),
    (Text("a"), "a"),
    (Text("é"), "é"),
    (Colour.RED, "red"),
    (True, True),
    (None, None),
    (Number(5), 5),
    (Level.HIGH, 3),
    (10**5000, 10**5000),
    (Whole(), 7),
    (1.0, 1.0),
    (Real(2.5), 2.5),
    (Single(), 1.5),
    (Decimal("1.10"), Decimal("1.10")),
    (Money("1.10"), Decimal("1.10")),
    (Decimal("1E+999999"), Decimal("1E+999999")),
    (Decimal("2.00"), 2),
    (Plain.RED, Plain.RED.value),
    (numpy_bool("bool_", value=True), True),
    (numpy_bool("bool", value=False), False),
]
TYPES_OF_JSON = {dict, list, str, int, float, Decimal, bool, type(None)}


def types_in(value: object) -> set[type]:
    inner: list[object] = []
    if isinstance(value, dict):
        inner = [*value.keys(), *value.values()]
    elif isinstance(value, list):
        inner = value
    return {type(value)}.union(*map(types_in, inner))


class Pydantic1:
    """What has the method of a model of pydantic 1."""

    def dict(self) -> Mapping[str, Any]:
        return {"a": 1}


UNUSABLE = [
    ({1, 2}, "set"),
    (frozenset(), "frozenset"),
    (b"a", "bytes"),
    (bytearray(b"a"), "bytearray"),
    (memoryview(b"a"), "memoryview"),
    (range(3), "range"),
    (iter([]), "list_iterator"),
    ({}.keys(), "dict_keys"),
    (collections.deque([1]), "deque"),
    (collections.UserList([1]), "UserList"),
    (collections.UserString("a"), "UserString"),
    (dt.date(2024, 1, 1), "date"),
    (dt.time(12), "time"),
    (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "datetime"),
    (dt.timedelta(days=1), "timedelta"),
    (Path("session.json"), type(Path()).__name__),
    (io.StringIO("{}"), "StringIO"),
    (io.BytesIO(b"{}"), "BytesIO"),
    (read, "function"),
    (attrs.make_class("Attrs", ["a"])(1), "Attrs"),
    (uuid.UUID(int=0), "UUID"),
    (fractions.Fraction(1, 2), "Fraction"),
    (array.array("d", [1.5]), "array"),
    (Pydantic1(), "Pydantic1"),
    (1j, "complex"),
    (object(), "object"),
    (int, "type"),
    (..., "ellipsis"),
    (Broken(), "Broken"),
    (BrokenList([1]), "BrokenList"),
    (BrokenDict(a=1), "BrokenDict"),
    (BrokenWhole(), "BrokenWhole"),
    (Nameless(), "Nameless"),
    (Mock(spec=str), "Mock"),
    (Mock(spec=dict), "Mock"),
    (MagicMock(spec=float), "MagicMock"),
]
REMEDIES = {
    **dict.fromkeys(["set", "frozenset", "dict_keys"], "set"),
    **dict.fromkeys(["bytes", "bytearray", "memoryview"], "bytes"),
    **dict.fromkeys(["range", "list_iterator", "deque", "UserList"], "iterable"),
    **dict.fromkeys(["UUID", "UserString"], "text"),
    **dict.fromkeys(["datetime"], "datetime"),
    **dict.fromkeys(["date", "time"], "date"),
    **dict.fromkeys(["PosixPath", "WindowsPath"], "path"),
    **dict.fromkeys(["StringIO", "BytesIO"], "file"),
    **dict.fromkeys(["function", "type"], "call"),
    "timedelta": "duration",
    "Fraction": "fraction",
    "array": "array",
    "Pydantic1": "dict",
    "Attrs": "attrs",
}
