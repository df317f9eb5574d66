"""Fields: readers of the values in a settings file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from ..findings.message import suggestion
from ..model.states import STATES
from ..reading.toml_reader import Toml
from .path import is_path

FieldReader: TypeAlias = Callable[[Any, str], Any]
"""A function of a value and its name in messages, which returns the setting.

Raises `InvalidValue`.
"""

_SHOWN = 60
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+")
"""A JSON Pointer (RFC 6901, section 3) other than the root."""


class InvalidValue(ValueError):
    """Raised for a value that its key does not take; the text says what it takes."""

    def __init__(self, message: str, *keys: str | int) -> None:
        super().__init__(message)
        self.keys = keys
        """The path from the value to the faulty part."""


def read(
    toml: Toml, place: tuple[str | int, ...], table: Any, kinds: Mapping[str, FieldReader]
) -> dict[str, Any]:
    """Return the settings of the table at `place`, by key.

    Raises `TomlError` if it is not a table, or for an unknown key or invalid value.
    """
    where = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).lstrip(".")
    if not isinstance(table, dict):
        raise toml.error(f"{where} is {format_value(table)}; expected a table", *place)
    settings = {}
    for key, value in table.items():
        if key not in kinds:
            message = f"{where or 'the file'} has no key {key!r}{suggestion(key, kinds)}"
            raise toml.error(message, *place, key)
        try:
            settings[key] = kinds[key](value, f"{where}.{key}" if where else key)
        except InvalidValue as error:
            raise toml.error(str(error), *place, key, *error.keys) from None
    return settings


def text(value: Any, where: str) -> str:
    """Read a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidValue(f"{where} is {format_value(value)}; expected a non-empty string")
    return value


def boolean(value: Any, where: str) -> bool:
    """Read a boolean."""
    if not isinstance(value, bool):
        raise InvalidValue(f"{where} is {format_value(value)}; expected true or false")
    return value


def number(least: float, most: float, *, whole: bool) -> FieldReader:
    """Return a reader of numbers between `least` and `most`."""
    takes = f"{'an integer' if whole else 'a number'} from {least} to {most}"

    def kind(value: Any, where: str) -> Any:
        right = isinstance(value, int) or (isinstance(value, float) and not whole)
        if isinstance(value, bool) or not right or not least <= value <= most:
            raise InvalidValue(f"{where} is {format_value(value)}; expected {takes}")
        return value

    return kind


def choice(names: Iterable[str]) -> FieldReader:
    """Return a reader of one of `names`."""
    choices = tuple(names)

    def kind(value: Any, where: str) -> str:
        if not isinstance(value, str) or value not in choices:
            close = suggestion(value, choices) if isinstance(value, str) else ""
            raise InvalidValue(
                f"{where} is {format_value(value)}{close}; expected one of {', '.join(choices)}"
            )
        return value

    return kind


def list_of(each: FieldReader) -> FieldReader:
    """Return a reader of non-empty lists, with the reader `each` for the elements."""

    def kind(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or not value:
            raise InvalidValue(f"{where} is {format_value(value)}; expected a non-empty list")
        taken = []
        for index, one in enumerate(value):
            try:
                taken.append(each(one, f"{where}[{index}]"))
            except InvalidValue as error:
                raise InvalidValue(str(error), index, *error.keys) from None
        return tuple(taken)

    return kind


def format_value(value: Any) -> str:
    """Return the text of a value in messages."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a table"
    written = repr(value) if isinstance(value, str) else str(value)
    return written if len(written) <= _SHOWN else f"{written[:_SHOWN]}..."


def previous(value: Any, where: str) -> str:
    """Return the setting `previous`; raises `InvalidValue` for any other value."""
    names = ("new", *STATES)
    if isinstance(value, str) and (value in names or is_path(value)):
        return value
    close = suggestion(value, names) if isinstance(value, str) else ""
    raise InvalidValue(
        f"{where} is {format_value(value)}{close}; expected new, one of {', '.join(STATES)}, or the"
        " path of a JSON file (which ends in .json or contains a slash)"
    )


def pointer(value: Any, where: str) -> str:
    """Return a JSON Pointer other than the root; raises `InvalidValue` for any other value."""
    if isinstance(value, str) and _POINTER.fullmatch(value):
        return value
    raise InvalidValue(
        f"{where} is {format_value(value)}; expected a JSON Pointer, which begins with a slash,"
        " with * for any key or index, and ~0 and ~1 for the characters ~ and /"
    )


def glob(value: Any, where: str) -> str:
    """Return a glob; raises `InvalidValue` for unsupported syntax."""
    pattern = text(value, where)
    if "\\" in pattern or "{" in pattern:
        raise InvalidValue(
            f"{where} is {pattern!r}; separate folders with /, and write alternatives as a list"
        )
    if ".." in pattern.split("/"):
        raise InvalidValue(f"{where} is {pattern!r}; globs can't match files outside their folder")
    return pattern
