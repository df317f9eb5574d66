"""Drift: the schemas beside the models of the installed talon-one-sdk, property by property.

``make api-drift`` prints each difference from the newest SDK in a table. The exit status is 1 if
tests/evolution/explained.toml has no reason for one of them.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from importlib.metadata import version
from itertools import permutations
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import talon_one.models as sdk

from talonschema import schemas
from talonschema.model.schema_tree import SchemaNode, schema_tree

EDITION: Final = schemas.EDITIONS[-1]
"""The edition that follows the SDK."""
EXPLAINED: Final = Path(__file__).parents[1] / "evolution" / "explained.toml"

Facts: TypeAlias = dict[str, Any]
"""What is asserted of a place, by keyword; what is not asserted is absent."""

_KEYWORDS: Final = (
    *("type", "format", "enum", "minLength", "maxLength", "pattern"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems"),
)
_ANY: Final = "any"
_NAMES: Final = {"Return": "ModelReturn", "ReopenResponse": "ReopenSessionResponse"}
"""Models that have another name in the SDK for Python."""


class Difference(NamedTuple):
    """A fact that differs; of an enumeration, the values that only one of the two has."""

    place: str
    """A model, or a property as in ``CartItem.price``; ``[]`` and ``{}`` are for the elements."""
    fact: str
    schema: Any
    sdk: Any


class Explanation(NamedTuple):
    """The reason for differences."""

    places: tuple[str, ...]
    """Patterns for places."""
    facts: tuple[str, ...]
    """The facts at these places that it is about, all if there are none."""
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Return True if the difference has this reason."""
        return (not self.facts or difference.fact in self.facts) and any(
            fnmatchcase(difference.place, place.replace("[", "[[]")) for place in self.places
        )


def explanations() -> tuple[str, tuple[Explanation, ...]]:
    """Return the release of the SDK that the explanations are complete for, and them."""
    data = tomllib.loads(EXPLAINED.read_text("utf-8"))
    found = tuple(
        Explanation(tuple(each["places"]), tuple(each.get("facts", ())), each["reason"])
        for each in data["explained"]
    )
    return data["sdk"], found


def differences() -> list[Difference]:
    """Return what differs, in the order of the models and their properties."""
    found = []
    for model in schemas.models(EDITION):
        if not hasattr(sdk, _NAMES.get(model, model)):
            found.append(Difference(model, "model", "present", "absent"))
            continue
        ours, theirs = _of_schema(model), _of_sdk(model)
        for place in dict.fromkeys((*ours, *theirs)):
            found += _differences_at(place, ours, theirs)
    return found


def _differences_at(
    place: str, ours: Mapping[str, Facts], theirs: Mapping[str, Facts]
) -> Iterator[Difference]:
    """Yield the differences at a place."""
    both = (ours, theirs)
    if place in ours and place in theirs:
        for fact in ("required", "nullable", *_KEYWORDS):
            values: list[Any] = [each[place].get(fact) for each in both]
            if fact == "enum" and None not in values:
                values = [" ".join(sorted({*a} - {*b})) for a, b in permutations(values)]
            if values[0] != values[1]:
                yield Difference(place, fact, *values)
    elif not place.endswith(("[]", "{}")):
        presence = ["present" if place in each else "absent" for each in both]
        yield Difference(place, "property", *presence)
    # Where the types of the whole differ, that has been yielded.
    elif len({each.get(place[:-2], {}).get("type") for each in both}) == 1:
        types = [each.get(place, {}).get("type", _ANY) for each in both]
        if types[0] != types[1]:
            yield Difference(place, "type", *types)


# The schemas.


def _of_schema(model: str) -> dict[str, Facts]:
    root = schema_tree(EDITION, model)
    found: dict[str, Facts] = {}
    for name, node in root.properties.items():
        found |= _of_node(f"{model}.{name}", node)
        if name in root.required:
            found[f"{model}.{name}"]["required"] = True
    return found


