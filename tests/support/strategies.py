"""Strategies for hypothesis: valid payloads of each model, damaged ones, and any JSON at all.

Valid payloads are made from the outlines of the schemas, so that a new property is tried as soon
as it is declared; what a schema can't say (totals that add up) is left to the case files.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hypothesis import strategies as st

from talonschema import schemas
from talonschema.model.schema_tree import SchemaNode, schema_tree
from talonschema.structure import EngineName

ENGINES: tuple[EngineName, ...] = ("jsonschema", "jsonschema-rs")

Step = str | int
Place = tuple[Step, ...]

texts = st.text(max_size=4)
numbers = (
    st.integers(-(10**6), 10**6)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.sampled_from([0.1, 33.333333333333336, 1e300, -0.0, 2.0, 10**30])
)
scalars = st.none() | st.booleans() | numbers | texts
json_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
# With every text and integer there is, for what reads and writes JSON.
json_documents: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
names = st.sampled_from(["City", "days_2", "x"]) | st.text(min_size=1, max_size=3)

_FORMATS = {
    "date-time": st.sampled_from(
        ["2020-02-08T14:15:22Z", "2021-02-17T12:53:17.997934Z", "2016-12-31t23:59:60z"]
    ),
    "uuid": st.uuids().map(str),
}


def instances(place: SchemaNode) -> st.SearchStrategy[Any]:
    """Return a strategy for valid instances of an outline."""
    keywords = place.assertions
    if "enum" in keywords:
        return st.sampled_from(keywords["enum"])
    kind = keywords.get("type")
    if isinstance(kind, list):
        return st.one_of([_instances_of_type(place, each) for each in kind])
    return _instances_of_type(place, kind)


def _instances_of_type(place: SchemaNode, kind: str | None) -> st.SearchStrategy[Any]:
    keywords = place.assertions
    match kind:
        case "object":
            return _objects(place)
        case "array":
            inner = json_values if place.items is None else instances(place.items)
            return st.lists(inner, max_size=min(3, keywords.get("maxItems", 3)))
        case "string" if "format" in keywords:
            return _FORMATS[keywords["format"]]
        case "string":
            least = keywords.get("minLength", 0)
            return st.text(
                min_size=least, max_size=min(least + 4, keywords.get("maxLength", 10**6))
            )
        case "integer":
            least = keywords.get("minimum")
            return st.integers(least, 10**6) | st.integers(least, 50).map(float)
        case "number":
            return numbers
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    return json_values


def _objects(place: SchemaNode) -> st.SearchStrategy[Any]:
    if place.properties:
        required = {name: instances(place.properties[name]) for name in place.required}
        optional = {
            name: instances(below)
            for name, below in place.properties.items()
            if name not in place.required
        }
        return st.fixed_dictionaries(required, optional=optional)
    if place.values is not None:
        return st.dictionaries(names, instances(place.values), max_size=2)
    return st.dictionaries(names, json_values, max_size=2)


def sessions(edition: str, model: str) -> st.SearchStrategy[Any]:
    """Return a strategy for structurally valid payloads of a model."""
    return instances(schema_tree(edition, model))


kinds = st.tuples(st.sampled_from(schemas.EDITIONS), st.integers(0, 10**6)).map(
    lambda drawn: (drawn[0], schemas.models(drawn[0])[drawn[1] % len(schemas.models(drawn[0]))])
)
"""An edition and one of its models."""

sent_or_received = st.sampled_from(
    [
        (edition, model)
        for edition in schemas.EDITIONS
        for model in (
            *("NewCustomerSessionV2", "CustomerSessionV2", "IntegrationRequest"),
            *("IntegrationStateV2", "ReturnIntegrationRequest"),
        )
    ]
)
"""An edition and one of the models that rules look at."""


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    """Yield the place of a value and of each value in it."""
    yield above
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*above, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*above, index))


def at(value: Any, place: Place) -> Any:
    """Return the value at a place."""
    for step in place:
        value = value[step]
    return value


def replace_at(value: Any, place: Place, new: Any) -> Any:
    """Return a copy of `value` with `new` at a place."""
    if not place:
        return new
    step, *below = place
    # Only what holds the place is copied: the rest may be of types that can't be.
    changed = copy.copy(value)
    changed[step] = replace_at(value[step], tuple(below), new)
    return changed


def maybe_damage(payloads: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return payloads as they are, and some with `damage`."""
    return payloads | damage(payloads)


