"""Evolution: each schema accepts what it accepted when it was released.

A change to the opposite is in CHANGELOG.md, since the last release, as
``- **Breaking:** `MODEL.property` of edition EDITION ...``.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.evolution import (
    Models,
    Narrowing,
    Schema,
    current_schemas,
    last_release,
    narrowings,
    undeclared_narrowings,
)
from support.search import draws
from support.strategies import instances, maybe_damage
from talonschema import Validator
from talonschema.model.schema_tree import SchemaNode

CHANGELOG = (Path(__file__).parents[2] / "CHANGELOG.md").read_text("utf-8")
EXAMPLES = draws(60)
VERSION, RELEASED = last_release()
NARROWED = tuple(narrowings(RELEASED, current_schemas()))

releases = st.sampled_from(
    [(edition, model) for edition in RELEASED for model in RELEASED[edition]]
)


def test_what_a_release_accepts_is_accepted_later() -> None:
    assert undeclared_narrowings(NARROWED, VERSION, CHANGELOG) == []


def test_the_schemas_are_those_of_the_last_release() -> None:
    (last, *_) = re.findall(r"^## \[(\d\S*)\]", CHANGELOG, re.MULTILINE)
    assert last == VERSION


# Proof by payloads.


def node(models: Models, schema: Schema, model: str) -> SchemaNode:
    """Return a schema without annotations as the tree that payloads are drawn from."""
    if "$ref" in schema:
        return node(models, models[schema["$ref"]], schema["$ref"])
    below = {
        keyword: node(models, schema[keyword], model)
        for keyword in ("items", "additionalProperties")
        if isinstance(schema.get(keyword), dict)
    }
    assertions = {
        key: value
        for key, value in schema.items()
        if key not in {"items", "additionalProperties", "properties", "required"}
    }
    return SchemaNode(
        model,
        assertions,
        {name: node(models, each, model) for name, each in schema.get("properties", {}).items()},
        tuple(schema.get("required", ())),
        items=below.get("items"),
        values=below.get("additionalProperties"),
    )


@cache
def payloads(edition: str, model: str) -> st.SearchStrategy[Any]:
    models = RELEASED[edition]
    return instances(node(models, models[model], model))


@settings(max_examples=EXAMPLES)
@given(data=st.data(), release=releases)
def test_payloads_of_a_release_are_valid(data: st.DataObject, release: tuple[str, str]) -> None:
    edition, model = release
    assume(not any(each.is_at(model) for each in NARROWED))
    payload = data.draw(payloads(edition, model))
    report = validator(edition).check(payload, model=model)
    assert report.ok, report


@cache
def validator(edition: str) -> Validator:
    return Validator(edition=edition, select=["schema"])


# Proof that narrowings are found.

OBJECT: Schema = {
    "type": "object",
    "required": ["sku"],
    "properties": {
        "sku": {"type": "string", "minLength": 1, "maxLength": 10},
        "quantity": {"type": "integer", "minimum": 1},
        "state": {"type": "string", "enum": ["open", "closed"]},
        "codes": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "costs": {"type": "object", "additionalProperties": {"$ref": "Cost"}},
        "created": {"type": "string"},
    },
}
COST: Schema = {"type": "object", "properties": {"price": {"type": "number"}}}
SKU = {"sku": "a"}


def models_with(*steps: str, **keywords: Any) -> dict[str, Schema]:
    """Return the two models with keywords at a place, those of the value None taken away."""
    models: dict[str, Any] = copy.deepcopy({"Item": OBJECT, "Cost": COST})
    place = models[steps[0]]
    for step in steps[1:]:
        place = place[step]
    place.update(keywords)
    for name in [name for name, value in place.items() if value is None]:
        del place[name]
    return models


ITEM = ("Item", "properties")


@pytest.mark.parametrize(
    ("models", "place", "payload"),
    [
        (models_with("Item", required=["codes", "sku"]), "Item.codes", SKU),
        (models_with(*ITEM, "sku", minLength=2), "Item.sku", SKU),
        (models_with(*ITEM, "sku", maxLength=9), "Item.sku", {"sku": "a" * 10}),
        (models_with(*ITEM, "sku", type="integer"), "Item.sku", SKU),
        (models_with(*ITEM, "quantity", maximum=99), "Item.quantity", {**SKU, "quantity": 100}),
        (models_with(*ITEM, "state", enum=["open"]), "Item.state", {**SKU, "state": "closed"}),
        (models_with(*ITEM, "codes", maxItems=1), "Item.codes", {**SKU, "codes": ["a", "b"]}),
        (
            models_with(*ITEM, "codes", "items", minLength=1),
            "Item.codes[]",
            {**SKU, "codes": [""]},
        ),
        (models_with(*ITEM, "created", format="uuid"), "Item.created", {**SKU, "created": "now"}),
        (models_with("Cost", required=["price"]), "Cost.price", {**SKU, "costs": {"a": {}}}),
        (
            models_with("Cost", "properties", "price", type="integer"),
            "Cost.price",
            {**SKU, "costs": {"a": {"price": 1.5}}},
        ),
        (models_with(*ITEM, color={"type": "string"}), "Item.color", {**SKU, "color": 1}),
        (models_with("Item", additionalProperties={"type": "null"}), "Item{}", {**SKU, "color": 1}),
        (
            models_with("Item", properties=None, additionalProperties={"type": "string"}),
            "Item.quantity",
            {**SKU, "quantity": 1},
        ),
    ],
)
def test_a_narrower_schema_is_found(models: Models, place: str, payload: Any) -> None:
    found = list(narrowings({"2022-06": models_with("Item")}, {"2022-06": models}))
    assert place in {each.place for each in found}
    assert accepts(models_with("Item"), "Item", payload)
    assert not accepts(models, "Item", payload)


@pytest.mark.parametrize(
    "models",
    [
        models_with("Item"),
        models_with("Item", required=None, type=["object", "null"]),
        models_with(*ITEM, "sku", minLength=0, maxLength=11),
        models_with(*ITEM, "quantity", type="number", minimum=None),
        models_with(*ITEM, "state", enum=["closed", "cancelled", "open"]),
        models_with(*ITEM, "codes", items={}),
        models_with(*ITEM, "costs", additionalProperties=COST),
        models_with(*ITEM, created=None, color={}),
        models_with("Cost", "properties", price=None),
    ],
)
def test_a_wider_schema_is_none(models: Models) -> None:
    assert list(narrowings({"2022-06": models_with("Item")}, {"2022-06": models})) == []


@pytest.mark.parametrize("missing", [{}, {"2022-06": {"Cost": COST}}])
def test_a_missing_model_is_found(missing: dict[str, Models]) -> None:
    found = list(narrowings({"2022-06": {"Item": OBJECT, "Cost": COST}}, missing))
    assert Narrowing("2022-06", "Item", "is missing") in found


def accepts(models: Models, model: str, payload: Any) -> bool:
    """Return True if a payload satisfies a schema whose references are names of models."""
    definitions = re.sub(r'"\$ref": "', '"$ref": "#/$defs/', json.dumps(models))
    schema = {"$ref": f"#/$defs/{model}", "$defs": json.loads(definitions)}
    checker = jsonschema.FormatChecker(formats=["date-time", "uuid"])
    return bool(jsonschema.Draft202012Validator(schema, format_checker=checker).is_valid(payload))


LIMITS = ("minLength", "maxLength", "minimum", "maxItems")


@st.composite
def edit_schema(draw: st.DrawFn, schema: Schema) -> Any:
    """Draw a schema that differs in up to three keywords anywhere in it."""
    new: Any = copy.deepcopy(schema)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(subschemas(new))))
        keyword = draw(
            st.sampled_from([*LIMITS, "type", "enum", "required", "properties", "items"])
        )
        if place.get(keyword) is not None and draw(st.booleans()):
            del place[keyword]
        elif keyword in LIMITS:
            place[keyword] = draw(st.integers(0, 3)) + place.get(keyword, 0) - 1
        elif keyword == "type":
            place[keyword] = draw(
                st.sampled_from(["number", "object", ["string", "null"], ["array", "integer"]])
            )
        elif keyword == "enum":
            place[keyword] = [*place.get(keyword, ()), "open"]
        elif keyword == "required":
            place[keyword] = [*place.get(keyword, ()), "state"]
        elif keyword == "properties":
            place.setdefault(keyword, {})["state"] = draw(st.sampled_from([{}, {"type": "string"}]))
        else:
            place[keyword] = draw(st.sampled_from([{}, {"type": "string"}]))
    return new


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and each one in it."""
    if "$ref" not in schema:
        yield schema
    for each in (
        *schema.get("properties", {}).values(),
        *filter(None, (schema.get("items"), schema.get("additionalProperties"))),
    ):
        yield from subschemas(each)


