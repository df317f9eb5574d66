"""Assertions on payloads and on calls over HTTP."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

import talonschema
from support.checks import SESSION, each_edition
from talonschema import Validator, check
from talonschema.testing import assert_valid_payload, assert_valid_request

BAD: dict[str, Any] = {**SESSION, "state": "opn", "couponCodes": ["XMAS", "XMAS"]}
WARNED: dict[str, Any] = {**SESSION, "couponCodes": ["XMAS", "XMAS"]}
CALL = "https://demo.europe-west1.talon.one/v2/customer_sessions/order-1"


def failure(call: Any, *arguments: Any, **options: Any) -> str:
    """Return the text of the assertion that fails, which has no other exception behind it."""
    with pytest.raises(AssertionError) as raised:
        call(*arguments, **options)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    return str(raised.value)


@each_edition
def test_a_valid_payload_passes_and_its_report_is_returned(edition: str) -> None:
    report = assert_valid_payload(SESSION, edition=edition, previous="open")
    assert report == check(SESSION, edition=edition, previous="open")
    assert report.ok
    assert assert_valid_payload(json.dumps(SESSION), edition=edition).ok


def test_a_bad_payload_fails_with_the_text_of_the_report() -> None:
    text = failure(assert_valid_payload, BAD, edition="2026-06")
    assert text == str(check(BAD, edition="2026-06"))
    assert "/state: error[schema/enum]" in text
    assert "codes/duplicate-coupon" in text
    assert failure(assert_valid_payload, "{") == str(check("{"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"previous": "closed"}, "lifecycle/state-transition"),
        ({"model": "IntegrationRequest"}, "schema/required"),
        ({"now": "today"}, "request/malformed-now"),
        ({"policy": talonschema.Policy.from_mapping({"catalog": {"attributes": {}}})}, ""),
        ({"severity": {"identity": "error"}, "ignore": ["cart"]}, ""),
    ],
)
def test_the_arguments_are_those_of_check(arguments: dict[str, Any], code: str) -> None:
    expected = check(SESSION, **arguments)
    if not code:
        assert assert_valid_payload(SESSION, **arguments) == expected
    else:
        assert code in failure(assert_valid_payload, SESSION, **arguments)
        assert code in {each.code for each in expected.errors}


def test_warnings_count_on_request() -> None:
    assert assert_valid_payload(WARNED).warnings
    assert "codes/duplicate-coupon" in failure(assert_valid_payload, WARNED, fail_on="warning")
    with pytest.raises(ValueError, match="fail_on is 'info'"):
        assert_valid_payload(SESSION, fail_on="info")


def test_a_validator_can_be_given() -> None:
    strict = Validator(edition="2026-06", severity={"codes": "error"})
    assert "edition 2026-06" in failure(assert_valid_payload, WARNED, validator=strict)
    lax = Validator(ignore=["schema/enum"])
    assert assert_valid_payload(BAD, validator=lax, previous="open").ok
    with pytest.raises(TypeError, match="'edition'"):
        assert_valid_payload(BAD, validator=lax, edition="2026-06")
    with pytest.raises(TypeError, match="did you mean 'edition'"):
        assert_valid_payload(BAD, editon="2026-06")  # type: ignore[call-arg]


@pytest.mark.parametrize("call", [assert_valid_payload, assert_valid_request])
def test_the_frames_of_the_assertion_are_hidden(call: Any) -> None:
    arguments = (BAD,) if call is assert_valid_payload else ("PUT", CALL, json.dumps(BAD))
    with pytest.raises(AssertionError) as raised:
        call(*arguments)
    frames = [frame for frame, _ in traceback.walk_tb(raised.value.__traceback__)]
    own = [frame for frame in frames if "testing/assertions" in frame.f_code.co_filename]
    assert len(own) > 1
    assert all(frame.f_locals["__tracebackhide__"] for frame in own)


UPDATE = json.dumps({"customerSession": SESSION})
CLOSED = json.dumps({"customerSession": {**SESSION, "state": "closed"}})
RETURN = json.dumps({"return": {"returnedCartItems": [{"position": 0}]}})


@pytest.mark.parametrize(
    ("method", "path", "body", "options", "model"),
    [
        ("PUT", "", UPDATE, {}, "IntegrationRequest"),
        ("PUT", "", UPDATE.encode(), {"previous": "open"}, "IntegrationRequest"),
        ("PUT", "", json.loads(UPDATE), {}, "IntegrationRequest"),
        ("PUT", "?dry=true&now=2031-01-01T00:00:00Z", CLOSED, {"previous": "open"}, None),
        ("POST", "/returns", RETURN, {"previous": "closed"}, "ReturnIntegrationRequest"),
        ("PUT", "/reopen", b"", {"previous": "closed", "edition": "2026-06"}, None),
        ("PUT", "/reopen", None, {"previous": "closed", "edition": "2026-06"}, None),
    ],
)
def test_a_valid_call_passes(
    method: str, path: str, body: Any, options: dict[str, Any], model: str | None
) -> None:
    report = assert_valid_request(method, CALL + path, body, **options)
    assert report is not None
    assert report.ok
    if model:
        assert report.model == model


@pytest.mark.parametrize(
    ("method", "path", "body", "options", "text"),
    [
        ("PUT", "", '{"customerSession": {"state": "opn"}}', {}, "schema/enum"),
        ("PUT", "", None, {}, "schema/type"),
        ("PUT", "", "", {}, "json/syntax"),
        ("PUT", "", UPDATE, {"previous": "closed"}, "lifecycle/state-transition"),
        ("PUT", "?now=2031-01-01T00:00:00Z", UPDATE, {}, "request/now-without-dry"),
        ("POST", "/returns", UPDATE, {}, "schema/required"),
        ("POST", "/returns", RETURN, {"previous": "open"}, "lifecycle/state-transition"),
        ("PUT", "/reopen", None, {"previous": "open", "edition": "2026-06"}, "lifecycle/"),
        ("PUT", "/reopen", "[]", {"edition": "2026-06", "fail_on": "warning"}, "request/"),
        ("PUT", "?dry=maybe", UPDATE, {}, "dry: the value is not true or false"),
        ("PUT", "%2F", UPDATE, {}, "customerSessionId: "),
    ],
)
def test_a_bad_call_fails_with_its_address(
    method: str, path: str, body: Any, options: dict[str, Any], text: str
) -> None:
    message = failure(assert_valid_request, method, CALL + path, body, **options)
    assert message.startswith(f"{method} {CALL}{path}")
    assert text in message


def test_warnings_of_calls_count_on_request() -> None:
    body = json.dumps({"customerSession": WARNED})
    assert assert_valid_request("PUT", CALL, body)
    strict = Validator(severity={"codes": "error"})
    for options in ({"fail_on": "warning"}, {"validator": strict}):
        assert "codes/" in failure(assert_valid_request, "PUT", CALL, body, **options)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", CALL),
        ("POST", "https://demo.europe-west1.talon.one/v2/events"),
        ("PUT", "https://shop.example/orders/1"),
        ("PUT", "https://shop.example/talon/v2/customer_sessions/order-1"),
    ],
)
def test_other_calls_are_passed_over(method: str, url: str) -> None:
    assert assert_valid_request(method, url, "{") is None


def test_a_prefix_comes_before_the_paths() -> None:
    url = "https://shop.example/talon/v2/customer_sessions/order-1"
    assert "json/syntax" in failure(assert_valid_request, "PUT", url, "{", prefix="/talon")
