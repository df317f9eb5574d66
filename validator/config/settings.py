"""Settings: the effective settings of a file, with the origin of each value."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .. import schemas
from ..findings.pointer import Path
from ..model.policy import Catalog, Policy
from .path import is_path

if TYPE_CHECKING:
    from .file import Config
    from .globs import Glob

DEFAULTS: Mapping[str, Any] = {
    "edition": schemas.DEFAULT_EDITION,
    "model": None,
    "operation": None,
    "previous": None,
    "dry": False,
    "naming": "wire",
    "at": None,
    "skip_unrecognised": False,
    "policy": None,
    "catalog": None,
    "select": None,
    "fail_on": "error",
    "baseline": None,
}
"""The defaults of settings for which the last value takes precedence."""

Origin: TypeAlias = Path | str
"""The place of a key in the file, ``default``, or a flag."""


class SettingValue(NamedTuple):
    """A value and its origin."""

    value: Any
    origin: Origin = "default"


class IgnoredCode(NamedTuple):
    """A code or group of codes that is not reported."""

    name: str
    origin: Origin
    reason: str | None = None
    """The reason why findings in some files are silenced; None for codes that are ignored."""
    pointer: str | None = None
    """The JSON Pointer of silenced findings; None for any place."""


class EffectiveSettings(NamedTuple):
    """The effective settings of a file as plain data."""

    values: Mapping[str, SettingValue]
    """Each setting of `DEFAULTS`."""
    ignored: tuple[IgnoredCode, ...] = ()
    severity: Mapping[str, SettingValue] = {}
    """The configured severities of codes and groups."""

    def value(self, name: str) -> Any:
        """Return the value of one of `DEFAULTS`."""
        return self.values[name].value

    @property
    def silenced(self) -> tuple[IgnoredCode, ...]:
        """The codes that are silenced for a reason."""
        return tuple(each for each in self.ignored if each.reason is not None)

    def policy(self) -> Policy | None:
        """Return the policy including its catalog; raises `PolicyError`."""
        given, catalog = self.value("policy"), self.value("catalog")
        policy = None
        if given is not None:
            policy = Policy.load(given) if isinstance(given, str) else Policy.from_mapping(given)
        if catalog is None:
            return policy
        return (policy or Policy()).with_catalog(Catalog.load(catalog))

    def options(self) -> dict[str, Any]:
        """Return the arguments of a `Validator`, without silences; raises `PolicyError`."""
        return {
            "edition": self.value("edition"),
            "policy": self.policy(),
            "naming": self.value("naming"),
            "select": self.value("select"),
            "ignore": tuple(each.name for each in self.ignored if each.reason is None),
            "severity": {name: level.value for name, level in self.severity.items()} or None,
        }


class SettingsResolver:
    """The settings of a file, and the flags that override them."""

    def __init__(self, config: "Config | None", flags: Mapping[str, Any]) -> None:
        """Initialise with the given flags, by the names of their settings."""
        self._config = config
        self._flags = flags

    @property
    def path(self) -> str | None:
        """The path of the file, None if there is none."""
        return None if self._config is None else self._config.path

    def excludes(self, path: str) -> bool:
        """Return True if the file excludes a file or folder."""
        return self._config is not None and self._config.excludes(path)

    def globs(self) -> "tuple[list[Glob], list[list[Glob]]]":
        """Return the globs that exclude files, and those of each table of ``[[files]]``."""
        return ([], []) if self._config is None else self._config.globs()

    def group(self, path: str | None) -> tuple[int, ...]:
        """Return the key of files with the same settings; None is a file without a name."""
        return () if self._config is None else self._config.group(path)

    def settings(self, group: tuple[int, ...] = ()) -> EffectiveSettings:
        """Return the effective settings of the files of a group.

        Raises `TomlError` if the file names a model that the edition lacks, or a missing file.
        """
        values = {name: SettingValue(value) for name, value in DEFAULTS.items()}
        ignored: list[IgnoredCode] = []
        severity: dict[str, SettingValue] = {}
        for place, layer in self._layers(group):
            for name in DEFAULTS.keys() & layer.keys():
                values[name] = SettingValue(layer[name], _origin(place, name))
            ignored += (
                IgnoredCode(
                    name,
                    _origin(place, "ignore", index),
                    layer.get("reason"),
                    layer.get("pointer"),
                )
                for index, name in enumerate(layer.get("ignore", ()))
            )
            levels = layer.get("severity", {})
            for name in [each for each in severity if each.partition("/")[0] in levels]:
                # A code takes precedence over its group only within a table.
                del severity[name]
            severity |= {
                name: SettingValue(level, _origin(place, "severity", name))
                for name, level in levels.items()
            }
        for name, (value, origin) in values.items():
            if self._config and isinstance(origin, tuple):
                fault = _fault(name, value, values["edition"].value)
                if fault:
                    raise self._config.error(fault, origin)
        return EffectiveSettings(values, tuple(ignored), severity)

    def describe(self, origin: Origin) -> str:
        """Return an origin as text."""
        if isinstance(origin, str) or self._config is None:
            return str(origin)
        return self._config.describe(origin)

    def _layers(self, group: tuple[int, ...]) -> list[tuple[Path | None, Mapping[str, Any]]]:
        own = [] if self._config is None else self._config.layers(group)
        return [*own, (None, self._flags)]


def _fault(name: str, value: Any, edition: str) -> str:
    """Return a fault that depends on other settings, or an empty string."""
    if name == "model" and value not in schemas.models(edition):
        return f"edition {edition} has no model {value!r}"
    names_file = name in _FILES and isinstance(value, str)
    if names_file and (name != "previous" or is_path(value)) and not os.path.exists(value):
        return f"{name}: there is no file {value!r}"
    return ""


_FILES = ("policy", "catalog", "previous")


def _origin(place: Path | None, name: str, *keys: str | int) -> Origin:
    return f"--{name.replace('_', '-')}" if place is None else (*place, name, *keys)
