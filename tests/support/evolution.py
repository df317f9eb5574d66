"""Evolution: what the schema of a released edition accepted, it accepts later, too.

tests/evolution/released.json has the schemas of the last release, without annotations.
``make released`` writes it; that is a step of a release.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from support.json_layout import lay_out
from talonschema import schemas
from talonschema.model.schema_tree import SchemaNode, schema_tree

ROOT: Final = Path(__file__).parents[2]
RELEASED: Final = ROOT / "tests" / "evolution" / "released.json"

Schema: TypeAlias = Mapping[str, Any]
Models: TypeAlias = Mapping[str, Schema]
"""The schemas of an edition, by model."""

_LOWER: Final = frozenset({"minLength", "minimum", "minItems"})
_UPPER: Final = frozenset({"maxLength", "maximum", "maxItems"})
_BELOW: Final = frozenset({"$ref", "properties", "items", "additionalProperties", "required"})


class Narrowing(NamedTuple):
    """A place at which a schema no longer accepts all that it accepted."""

    edition: str
    place: str
    """A model or a place in it, as in ``CartItem.price``; ``[]`` and ``{}`` are for elements."""
    change: str

    def is_at(self, place: str) -> bool:
        """Return True if it is at a place or below it."""
        return re.match(rf"{re.escape(place)}(?!\w)", self.place) is not None


def current_schemas() -> dict[str, Models]:
    """Return the schemas as they are, by edition and model."""
    return {
        edition: {
            model: _without_annotations(edition, schema_tree(edition, model), root=True)
            for model in schemas.models(edition)
        }
        for edition in schemas.EDITIONS
    }


def last_release() -> tuple[str, dict[str, Models]]:
    """Return the version of the last release and its schemas."""
    data = json.loads(RELEASED.read_text("utf-8"))
    return data["version"], data["schemas"]


def _without_annotations(edition: str, node: SchemaNode, *, root: bool = False) -> dict[str, Any]:
    """Return a schema without annotations, with references by the names of models."""
    target = schema_tree(edition, node.model)
    if not root and node.properties and node.properties is target.properties:
        return {"$ref": node.model}
    plain = dict(node.assertions)
    if node.required:
        plain["required"] = sorted(node.required)
    if node.properties:
        plain["properties"] = {
            name: _without_annotations(edition, below)
            for name, below in sorted(node.properties.items())
        }
    if node.items is not None:
        plain["items"] = _without_annotations(edition, node.items)
    if node.values is not None:
        plain["additionalProperties"] = _without_annotations(edition, node.values)
    return plain


def narrowings(old: Mapping[str, Models], new: Mapping[str, Models]) -> Iterator[Narrowing]:
    """Yield each place where a schema of `new` refuses what that of `old` accepts."""
    for edition, models in old.items():
        for model, schema in models.items():
            later = new.get(edition, {})
            if model not in later:
                yield Narrowing(edition, model, "is missing")
                continue
            comparison = _Comparison(models, later)
            for place, change in comparison.narrowings_at(model, schema, later[model]):
                yield Narrowing(edition, place, change)


class _Comparison(NamedTuple):
    old: Models
    new: Models

    def narrowings_at(self, place: str, old: Schema, new: Schema) -> Iterator[tuple[str, str]]:
        """Yield the places and changes by which `new` is narrower than `old`."""
        if "$ref" in new:
            if old.get("$ref") == new["$ref"]:
                return  # is compared as a model of its own
            new = self.new[new["$ref"]]
        if "$ref" in old:
            old = self.old[old["$ref"]]
        for keyword in sorted(new.keys() - _BELOW):
            if not _as_wide(keyword, old, new):
                yield place, f"{keyword} {old.get(keyword, 'any')} became {new[keyword]}"
        for name in sorted({*new.get("required", ())} - {*old.get("required", ())}):
            yield f"{place}.{name}", "became required"
        yield from self._members(place, old, new)
        if "items" in new:
            yield from self.narrowings_at(f"{place}[]", old.get("items", {}), new["items"])

    def _members(self, place: str, old: Schema, new: Schema) -> Iterator[tuple[str, str]]:
        before, after = old.get("properties", {}), new.get("properties", {})
        others = old.get("additionalProperties", {}), new.get("additionalProperties", {})
        for name in sorted(before.keys() | after.keys()):
            parts = before.get(name, others[0]), after.get(name, others[1])
            yield from self.narrowings_at(f"{place}.{name}", *parts)
        yield from self.narrowings_at(f"{place}{{}}", *others) if others[1] else ()


def _as_wide(keyword: str, old: Schema, new: Schema) -> bool:
    """Return True if an assertion of `new` holds for whatever satisfies those of `old`."""
    given = new[keyword]
    if keyword not in old:
        return False
    if keyword in _LOWER:
        return bool(given <= old[keyword])
    if keyword in _UPPER:
        return bool(given >= old[keyword])
    if keyword == "enum":
        return all(value in given for value in old[keyword])
    if keyword == "type":
        wide = _types(given)
        return _types(old[keyword]) <= wide | ({"integer"} if "number" in wide else set())
    return bool(given == old[keyword])


def _types(given: str | list[str]) -> set[str]:
    return {given} if isinstance(given, str) else set(given)


def undeclared_narrowings(
    found: Iterable[Narrowing], since: str, changelog: str
) -> list[Narrowing]:
    """Return the narrowings that no breaking change after a version names with their edition."""
    later = changelog.partition(f"\n## [{since}]")[0]
    breaking = re.findall(r"^- \*\*Breaking:\*\* (.*)$", later, re.MULTILINE)
    return [
        each
        for each in found
        if not any(
            each.edition in line and any(map(each.is_at, re.findall(r"`([^`]+)`", line)))
            for line in breaking
        )
    ]


def main() -> int:
    """Write the schemas as they are, as those of a release."""
    since, old = last_release()
    new = current_schemas()
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    refused = undeclared_narrowings(narrowings(old, new), since, changelog)
    for each in refused:
        sys.stderr.write(f"{each.edition} {each.place}: {each.change}\n")
    if refused:
        sys.stderr.write("CHANGELOG.md has no breaking change for these\n")
        return 1
    text = lay_out({"version": version("talonschema"), "schemas": new})
    RELEASED.write_text(text, "utf-8")
    sys.stdout.write(f"{RELEASED.relative_to(ROOT)} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
