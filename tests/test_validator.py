"""The library call: arguments, choices, limits, context, and the forms of a report."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import talonschema
from support.strategies import ENGINES
from talonschema import (
    NEW,
    InvalidPayload,
    Policy,
    Report,
    Severity,
    Validator,
    check,
    replay,
    schemas,
)
from talonschema.checking.registry import CODES
from talonschema.checking.report import Skipped
from talonschema.rules.context import Context
from talonschema.rules.rule import RULES

SHOE = {"name": "Air Glide", "sku": "SKU1241028", "quantity": 1, "price": 99.99}
SESSION = {"profileId": "URNGV8294NV", "state": "open", "cartItems": [SHOE]}
each_engine = pytest.mark.parametrize("engine", ENGINES)
each_edition = pytest.mark.parametrize("edition", schemas.EDITIONS)


def pairs(report: Report) -> list[tuple[str, str]]:
    return [(each.code, each.pointer) for each in report.findings]


def reasons(report: Report) -> dict[str, str]:
    return {each.code: each.reason for each in report.skipped}


# Arguments.


@pytest.mark.parametrize(
    ("options", "error", "parts"),
    [
        ({"edition": "2022-6"}, ValueError, ["edition", "'2022-6'", "did you mean '2022-06'?"]),
        ({"edition": None}, ValueError, ["edition", "2022-06, 2026-06"]),
        ({"naming": "camel"}, ValueError, ["naming", "'camel'", "wire, snake"]),
        ({"engine": "jsonschema_rs"}, ValueError, ["engine", "did you mean 'jsonschema-rs'?"]),
        ({"policy": {"coupon_budget": True}}, TypeError, ["policy", "dict"]),
        ({"max_findings": 0}, ValueError, ["max_findings", "0"]),
        ({"max_findings": -1}, ValueError, ["max_findings", "-1"]),
        ({"max_findings": True}, ValueError, ["max_findings", "True"]),
        ({"max_findings": 2.0}, ValueError, ["max_findings", "2.0"]),
        ({"max_findings": None}, ValueError, ["max_findings", "None"]),
        ({"select": ["cart/quantity"]}, ValueError, ["did you mean 'cart/quantity-sum'?"]),
        ({"select": ["schemas"]}, ValueError, ["'schemas'", "did you mean 'schema'?"]),
        ({"ignore": ["card"]}, ValueError, ["'card'", "did you mean 'cart'?"]),
        ({"ignore": "cart"}, TypeError, ["'cart'", "list"]),
        ({"select": "cart"}, TypeError, ["'cart'", "list"]),
        ({"severity": {"cart": "fatal"}}, ValueError, ["'fatal'", "error, warning, info"]),
        ({"severity": {"carts": "error"}}, ValueError, ["'carts'", "did you mean 'cart'?"]),
        ({"edtion": "2022-06"}, TypeError, ["edtion"]),
    ],
)
def test_options_that_make_no_sense(
    options: dict[str, Any], error: type[Exception], parts: list[str]
) -> None:
    for call in (lambda: Validator(**options), lambda: check({}, **options)):
        with pytest.raises(error) as caught:
            call()
        for part in parts:
            assert part in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error", "parts"),
    [
        ({"model": "CartItems"}, ValueError, ["model", "did you mean 'CartItem'?"]),
        ({"model": "ReopenResponse"}, ValueError, ["model", "'ReopenResponse'"]),
        ({"model": "../CartItem"}, ValueError, ["model"]),
        ({"operation": "close"}, ValueError, ["operation", "update, return, reopen"]),
        ({"previous": "close"}, ValueError, ["previous", "did you mean 'closed'?"]),
        ({"previous": "new"}, ValueError, ["previous", "'new'"]),
        ({"previous": 1}, TypeError, ["previous", "int"]),
        ({"previous": ["closed"]}, TypeError, ["previous", "list"]),
        ({"previous": {"state": "shut"}}, ValueError, ["state of previous", "'shut'"]),
        ({"previous": {"state": 1}}, ValueError, ["state of previous", "1"]),
        (
            {"previous": {"customerSession": {"state": "Open"}}},
            ValueError,
            ["state of previous", "did you mean 'open'?"],
        ),
        ({"now": 1}, TypeError, ["now", "int"]),
        ({"now": dt.date(2999, 1, 1)}, TypeError, ["now", "date"]),
        (
            {"model": "NewCustomerSessionV2", "operation": "return"},
            ValueError,
            ["NewCustomerSessionV2", "'return'"],
        ),
        (
            {"model": "IntegrationRequest", "operation": "reopen"},
            ValueError,
            ["IntegrationRequest", "'reopen'"],
        ),
        (
            {"model": "ReturnIntegrationRequest", "operation": "reopen"},
            ValueError,
            ["ReturnIntegrationRequest", "'reopen'"],
        ),
        ({"modle": "CartItem"}, TypeError, ["modle"]),
    ],
)
def test_arguments_that_make_no_sense(
    arguments: dict[str, Any], error: type[Exception], parts: list[str]
) -> None:
    validator = Validator()
    for call in (validator.check, validator.is_valid, validator.validate, check):
        with pytest.raises(error) as caught:
            call({}, **arguments)
        for part in parts:
            assert part in str(caught.value)


def test_a_mapping_as_previous_is_not_changed() -> None:
    previous = {"state": "closed", "cartItems": ({"sku": "a"},), "profileId": 1}
    before = repr(previous)
    check({"state": "open"}, previous=previous)
    assert repr(previous) == before


def test_options_can_be_given_as_any_iterable() -> None:
    report = check({"state": "x"}, select=iter(["schema"]), ignore=(each for each in ["cart"]))
    assert pairs(report) == [("schema/enum", "/state")]


def test_the_three_functions() -> None:
    assert check(SESSION).ok
    assert talonschema.is_valid(SESSION)
    talonschema.validate(SESSION)
    assert not talonschema.is_valid({"state": "x"})
    with pytest.raises(InvalidPayload):
        talonschema.validate({"state": "x"})
    validator = Validator()
    assert validator.is_valid(SESSION)
    validator.validate(SESSION)
    with pytest.raises(InvalidPayload):
        validator.validate({"state": "x"})


def test_functions_take_the_arguments_of_both() -> None:
    report = check({"state": "open"}, edition="2026-06", previous="closed", ignore=["schema"])
    assert pairs(report) == [("lifecycle/state-transition", "/state")]
    assert report.edition == "2026-06"


# The choice of codes.

MIXED = {
    "state": "shut",
    "couponCodes": ["XMAS", "XMAS"],
    "cartItems": [{**SHOE, "quantity": 10_001, "Category": 1, "price": -1}],
}
MIXED_CODES = {
    "schema/enum",
    "codes/duplicate-coupon",
    "cart/quantity-sum",
    "cart/negative-price",
    "payload/unknown-property",
}


@pytest.mark.parametrize(
    ("select", "ignore", "expected"),
    [
        (None, [], MIXED_CODES),
        (["cart"], [], {"cart/quantity-sum", "cart/negative-price"}),
        (["cart/quantity-sum", "schema"], [], {"cart/quantity-sum", "schema/enum"}),
        (["cart"], ["cart/negative-price"], {"cart/quantity-sum"}),
        (["cart/quantity-sum"], ["cart"], set()),
        (None, ["schema", "payload"], MIXED_CODES - {"schema/enum", "payload/unknown-property"}),
        ([], [], set()),
    ],
)
@each_engine
def test_select_and_ignore(
    select: list[str] | None, ignore: list[str], expected: set[str], engine: Any
) -> None:
    report = check(MIXED, select=select, ignore=ignore, engine=engine)
    assert {each.code for each in report.findings} == expected
    assert report.omitted == 0


def test_what_is_not_selected_is_not_skipped_but_left_out() -> None:
    assert check({}, select=["codes"]).skipped == (
        Skipped("codes/discarded", "the previous session is not known"),
    )


def test_severities() -> None:
    def levels(**severity: Any) -> dict[str, str]:
        named = {name.replace("_", "/", 1).replace("_", "-"): s for name, s in severity.items()}
        report = check(MIXED, severity=named)
        assert report.ok == (Severity.ERROR not in {each.severity for each in report.findings})
        return {each.code: each.severity.value for each in report.findings}

    assert levels()["cart/quantity-sum"] == "error"
    assert levels()["cart/negative-price"] == "info"
    assert levels(cart="warning")["cart/quantity-sum"] == "warning"
    assert levels(cart="warning")["cart/negative-price"] == "warning"
    assert levels(cart_negative_price="error", cart="info")["cart/negative-price"] == "error"
    assert levels(cart="info", cart_negative_price="error")["cart/negative-price"] == "error"
    assert levels(schema=Severity.INFO)["schema/enum"] == "info"


def test_a_payload_without_errors_is_ok_whatever_else_is_found() -> None:
    report = check(MIXED, severity={"schema": "warning", "cart/quantity-sum": "info"})
    assert report.ok
    assert report.errors == ()
    assert len(report.findings) == len(MIXED_CODES)
    assert not check({"couponCodes": [None]}, severity={"codes": "info"}).ok


def test_null_can_be_made_an_error() -> None:
    assert check({"couponCodes": None}).ok
    assert not check({"couponCodes": None}, severity={"payload/null-property": "error"}).ok


def test_faults_that_are_not_told_still_keep_rules_away() -> None:
    report = check({"cartItems": [{**SHOE, "quantity": "1"}]}, ignore=["schema"])
    assert report.findings == ()
    assert "cart/quantity-sum" in reasons(report)


# The limit on findings.


def faults(errors: int, warnings: int) -> dict[str, Any]:
    codes: list[Any] = ["XMAS"] * (warnings + 1)
    return {"couponCodes": codes, "attributes": {f"a{i}": 1 for i in range(errors)}}


NO_ATTRIBUTES = Policy.from_mapping({"catalog": {"attributes": {"CustomerSession": {}}}})


@each_engine
@pytest.mark.parametrize(
    ("there", "limit", "reported", "omitted"),
    [
        ((0, 0), 1, (0, 0), 0),
        ((1, 1), 1, (1, 0), 1),
        ((0, 5), 3, (0, 3), 2),
        ((2, 5), 3, (2, 1), 4),
        ((3, 5), 3, (3, 0), 5),
        ((5, 5), 3, (3, 0), 7),
        ((5, 5), 10, (5, 5), 0),
        ((5, 5), 9, (5, 4), 1),
    ],
)
def test_errors_are_never_pushed_out_by_warnings(
    there: tuple[int, int], limit: int, reported: tuple[int, int], omitted: int, engine: Any
) -> None:
    report = check(faults(*there), policy=NO_ATTRIBUTES, max_findings=limit, engine=engine)
    severities = [each.severity for each in report.findings]
    assert (severities.count(Severity.ERROR), severities.count(Severity.WARNING)) == reported
    assert report.omitted == omitted
    assert report.ok == (there[0] == 0)


def test_an_error_beyond_thousands_of_warnings() -> None:
    report = check(faults(1, 2000), policy=NO_ATTRIBUTES, max_findings=1)
    assert not report.ok
    assert [each.code for each in report.findings] == ["catalog/unknown-attribute"]
    assert report.omitted is None


@each_engine
def test_too_many_to_count(engine: Any) -> None:
    report = check({"couponCodes": [1] * 50_000}, engine=engine)
    assert not report.ok
    assert len(report.findings) == 100
    assert report.omitted is None
    assert {each.reason for each in report.skipped}
    many = check({"couponCodes": [1] * 600}, engine=engine)
    assert (len(many.findings), many.omitted) == (100, 500)


@each_engine
def test_the_limit_keeps_the_first_of_a_severity(engine: Any) -> None:
    report = check({"couponCodes": [1] * 5}, max_findings=2, engine=engine)
    assert [each.pointer for each in report.findings] == ["/couponCodes/0", "/couponCodes/1"]


def test_findings_are_in_order_of_their_place() -> None:
    payload = {"cartItems": [{}] * 11, "couponCodes": [1], "attributes": [], "zz": 1, "Aa": 1}
    pointers = [each.pointer for each in check(payload).findings]
    assert pointers[:2] == ["/Aa", "/attributes"]
    assert pointers[-2:] == ["/couponCodes/0", "/zz"]
    items = [int(p.split("/")[2]) for p in pointers if p.startswith("/cartItems")]
    assert items == sorted(items)
    assert len(items) == 44


def test_unreadable_text_is_told_whatever_is_chosen() -> None:
    report = check("{", select=["cart"], ignore=["json"], severity={"json": "info"})
    assert [each.code for each in report.findings] == ["json/syntax"]
    assert not report.ok
    assert report.model is None


# What is skipped, and why.


def test_reasons_for_what_is_skipped() -> None:
    reported = reasons(check({}))
    assert reported["lifecycle/state-transition"] == "the previous state is not known"
    assert reported["codes/discarded"] == "the previous session is not known"
    assert reported["catalog/unknown-attribute"] == "the policy has no catalog of attributes"
    assert (
        reported["catalog/unknown-additional-cost"]
        == "the policy has no catalog of additional costs"
    )
    assert reported["budget/coupon-at-close"] == "the policy declares no coupon budget"
    assert reported["budget/referral-at-close"] == "the policy declares no referral budget"
    assert reported["budget/identifier-at-close"] == "the policy declares no identifier budget"
    assert reasons(check({}, dry=True))["lifecycle/state-transition"] == (
        "a dry update is judged alone"
    )
    assert reasons(check({"state": 1}, previous="open"))["lifecycle/state-transition"] == (
        "what it reads is not valid"
    )
    assert all(reason for reason in reported.values())


def test_nothing_is_skipped_when_all_is_known() -> None:
    catalog: dict[str, Any] = {
        "attributes": {"CustomerSession": {}, "CartItem": {}},
        "additional_costs": {},
    }
    budgets = {f"{name}_budget": True for name in ("coupon", "referral", "identifier")}
    policy = Policy.from_mapping({"catalog": catalog, **budgets})
    for edition in schemas.EDITIONS:
        validator = Validator(edition=edition, policy=policy)
        assert validator.check(SESSION, previous={}, now="2999-01-01T00:00:00Z").skipped == ()


def test_each_rule_of_the_model_is_judged_skipped_or_not_for_this_call() -> None:
    skipped = reasons(check(SESSION))
    assert not any(name.startswith(("totals/", "return/", "json/", "schema/")) for name in skipped)
    assert list(skipped) == sorted(skipped)


# Redaction.


def test_redaction_keeps_what_is_stable() -> None:
    plain, silent = (check(MIXED, redact=redact) for redact in (False, True))
    assert pairs(plain) == pairs(silent)
    assert '"shut"' in json.dumps(plain.to_dict(), ensure_ascii=False).replace("\\", "")
    text = json.dumps(silent.to_dict())
    for value in ("shut", "XMAS", "10001"):
        assert value not in text
    assert "open" in text, "what the API allows may be shown"


def test_messages_shorten_long_values() -> None:
    report = check({"state": "x" * 10_000, "profileId": 10**4000})
    assert all(len(each.message) < 300 for each in report.findings)


# The names of the SDKs.


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


# Which model it is.

STATE: dict[str, Any] = {"effects": [], "createdCoupons": [], "createdReferrals": []}
RESPONSE_KEYS: dict[str, Any] = {"id": 1, "integrationId": "a", "total": 1}


@pytest.mark.parametrize("naming", ["wire", "snake"])
@pytest.mark.parametrize(
    ("payload", "operation", "model"),
    [
        ({}, None, "NewCustomerSessionV2"),
        (SESSION, None, "NewCustomerSessionV2"),
        ({"unheardOf": 1}, None, "NewCustomerSessionV2"),
        ({"attributes": {"total": 1}}, None, "NewCustomerSessionV2"),
        ([], None, "NewCustomerSessionV2"),
        (None, None, "NewCustomerSessionV2"),
        ({"customerSession": {}}, None, "IntegrationRequest"),
        ({"customerSession": None}, None, "IntegrationRequest"),
        ({"customerSession": {}, "responseContent": []}, None, "IntegrationRequest"),
        ({"customerSession": {}, "effects": []}, None, "IntegrationCustomerSessionResponse"),
        ({**STATE, "customerSession": {}}, None, "IntegrationStateV2"),
        ({"customerSession": RESPONSE_KEYS}, None, "IntegrationCustomerSessionResponse"),
        ({"customerSession": {"id": 1, "total": 1}}, None, "IntegrationRequest"),
        ({"customerSession": RESPONSE_KEYS}, "update", "IntegrationRequest"),
        ({"customerSession": {}}, "return", "ReturnIntegrationRequest"),
        ({"return": {}}, "update", "IntegrationRequest"),
        (RESPONSE_KEYS, "update", "NewCustomerSessionV2"),
        ({"returnedCartItems": []}, None, "ReturnIntegrationRequest"),
        (STATE, None, "IntegrationStateV2"),
        ({**STATE, "return": {}}, None, "IntegrationStateV2"),
        ({"return": {}}, None, "ReturnIntegrationRequest"),
        ({"return": {}}, "return", "ReturnIntegrationRequest"),
        ({}, "return", "ReturnIntegrationRequest"),
        *[
            ({**SESSION, key: 1}, None, "NewCustomerSessionV2")
            for key in ("id", "created", "integrationId", "applicationId", "total", "updated")
        ],
        *[
            ({**SESSION, **dict.fromkeys(keys, 1)}, None, "CustomerSessionV2")
            for keys in (RESPONSE_KEYS, ("firstSession", "cartItemTotal", "additionalCostTotal"))
        ],
        ({"message": "x"}, None, "ErrorResponse"),
        ({"message": "x", "errors": []}, None, "ErrorResponse"),
        ({"message": "x", "state": "open"}, None, "NewCustomerSessionV2"),
    ],
    ids=str,
)
@each_edition
def test_the_model_is_told_from_the_shape(
    payload: Any, operation: str | None, model: str, edition: str, naming: Any
) -> None:
    from talonschema.model.naming import to_snake

    if naming == "snake" and isinstance(payload, dict):
        payload = {to_snake(key): value for key, value in payload.items()}
    assert check(payload, operation=operation, edition=edition, naming=naming).model == model


def test_keys_of_later_responses() -> None:
    later = {"updateCount": 1, "total": 1, "updated": 1}
    assert check(later, edition="2026-06").model == "CustomerSessionV2"
    assert check(later, edition="2022-06").model == "NewCustomerSessionV2"
    assert check({"effects": []}, edition="2026-06").model == "ReopenResponse"
    assert check({"effects": []}, edition="2022-06").model == "IntegrationStateV2"


def test_a_model_that_is_given_is_taken() -> None:
    report = check({"customerSession": {}}, model="NewCustomerSessionV2")
    assert report.model == "NewCustomerSessionV2"
    assert pairs(report) == [("payload/unknown-property", "/customerSession")]


@each_edition
def test_every_model_can_be_given(edition: str) -> None:
    for model in schemas.models(edition):
        report = check({}, model=model, edition=edition)
        assert report.model == model
        assert {f.code for f in report.findings} <= {"schema/required"}


# What is asked: operation and previous session.


def test_a_model_brings_its_operation() -> None:
    payload = {"return": {"returnedCartItems": [{"position": 0}]}}
    for model in (None, "ReturnIntegrationRequest"):
        for arguments in ({}, {"operation": "return"}):
            report = check(payload, model=model, previous="open", **arguments)  # type: ignore[arg-type]
            assert pairs(report) == [("lifecycle/state-transition", "")]


def test_the_previous_session_of_a_response_is_no_move() -> None:
    report = check(
        {"state": "open"}, model="CustomerSessionV2", previous="closed", ignore=["schema"]
    )
    assert report.findings == ()


def test_a_reopening_has_no_body() -> None:
    for empty in (None, b"", "", bytearray()):
        report = check(empty, operation="reopen", previous="closed", edition="2026-06")
        assert report.findings == ()
        assert report.ok
    bodies: list[Any] = [{"effects": []}, "{", [], 0, b"null"]
    for body in bodies:
        report = check(body, operation="reopen", previous="closed", edition="2026-06")
        assert pairs(report) == [("request/unexpected-body", "")]


@each_edition
@pytest.mark.parametrize(
    ("payload", "name"),
    [
        *(({key: {}}, "customerSession") for key in ("CustomerSession", "customersession")),
        *(({key: {}}, "customerSession") for key in ("customer_session", "customer-session")),
        *(({key: {}}, "return") for key in ("_return", "var_return", "Return", "RETURN")),
    ],
    ids=str,
)
def test_a_misspelt_envelope_is_an_error_that_names_it(
    payload: dict[str, Any], name: str, edition: str
) -> None:
    (report, other) = (check({**payload, **more}, edition=edition) for more in ({}, {"x": 1}))
    (key,) = payload
    assert pairs(report) == [("schema/required", f"/{key}")]
    assert report.findings[0].hint == f'rename "{key}" to "{name}"'
    assert pairs(other) == [*pairs(report), ("payload/unknown-property", "/x")]
    assert not report.ok


@each_edition
@each_engine
@pytest.mark.parametrize("operation", [None, "update"])
@pytest.mark.parametrize(
    "key", ["costumerSession", "customerSesion", "customerSessions", "session", "data", "kunde"]
)
@pytest.mark.parametrize("content", [{"state": "open"}, {"profile_id": "x"}, {"CartItems": []}])
def test_an_envelope_under_any_other_key_is_named(
    key: str, content: dict[str, Any], operation: Any, edition: str, engine: Any
) -> None:
    report = check({key: content}, edition=edition, operation=operation, engine=engine)
    assert pairs(report) == [("schema/required", f"/{key}")]
    assert report.findings[0].hint == f'rename "{key}" to "customerSession"'
    assert not check({key: content}, edition=edition, ignore=["payload"]).ok


@each_edition
@pytest.mark.parametrize("key", ["returns", "_return", "rückgabe"])
def test_the_envelope_of_a_return_under_another_key_is_named(key: str, edition: str) -> None:
    report = check({key: {"returnedCartItems": []}}, edition=edition)
    assert report.model == "ReturnIntegrationRequest"
    assert pairs(report)[0] == ("schema/required", f"/{key}")
    assert report.findings[0].hint == f'rename "{key}" to "return"'
    snake = check({key: {"returned_cart_items": []}}, edition=edition, naming="snake")
    assert snake.ok is (key == "_return")


@pytest.mark.parametrize(
    "payload",
    [
        {"customerProfile": {"attributes": {}}},
        {"x": ["state"]},
        {"x": {"y": {"state": "open"}}},
        {"x": {}},
        {"attributes": {"x": {"state": "open"}}},
    ],
    ids=str,
)
def test_what_holds_no_session_is_no_envelope(payload: dict[str, Any]) -> None:
    assert check(payload).model == "NewCustomerSessionV2"


@pytest.mark.parametrize("key", ["return", "_return", "returnedCartItems", "ReturnedCartItems"])
@pytest.mark.parametrize("value", [{"returnedCartItems": []}, [], None], ids=str)
def test_a_return_sent_as_an_update_lacks_the_session(key: str, value: Any) -> None:
    report = check({key: value}, operation="update")
    assert report.model == "IntegrationRequest"
    assert ("schema/required", "/customerSession") in pairs(report)
    assert ("payload/unknown-property", f"/{key}") in pairs(report)
    assert not any(code == "request/bare-session" for code, _ in pairs(report))


def test_a_misspelt_envelope_in_the_names_of_the_sdks() -> None:
    report = check({"Return": {}}, naming="snake")
    assert report.findings[0].hint == 'rename "Return" to "return"'


def test_what_belongs_into_an_envelope() -> None:
    report = check({"returnedCartItems": []})
    assert pairs(report)[0] == ("schema/required", "/return")
    assert not report.ok
    for operation, key in (("return", "return"), ("update", "customerSession")):
        other: Any = {"customerSession": {}} if operation == "return" else {"return": {}}
        assert ("schema/required", f"/{key}") in pairs(check(other, operation=operation))


@each_edition
def test_a_bare_session_where_an_endpoint_is_named(edition: str) -> None:
    assert pairs(check({"state": "open"}, edition=edition)) == []
    named = check({"state": "open"}, edition=edition, operation="update")
    assert pairs(named) == [("request/bare-session", "")]
    assert pairs(check({"customerSession": {}}, edition=edition, operation="update")) == []


def test_suggestions_are_neither_there_already_nor_read_only() -> None:
    def hint(payload: Any) -> str:
        found = check(payload, edition="2026-06").findings
        return next(each.hint for each in found if each.code == "payload/unknown-property")

    assert hint({"customerSession": {}, "customersession": {}}) == ""
    assert "Update customer profile" in hint({"customerSession": {}, "customerProfile": {}})
    assert "Update customer profile" in hint({"customerSession": {}, "profileAttributes": {}})
    item = {"sku": "a", "quantity": 1, "price": 1}
    for key in ("subPosition", "Position", "position_", "sub_position", "catalog_item_id"):
        assert hint({"cartItems": [{**item, key: 1}]}) == ""
    assert hint({"cartItems": [], "cartItem": []}) == ""
    assert hint({"cartItem": []}) == 'did you mean "cartItems"?'


@pytest.mark.parametrize(
    "previous",
    [
        {"state": "closed"},
        {"customerSession": {"state": "closed"}},
        {"customerSession": {"state": "closed"}, "effects": [], "createdCoupons": []},
        {"state": "closed", "unheardOf": object()},
        {"state": "closed", "cartItems": "none", "profileId": 7, "couponCodes": [1]},
        {"state": "closed", "cartItems": [{"sku": 1}], "attributes": {1: 2}},
        {"state": "closed", "additionalCosts": {"a": float("nan")}},
    ],
)
@each_engine
def test_a_previous_session_in_whatever_form(previous: Any, engine: Any) -> None:
    report = check({"state": "open"}, previous=previous, engine=engine)
    assert pairs(report) == [("lifecycle/state-transition", "/state")]


@each_engine
def test_invalid_parts_of_the_previous_session_are_ignored(engine: Any) -> None:
    returned = {"return": {"returnedCartItems": [{"position": 5, "quantity": 9}]}}
    stored: dict[str, Any] = {"state": "closed", "cartItems": [{**SHOE, "quantity": "many"}]}
    report = check(returned, previous=stored, engine=engine)
    assert report.findings == ()
    assert reasons(report)["return/position-out-of-range"] == (
        "the cart of the stored session is not known"
    )
    discarding = {"couponCodes": [], "referralCode": ""}
    stored = {"couponCodes": 7, "referralCode": ["NT2K54D9"]}
    assert check(discarding, previous=stored, engine=engine).findings == ()


def test_a_previous_session_may_lack_what_responses_require() -> None:
    returned = {"return": {"returnedCartItems": [{"position": 1}]}}
    item = {"sku": "a", "quantity": 1}
    report = check(returned, previous={"state": "closed", "cartItems": [SHOE]})
    assert pairs(report) == [
        ("return/position-out-of-range", "/return/returnedCartItems/0/position")
    ]
    report = check(returned, previous={"state": "closed", "cartItems": [item]}, edition="2026-06")
    assert pairs(report) == [
        ("return/position-out-of-range", "/return/returnedCartItems/0/position")
    ]


def test_now_as_a_datetime() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert check(SESSION, now=later, dry=True).findings == ()
    assert check(SESSION, now=later.astimezone(dt.timezone(dt.timedelta(hours=-9))), dry=True).ok
    earlier = later - dt.timedelta(days=2)
    (finding,) = check(SESSION, now=earlier, dry=True).findings
    assert (finding.code, finding.parameter) == ("request/now-not-future", "now")
    (finding,) = check(SESSION, now=later.replace(tzinfo=None), dry=True).findings
    assert (finding.code, finding.parameter) == ("request/malformed-now", "now")


# Defects of rules.


@each_engine
def test_a_rule_that_fails_is_told_of(monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    def crash(_context: Context) -> Iterator[Any]:
        message = "SKU1241028 is too much"
        raise RuntimeError(message)
        yield

    name = "codes/duplicate-coupon"
    monkeypatch.setitem(RULES, name, RULES[name]._replace(check=crash))
    report = check(MIXED, engine=engine)
    assert {each.code for each in report.findings} == (MIXED_CODES - {name}) | {
        "internal/rule-crash"
    }
    (finding,) = (each for each in report.findings if each.code == "internal/rule-crash")
    assert finding.severity is Severity.ERROR
    assert finding.pointer == ""
    assert finding.params["rule"] == name
    assert finding.params["error"] == "RuntimeError"
    silent = check(MIXED, engine=engine, redact=True)
    assert "SKU1241028" not in json.dumps(silent.to_dict())
    selected = check(MIXED, select=["codes"], engine=engine)
    assert [each.code for each in selected.findings] == ["internal/rule-crash"]
    assert check(MIXED, select=["codes"], ignore=["internal"], engine=engine).findings == ()
    assert check(MIXED, select=["codes"], ignore=[name], engine=engine).findings == ()


# Threads.


@each_engine
def test_threads_can_share_a_validator(engine: Any) -> None:
    validator = Validator(engine=engine, policy=NO_ATTRIBUTES)
    payloads = [MIXED, SESSION, faults(3, 3), {"customerSession": {}}, {"return": {}}, "{", []]
    expected = [Validator(engine=engine, policy=NO_ATTRIBUTES).check(p).to_dict() for p in payloads]
    wrong: list[Any] = []
    start = threading.Barrier(8)

    def work(offset: int) -> None:
        start.wait()
        for number in range(40):
            index = (number + offset) % len(payloads)
            try:
                reported = validator.check(payloads[index]).to_dict()
            except Exception as error:  # noqa: BLE001 - any is reported below
                wrong.append(error)
            else:
                if reported != expected[index]:
                    wrong.append((payloads[index], reported))

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Reports.


def test_raising() -> None:
    check(SESSION).raise_for_errors()
    check({"couponCodes": ["A"]}).raise_for_errors()
    report = check({"state": "shut", "couponCodes": [1]})
    with pytest.raises(InvalidPayload) as caught:
        report.raise_for_errors()
    error = caught.value
    assert isinstance(error, ValueError)
    assert error.report is report
    assert "/state" in str(error)
    assert "[schema/enum]" in str(error)
    assert "NewCustomerSessionV2" in str(error)
    assert len(str(error).splitlines()) == 3


def test_raising_tells_how_much_is_left_out() -> None:
    with pytest.raises(InvalidPayload, match="and 4 more"):
        check({"couponCodes": [1] * 5}, max_findings=1).raise_for_errors()
    with pytest.raises(InvalidPayload, match="payload is not valid"):
        check("{").raise_for_errors()


@pytest.mark.parametrize("payload", [SESSION, MIXED, "{", [], {"attributes": {"x": {1}}}])
def test_reports_can_be_pickled(payload: Any) -> None:
    report = check(payload, previous="closed")
    again = pickle.loads(pickle.dumps(report))  # noqa: S301 - made here
    assert again == report
    assert again.to_dict() == report.to_dict()
    error = pickle.loads(pickle.dumps(InvalidPayload(report)))  # noqa: S301 - made here
    assert error.report == report


def test_findings_can_not_be_changed() -> None:
    report = check(MIXED)
    with pytest.raises(AttributeError):
        report.ok = True  # type: ignore[misc]
    with pytest.raises(AttributeError):
        report.findings[0].code = "x"  # type: ignore[misc]


def test_plain_data() -> None:
    report = check(MIXED, previous="open")
    data = report.to_dict()
    assert data["version"] == 1
    assert data.keys() == {"version", "ok", "edition", "model", "findings", "omitted", "skipped"}
    assert json.loads(json.dumps(data)) == data
    assert len(data["findings"]) == len(report.findings)
    for each in data["findings"]:
        assert each.keys() >= {"code", "severity", "pointer", "message"}
        assert each["severity"] in ("error", "warning", "info")
        assert type(each["severity"]) is str
        assert None not in each.values()
    assert all(each.keys() == {"code", "reason"} for each in data["skipped"])


def test_plain_data_of_the_findings_that_point_elsewhere() -> None:
    (finding,) = check({"couponCodes": ["XMAS", "XMAS"]}).to_dict()["findings"]
    assert finding["related"] == ["/couponCodes/0"]
    (finding,) = check({}, now="2999-01-01T00:00:00Z").to_dict()["findings"]
    assert finding["parameter"] == "now"
    (finding,) = check('{"a":\n x}').to_dict()["findings"]
    assert (finding["line"], finding["column"]) == (2, 2)


ALL_BAD = [
    pytest.param(name, example, id=f"{name}-{index}")
    for name, code in CODES.items()
    for index, example in enumerate(code.bad)
]


def report_of(example: Any) -> Report:
    context = dict(example.context)
    policy = context.pop("policy", None)
    if context.get("previous") == "NEW":
        context["previous"] = NEW
    options: Any = {"policy": None if policy is None else Policy.from_mapping(policy)}
    return check(example.data, severity=dict.fromkeys(CODES, "error"), **options, **context)


@pytest.mark.parametrize(("name", "example"), ALL_BAD)
def test_the_forms_of_each_finding(name: str, example: Any) -> None:
    report = report_of(example)
    assert name in {each.code for each in report.errors}
    # As the API answers.
    body = report.to_error_response()
    assert json.loads(json.dumps(body)) == body
    for edition in schemas.EDITIONS:
        assert check(body, model="ErrorResponse", edition=edition).findings == ()
    assert len(body["errors"]) == len(report.errors)
    for each, finding in zip(body["errors"], report.errors, strict=True):
        assert len({"pointer", "parameter", "line"} & each["source"].keys()) == 1
        assert each["details"] == finding.message
        assert each["title"]
    # As RFC 9457 has it.
    problem = report.to_problem()
    assert json.loads(json.dumps(problem)) == problem
    assert problem["status"] == 400
    for key in ("type", "title", "detail"):
        assert isinstance(problem[key], str)
        assert problem[key]
    assert re.fullmatch(r"https://[!-~]+", problem["type"])
    for each, finding in zip(problem["errors"], report.errors, strict=True):
        assert each["code"] == finding.code
        assert each["detail"] == finding.message
        if finding.parameter is None:
            assert re.fullmatch(r"#(/[A-Za-z0-9._~!$&'()*+,;=:@?%-]*)*", each["pointer"])
        else:
            assert each["parameter"] == finding.parameter
            assert "pointer" not in each
    # As plain data, and as text.
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["findings"]
    assert all(finding.code in str(InvalidPayload(report)) for finding in report.errors)


def test_the_error_response_of_the_documented_cases() -> None:
    policy = Policy.from_mapping(
        {"catalog": {"attributes": {"CustomerSession": {"Name": "string"}}}}
    )
    payload = {"state": "shut", "attributes": {"MyAttribute": 1, "Name": False}}
    body = check(payload, policy=policy).to_error_response()
    assert body["message"] == "The submitted data was invalid"
    assert [(each["title"], each["source"]) for each in body["errors"]] == [
        ("Unknown", {"pointer": "/attributes/MyAttribute"}),
        ("Invalid type", {"pointer": "/attributes/Name"}),
        ("enum", {"pointer": "/state"}),
    ]


def test_sources_other_than_pointers() -> None:
    (error,) = check({}, now="2999-01-01T00:00:00Z").to_error_response()["errors"]
    assert error["source"] == {"parameter": "now"}
    (error,) = check("{\n,").to_error_response()["errors"]
    assert error["source"] == {"line": "2"}


def test_warnings_are_no_errors_of_a_response() -> None:
    report = check({"state": "shut", "couponCodes": ["A"]})
    assert len(report.findings) == 2
    assert len(report.to_error_response()["errors"]) == 1
    assert len(report.to_problem()["errors"]) == 1


def test_pointers_as_fragments_of_a_uri() -> None:
    policy = NO_ATTRIBUTES
    names = ['a/b~c "d"', "ä%^|", "", "x#?"]
    payload = {"attributes": dict.fromkeys(names, 1)}
    report = check(payload, policy=policy, ignore=["catalog/impossible-name"])
    reported = [each["pointer"] for each in report.to_problem()["errors"]]
    assert sorted(reported) == sorted(
        [
            "#/attributes/",
            "#/attributes/a~1b~0c%20%22d%22",
            "#/attributes/x%23?",
            "#/attributes/%C3%A4%25%5E%7C",
        ]
    )
    (error,) = check([]).to_problem()["errors"]
    assert error["pointer"] == "#"


def test_lone_surrogates_can_be_told_in_every_form() -> None:
    report = check({"attributes": {"a\ud800": 1}, "\udc00": 1, "state": "\ud800"})
    assert not report.ok
    json.dumps(report.to_dict()).encode()
    json.dumps(report.to_error_response()).encode()
    json.dumps(report.to_problem()).encode()


def test_there_is_no_answer_to_what_is_good() -> None:
    report = check(SESSION)
    for form in (report.to_error_response, report.to_problem):
        with pytest.raises(ValueError, match="no error"):
            form()


# In the names of the SDKs.


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
        ({"store_integration_id": "a"}, "edition 2026-06 of the API has it, this one has not"),
        ({"customer_session": {}, "coupon_codes": []}, "is it one level off?"),
        ({"cart_item": []}, 'did you mean "cart_items"?'),
        ({"cartItems": []}, 'in the SDKs\' names this is "cart_items"'),
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
