"""The names of the SDKs: payloads in them, and findings and hints about these."""

from __future__ import annotations

from typing import Any

import pytest

from support.checks import SHOE, each_edition, pairs
from support.strategies import ENGINES
from talonschema import (
    NEW,
    Policy,
    check,
    replay,
    schemas,
)


def test_hints_suggest_names_in_the_names_of_the_caller() -> None:
    (finding,) = check({"profil_id": "a"}, naming="snake").findings
    assert finding.params["suggestion"] == "profile_id"
    assert "profile_id" in finding.hint
    (finding,) = check({"profileId": "a"}, naming="snake").findings
    assert (finding.code, finding.pointer) == ("payload/unknown-property", "/profileId")
    assert "profile_id" in finding.hint
    (finding,) = check({"profile_id": "a"}).findings
    assert "profileId" in finding.hint
    assert 'naming="snake"' in finding.hint


@pytest.mark.parametrize("name", ["return", "_return", "var_return"])
def test_the_word_that_ruby_and_python_reserve(name: str) -> None:
    payload = {name: {"returned_cart_items": [{"position": "0"}]}}
    report = check(payload, naming="snake")
    assert report.model == "ReturnIntegrationRequest"
    assert pairs(report) == [("schema/type", f"/{name}/returned_cart_items/0/position")]


def test_required_keys_are_named_as_the_caller_would_write_them() -> None:
    (finding,) = check(
        {"cart_items": [{**SHOE, "additional_costs": {"a": {}}}]}, naming="snake"
    ).findings
    assert finding.pointer == "/cart_items/0/additional_costs/a/price"
    report = check({"response_content": []}, model="IntegrationRequest", naming="snake")
    (finding,) = report.findings
    assert finding.pointer == "/customer_session"
    assert "customer_session" in finding.message
    report = check({}, model="ReturnIntegrationRequest", naming="snake")
    assert [each.pointer for each in report.findings] == ["/return"]


def test_keys_of_the_caller_are_never_translated() -> None:
    policy = Policy.from_mapping(
        {
            "catalog": {
                "attributes": {
                    "CustomerSession": {"shipping_city": "string", "profileId": "number"}
                },
                "additional_costs": {"cart_items": "session"},
            }
        }
    )
    payload: dict[str, Any] = {
        "attributes": {"shipping_city": "Berlin", "profileId": 1},
        "additional_costs": {"cart_items": {"price": 1}},
    }
    assert check(payload, naming="snake", policy=policy).findings == ()
    payload["attributes"]["profile_id"] = 1
    payload["additional_costs"]["cartItems"] = {"price": 1}
    assert pairs(check(payload, naming="snake", policy=policy)) == [
        ("catalog/unknown-additional-cost", "/additional_costs/cartItems"),
        ("catalog/unknown-attribute", "/attributes/profile_id"),
    ]


def test_a_foreign_key_is_not_read() -> None:
    report = check({"cartItems": [{}], "cart_items": [SHOE]}, naming="snake")
    assert pairs(report) == [("payload/unknown-property", "/cartItems")]


@each_edition
def test_every_name_has_its_way_back(edition: str) -> None:
    from talonschema.model.naming import to_snake
    from talonschema.model.schema_tree import schema_tree

    for model in schemas.models(edition):
        for name in schema_tree(edition, model).properties:
            report = check(
                {to_snake(name): {"no": "such"}}, model=model, edition=edition, naming="snake"
            )
            unknown = [f for f in report.findings if f.code == "payload/unknown-property"]
            assert f"/{to_snake(name)}" not in {f.pointer for f in unknown}


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("profileId", "profile_id"),
        ("catalogItemID", "catalog_item_id"),
        ("experimentID", "experiment_id"),
        ("StatusCode", "status_code"),
        ("RequestUUID", "request_uuid"),
        ("sku", "sku"),
    ],
)
def test_names_as_the_sdks_write_them(name: str, snake: str) -> None:
    from talonschema.model.naming import to_snake

    assert to_snake(name) == snake


def test_what_an_sdk_leaves_out_is_left_out() -> None:
    item = dict.fromkeys(("name", "product", "category", "position", "catalog_item_id", "prices"))
    item |= {"sku": "a", "quantity": 1, "price": 10.5}
    session = {"profile_id": "p", "coupon_codes": None, "cart_items": [item], "state": None}
    payload = {"customer_session": session, "response_content": None}
    assert pairs(check(payload, naming="snake", edition="2026-06")) == []
    (report,) = replay([payload], naming="snake", edition="2026-06")
    assert pairs(report) == []
    inside = {"attributes": {"a": None}, "cart_items": [{**item, "attributes": {"b": None}}]}
    assert pairs(check(inside, naming="snake", edition="2026-06")) == []


def test_a_null_is_reported_once() -> None:
    item = {"sku": "a", "quantity": 1, "price": 1, "position": None}
    report = check({"cartItems": [item], "couponCodes": None, "id": None}, edition="2026-06")
    assert sorted(pairs(report)) == [
        ("payload/null-property", "/couponCodes"),
        *(("payload/read-only-property", name) for name in ("/cartItems/0/position", "/id")),
    ]


@pytest.mark.parametrize("count", [1, 2, 500])
def test_read_only_keys_of_items_are_reported_once(count: int) -> None:
    good = {"name": "a", "sku": "a", "quantity": 1, "price": 1}
    cart = [good, *[{**good, "position": 0, "returnedQuantity": 0}] * count]
    for engine in ENGINES:
        report = check({"cartItems": cart}, engine=engine)
        assert pairs(report) == [
            ("payload/read-only-property", "/cartItems/1/position"),
            ("payload/read-only-property", "/cartItems/1/returnedQuantity"),
        ]
        counts = [each.params.get("count", 1) for each in report.findings]
        assert counts == [count, count]


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"store_integration_id": "a"}, "edition 2026-06 of the API has it, but not this edition"),
        ({"customer_session": {}, "coupon_codes": []}, "check whether it is at the wrong level"),
        ({"cart_item": []}, 'did you mean "cart_items"?'),
        ({"cartItems": []}, 'use the name of the SDKs, "cart_items"'),
    ],
    ids=str,
)
def test_hints_in_the_names_of_the_sdks(payload: dict[str, Any], text: str) -> None:
    (finding,) = check(payload, naming="snake").findings
    assert text in finding.hint


def test_messages_in_the_names_of_the_sdks() -> None:
    policy = Policy(coupon_budget=True)
    report = check({"state": "closed"}, naming="snake", policy=policy, previous=NEW)
    (budget,) = [each for each in report.findings if each.code == "budget/coupon-at-close"]
    assert "send coupon_codes with" in budget.hint
    long = check({"profile_id": "x" * 1001}, naming="snake").findings[0]
    assert long.message.startswith("profile_id has 1001 characters")
    response = {"cart_items": [], "cart_item_total": 5, "additional_cost_total": 0, "total": 5}
    total = check(response, naming="snake", model="CustomerSessionV2").errors
    assert [e.message for e in total if e.code == "totals/cart-item-total"] == [
        "cart_item_total is 5, but the items add up to 0"
    ]
