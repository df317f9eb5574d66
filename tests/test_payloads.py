"""Payloads from documentation, SDKs and recordings, and what is to be found in each.

The files come from public sources: the README files and the OpenAPI files of Talon.One's SDKs, the
docs pages on flattening, returns, attributes and errors, its sample campaign, and a response that
its commercetools integration recorded. payloads/expected.json gives a reason for each expectation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.strategies import ENGINES
from talonschema import NEW, Validator, is_valid
from talonschema.schemas import EDITIONS

PAYLOADS = Path(__file__).parent / "payloads"
EXPECTED: dict[str, Any] = json.loads((PAYLOADS / "expected.json").read_text(encoding="utf-8"))


def test_each_payload_has_expectations() -> None:
    files = {path.name for path in PAYLOADS.glob("*.json")} - {"expected.json"}
    assert files == EXPECTED.keys()
    assert all(
        each[edition]["because"].endswith(".") for each in EXPECTED.values() for edition in EDITIONS
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_payload(name: str, edition: str, engine: Any) -> None:
    text = (PAYLOADS / name).read_bytes()
    expected = EXPECTED[name]
    validator = Validator(edition=edition, engine=engine)
    report = validator.check(text)
    assert report.model == expected["model"]
    reported = [(f.code, f.pointer, f.severity.value) for f in report.findings]
    wanted = [(f["code"], f["pointer"], f["severity"]) for f in expected[edition]["findings"]]
    assert sorted(reported) == sorted(wanted)
    assert report.ok == ("error" not in {severity for _, _, severity in wanted})
    assert validator.check(json.loads(text)).to_dict() == report.to_dict()


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_documented_return_fits_the_documented_cart(edition: str) -> None:
    cart = json.loads((PAYLOADS / "docs-partial-return-cart.json").read_bytes())
    wanted = (PAYLOADS / "docs-partial-return-req.json").read_bytes()
    report = Validator(edition=edition).check(wanted, previous={**cart, "state": "closed"})
    assert report.findings == ()
    skipped = {each.code.partition("/")[0] for each in report.skipped}
    assert not skipped & {"return", "lifecycle"}


def test_the_sample_of_the_first_update_is_good_for_a_new_session() -> None:
    for name in ("readme-js-req.json", "readme-python-req.json", "readme-ruby251-req.json"):
        assert is_valid((PAYLOADS / name).read_bytes(), previous=NEW)