def _of_node(place: str, node: SchemaNode) -> dict[str, Facts]:
    if node.properties and node.properties is schema_tree(EDITION, node.model).properties:
        return {place: {"type": _NAMES.get(node.model, node.model)}}
    facts = {key: node.assertions[key] for key in _KEYWORDS if key in node.assertions}
    facts.setdefault("type", _ANY)
    if isinstance(facts["type"], list):
        facts["type"] = " or ".join(sorted(set(facts["type"]) - {"null"}))
        facts["nullable"] = True
    if "enum" in facts:
        facts["enum"] = tuple(sorted(facts["enum"]))
    found = {place: facts}
    if node.items is not None:
        found |= _of_node(f"{place}[]", node.items)
    if node.values is not None:
        found |= _of_node(f"{place}{{}}", node.values)
    for name, below in node.properties.items():
        found |= _of_node(f"{place}.{name}", below)
        if name in node.required:
            found[f"{place}.{name}"]["required"] = True
    return found


# The SDK.


def _of_sdk(model: str) -> dict[str, Facts]:
    cls = getattr(sdk, _NAMES.get(model, model))
    source = textwrap.dedent(inspect.getsource(cls))
    schema = cls.model_json_schema(by_alias=True)
    enums = dict(_enums(ast.parse(source)))
    found: dict[str, Facts] = {}
    for name, field in cls.model_fields.items():
        wire = field.alias or name
        place = f"{model}.{wire}"
        found |= _of_json_schema(place, schema["properties"][wire])
        if field.is_required():
            found[place]["required"] = True
        # The generator writes this for what the API's OpenAPI file calls nullable, and takes None
        # for whatever is optional.
        if f"# set to None if {name} (nullable) is None" in source:
            found[place]["nullable"] = True
        if name in enums:
            below = f"{place}[]" if f"{place}[]" in found else place
            found[below]["enum"] = enums[name]
    return found


def _of_json_schema(place: str, schema: Mapping[str, Any]) -> dict[str, Facts]:
    options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    if {each.get("type") for each in options} == {"integer", "number"}:
        options = [each for each in options if each["type"] == "number"]
    if len(options) != 1:
        names = sorted(str(each.get("type", each.get("$ref"))) for each in options)
        return {place: {"type": " or ".join(names)}}
    (only,) = options
    if "$ref" in only:
        return {place: {"type": only["$ref"].rpartition("/")[2]}}
    facts = {key: only[key] for key in _KEYWORDS if key in only}
    facts.setdefault("type", _ANY)
    found = {place: facts}
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(only.get(keyword), dict) and only[keyword]:
            found |= _of_json_schema(f"{place}{mark}", only[keyword])
    return found


def _enums(tree: ast.AST) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the values that validators of a class allow, by the name of the attribute."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        validated = [
            ast.literal_eval(call.args[0])
            for call in function.decorator_list
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "field_validator"
        ]
        sets = [
            node.args[0]
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "set"
        ]
        for name in validated:
            for values in sets:
                yield name, tuple(sorted(ast.literal_eval(values)))


# The table.


def table(found: Mapping[Difference, str | None]) -> str:
    """Return the differences with their reasons, those without one first."""
    rows: list[tuple[str, ...]] = [("place", "fact", "schema", "sdk", "reason")]
    for difference, reason in sorted(found.items(), key=lambda item: item[1] is not None):
        shown = ("-" if value is None else str(value) for value in difference)
        rows.append((*shown, reason or "NOT EXPLAINED"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the table and return the exit status."""
    _, known = explanations()
    found = {
        difference: next((each.reason for each in known if each.covers(difference)), None)
        for difference in differences()
    }
    bare = sum(reason is None for reason in found.values())
    release = version("talon-one-sdk")
    sys.stdout.write(table(found))
    sys.stdout.write(
        f"\nedition {EDITION} and talon-one-sdk {release}: {len(found)} differences,"
        f" {bare} of them not explained\n"
    )
    return 1 if bare else 0


if __name__ == "__main__":
    sys.exit(main())