@settings(max_examples=EXAMPLES)
@given(data=st.data(), release=releases)
def test_without_a_narrowing_all_payloads_are_accepted(
    data: st.DataObject, release: tuple[str, str]
) -> None:
    edition, model = release
    old = RELEASED[edition]
    new = {**old, model: data.draw(edit_schema(old[model]))}
    own = payloads(edition, model)
    payload = data.draw(maybe_damage(own))
    for before, after in ((old, new), (new, old)):
        if not list(narrowings({edition: before}, {edition: after})):
            assert accepts(after, model, payload) or not accepts(before, model, payload)


# What the changelog has to name.


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("- **Breaking:** `CartItem.price` of edition 2022-06 takes no negative amount.", True),
        ("- **Breaking:** all of `CartItem` of edition 2022-06 is stricter.", True),
        ("- **Breaking:** `CartItem.pri` and `Cart` of edition 2022-06 are stricter.", False),
        ("- **Breaking:** `CartItem.price` of edition 2026-06 takes no negative amount.", False),
        ("- `CartItem.price` of edition 2022-06 takes no negative amount.", False),
        ("## [0.1.0]\n\n- **Breaking:** `CartItem.price` of edition 2022-06", False),
    ],
)
def test_breaking_changes_are_named_by_place_and_edition(line: str, *, named: bool) -> None:
    narrowing = Narrowing("2022-06", "CartItem.price", "minimum any became 0")
    changelog = f"# Changelog\n\n## [Unreleased]\n\n### Changed\n\n{line}\n"
    assert (undeclared_narrowings([narrowing], "0.1.0", changelog) == []) is named
