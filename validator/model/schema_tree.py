"""Schema tree: a schema as a plain tree, with references resolved and ``allOf`` merged.

The engines, the rules about unknown keys and the translation of names need the same facts about a
schema (its keys, the required ones, and its subschemas), which are derived once, in memory, from
the hand-written files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from .. import schemas
from ..findings.pointer import Path

_BELOW = frozenset({"properties", "items", "additionalProperties", "required", "allOf", "$ref"})
_NOTHING: Mapping[str, Any] = {}
_ANNOTATIONS = frozenset(
    {"$schema", "$id", "title", "description", "examples", "default", "readOnly"}
)


class SchemaNode:
    """The resolved schema of a place in an instance. Treat it as immutable."""

    __slots__ = (
        "assertions",
        "items",
        "model",
        "open",
        "properties",
        "read_only",
        "required",
        "values",
    )

    def __init__(
        self,
        model: str,
        assertions: Mapping[str, Any] = _NOTHING,
        properties: Mapping[str, SchemaNode] = _NOTHING,
        required: tuple[str, ...] = (),
        *,
        items: SchemaNode | None = None,
        values: SchemaNode | None = None,
        open: bool = False,  # noqa: A002 - the term for such objects
        read_only: bool = False,
    ) -> None:
        """Initialise from the parts of the schema."""
        self.model = model
        """The model whose file describes the place."""
        self.assertions = assertions
        """The keywords that apply to the value itself, such as ``type`` and ``maxItems``."""
        self.properties = properties
        self.required = required
        self.items = items
        """The node of the elements of an array."""
        self.values = values
        """The node of the members of an object with keys of the caller's."""
        self.open = open
        """Whether other keys than `properties` are expected (``additionalProperties: true``)."""
        self.read_only = read_only

    def below(self, step: str | int) -> SchemaNode | None:
        """Return the node of a member or element, None if the schema has none."""
        if isinstance(step, int):
            return self.items
        return self.properties.get(step, self.values)

    def at(self, path: Path) -> SchemaNode | None:
        """Return the node at `path`, None if the schema has none."""
        place: SchemaNode | None = self
        for step in path:
            if place is None:
                return None
            place = place.below(step)
        return place

    def walk(self) -> Iterator[SchemaNode]:
        """Yield this node and all nodes below it."""
        yield self
        for part in (*self.properties.values(), self.items, self.values):
            if part is not None:
                yield from part.walk()


@cache
def schema_tree(edition: str, model: str) -> SchemaNode:
    """Return the tree of a model; raises a `LookupError` that lists known editions and models."""
    return _build(edition, model, schemas.load(edition, model))


def _build(edition: str, model: str, schema: Mapping[str, Any]) -> SchemaNode:
    reference = schema.get("$ref")
    if reference is not None:
        target = schema_tree(edition, reference.removesuffix(".json"))
        return _read_only(target) if schema.get("readOnly") else target
    assertions = {k: v for k, v in schema.items() if k not in _BELOW and k not in _ANNOTATIONS}
    properties: dict[str, SchemaNode] = {}
    required: list[str] = []
    for part in schema.get("allOf", ()):
        base = _build(edition, model, part)
        assertions.update(base.assertions)
        properties.update(base.properties)
        required.extend(base.required)
    for name, below in schema.get("properties", {}).items():
        properties[name] = _build(edition, model, below)
    required.extend(schema.get("required", ()))
    items = schema.get("items")
    values = schema.get("additionalProperties")
    return SchemaNode(
        model=model,
        assertions=assertions,
        properties=properties,
        required=tuple(dict.fromkeys(required)),
        items=None if items is None else _build(edition, model, items),
        values=_build(edition, model, values) if isinstance(values, Mapping) else None,
        open=values is True,
        read_only=bool(schema.get("readOnly")),
    )


def _read_only(target: SchemaNode) -> SchemaNode:
    return SchemaNode(
        model=target.model,
        assertions=target.assertions,
        properties=target.properties,
        required=target.required,
        items=target.items,
        values=target.values,
        open=target.open,
        read_only=True,
    )
