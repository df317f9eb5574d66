"""What stands where a rule looks: null is as good as nothing, and what is invalid stops it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from support.strategies import Place, at, places, replace_at
from talonschema import Policy, Report, Validator
from talonschema.findings.code import Example
from talonschema.model.schema_tree import schema_tree
from talonschema.rules import RULES
from talonschema.rules.rule import REQUESTS, RETURNS

OWN = {
    *("payload/null-property", "payload/read-only-property"),
    *("cart/missing-price", "cart/unpriced-sku"),
}
"""Codes about keys, whatever their values, and of a price that is not there rather than null."""


def check_example(edition: str, example: Example, data: Any, model: str | None) -> Report:
    context = {key: each for key, each in example.context.items() if key != "edition"}
    policy = Policy.from_mapping(context.pop("policy", {}))
    if context.get("previous") == "NEW":
        context["previous"] = "new"
    # The other engine has rules look at suspects alone.
    validator = Validator(edition=edition, policy=policy, engine="jsonschema")
    return validator.check(data, **(context if model is None else {**context, "model": model}))


def optional_places(edition: str, model: str, data: Any) -> Iterator[Place]:
    """Yield the places of properties that may be left out."""
    root = schema_tree(edition, model)
    for place in places(data):
        above = root.at(place[:-1]) if place else None
        if above is not None and place[-1] in above.properties.keys() - {*above.required}:
            yield place


@pytest.mark.parametrize("name", RULES)
def test_null_is_as_good_as_nothing(name: str) -> None:
    code = RULES[name].code
    for example in (*code.bad, *code.good):
        # The newest one requires the least.
        edition = example.context.get("edition", code.editions[-1])
        model = check_example(edition, example, example.data, None).model
        if model not in {*REQUESTS, *RETURNS}:
            continue
        for place in optional_places(edition, model, example.data):
            without = copy.deepcopy(example.data)
            del at(without, place[:-1])[place[-1]]
            null = replace_at(example.data, place, None)
            found, expected = (
                sorted(each.code for each in report.findings if each.code not in OWN)
                for report in (
                    check_example(edition, example, null, model),
                    check_example(edition, example, without, model),
                )
            )
            assert found == expected, place
            assert "internal/rule-crash" not in found, place


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("wrong", [5, [[]], ...], ids=["number", "array", "nothing"])
def test_what_is_invalid_or_missing_crashes_no_rule(name: str, wrong: Any) -> None:
    code = RULES[name].code
    for example in (*code.bad, *code.good):
        edition = example.context.get("edition", code.editions[-1])
        model = check_example(edition, example, example.data, None).model
        for place in places(example.data):
            if place:
                data = replace_at(example.data, place, wrong)
                if wrong is ...:
                    del at(data, place[:-1])[place[-1]]
                report = check_example(edition, example, data, model)
                found = [each.code for each in report.findings]
                assert "internal/rule-crash" not in found, place
