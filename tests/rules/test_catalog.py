"""What the rules on the catalog leave open, and what they name."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from support.checks import NO_ATTRIBUTES, SHOE
from talonschema import Policy, Validator


class City(Enum):
    """A value as Python programs have it."""

    BERLIN = "Berlin"
    PARIS = "Paris"


OF_ATTRIBUTES = ("attribute-type", "attribute-value", "null-attribute", "unknown-attribute")


def policy(**attributes: Any) -> Policy:
    return Policy.from_mapping({"catalog": {"attributes": attributes}})


def params_by_pointer(
    policy: Policy, payload: Any, edition: str = "2022-06"
) -> dict[str, dict[str, Any]]:
    """Return the parameters of each finding by its pointer."""
    report = Validator(policy=policy, edition=edition).check(payload)
    return {each.pointer: dict(each.params) for each in report.findings}


def item(**more: Any) -> dict[str, Any]:
    return {"cartItems": [{**SHOE, **more}]}


def lacking_sku(**more: Any) -> dict[str, Any]:
    """Return a payload whose fault has every rule look at its item."""
    return {"cartItems": [{"name": "Air Glide", "quantity": 1, "price": 99.99, **more}]}


@pytest.mark.parametrize(
    ("attributes", "reasons"),
    [
        ({}, {}),
        (
            {"material": "wool"},
            {
                f"catalog/{name}": "the catalog does not cover CartItem attributes"
                for name in OF_ATTRIBUTES
            },
        ),
    ],
    ids=["none", "one"],
)
def test_attributes_that_a_catalog_does_not_cover_are_left_open_if_there_are_any(
    attributes: dict[str, Any], reasons: dict[str, str]
) -> None:
    report = Validator(policy=NO_ATTRIBUTES).check(lacking_sku(attributes=attributes))
    codes = {f"catalog/{name}" for name in OF_ATTRIBUTES}
    assert {each.code: each.reason for each in report.skipped if each.code in codes} == reasons


def test_each_restricted_attribute_is_judged() -> None:
    attributes = {
        "Age": {"type": "number", "allowed": [1]},
        "Area": "string",
        "City": {"type": "string", "allowed": ["Berlin"]},
        "Extra": {"type": "any", "allowed": ["x"]},
    }
    payload = {"attributes": {"Age": "1", "Area": "a", "City": "Paris", "Extra": {"a": 1}}}
    assert params_by_pointer(policy(CustomerSession=attributes), payload) == {
        "/attributes/Age": {"attribute": "Age", "type": "number", "value": "1"},
        "/attributes/City": {"attribute": "City", "allowed": ["Berlin"], "value": "Paris"},
        "/attributes/Extra": {"attribute": "Extra", "allowed": ["x"], "value": "an object"},
    }


def test_costs_of_an_item_with_another_fault_are_judged_by_their_scope() -> None:
    costs = {"shipping": "session", "engraving": "item", "tip": "both"}
    payload = lacking_sku(additionalCosts={name: {"price": 1} for name in costs})
    facts = params_by_pointer(
        Policy.from_mapping({"catalog": {"additional_costs": costs}}), payload
    )
    assert facts.pop("/cartItems/0/sku")
    assert facts == {
        "/cartItems/0/additionalCosts/shipping": {
            "cost": "shipping",
            "scope": "session",
            "place": "item",
        }
    }


def test_an_entity_that_is_not_covered_leaves_the_others_to_be_judged() -> None:
    payload = {"attributes": {"City": "Berlin"}, **item(attributes={"colour": "red"})}
    assert params_by_pointer(policy(CartItem={"material": "string"}), payload) == {
        "/cartItems/0/attributes/colour": {
            "attribute": "colour",
            "entity": "CartItem",
            "kind": "nowhere",
        }
    }


def test_an_enumeration_counts_as_its_value() -> None:
    attributes = {"City": {"type": "string", "allowed": ["Berlin"]}, "Days": "number"}
    payload = {"attributes": {"City": City.BERLIN, "Days": City.BERLIN}}
    assert params_by_pointer(policy(CustomerSession=attributes), payload) == {
        "/attributes/Days": {"attribute": "Days", "type": "number", "value": "Berlin"}
    }
    payload = {"attributes": {"City": City.PARIS}}
    assert params_by_pointer(policy(CustomerSession=attributes), payload) == {
        "/attributes/City": {"attribute": "City", "allowed": ["Berlin"], "value": "Paris"}
    }


def test_an_enumeration_of_a_session_in_order_counts_as_its_value_beside_a_faulty_item() -> None:
    types = {"City": {"type": "string", "allowed": ["Berlin"]}}
    payload = {"attributes": {"City": City.BERLIN}, **item(attributes={"material": 1})}
    assert params_by_pointer(
        policy(CustomerSession=types, CartItem={"material": "string"}), payload
    ) == {
        "/cartItems/0/attributes/material": {"attribute": "material", "type": "string", "value": 1}
    }


def test_attributes_of_items_are_named() -> None:
    types = {
        "material": {"type": "string", "allowed": ["wool"]},
        "sizes": "(list number)",
        "weight": "number",
    }
    attributes = {"material": "silk", "sizes": [42, None], "weight": None}
    above = "/cartItems/0/attributes"
    assert params_by_pointer(policy(CartItem=types), item(attributes=attributes)) == {
        f"{above}/material": {"attribute": "material", "allowed": ["wool"], "value": "silk"},
        f"{above}/sizes/1": {"attribute": "sizes", "type": "number", "value": None},
        f"{above}/weight": {"attribute": "weight", "type": "number"},
    }


def test_an_attribute_of_any_type_takes_every_value_but_null() -> None:
    attributes = dict.fromkeys(("Text", "Object", "Array", "Nothing"), "any")
    payload = {"attributes": {"Text": "a", "Object": {"a": [1]}, "Array": [1], "Nothing": None}}
    assert params_by_pointer(policy(CustomerSession=attributes), payload) == {
        "/attributes/Nothing": {"attribute": "Nothing", "type": "any"}
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SHIPPING", {"kind": "similar", "suggestion": "Shipping"}),
        ("Shiping", {"kind": "similar", "suggestion": "Shipping"}),
        ("gift", {"kind": "nowhere"}),
    ],
)
def test_an_unknown_cost_has_the_name_that_is_closest(name: str, expected: dict[str, str]) -> None:
    costs = {"catalog": {"additional_costs": {"Shipping": "session", "Chipping": "session"}}}
    payload = {"additionalCosts": {name: {"price": 1}}}
    assert params_by_pointer(Policy.from_mapping(costs), payload) == {
        f"/additionalCosts/{name}": {"cost": name, **expected}
    }


@pytest.mark.parametrize(
    ("edition", "kind"), [("2022-06", {"kind": "blanks"}), ("2026-06", {})], ids=["2022", "2026"]
)
def test_impossible_names_are_named_with_what_they_may_consist_of(
    edition: str, kind: dict[str, str]
) -> None:
    payload = {"attributes": {"a-b": 1, "c d": 1}, "additionalCosts": {"a-b": {"price": 1}}}
    assert params_by_pointer(Policy(), payload, edition) == {
        "/attributes/a-b": {"entity": "attribute", "name": "a-b"},
        "/attributes/c d": {"entity": "attribute", "name": "c d"},
        "/additionalCosts/a-b": {"entity": "additional cost", "name": "a-b", **kind},
    }
