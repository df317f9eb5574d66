"""The library call: arguments, choices, limits, context, and what is skipped."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import talonschema
from support.checks import MIXED, NO_ATTRIBUTES, SESSION, SHOE, each_engine, pairs
from talonschema import (
    NEW,
    InvalidPayload,
    Policy,
    Report,
    Severity,
    Validator,
    check,
    codes,
    explain,
    schemas,
)
from talonschema.api import kept
from talonschema.checking.registry import CODES
from talonschema.checking.report import Skipped
from talonschema.rules.context import Context
from talonschema.rules.rule import RULES


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
        ({"model": "ReopenResponse"}, ValueError, ["ReopenResponse", "edition 2026-06"]),
        ({"model": "../CartItem"}, ValueError, ["model"]),
        ({"operation": "close"}, ValueError, ["operation", "update, return, reopen"]),
        ({"previous": "close"}, ValueError, ["previous", "did you mean 'closed'?"]),
        ({"previous": "NEW"}, ValueError, ["previous", "'NEW'"]),
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
def test_a_rule_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    def crash(_context: Context) -> Iterator[Any]:
        message = "SKU1241028 is too much"
        raise RuntimeError(message)
        yield

    name = "codes/duplicate-coupon"
    monkeypatch.setitem(RULES, name, RULES[name]._replace(check=crash))
    report = Validator(engine=engine).check(MIXED)
    assert {each.code for each in report.findings} == (MIXED_CODES - {name}) | {
        "internal/rule-crash"
    }
    (finding,) = (each for each in report.findings if each.code == "internal/rule-crash")
    assert finding.severity is Severity.ERROR
    assert finding.pointer == ""
    assert finding.params["rule"] == name
    assert finding.params["error"] == "RuntimeError"
    silent = Validator(engine=engine, redact=True).check(MIXED)
    assert "SKU1241028" not in json.dumps(silent.to_dict())
    selected = Validator(select=["codes"], engine=engine).check(MIXED)
    assert [each.code for each in selected.findings] == ["internal/rule-crash"]
    assert check(MIXED, select=["codes"], ignore=["internal"], engine=engine).findings == ()
    assert check(MIXED, select=["codes"], ignore=[name], engine=engine).findings == ()


# A validator that can be kept.


def test_validators_pickle_and_copy_after_their_first_check() -> None:
    validator = Validator(edition="2026-06", policy=NO_ATTRIBUTES, ignore=["cart"], redact=True)
    report = validator.check(MIXED)
    for other in (pickle.loads(pickle.dumps(validator)), copy.deepcopy(validator)):  # noqa: S301
        assert other.check(MIXED) == report
        assert repr(other) == repr(validator)


def test_a_validator_shows_its_options() -> None:
    assert repr(Validator()) == "Validator()"
    shown = repr(Validator(edition="2026-06", select=iter(["cart", "schema"]), redact=True))
    assert shown == "Validator(edition='2026-06', select=('cart', 'schema'), redact=True)"


@pytest.mark.parametrize("name", ["edition", "naming"])
def test_options_can_not_be_set_later(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Validator(), name, "2026-06")


def test_functions_keep_their_validators() -> None:
    begin = kept.cache_info().misses
    for _ in range(3):
        check(MIXED, edition="2026-06", max_findings=17)
        check(MIXED, edition="2026-06", max_findings=17, ignore=("cart",), policy=Policy())
        check(MIXED, edition="2026-06", ignore=["cart"])  # can't be kept, and is right
    assert kept.cache_info().misses == begin + 2
    with pytest.raises(ValueError, match="max_findings is True"):
        check(MIXED, max_findings=True)


def test_an_unknown_argument_gets_a_suggestion() -> None:
    with pytest.raises(TypeError, match=r"'edtion' \(did you mean 'edition'\?\)"):
        check({}, edtion="2026-06")  # type: ignore[call-arg]


def test_a_key_of_the_first_version_beside_its_successor_goes() -> None:
    (alone,) = check({"coupon": "XMAS"}).findings
    (beside,) = check({"coupon": "XMAS", "couponCodes": ["XMAS"]}).findings
    assert alone.hint == 'a key of the first API version: use "couponCodes"'
    assert beside.hint == 'a key of the first API version: leave it out, "couponCodes" is there'


# Values from elsewhere.


class Stored(enum.Enum):
    CLOSED = "closed"
    NEW = "new"


@pytest.mark.parametrize(
    ("previous", "same"),
    [
        ("new", NEW),
        (Stored.NEW, NEW),
        (Stored.CLOSED, "closed"),
        ('{"state": "closed", "couponCodes": ["A"]}', {"state": "closed", "couponCodes": ["A"]}),
        (b'{"customerSession": {"state": "closed"}}', {"state": "closed"}),
    ],
)
def test_the_session_before_as_it_is_stored(previous: Any, same: Any) -> None:
    payload = {"state": "open", "couponCodes": []}
    assert check(payload, previous=previous) == check(payload, previous=same)


@pytest.mark.parametrize("previous", ["{", b'{"state": "closed",}', '{"state": "closed"} x'])
def test_a_session_before_that_is_no_json(previous: Any) -> None:
    with pytest.raises(ValueError, match=r"previous is no JSON: json/syntax at line 1, column \d+"):
        check({}, previous=previous)


@pytest.mark.parametrize("text", ["false", "true", "", b"0"])
def test_text_is_no_boolean(text: Any) -> None:
    if text:
        with pytest.raises(TypeError, match="dry takes True or False, not the text"):
            check({"state": "open"}, previous="closed", dry=text)
    with pytest.raises(TypeError, match="redact takes True or False, not the text"):
        Validator(redact=text)


# Codes.


def test_codes_are_those_of_the_command() -> None:
    assert {each.name: each for each in codes()} == CODES
    assert explain("cart/quantity-sum").severity is Severity.ERROR
    with pytest.raises(ValueError, match="did you mean 'cart/quantity-sum'"):
        explain("cart/quantity-sun")


@pytest.mark.parametrize("error", [talonschema.InvalidPayload, talonschema.PolicyError])
def test_exceptions_are_named_as_they_are_imported(error: type[Exception]) -> None:
    assert f"{error.__module__}.{error.__qualname__}" == f"talonschema.{error.__name__}"
