"""Objects that resemble no payload, and the likely payloads in them."""

from __future__ import annotations

from typing import Any

import pytest

from talonschema import check, replay

CODE = "payload/unrecognised"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"State": "open"},
        {"statte": "open"},
        {"stat": "open"},
        {"cart_items": []},
        {"coupon": "XMAS"},
        {"storeIntegrationId": "s1"},
        {"attributes": {}},
        {"customerProfile": {}},
        {"type": "pageViewed", "state": "open", "profileId": "p1"},
        {"message": "not found"},
    ],
    ids=str,
)
@pytest.mark.parametrize("edition", ["2022-06", "2026-06"])
def test_what_resembles_a_payload_is_checked_as_one(payload: dict[str, Any], edition: str) -> None:
    report = check(payload, edition=edition)
    assert CODE not in report.by_code
    assert report.model is not None


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"dependencies": {}, "version": "1.0.0"}, ""),
        ({"openapi": "3.1.0", "paths": {}}, ""),
        ({"type": "pageViewed", "profileId": "p1", "attributes": {}}, "event"),
        ({"type": "pageViewed", "sessionId": "s1"}, "event"),
        ({"audiencesChanges": {}, "attributes": {}}, "profile"),
        ({"integrationIDs": ["p1"]}, "reservation"),
    ],
    ids=str,
)
@pytest.mark.parametrize("text", [False, True])
def test_another_object_has_one_finding(payload: dict[str, Any], kind: str, text: bool) -> None:
    import json

    report = check(json.dumps(payload) if text else payload)
    (finding,) = report.findings
    assert (finding.code, finding.pointer, finding.params["kind"]) == (CODE, "", kind)
    assert (report.ok, report.model) == (False, None)


@pytest.mark.parametrize("call", [{"model": "NewCustomerSessionV2"}, {"operation": "update"}])
def test_a_named_call_is_no_guess(call: dict[str, Any]) -> None:
    report = check({"version": "1.0.0"}, **call)
    assert "payload/unknown-property" in report.by_code
    assert CODE not in report.by_code


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"request": {"customerSession": {"state": "opn"}}, "expected": {}}, "/request"),
        ({"cases": [{"in": {"cartItems": []}}]}, "/cases/0/in"),
        ({"cases": [{"in": {"cartItems": []}}, {}]}, "/cases/*/in"),
        ({"a": {"b": {"profileId": "p", "state": "open"}}}, "/a/b"),
        ({"a/b": {"return": {"returnedCartItems": []}}}, "/a~1b/return"),
    ],
    ids=str,
)
def test_the_nearest_likely_payload_is_named(document: dict[str, Any], pointer: str) -> None:
    (finding,) = check(document).findings
    assert (finding.code, finding.params["at"]) == (CODE, pointer)
    assert f"--at '{pointer}'" in finding.hint


def test_what_is_looked_at_has_a_bound() -> None:
    document: dict[str, Any] = {"data": [{"x": index} for index in range(100_000)]}
    document["data"].append({"cartItems": []})
    (finding,) = check(document).findings
    assert finding.params["kind"] == ""
    assert "at" not in finding.params


def test_keys_are_values_of_the_payload() -> None:
    (finding,) = check({"secret": 1}, redact=True).findings
    assert "secret" not in repr(finding)


@pytest.mark.parametrize("options", [{}, {"ignore": [CODE]}, {"select": ["lifecycle"]}], ids=str)
def test_it_changes_nothing_in_a_history(options: dict[str, Any]) -> None:
    calls = [{"state": "closed"}, {"version": "1.0.0"}, {"state": "open"}]
    *_, last = replay(calls, edition="2026-06", **options)
    assert "lifecycle/state-transition" in last.by_code


def test_faults_of_reading_are_reported_beside_it() -> None:
    assert set(check({"version": object()}).by_code) == {"json/unsupported-type", CODE}
    assert set(check('{"version": 1, "version": 2}').by_code) == {"json/duplicate-key", CODE}
