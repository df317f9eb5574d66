"""No value that a schema accepts makes a rule fail."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.engines import contexts, validator
from support.search import draws
from support.strategies import ENGINES, kinds, places, replace_at, sessions
from talonschema import Policy, Report, Validator

EXTREME: list[Any] = [
    *(0, -1, 1e308, -1e308, 5e-324, 10**400, -(10**400), 1.0, 2**63, 0.1 + 0.2),
    *(True, False, None, "", "x" * 1001, "guest", "::ffff:1.2.3.4", "2020-02-30T00:00:00Z"),
    *([], [[]], [["x"]], [None], [1, "1"], {}, {"a": [[]]}, {"price": 1e308}),
]
ATTRIBUTE_TYPES = [
    *("string", "number", "boolean", "time", "location", "any"),
    *("(list string)", "(list number)", "(list time)", "(list location)"),
]
policies = st.fixed_dictionaries(
    {
        "coupon_budget": st.booleans(),
        "identifier_budget": st.booleans(),
        "cart_item_flattening": st.booleans(),
        "total_tolerance": st.sampled_from([0, 0.005, 1e308]),
        "catalog": st.fixed_dictionaries(
            {
                "attributes": st.fixed_dictionaries(
                    dict.fromkeys(
                        ("CustomerSession", "CartItem"),
                        st.dictionaries(
                            st.sampled_from(["City", "days_2", "x"]),
                            st.sampled_from(ATTRIBUTE_TYPES).map(lambda kind: {"type": kind})
                            | st.just({"type": "any", "allowed": ["a", "x"]}),
                        ),
                    )
                ),
                "additional_costs": st.dictionaries(
                    st.sampled_from(["City", "x"]), st.sampled_from(["session", "item", "both"])
                ),
                "priced_skus": st.lists(st.sampled_from(["0", "s"])),
            }
        ),
    }
)


@st.composite
def extreme_payloads(draw: st.DrawFn, edition: str, model: str) -> Any:
    """Draw a payload of a model, with extreme values where the schema accepts them."""
    payload = draw(sessions(edition, model))
    accepts = validator("jsonschema", edition).engine.accepts
    for value in draw(st.lists(st.sampled_from(EXTREME), max_size=6)):
        other = replace_at(payload, draw(st.sampled_from(sorted(places(payload), key=str))), value)
        if accepts(model, other):
            payload = other
    return payload


@settings(max_examples=draws(300))
@given(st.data(), kinds, policies, contexts, st.sampled_from(ENGINES))
def test_no_valid_value_makes_a_rule_fail(
    data: st.DataObject,
    kind: tuple[str, str],
    policy: dict[str, Any],
    context: dict[str, Any],
    engine: Any,
) -> None:
    edition, model = kind
    payload = data.draw(extreme_payloads(edition, model))
    checked = Validator(edition=edition, engine=engine, policy=Policy.from_mapping(policy))
    report = checked.check(payload, model=model, **context)
    assert [each for each in report.findings if each.code == "internal/rule-crash"] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_values_that_made_rules_fail(engine: Any) -> None:
    item = {"name": "a", "sku": "a", "quantity": 1e308, "price": 1}
    allowed = {"CustomerSession": {"City": {"type": "any", "allowed": ["x"]}}, "CartItem": {}}
    policy = Policy.from_mapping({"catalog": {"attributes": allowed}})
    checked = Validator(engine=engine, policy=policy)
    (sums,) = checked.check({"cartItems": [item, item]}).findings
    assert (sums.code, sums.params["sum"]) == ("cart/quantity-sum", 2 * int(1e308))
    (value,) = checked.check({"attributes": {"City": [["x"]]}}).findings
    assert (value.code, value.pointer) == ("catalog/attribute-value", "/attributes/City/0")
    assert codes_of(checked.check({"attributes": {"City": True}})) == ["catalog/attribute-value"]


def codes_of(report: Report) -> list[str]:
    return [each.code for each in report.findings]
