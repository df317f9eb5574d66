"""Policies: what files and mappings may say, and the reports on a slip in them."""

from __future__ import annotations

import copy
import json
import pickle
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from talonschema import Catalog, Policy, PolicyError, Validator, check, is_valid
from talonschema.model.policy import Attribute

FULL: dict[str, Any] = {
    "cart_item_flattening": False,
    "coupon_budget": True,
    "referral_budget": True,
    "identifier_budget": True,
    "total_tolerance": 0.01,
    "catalog": {
        "attributes": {
            "CustomerSession": {
                "City": {"type": "string", "allowed": ["Berlin", "Bonn"]},
                "Days": "number",
                "Rate": {"type": "number", "allowed": [1, 2.5]},
            },
            "CartItem": {"sizes": "(list number)"},
        },
        "additional_costs": {"shipping": "session", "engraving": "item", "tip": "both"},
        "priced_skus": ["A1", "A2"],
    },
}
TOML = """
# What our Application is like.
cart_item_flattening = false
coupon_budget = true
referral_budget = true
identifier_budget = true
total_tolerance = 0.01

[catalog]
priced_skus = ["A1", "A2"]
additional_costs = { shipping = "session", engraving = "item", tip = "both" }

[catalog.attributes.CustomerSession]
City = { type = "string", allowed = ["Berlin", "Bonn"] }
Days = "number"
Rate = { type = "number", allowed = [1, 2.5] }

[catalog.attributes.CartItem]
sizes = "(list number)"
"""
EXPECTED = Policy(
    cart_item_flattening=False,
    coupon_budget=True,
    referral_budget=True,
    identifier_budget=True,
    total_tolerance=Decimal("0.01"),
    catalog=Catalog(
        attributes={
            "CustomerSession": {
                "City": Attribute("string", frozenset({"Berlin", "Bonn"})),
                "Days": Attribute("number"),
                "Rate": Attribute("number", frozenset({1, 2.5})),
            },
            "CartItem": {"sizes": Attribute("(list number)")},
        },
        additional_costs={"shipping": "session", "engraving": "item", "tip": "both"},
        priced_skus=frozenset({"A1", "A2"}),
    ),
)


def test_what_is_assumed_of_an_application() -> None:
    assert Policy.from_mapping({}) == Policy()
    assert Policy() == Policy(
        cart_item_flattening=True,
        coupon_budget=False,
        referral_budget=False,
        identifier_budget=False,
        total_tolerance=Decimal("0.005"),
        catalog=None,
    )


def test_a_full_policy() -> None:
    assert Policy.from_mapping(FULL) == EXPECTED


def test_files(tmp_path: Path) -> None:
    for name, text in (("a.toml", TOML), ("a.json", json.dumps(FULL))):
        path = tmp_path / name
        for mark in ("", "\ufeff"):
            path.write_text(mark + text, encoding="utf-8")
            assert Policy.load(path) == EXPECTED
            assert Policy.load(str(path)) == EXPECTED


def test_numbers_of_files_stay_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("total_tolerance = 0.1", encoding="utf-8")
    assert Policy.load(path).total_tolerance == Decimal("0.1")
    assert Policy(total_tolerance=0.1).total_tolerance == Decimal("0.1")  # type: ignore[arg-type]


def test_a_policy_can_be_copied_and_pickled() -> None:
    policy = Policy(coupon_budget=True, catalog=Catalog(priced_skus=frozenset({"A"})))
    for twin in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):  # noqa: S301 - our own
        assert type(twin) is Policy
        assert twin == policy


def test_a_policy_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Policy().coupon_budget = True  # type: ignore[misc]


def test_a_later_change_of_the_mapping_does_not_matter() -> None:
    data: dict[str, Any] = json.loads(json.dumps(FULL))
    policy = Policy.from_mapping(data)
    data["catalog"]["attributes"]["CustomerSession"].clear()
    data["catalog"]["additional_costs"].clear()
    data["catalog"]["priced_skus"].clear()
    assert policy == EXPECTED


def catalog(**parts: Any) -> dict[str, Any]:
    return {"catalog": parts}


def attribute(value: Any) -> dict[str, Any]:
    return catalog(attributes={"CartItem": {"size": value}})


