"""Unknown keys: a flood of them is reported, and explained no more."""

from __future__ import annotations

from support.checks import SHOE
from talonschema import Validator


def test_the_first_hundred_unknown_keys_are_explained() -> None:
    items = [{**SHOE, "Category": "a"}] * 102
    report = Validator(max_findings=200).check({"cartItems": items})
    explained = [each.params.get("kind") for each in report.findings]
    assert explained == ["case"] * 100 + [None] * 2
