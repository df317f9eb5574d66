"""The model of a payload, by its shape and by what is asked, and misspelt envelopes."""

from __future__ import annotations

from typing import Any

import pytest

from support.checks import SESSION, each_edition, each_engine, pairs
from talonschema import (
    check,
    schemas,
)

STATE: dict[str, Any] = {"effects": [], "createdCoupons": [], "createdReferrals": []}
RESPONSE_KEYS: dict[str, Any] = {"id": 1, "integrationId": "a", "total": 1}


@pytest.mark.parametrize("naming", ["wire", "snake"])
@pytest.mark.parametrize(
    ("payload", "operation", "model"),
    [
        ({}, None, "NewCustomerSessionV2"),
        (SESSION, None, "NewCustomerSessionV2"),
        ({"unheardOf": 1}, None, None),
        ({"type": "pageViewed", "profileId": "p"}, None, None),
        ({"type": "pageViewed", "cartItems": []}, None, "NewCustomerSessionV2"),
        ({"unheardOf": 1}, "update", "NewCustomerSessionV2"),
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
def test_the_model_is_detected_from_the_shape(
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


def test_a_model_of_the_other_edition_is_named_as_such() -> None:
    with pytest.raises(ValueError, match=r"^ReopenResponse is a model of edition 2026-06 only"):
        check({}, model="ReopenResponse")
    with pytest.raises(ValueError, match="did you mean 'ReopenResponse'"):
        check({}, model="ReopnResponse", edition="2026-06")


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


@each_edition
@pytest.mark.parametrize("key", ["customerSesion", "CustomerSession", "customer_session"])
def test_an_envelope_is_named_beside_keys_of_a_session(key: str, edition: str) -> None:
    report = check({key: {"state": "closed"}, "state": "open"}, edition=edition)
    assert ("schema/required", f"/{key}") in pairs(report)
    beside = check({key: {"fields": 1}, "state": "open"}, edition=edition)
    assert pairs(beside) == [("payload/unknown-property", f"/{key}")]
    own = check({"session": {"state": "closed"}, "state": "open"}, edition=edition)
    assert pairs(own) == [("payload/unknown-property", "/session")]


@pytest.mark.parametrize("key", ["returns", "Returns", "customerSessions"])
@pytest.mark.parametrize("value", [[{"position": 0}], [], {}], ids=str)
def test_an_envelope_in_the_plural_is_named(key: str, value: Any) -> None:
    assert ("schema/required", f"/{key}") in pairs(check({key: value}))


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
    assert check(payload).model in {"NewCustomerSessionV2", None}


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
