"""Policy data: reading and validation of the plain data of policies and catalogs."""

import os
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar, get_args

from ..findings.message import suggestion
from ..findings.pointer import Path

_T = TypeVar("_T")


class PolicyError(ValueError):
    """Raised for a policy with a wrong key or value, or an unreadable file; the text names it."""

    __module__ = "talonschema"  # as tracebacks name it

    def __init__(self, message: str, *keys: str | int) -> None:
        super().__init__(message)
        self.keys = keys
        """The path of the faulty value."""


def load_file(path: str | os.PathLike[str], build: Callable[[Any], _T]) -> _T:
    """Return the result of `build` for the data of a file; its errors name the file."""
    name = os.fspath(path)
    if name.lower().endswith(".json"):
        try:
            return build(_json(name))
        except PolicyError as error:
            raise PolicyError(f"{name}: {error}", *error.keys) from None
    from ..reading.toml_reader import TomlError, load

    try:
        toml = load(name, parse_float=_decimal)
    except TomlError as error:
        raise PolicyError(str(error)) from None
    try:
        return build(toml.data)
    except PolicyError as error:
        raise PolicyError(str(toml.error(str(error), *error.keys)), *error.keys) from None


def _json(path: str) -> Any:
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise PolicyError(f"can't be read: {why}") from None
    import json

    try:
        return json.loads(raw.decode("utf-8-sig"), parse_float=_decimal)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"is not JSON: {error}") from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("an exponent has too many digits") from None


def format_value(value: object) -> str:
    """Return the text of a value in messages."""
    try:
        return repr(value)
    except (ValueError, RecursionError):
        # An integer with more digits than Python converts, or tables nested too deeply.
        return "too large to be shown"


def location(keys: Path) -> str:
    """Return a path as text, such as ``catalog.attributes``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".")


def table(value: object, keys: Path, whole: str = "the policy") -> Mapping[str, Any]:
    """Return a value that is a table; raises `PolicyError` for any other."""
    if not isinstance(value, Mapping):
        message = f"{location(keys) or whole} is not a table of keys and values"
        raise PolicyError(message, *keys)
    return value


def no_others(
    data: Mapping[str, Any], names: Iterable[str], keys: Path, whole: str = "the policy"
) -> None:
    """Raise `PolicyError` for a key that is not in `names`."""
    names = tuple(names)
    for key in data:
        if key not in names:
            close = suggestion(key, names) if isinstance(key, str) else ""
            message = f"{location(keys) or whole} has no key {format_value(key)}{close}"
            raise PolicyError(message, *keys, key)


def choice(value: object, kind: Any, keys: Path) -> Any:
    """Return a value that is one of the `Literal` `kind`; raises `PolicyError` for any other."""
    choices = get_args(kind)
    if value not in choices:
        close = suggestion(value, choices) if isinstance(value, str) else ""
        expected = f"expected one of {', '.join(choices)}"
        message = f"{location(keys)} is {format_value(value)}{close}; {expected}"
        raise PolicyError(message, *keys)
    return value


def list_of(value: object, kind: Any, keys: Path) -> list[Any]:
    """Return a list whose elements have the types `kind`; raises `PolicyError` for any other."""
    if not isinstance(value, (list, tuple)):
        message = f"{location(keys)} is not a list"
        raise PolicyError(message, *keys)
    for index, each in enumerate(value):
        if not isinstance(each, kind) or isinstance(each, bool):
            names = " or ".join(one.__name__ for one in kind)
            message = f"{location((*keys, index))} is {format_value(each)}; expected {names}"
            raise PolicyError(message, *keys, index)
    return list(value)
