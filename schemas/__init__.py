"""The JSON Schemas of the API's models: one file for each model of each edition."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from referencing.jsonschema import SchemaRegistry

EDITIONS: tuple[str, ...] = ("2022-06", "2026-06")
DEFAULT_EDITION = "2022-06"
BASE = "https://talonschema.example/"

_SUFFIX = ".json"


def models(edition: str) -> tuple[str, ...]:
    """Return the names of the models of `edition`, sorted.

    Raises `LookupError` if the edition is unknown.
    """
    if edition not in EDITIONS:
        msg = f"unknown edition {edition!r}; known editions: {', '.join(EDITIONS)}"
        raise LookupError(msg)
    return _listed(edition)


def uri(edition: str, model: str) -> str:
    """Return the absolute ``$id`` of the schema of `model`.

    Raises `LookupError` if the edition or the model is unknown.
    """
    return f"{BASE}{edition}/{_known(edition, model)}{_SUFFIX}"


def text(edition: str, model: str) -> str:
    """Return the text of the schema file of `model`.

    Raises `LookupError` if the edition or the model is unknown.
    """
    return _content(edition, model).decode()


@cache
def load(edition: str, model: str) -> dict[str, Any]:
    """Return the schema of `model`, parsed: one shared object, not to be changed.

    Raises `LookupError` if the edition or the model is unknown.
    """
    try:
        # A check needs it anyway, and would load json for this alone.
        from jiter import from_json
    except ImportError:
        from json import loads as from_json
    schema: dict[str, Any] = from_json(_content(edition, model))
    return schema


@cache
def registry() -> SchemaRegistry:
    """Return a registry that holds the schemas of all editions, each under its ``$id``."""
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    empty: SchemaRegistry = Registry()
    return empty.with_resources(
        (uri(edition, model), DRAFT202012.create_resource(load(edition, model)))
        for edition in EDITIONS
        for model in models(edition)
    )


def _content(edition: str, model: str) -> bytes:
    name = _known(edition, model) + _SUFFIX
    with open(os.path.join(_folder(edition), name), "rb") as file:
        return file.read()


def _folder(edition: str) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), edition)


@cache
def _listed(edition: str) -> tuple[str, ...]:
    files = os.listdir(_folder(edition))
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)))


def _known(edition: str, model: str) -> str:
    """Return `model` if the edition has it, so that no other text ever gets into a path."""
    names = models(edition)
    if model not in names:
        msg = f"edition {edition} has no model {model!r}; its models: {', '.join(names)}"
        raise LookupError(msg)
    return model