@st.composite
def damage(draw: st.DrawFn, payloads: st.SearchStrategy[Any]) -> Any:
    """Draw a payload with one to three places dropped, renamed, retyped, extended or emptied."""
    value = copy.deepcopy(draw(payloads))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(places(value))))
        holder: Any = at(value, place[:-1]) if place else None
        how = draw(st.sampled_from(["drop", "rename", "retype", "extend", "empty"]))
        if how == "retype":
            value = replace_at(value, place, draw(json_values))
        elif how == "drop" and place:
            del holder[place[-1]]
        elif how == "rename" and isinstance(holder, dict):
            key = str(place[-1])
            new = draw(st.sampled_from([key.lower(), key.title(), f"{key}s", "coupon", "a/b~"]))
            holder[new] = holder.pop(place[-1])
        elif how == "extend" and isinstance(at(value, place), dict):
            at(value, place)[draw(names)] = draw(json_values)
        elif how == "extend" and isinstance(at(value, place), list):
            at(value, place).extend([draw(json_values)] * draw(st.sampled_from([1, 2, 7])))
        elif how == "extend" and isinstance(at(value, place), str):
            value = replace_at(
                value, place, at(value, place) + "x" * draw(st.sampled_from([1, 101, 1001]))
            )
        elif how == "empty":
            value = replace_at(
                value, place, type(at(value, place))() if at(value, place) is not None else 0
            )
    return value


class Slip(NamedTuple):
    """One fault put into a valid payload, and the finding it has to give."""

    payload: Any
    code: str
    place: Place


_WRONG: Mapping[str, tuple[Any, ...]] = {
    "object": (1, "x", True, []),
    "array": (1, "x", False, {}),
    "string": (1, 1.5, True, [], {}),
    "integer": ("1", 1.5, True, [], {}),
    "number": ("1", True, [], {}),
    "boolean": ("true", 0, 1, [], {}),
}


@st.composite
def slips(draw: st.DrawFn, edition: str, model: str) -> Slip:
    """Draw a valid payload of a model with exactly one fault in it."""
    root = schema_tree(edition, model)
    payload = draw(instances(root))
    found: list[tuple[str, Place, Any]] = []
    for place in places(payload):
        below = root.at(place)
        if below is None:
            continue
        found += _faults(below, place, at(payload, place))
    code, place, new = draw(st.sampled_from(found))
    if code == "schema/required":
        changed = copy.deepcopy(payload)
        del at(changed, place[:-1])[place[-1]]
        return Slip(changed, code, place)
    return Slip(replace_at(payload, place, new), code, place)


def _faults(below: SchemaNode, place: Place, value: Any) -> Iterator[tuple[str, Place, Any]]:
    keywords = below.assertions
    kind = keywords.get("type")
    if isinstance(kind, str):
        for wrong in _WRONG[kind]:
            if place or not isinstance(wrong, str):  # a text alone is taken for JSON
                yield "schema/type", place, wrong
    if isinstance(value, dict):
        for name in below.required:
            yield "schema/required", (*place, name), None
    if "enum" in keywords:
        yield "schema/enum", place, "Open"
    if "format" in keywords:
        yield "schema/format", place, "2020-02-08 14:15"
    if "minLength" in keywords:
        yield "schema/minLength", place, ""
    if "maxLength" in keywords:
        yield "schema/maxLength", place, "é" * (keywords["maxLength"] + 1)
    if "minimum" in keywords:
        yield "schema/minimum", place, keywords["minimum"] - 1
    if keywords.get("maxItems", 1000) < 1000:
        yield "schema/maxItems", place, ["a"] * (keywords["maxItems"] + 1)


@st.composite
def shuffle_keys(draw: st.DrawFn, value: Any) -> Any:
    """Draw a copy of a value whose objects have their keys in another order."""
    if isinstance(value, dict):
        order = draw(st.permutations(list(value)))
        return {key: draw(shuffle_keys(value[key])) for key in order}
    if isinstance(value, list):
        return [draw(shuffle_keys(inner)) for inner in value]
    return value