SIZE = "catalog.attributes.CartItem.size"
WRONG: list[tuple[Any, tuple[str, ...]]] = [
    ([], ("the policy",)),
    (None, ("the policy",)),
    ({"coupon_budgets": True}, ("'coupon_budgets'", "did you mean 'coupon_budget'?")),
    ({"Catalog": {}}, ("'Catalog'", "did you mean 'catalog'?")),
    ({"zzz": 1}, ("'zzz'",)),
    ({1: 2}, ("1",)),
    *[
        ({name: value}, (name, repr(value), "true or false"))
        for name in (
            *("cart_item_flattening", "coupon_budget", "referral_budget", "identifier_budget"),
        )
        for value in (1, 0, "true", None)
    ],
    *[
        ({"total_tolerance": value}, ("total_tolerance", repr(value)))
        for value in (-1, -0.001, "0.1", True, None, float("nan"), float("inf"), Decimal("NaN"))
    ],
    ({"catalog": []}, ("catalog",)),
    (catalog(attribute={}), ("catalog", "'attribute'", "did you mean 'attributes'?")),
    (catalog(attributes=[]), ("catalog.attributes",)),
    (
        catalog(attributes={"Cartitem": {}}),
        ("catalog.attributes", "'Cartitem'", "did you mean 'CartItem'?"),
    ),
    (catalog(attributes={"CartItem": ["size"]}), ("catalog.attributes.CartItem",)),
    (attribute("strin"), (f"{SIZE}.type", "'strin'", "did you mean 'string'?", "(list string)")),
    (attribute("list string"), (f"{SIZE}.type", "did you mean '(list string)'?")),
    (attribute(1), (SIZE,)),
    (attribute({}), (SIZE, "type")),
    (attribute({"type": []}), (f"{SIZE}.type", "[]")),
    (attribute({"type": None}), (f"{SIZE}.type", "None")),
    (
        attribute({"type": "string", "allow": []}),
        (SIZE, "'allow'", "did you mean 'allowed'?"),
    ),
    (attribute({"type": "string", "allowed": "ab"}), (f"{SIZE}.allowed",)),
    (attribute({"type": "string", "allowed": ["a", 1]}), (f"{SIZE}.allowed[1]", "1")),
    (attribute({"type": "number", "allowed": [1, "2"]}), (f"{SIZE}.allowed[1]", "'2'")),
    (attribute({"type": "number", "allowed": [True]}), (f"{SIZE}.allowed[0]", "True")),
    (attribute({"type": "(list number)", "allowed": ["x"]}), (f"{SIZE}.allowed[0]",)),
    (attribute({"type": "number", "allowed": [1, 10**400]}), (f"{SIZE}.allowed[1]", "a double")),
    (attribute({"type": "number", "allowed": [Decimal("NaN")]}), (f"{SIZE}.allowed[0]", "double")),
    (attribute({"type": "number", "allowed": [[10**5000]]}), (f"{SIZE}.allowed[0]", "too large")),
    ({"total_tolerance": -(10**5000)}, ("total_tolerance", "too large")),
    ({10**5000: 1}, ("no key too large",)),
    (catalog(additional_costs=["tip"]), ("catalog.additional_costs",)),
    (
        catalog(additional_costs={"tip": "items"}),
        ("catalog.additional_costs.tip", "'items'", "did you mean 'item'?", "session, item, both"),
    ),
    (catalog(additional_costs={"tip": None}), ("catalog.additional_costs.tip", "None")),
    (catalog(priced_skus="A1"), ("catalog.priced_skus",)),
    (catalog(priced_skus=["A1", 2]), ("catalog.priced_skus[1]", "2")),
]


