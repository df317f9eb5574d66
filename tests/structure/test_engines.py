"""The two engines: the same findings for every payload, whatever it is made of."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.engines import check_on_both, contexts
from support.search import draws
from support.strategies import (
    ENGINES,
    damage,
    json_values,
    kinds,
    sent_or_received,
    sessions,
    shuffle_keys,
    slips,
)
from talonschema import Validator
from talonschema.findings.pointer import to_pointer
from talonschema.schemas import EDITIONS


@settings(max_examples=draws(150))
@given(st.data(), sent_or_received, contexts)
def test_valid_payloads(
    data: st.DataObject, kind: tuple[str, str], context: dict[str, Any]
) -> None:
    edition, model = kind
    payload = data.draw(sessions(edition, model))
    report = check_on_both(payload, edition, model=model, **context)
    assert [each for each in report.findings if each.code.startswith(("schema/", "json/"))] == []


@settings(max_examples=draws(300))
@given(st.data(), sent_or_received, contexts)
def test_damaged_payloads(
    data: st.DataObject, kind: tuple[str, str], context: dict[str, Any]
) -> None:
    edition, model = kind
    payload = data.draw(damage(sessions(edition, model)))
    before = copy.deepcopy(payload)
    check_on_both(payload, edition, model=model, **context)
    assert repr(payload) == repr(before)


@settings(max_examples=draws(200))
@given(st.data(), sent_or_received, contexts)
def test_damaged_payloads_without_a_given_model(
    data: st.DataObject, kind: tuple[str, str], context: dict[str, Any]
) -> None:
    edition, model = kind
    check_on_both(data.draw(damage(sessions(edition, model))), edition, **context)


@settings(max_examples=draws(200))
@given(json_values, kinds)
def test_any_json_value_as_any_model(value: Any, kind: tuple[str, str]) -> None:
    edition, model = kind
    check_on_both(value, edition, model=model)


@settings(max_examples=draws(200))
@given(
    json_values,
    st.sampled_from(EDITIONS),
    contexts,
    st.sampled_from(["update", "return", "reopen"]),
)
def test_any_json_value_by_its_shape(
    value: Any, edition: str, context: dict[str, Any], operation: str
) -> None:
    check_on_both(value, edition, operation=operation, **context)
    if not isinstance(value, str):
        assert (
            check_on_both(value, edition).to_dict()
            == check_on_both(json.dumps(value), edition).to_dict()
        )


@settings(max_examples=draws(100))
@given(st.one_of(st.binary(max_size=40), st.text(max_size=40)), st.sampled_from(EDITIONS))
def test_any_text_or_bytes(text: Any, edition: str) -> None:
    check_on_both(text, edition)


@settings(max_examples=draws(200))
@given(st.data(), kinds)
def test_one_slip_is_found_where_it_is(data: st.DataObject, kind: tuple[str, str]) -> None:
    edition, model = kind
    payload, code, place = data.draw(slips(edition, model))
    pointer = to_pointer(place)
    report = check_on_both(payload, edition, model=model)
    reported = {(each.code, each.pointer) for each in report.findings}
    assert (code, pointer) in reported
    structural = {each for each in reported if each[0].startswith("schema/")}
    # One value may break several keywords, and its replacement may lack what it required.
    assert {where for _, where in structural if not where.startswith(f"{pointer}/")} == {pointer}
    assert not report.ok


@settings(max_examples=draws(100))
@given(st.data(), sent_or_received)
def test_the_order_of_keys_does_not_matter(data: st.DataObject, kind: tuple[str, str]) -> None:
    edition, model = kind
    payload = data.draw(damage(sessions(edition, model)))
    other = data.draw(shuffle_keys(payload))
    context = {"model": model, "previous": "closed"}
    assert (
        check_on_both(payload, edition, **context).to_dict()
        == check_on_both(other, edition, **context).to_dict()
    )


MANY_FAULTS = {
    "customerSession": {
        "profile_id": 1,
        "Coupon": 1,
        "zz": 1,
        "state": "shut",
        "couponCodes": ["A", "A", 1],
        "identifiers": ["a"] * 7,
        "attributes": {"b": 1, "a": 1, "c-d": 1, "City": 1},
        "additionalCosts": {"b": {}, "a": {"price": "1"}, "x y": {"price": 1}},
        "cartItems": [{"SKU": 1, "Name": 2}, {"sku": "", "quantity": 0.5, "foo": 1, "bar": 2}],
    },
    "more": 1,
    "again": 1,
    "responseContent": ["x", "y"],
}
SEEDED = """
import json, sys
from talonschema import Policy, Validator
payload, policy, engine = json.load(sys.stdin)
for edition in ("2022-06", "2026-06"):
    options = {"policy": Policy.from_mapping(policy), "engine": engine, "edition": edition}
    print(json.dumps(Validator(**options).check(payload, previous="closed").to_dict()))
    print(json.dumps(Validator(max_findings=7, **options).check(payload).to_dict()))
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_the_seed_of_hashes_does_not_matter(engine: str) -> None:
    policy = {
        "catalog": {
            "attributes": {"CustomerSession": {"City": {"type": "string", "allowed": list("zyx")}}}
        }
    }
    reported = set()
    for seed in ("0", "1", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", SEEDED],
            input=json.dumps([MANY_FAULTS, policy, engine]),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        reported.add(hashlib.sha256(done.stdout.encode()).hexdigest())
        assert done.stdout.count('"pointer"') > 30
    assert len(reported) == 1


ITEM = {"name": "Burr grinder", "sku": "GRD-7", "quantity": 1, "price": 129}


@settings(max_examples=draws(60), deadline=None, derandomize=True, database=None)
@given(st.data(), st.sampled_from([1, 7, 8, 9, 40, 255, 256, 257, 600, 1000]))
def test_wherever_wrong_items_are_they_are_found(data: st.DataObject, size: int) -> None:
    wrong = data.draw(st.sets(st.integers(0, size - 1), max_size=40))
    cart = [{**ITEM, "quantity": 0} if index in wrong else ITEM for index in range(size)]
    report = Validator(max_findings=1000).check({"cartItems": cart})
    assert [each.pointer for each in report.findings] == [
        f"/cartItems/{index}/quantity" for index in sorted(wrong)
    ]


@pytest.mark.parametrize("spoil", [lambda cart: cart, lambda cart: [*cart, {**ITEM, "price": "1"}]])
@pytest.mark.parametrize(
    "payload",
    [
        *({"profileId": name} for name in ("guest", "GUEST", "Anonymous", "ann", "anonymous1", "")),
        *({"profileId": name} for name in ("x" * 1000, "x" * 1001, "\n", "g\u00fcst")),
        *({"couponCodes": [f"CODE{n}" for n in range(size)]} for size in (0, 1, 16, 17, 100)),
        *({"couponCodes": ["CODE", *["XMAS"] * size]} for size in (1, 2, 15, 16, 17)),
        *({"identifiers": ["a1", *names]} for names in ([], ["a1"], ["b2"], list("abcdef"))),
        {"couponCodes": ["ABC", "ABC"], "identifiers": [1, 1], "profileId": 7},
    ],
)
def test_what_is_settled_at_once_is_settled_right(
    payload: dict[str, Any], spoil: Callable[[list[Any]], list[Any]]
) -> None:
    payload = {**payload, "cartItems": spoil([ITEM])}
    fast, slow = (Validator(engine=engine).check(payload) for engine in ENGINES)
    assert fast == slow
