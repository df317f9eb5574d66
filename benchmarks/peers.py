"""The peers, each in its best fair form: compiled once, and given the same schema files.

Peers are imported by name, so that the types of this folder can be checked without them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final

from talonschema import schemas

EDITION: Final = schemas.DEFAULT_EDITION
MODEL: Final = "IntegrationRequest"

DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
DRAFT_2020_12: Final = "https://json-schema.org/draft/2020-12/schema"
_ANNOTATIONS = {"$ref", "title", "description", "examples", "default", "readOnly"}


@cache
def jsonschema(model: str = MODEL) -> Any:
    """Return a validator of python-jsonschema, with formats asserted."""
    library = import_module("jsonschema")
    kind = library.Draft202012Validator
    formats = kind.FORMAT_CHECKER if has_formats(model) else None
    return kind(schemas.load(EDITION, model), registry=schemas.registry(), format_checker=formats)


@cache
def jsonschema_rs(model: str = MODEL) -> Any:
    """Return a validator of jsonschema-rs, with formats asserted."""
    library = import_module("jsonschema_rs")
    resources = [
        (schemas.uri(EDITION, name), schemas.load(EDITION, name))
        for name in schemas.models(EDITION)
    ]
    return library.Draft202012Validator(
        schemas.load(EDITION, model),
        registry=library.Registry(resources),
        validate_formats=has_formats(model),
    )


@cache
def fastjsonschema(model: str = MODEL) -> Callable[[Any], Any]:
    """Return a function made by fastjsonschema, which knows draft 07 at most."""
    library = import_module("fastjsonschema")
    compiled: Callable[[Any], Any] = library.compile(bundle(model, DRAFT_07), use_default=False)
    return compiled


@cache
def sdk() -> Any:
    """Return the official SDK's IntegrationRequest, a model of pydantic; None if it can't load."""
    try:
        return import_module("talon_one").IntegrationRequest
    except (ImportError, AttributeError):
        return None


def accepts(validate: Callable[[Any], Any], error: type[Exception], payload: Any) -> bool:
    """Turn a validator that raises into one that returns a verdict."""
    try:
        validate(payload)
    except error:
        return False
    return True


@cache
def has_formats(model: str) -> bool:
    """Return True if there are formats to assert; asserting none is faster everywhere."""
    return '"format"' in json.dumps(bundle(model, DRAFT_2020_12))


def bundle(model: str, draft: str) -> dict[str, Any]:
    """Return the schema of a model as one document, in 2020-12 or as its twin in draft 07.

    In draft 07 a ``$ref`` hides what stands beside it, so nothing but annotations may.
    """
    key = "definitions" if draft == DRAFT_07 else "$defs"
    found: dict[str, Any] = {}

    def with_local_references(schema: Any) -> Any:
        if isinstance(schema, list):
            return [with_local_references(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        schema = {
            name: with_local_references(below)
            for name, below in schema.items()
            if name != "examples"
        }
        target = schema.get("$ref")
        if isinstance(target, str):
            if not schema.keys() <= _ANNOTATIONS:
                raise ValueError(f"draft 07 would lose what stands beside {target}")
            name = target.removesuffix(".json")
            if name not in found:
                found[name] = None
                found[name] = _inner(with_local_references(schemas.load(EDITION, name)))
            schema["$ref"] = f"#/{key}/{name}"
        return schema

    top = _inner(with_local_references(schemas.load(EDITION, model)))
    return {"$schema": draft, **top, key: found}


def _inner(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in ("$schema", "$id")}


def errors(validator: Any, payload: Any) -> Iterator[Any]:
    """Yield the errors of a validator of either library."""
    yield from validator.iter_errors(payload)
