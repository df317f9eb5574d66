"""What each rule applies to, and what its findings mean for a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from talonschema import Policy, schemas
from talonschema.findings.code import Confidence
from talonschema.model.schema_tree import SchemaNode, schema_tree
from talonschema.rules import RULES
from talonschema.rules.rule import Need

ENVELOPE, SESSION = "IntegrationRequest", "NewCustomerSessionV2"
RETURN, NO_BODY = "ReturnIntegrationRequest", "(no body)"
RECEIVED = {"CustomerSessionV2", "IntegrationCustomerSessionResponse", "IntegrationStateV2"}

OF_RESPONSES = """
    cart/position cart/returned-quantity identity/anonymous-first-session
    lifecycle/stale-update-count lifecycle/update-count time/updated-before-created
    totals/additional-cost-total totals/cart-item-additional-cost-total totals/cart-item-total
    totals/total
"""
OTHERS = {
    "cart/quantity-sum": {ENVELOPE, SESSION, *RECEIVED},
    "lifecycle/state-transition": {ENVELOPE, SESSION, RETURN, NO_BODY},
    "payload/unknown-property": set[str](),
    "request/bare-session": {SESSION},
    "request/campaign-eligibility-without-dry": {ENVELOPE},
    "request/redundant-response-content": {ENVELOPE},
    "request/unexpected-body": {NO_BODY},
}
OF_2026 = """
    cart/missing-price cart/unpriced-sku lifecycle/stale-update-count lifecycle/update-count
    request/campaign-eligibility-without-dry request/duplicate-experiment
    request/evaluable-campaigns-without-dry request/redundant-response-content
    request/unexpected-body return/ambiguous-sku return/item-unidentified return/sku-mismatch
    totals/cart-item-additional-cost-total
"""
REFUSALS = {
    Confidence.DOCUMENTED: """
        catalog/attribute-type catalog/unknown-attribute lifecycle/initial-state
        lifecycle/state-not-settable lifecycle/state-transition
    """,
    Confidence.PRACTICE: "lifecycle/finished-session lifecycle/repeated-state",
    Confidence.INFERRED: """
        cart/quantity-sum cart/unpriced-sku catalog/additional-cost-scope catalog/attribute-value
        catalog/unknown-additional-cost request/campaign-eligibility-without-dry
        request/malformed-now request/now-not-future request/now-without-dry
        return/item-unidentified return/position-out-of-range return/quantity-exceeds-remaining
        return/sku-mismatch return/whole-item-only
    """,
}
ABOUT_KEYS = """
    catalog/additional-cost-scope catalog/impossible-name catalog/unknown-additional-cost
    catalog/unknown-attribute payload/read-only-property payload/unknown-property
"""


def models(name: str) -> set[str]:
    if name in OTHERS:
        return OTHERS[name]
    if name in OF_RESPONSES.split():
        return RECEIVED
    return {RETURN} if name.startswith("return/") else {ENVELOPE, SESSION}


def test_rules_apply_to_their_models() -> None:
    assert {name: {*rule.code.models} for name, rule in RULES.items()} == {
        name: models(name) for name in RULES
    }


def test_rules_apply_to_their_editions() -> None:
    special = {name: each.code.editions for name, each in RULES.items()}
    assert {name for name in RULES if special[name] == ("2026-06",)} == {*OF_2026.split()}
    assert [name for name in RULES if special[name] == ("2022-06",)] == ["return/whole-item-only"]


def test_rules_whose_findings_refuse_a_call() -> None:
    expected = {name: each for each, names in REFUSALS.items() for name in names.split()}
    assert {n: r.code.refusal for n, r in RULES.items() if r.code.refusal} == expected
    titles = {name: rule.code.api_title for name, rule in RULES.items() if rule.code.api_title}
    assert titles == {
        "catalog/unknown-attribute": "Unknown",
        "catalog/attribute-type": "Invalid type",
    }


def test_rules_about_keys() -> None:
    about = {name: rule.code.about for name, rule in RULES.items()}
    assert {name for name in RULES if about[name] == "key"} == {*ABOUT_KEYS.split()}
    assert {*about.values()} == {"key", "value"}


def test_rules_read_what_the_schemas_have() -> None:
    for name, rule in RULES.items():
        roots = [
            schema_tree(edition, model)
            for edition in rule.code.editions
            for model in rule.code.models
            if model in schemas.models(edition)
        ]
        parts = {"/".join(map(str, path)) for root in roots for path in paths(root)}
        fragments = rule.fragments(Policy())
        for read in (*rule.reads, *fragments):
            assert any(f"/{part}".endswith(f"/{read.lstrip('/')}") for part in parts), (name, read)
        assert {*rule.needs} <= {*get_args(Need)}


def paths(part: SchemaNode, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the place of a part and of each below it, with ``*`` for any step."""
    yield above
    for key, below in part.properties.items():
        yield from paths(below, (*above, key))
    for each in (part.items, part.values):
        if each is not None:
            yield from paths(each, (*above, "*"))
