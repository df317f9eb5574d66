"""The TypedDicts say what the schemas say: the way back from each type leads to its schema."""

from __future__ import annotations

import ast
import inspect
import types
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import pytest

import talonschema.types
from talonschema import schemas
from talonschema.model.schema_tree import schema_tree

FILES = [(edition, model) for edition in schemas.EDITIONS for model in schemas.models(edition)]
every_model = pytest.mark.parametrize(("edition", "model"), FILES)
every_edition = pytest.mark.parametrize("edition", schemas.EDITIONS)

NAMES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
COMPARED = ("$ref", "type", "enum", "items", "additionalProperties")


def module(edition: str) -> types.ModuleType:
    return import_module(f"talonschema.types.v{edition.replace('-', '_')}")


def schema_of(hint: Any, edition: str) -> dict[str, Any]:
    """Return the schema that a type stands for."""
    if hint is Any:
        return {}
    if is_typeddict(hint):
        assert hint is getattr(module(edition), hint.__name__)
        return {"$ref": f"{hint.__name__}.json"}
    if hint in NAMES:
        return {"type": NAMES[hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0], edition)}
    if origin is dict:
        assert arguments[0] is str
        return {"type": "object", "additionalProperties": schema_of(arguments[1], edition)}
    assert origin is types.UnionType
    parts = [schema_of(each, edition) for each in arguments]
    return {**parts[1], **parts[0], "type": [each["type"] for each in parts]}


def expressible_part(schema: Any) -> dict[str, Any]:
    """Return of a schema what a type can express."""
    if schema is True:
        return {}
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    kept = {key: value for key, value in schema.items() if key in COMPARED}
    if kept.get("type") == "array":
        kept.setdefault("items", {})
    if kept.get("type") == "object":
        kept.setdefault("additionalProperties", {})
    for below in ("items", "additionalProperties"):
        if below in kept:
            kept[below] = expressible_part(kept[below])
    return kept


def properties(edition: str, model: str) -> dict[str, Any]:
    schema = schemas.load(edition, model)
    found: dict[str, Any] = {}
    for base in schema.get("allOf", ()):
        found |= properties(edition, base["$ref"].removesuffix(".json"))
    return {**found, **schema.get("properties", {})}


@every_model
def test_keys_and_their_types_are_those_of_the_schema(edition: str, model: str) -> None:
    hints = get_type_hints(getattr(module(edition), model))
    expected = {key: expressible_part(each) for key, each in properties(edition, model).items()}
    assert {key: schema_of(hint, edition) for key, hint in hints.items()} == expected


@every_model
def test_required_keys_are_those_of_the_schema(edition: str, model: str) -> None:
    typed = getattr(module(edition), model)
    place = schema_tree(edition, model)
    assert typed.__required_keys__ == set(place.required)
    assert typed.__optional_keys__ == set(place.properties) - set(place.required)


@every_edition
def test_no_model_is_missing(edition: str) -> None:
    exported = {name: getattr(module(edition), name) for name in module(edition).__all__}
    assert {name for name, each in exported.items() if is_typeddict(each)} == set(
        schemas.models(edition)
    )
    aliases = {name for name, each in exported.items() if get_origin(each) is Literal}
    assert exported.keys() - aliases == set(schemas.models(edition))


def test_the_package_has_the_types_of_the_default_edition() -> None:
    default = module(schemas.DEFAULT_EDITION)
    assert talonschema.types.__all__ == default.__all__
    for name in default.__all__:
        assert getattr(talonschema.types, name) is getattr(default, name)


def words(text: str | None) -> str:
    return "".join(character for character in (text or "").lower() if character.isalnum())


@every_edition
def test_docstrings_are_the_descriptions_of_the_schema(edition: str) -> None:
    tree = ast.parse(Path(inspect.getfile(module(edition))).read_text("utf-8"))
    seen = set()
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        about = schemas.load(edition, node.name)["description"]
        assert words(ast.get_docstring(node)) == words(about)
        seen.add(node.name)
        keys = properties(edition, node.name)
        for key, text in zip(node.body[1::2], node.body[2::2], strict=True):
            assert isinstance(key, ast.AnnAssign)
            assert isinstance(text, ast.Expr)
            description = keys.pop(ast.unparse(key.target))["description"]
            assert words(ast.literal_eval(text.value)) == words(description)
        # A keyword is no name in the body of a class, and its key has no docstring.
        assert keys.keys() <= {"return"}
    assert seen == set(schemas.models(edition))
