"""Which codes are reported, with which severity, how many, and with which values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.checks import MIXED, MIXED_CODES, NO_ATTRIBUTES, SHOE, each_engine, pairs, reasons
from talonschema import Severity, check
from talonschema.checking.report import Skipped

# The choice of codes.


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


def test_faults_that_are_not_reported_still_keep_rules_away() -> None:
    report = check({"cartItems": [{**SHOE, "quantity": "1"}]}, ignore=["schema"])
    assert report.findings == ()
    assert "cart/quantity-sum" in reasons(report)


# The limit on findings.


def faults(errors: int, warnings: int) -> dict[str, Any]:
    codes: list[Any] = ["XMAS"] * (warnings + 1)
    return {"couponCodes": codes, "attributes": {f"a{i}": 1 for i in range(errors)}}


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


@pytest.mark.slow
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


def test_unreadable_text_is_reported_whatever_is_chosen() -> None:
    report = check("{", select=["cart"], ignore=["json"], severity={"json": "info"})
    assert [each.code for each in report.findings] == ["json/syntax"]
    assert not report.ok
    assert report.model is None


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
