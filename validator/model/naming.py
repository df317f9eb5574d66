"""Naming: the names of properties on the wire and in the SDKs."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any, Literal, TypeAlias

from .. import schemas
from ..findings.pointer import Path
from ..findings.problem import Problem
from .schema_tree import SchemaNode, schema_tree

Naming: TypeAlias = Literal["wire", "snake"]

_WORD = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
_RESERVED = {"return": ("_return", "var_return")}
"""Reserved words of Ruby and Python, with the names that their SDKs use instead."""


@lru_cache(maxsize=1024)
def to_snake(name: str) -> str:
    """Return the SDKs' form of a wire name: ``catalogItemID`` is ``catalog_item_id``."""
    return re.sub(_WORD, "_", name).lower()


def plain_name(key: str) -> str:
    """Return a name without case and separators, by which its spellings are equal."""
    return key.replace("_", "").replace("-", "").lower()


def aliases(name: str) -> tuple[str, ...]:
    """Return the names of a property in the SDKs, the usual one first."""
    return (to_snake(name), *_RESERVED.get(name, ()))


@cache
def wire_names() -> dict[str, str]:
    """Return the wire name of each name in the SDKs, for all models and editions."""
    return {
        alias: name
        for edition in schemas.EDITIONS
        for model in schemas.models(edition)
        for name in schema_tree(edition, model).properties
        for alias in aliases(name)
    }


def respell(template: str) -> str:
    """Return the text of a message with the SDKs' names of properties."""
    return re.sub(r"\b[a-z]+(?:[A-Z][a-z0-9]*)+\b", _respelt, template)


def _respelt(match: re.Match[str]) -> str:
    snake = to_snake(match[0])
    return snake if match[0] not in _VALUES and wire_names().get(snake) == match[0] else match[0]


_VALUES = frozenset({"campaignEligibility", "triggeredCampaigns", "ruleFailureReasons"})
"""Names that are values of ``responseContent`` in messages, and so are not respelt."""

_UNTRANSLATED = " as it is written"
"""The suffix of an untranslatable key, which distinguishes it from a wire name."""


class Translation:
    """The translation of a payload from the SDKs' names to wire names, and of paths back.

    Only keys of models are translated, not the caller's own (in ``attributes``, or the names of
    additional costs). As in the SDKs, keys of models with the value None are left out.
    """

    def __init__(self, payload: Any, schema_tree: SchemaNode) -> None:
        """Translate `payload`, plain JSON, by its `schema_tree`."""
        self.untranslatable: list[tuple[Path, SchemaNode]] = []
        """Keys that could be mistaken for wire names but are not SDK names, with the node of their
        object. They are left out of `wire`; `to_caller` translates their paths."""
        self._outline = schema_tree
        self._written: dict[Path, str] = {}
        self.wire: Any = self._convert(payload, schema_tree, ())

    def _convert(self, value: Any, part: SchemaNode | None, path: Path) -> Any:
        if part is None:
            return value
        if isinstance(value, list):
            return [self._convert(each, part.items, (*path, i)) for i, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        names = {alias: each for each in part.properties for alias in aliases(each)}
        turned: dict[str, Any] = {}
        for key, below in value.items():
            if below is None and key in names:
                continue
            name = names.get(key) or _wire_name(key, part)
            if name in turned or (key in part.properties and key not in names):
                place = (*path, f"{key}{_UNTRANSLATED}")
                self.untranslatable.append((place, part))
                self._written[place] = key
                continue
            if name != key:
                self._written[(*path, name)] = key
            turned[name] = self._convert(below, part.below(name), (*path, name))
        return turned

    def to_caller(self, path: Path) -> Path:
        """Return a path in wire names in the names of the caller's payload."""
        own: list[str | int] = []
        written: str | None
        part: SchemaNode | None = self._outline
        for index, step in enumerate(path):
            written = self._written.get(path[: index + 1])
            if written is None and part is not None and step in part.properties:
                written = to_snake(str(step))
            own.append(step if written is None else written)
            part = None if part is None else part.below(step)
        return tuple(own)

    def problem(self, problem: Problem) -> Problem:
        """Return a problem of `wire` as a problem of the caller's payload."""
        path = self.to_caller(problem.path)
        params = dict(problem.params)
        if "property" in params:
            named = problem.path and params["property"] == problem.path[-1]
            params["property"] = path[-1] if named else to_snake(params["property"])
        if params.get("kind") in _SUGGESTS_NAME:
            params["suggestion"] = to_snake(str(params["suggestion"]))
        related = tuple(self.to_caller(each) for each in problem.related)
        return problem._replace(path=path, params=params, related=related)


def _wire_name(key: str, part: SchemaNode) -> str:
    """Return the wire name of an unknown key; keys of the caller's own are unchanged."""
    return wire_names().get(key, str(key)) if part.properties else str(key)


_SUGGESTS_NAME = frozenset({"case", "similar", "snake-case", "version-1"})
