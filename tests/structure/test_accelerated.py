"""The accelerator: what its errors copy stays small, however large a payload is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.strategies import ENGINES
from talonschema import Validator
from talonschema.model.schema_tree import schema_tree
from talonschema.structure import accelerated

MODEL = "IntegrationCustomerSessionResponse"
MANY: list[Any] = [[{}]] * 5000
PARTS: dict[str, Any] = {
    "an unknown key": {"x": MANY},
    "unknown keys": {f"k{number}": 0 for number in range(5000)},
    "a list for a text": {"referralCode": MANY},
    "an object for a text": {"profileId": {"a": MANY}},
    "a list for an object": {"attributes": MANY},
    "an object for a list": {"cartItems": {"a": MANY}},
    "a list that is too long": {"couponCodes": MANY},
    "attributes": {"attributes": {"a": MANY}},
}


@pytest.mark.parametrize("name", PARTS)
def test_errors_hold_no_copy_of_what_is_large(name: str) -> None:
    payload = {"effects": [], "customerSession": {"state": "shut", **PARTS[name]}}
    place = schema_tree("2026-06", MODEL)
    trimmed = accelerated._trim(place, payload)  # noqa: SLF001 - the cost shows nowhere else
    assert len(json.dumps(trimmed)) < 2000
    one, other = (
        Validator(edition="2026-06", engine=engine, max_findings=10_000).check(payload, model=MODEL)
        for engine in ENGINES
    )
    assert one == other
    assert "schema/enum" in one.by_code
