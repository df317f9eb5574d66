"""The library call: its arguments, and a validator that can be kept."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import talonschema
from support.checks import MIXED, MIXED_CODES, NO_ATTRIBUTES, SESSION, each_engine, pairs
from talonschema import InvalidPayload, Policy, Severity, Validator, check, codes, explain
from talonschema.api import cached_validator
from talonschema.checking.registry import CODES
from talonschema.rules.context import Context
from talonschema.rules.rule import RULES

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
    begin = cached_validator.cache_info().misses
    for _ in range(3):
        check(MIXED, edition="2026-06", max_findings=17)
        check(MIXED, edition="2026-06", max_findings=17, ignore=("cart",), policy=Policy())
        check(MIXED, edition="2026-06", ignore=["cart"])  # can't be kept, and is right
    assert cached_validator.cache_info().misses == begin + 2
    with pytest.raises(ValueError, match="max_findings is True"):
        check(MIXED, max_findings=True)


def test_an_unknown_argument_gets_a_suggestion() -> None:
    with pytest.raises(TypeError, match=r"'edtion' \(did you mean 'edition'\?\)"):
        check({}, edtion="2026-06")  # type: ignore[call-arg]


def test_a_key_of_the_first_version_beside_its_successor_goes() -> None:
    (alone,) = check({"coupon": "XMAS"}).findings
    (beside,) = check({"coupon": "XMAS", "couponCodes": ["XMAS"]}).findings
    assert alone.hint == 'this property is from version 1 of the API; use "couponCodes"'
    assert beside.hint == (
        'this property is from version 1 of the API; remove it, as "couponCodes" is present'
    )


# Codes.


def test_codes_are_those_of_the_command() -> None:
    assert {each.name: each for each in codes()} == CODES
    assert explain("cart/quantity-sum").severity is Severity.ERROR
    with pytest.raises(ValueError, match="did you mean 'cart/quantity-sum'"):
        explain("cart/quantity-sun")


@pytest.mark.parametrize("error", [talonschema.InvalidPayload, talonschema.PolicyError])
def test_exceptions_are_named_as_they_are_imported(error: type[Exception]) -> None:
    assert f"{error.__module__}.{error.__qualname__}" == f"talonschema.{error.__name__}"