@pytest.mark.parametrize(("data", "parts"), WRONG, ids=[str(index) for index in range(len(WRONG))])
def test_what_is_wrong_is_named(data: Any, parts: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping(data)
    for part in parts:
        assert part in str(caught.value)
    try:
        text = json.dumps(data, allow_nan=False)
    except (TypeError, ValueError):
        return
    path = tmp_path / "policy.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    assert str(path) in str(caught.value)
    assert parts[0] in str(caught.value)


def test_mistakes_are_values_errors() -> None:
    assert issubclass(PolicyError, ValueError)


def test_numbers_in_a_list_of_skus_are_not_blamed_on_an_attribute() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping(catalog(priced_skus=[1]))
    assert "attribute" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("a.toml", b"coupon_budget = yes", "TOML"),
        ("a.toml", b"coupon_budget = true\ncoupon_budget = true", "TOML"),
        ("a.json", b"{", "JSON"),
        ("a.json", b"", "JSON"),
        ("a.json", b"[" * 100_000, "JSON"),
        ("a.json", b'{"total_tolerance": 1e99999999999999999999}', "exponent"),
        ("a.toml", b"total_tolerance = 1e99999999999999999999", "exponent"),
        ("a.toml", b"\xff", "TOML"),
        ("a.json", b"[]", "the policy"),
    ],
    ids=str,
)
def test_files_that_hold_no_policy(name: str, content: bytes, part: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        Policy.load(path)
    assert str(path) in str(caught.value)
    assert part in str(caught.value)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(PolicyError) as caught:
            Policy.load(path)
        assert str(path) in str(caught.value)
        assert "can't be read" in str(caught.value)


def test_fields_are_checked_where_they_are_given() -> None:
    with pytest.raises(PolicyError, match="coupon_budget"):
        Policy(coupon_budget=1)  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match=r"Policy\.from_mapping"):
        Policy(catalog={})  # type: ignore[arg-type]


def test_what_a_policy_does_not_know_is_not_judged() -> None:
    payload = {"attributes": {"x": 1}, "additionalCosts": {"y": {"price": 1}}}
    assert is_valid(payload, policy=Policy(catalog=Catalog()))
    for part in ("attributes", "additional_costs"):
        data: dict[str, Any] = (
            {"attributes": {"CustomerSession": {}}} if part == "attributes" else {part: {}}
        )
        report = Validator(policy=Policy.from_mapping(catalog(**data))).check(payload)
        assert len(report.errors) == 1


def test_both_numbers_of_an_allowed_value_are_one() -> None:
    policy = Policy.from_mapping(attribute({"type": "number", "allowed": [1, Decimal("2.5")]}))
    item = {"name": "a", "sku": "b", "quantity": 1, "price": 1}
    for value, allowed in ((1, True), (1.0, True), (Decimal("2.5"), True), (2.50001, False)):
        payload = {"cartItems": [{**item, "attributes": {"size": value}}]}
        assert is_valid(payload, policy=policy) is allowed
    payload = {"cartItems": [{**item, "attributes": {"size": True}}]}
    assert not is_valid(payload, policy=policy)


@pytest.mark.parametrize(
    ("name", "content", "reported"),
    [
        ("a.toml", "", "the catalog is empty, so it would check nothing"),
        ("a.toml", "# nothing\n", "the catalog is empty"),
        ("a.json", "{}", "the catalog is empty"),
        ("a.json", "null", "the catalog is not a table of keys and values"),
        ("a.json", "[]", "the catalog is not a table of keys and values"),
        ("a.json", "", "is not JSON"),
    ],
)
def test_a_catalog_that_holds_nothing_is_refused(
    name: str, content: str, reported: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(PolicyError, match=re.escape(reported)):
        Catalog.load(path)


@pytest.mark.parametrize(
    ("catalog", "keys"),
    [
        (Catalog(attributes={"CustomerSession": {"A": Attribute("strng")}}), "A.type"),  # type: ignore[arg-type]
        (Catalog(attributes={"customerSession": {}}), "no key 'customerSession'"),
        (Catalog(additional_costs={"A": "Session"}), "additional_costs.A"),  # type: ignore[dict-item]
        (Catalog(additional_costs={"A": "sesion"}), "did you mean 'session'"),  # type: ignore[dict-item]
        (Catalog(priced_skus=frozenset({1})), "priced_skus"),  # type: ignore[arg-type]
    ],
)
def test_a_catalog_built_in_code_is_checked_where_it_is_made(catalog: Any, keys: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(keys)):
        Policy(catalog=catalog)


def test_short_forms_in_a_catalog_built_in_code() -> None:
    short: Any = {"CustomerSession": {"A": "string", "B": Attribute("any", frozenset({"x"}))}}
    policy = Policy(catalog=Catalog(attributes=short, priced_skus=frozenset({"a"})))
    plain = {"CustomerSession": {"A": "string", "B": {"type": "any", "allowed": ["x"]}}}
    assert policy == Policy.from_mapping({"catalog": {"attributes": plain, "priced_skus": ["a"]}})
    assert check({"attributes": {"A": 1}}, policy=policy).errors
