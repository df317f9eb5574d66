"""File: the validated settings of a configuration file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from .. import schemas
from ..checking.registry import select_codes
from ..findings.code import FAIL_ON, Severity
from ..findings.pointer import Path
from ..model.naming import Naming
from ..model.policy import Policy
from ..model.policy_data import PolicyError
from ..model.states import OPERATIONS
from ..reading.toml_reader import Toml, TomlError
from .fields import (
    FieldReader,
    InvalidValue,
    boolean,
    choice,
    format_value,
    glob,
    list_of,
    pointer,
    previous,
    read,
    text,
)
from .globs import Glob, below, excludes
from .path import is_path

_OF_OTHERS = ("gateway",)
"""Top-level tables of ``talonschema.toml`` that other programs read."""


class Config:
    """The settings of a file."""

    def __init__(self, toml: Toml, place: Path) -> None:
        """Read the settings in the table at `place`; raises `TomlError`."""
        self.path = toml.path
        self._toml = toml
        self._place = place
        folder = os.path.dirname(toml.path)
        self._folder = os.path.abspath(folder)
        table: Any = toml.data
        for key in place:
            table = table[key]
        shared = _kinds(folder)
        kinds = {**shared, "exclude": _globs, "select": _CODES}
        kinds |= {"fail_on": choice(FAIL_ON), "files": _tables, "baseline": _path(folder)}
        if not place:
            table = {key: value for key, value in table.items() if key not in _OF_OTHERS}
        self.top = read(toml, place, table, kinds)
        """The settings for all files."""
        self.files: list[dict[str, Any]] = []
        """The tables with settings for some files."""
        kinds = {**shared, "glob": _globs, "pointer": pointer, "reason": text}
        for index, part in enumerate(self.top.pop("files", ())):
            own: Path = (*place, "files", index)
            settings = read(toml, own, part, kinds)
            if "glob" not in settings:
                message = f"files[{index}] has no glob to select its files"
                raise toml.error(message, *own)
            for given, lacking in (("ignore", "reason"), ("reason", "ignore")):
                if given in settings and lacking not in settings:
                    message = f"files[{index}] has no {lacking}; ignore and reason go together"
                    raise toml.error(message, *own, given)
            if "pointer" in settings and "ignore" not in settings:
                message = f"files[{index}] has no ignore; pointer applies only to ignored codes"
                raise toml.error(message, *own, "pointer")
            self.files.append(settings)
        self._excluding = self._compile(self.top.get("exclude", ()), (*place, "exclude"))
        self._selecting = [
            self._compile(table["glob"], (*place, "files", index, "glob"))
            for index, table in enumerate(self.files)
        ]

    def excludes(self, path: str) -> bool:
        """Return True if the settings exclude a file or folder, or a folder that contains it."""
        return bool(self._excluding) and excludes(self._excluding, path, self._folder)

    def group(self, path: str | None) -> tuple[int, ...]:
        """Return the indexes of `files` that apply to a file; None is a file without a name."""
        names = None if path is None or not self.files else below(path, self._folder)
        if names is None:
            return ()
        return tuple(
            index
            for index, globs in enumerate(self._selecting)
            # All globs are matched, since those that match nothing are reported.
            if [glob for glob in globs if glob.is_for(names)]
        )

    def globs(self) -> tuple[list[Glob], list[list[Glob]]]:
        """Return the globs that exclude files, and those of each of `files`."""
        return self._excluding, self._selecting

    def _compile(self, patterns: Iterable[str], place: Path) -> list[Glob]:
        return [Glob(each, self._folder, (*place, index)) for index, each in enumerate(patterns)]

    def layers(self, group: tuple[int, ...]) -> list[tuple[Path, Mapping[str, Any]]]:
        """Return the tables for a group of files with their places; later ones take precedence."""
        own = [((*self._place, "files", index), self.files[index]) for index in group]
        return [(self._place, self.top), *own]

    def error(self, message: str, place: Path) -> TomlError:
        """Return an error about the value at `place`."""
        return self._toml.error(message, *place)

    def describe(self, place: Path) -> str:
        """Return the place as ``path:line``."""
        ways = (place[:end] for end in range(len(place), 0, -1))
        return f"{self.path}:{next(filter(None, (self._toml.line(*way) for way in ways)), None)}"


def _path(folder: str) -> FieldReader:
    """Return a reader of paths relative to `folder`."""
    return lambda value, where: os.path.join(folder, text(value, where))


def _kinds(folder: str) -> dict[str, FieldReader]:
    """Return the readers of settings for all or some files; paths are relative to `folder`."""
    path = _path(folder)

    def before(value: Any, where: str) -> str:
        name = previous(value, where)
        return os.path.join(folder, name) if is_path(name) else name

    def policy(value: Any, where: str) -> Any:
        if isinstance(value, str):
            return str(path(value, where))
        files = {}
        if isinstance(value, dict) and isinstance(value.get("catalog"), str):
            # Like other files, it is read on first use.
            files = {"catalog": os.path.join(folder, value["catalog"])}
            value = {name: each for name, each in value.items() if name != "catalog"}
        try:
            Policy.from_mapping(value)
        except PolicyError as error:
            raise InvalidValue(f"{where}: {error}", *error.keys) from None
        return {**value, **files}

    models = dict.fromkeys(name for each in schemas.EDITIONS for name in schemas.models(each))
    return {
        "edition": choice(schemas.EDITIONS),
        "model": choice(models),
        "operation": choice(OPERATIONS),
        "previous": before,
        "dry": boolean,
        "naming": choice(get_args(Naming)),
        "at": pointer,
        "skip_unrecognised": boolean,
        "policy": policy,
        "catalog": path,
        "ignore": _CODES,
        "severity": _levels,
    }


def _code(value: Any, where: str) -> str:
    try:
        select_codes([text(value, where)])
    except InvalidValue:
        raise
    except ValueError as error:
        raise InvalidValue(f"{where}: {error}") from None
    return str(value)


_CODES = list_of(_code)


def _levels(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise InvalidValue(
            f"{where} is {format_value(value)}; expected a table of codes and their severities"
        )
    level = choice(map(str, Severity))
    for name, each in value.items():
        try:
            _code(name, where)
            level(each, f"{where}.{name!r}")
        except InvalidValue as error:
            raise InvalidValue(str(error), name) from None
    return value


def _tables(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidValue(
            f"{where} is {format_value(value)}; expected tables, each under [[{where}]]"
        )
    return value


def _globs(value: Any, where: str) -> tuple[str, ...]:
    return tuple(list_of(glob)([value] if isinstance(value, str) else value, where))
