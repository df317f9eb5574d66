"""Verdicts on structure: those of both engines, of ajv, and of the official SDK's models.

docs/differences.md has every kind of disagreement that is allowed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import talon_one.models as sdk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from support.ajv import Ajv
from support.corpus import corpus
from support.search import draws
from support.strategies import ENGINES, kinds, maybe_damage
from talonschema import Finding, Report, Validator
from talonschema.model.naming import to_snake
from talonschema.structure import EngineName
from talonschema.testing.strategies import payloads

EXAMPLES = draws(120)
SDK_EDITION = "2026-06"
SDK_MODELS = (
    *("APIError", "AdditionalCost", "CartItem", "CustomerProfile", "CustomerSessionV2", "Effect"),
    *("ErrorResponse", "ErrorSource", "Event", "IntegrationCustomerSessionResponse"),
    *("IntegrationRequest", "IntegrationStateV2", "Loyalty", "NewCustomerSessionV2", "NewReturn"),
    *("Product", "ReturnIntegrationRequest", "ReturnedCartItem"),
)
LATER = frozenset(
    {
        *("experimentVariantAllocations", "cartItemAdditionalCostTotal", "RequestUUID"),
        *("campaignEligibility", "achievements", "advancedEvent"),
    }
)
"""What came with releases of the SDK after the one of the tests."""
INHERITED = frozenset({"profileId", "state", "cartItems", "attributes"})
"""What the SDK's CustomerSessionV2 takes from NewCustomerSessionV2, as optional."""
MOMENTS = frozenset({"created", "updated"})
"""Properties of sessions that are a date-time."""
LEFT_OPEN = frozenset(
    {
        *("createdCoupons", "createdReferrals", "coupons", "referral", "triggeredCampaigns"),
        *("ruleFailureReasons", "awardedGiveaways", "loyaltyMemberships", "programs"),
        *("ledgerEntries", "effects", "props", "errors", "createdBy", *LATER),
    }
)
"""What our schemas leave open, since it is not about the session."""


@cache
def validator(edition: str, engine: EngineName) -> Validator:
    return Validator(edition=edition, engine=engine, select=["schema"])


@st.composite
def sample_payloads(draw: st.DrawFn, edition: str, model: str) -> Any:
    """Draw a payload that is valid, one on file, or a damaged one."""
    own = payloads(model, edition)
    known = [each.value for each in corpus() if (each.edition, each.model) == (edition, model)]
    drawn = own | st.sampled_from(known) if known else own
    return draw(maybe_damage(drawn))


def reports(edition: str, model: str, payload: Any) -> Report:
    """Return the report of the engines, which agree on it."""
    default, reference = (
        validator(edition, engine).check(payload, model=model) for engine in ENGINES
    )
    assert default == reference
    return default


@pytest.mark.slow
@pytest.mark.xdist_group("node")
@settings(max_examples=EXAMPLES)
@given(data=st.data(), kind=kinds)
def test_ajv_disagrees_on_nulls_of_requests_alone(
    ajv: Ajv, data: st.DataObject, kind: tuple[str, str]
) -> None:
    edition, model = kind
    payload = data.draw(sample_payloads(edition, model))
    if isinstance(payload, str):
        return  # is taken for JSON text
    ours = reports(edition, model, payload)
    theirs = ajv.validator("2020-12", edition, model, formats=True)(payload)
    if ours.ok and not theirs:
        checked = Validator(edition=edition, select=["payload/null-property"])
        assert checked.check(payload, model=model).findings
    else:
        assert ours.ok == theirs, ours


@settings(max_examples=EXAMPLES * 3)
@given(data=st.data(), model=st.sampled_from(SDK_MODELS))
def test_the_sdk_disagrees_where_it_is_explained(data: st.DataObject, model: str) -> None:
    payload = data.draw(sample_payloads(SDK_EDITION, model))
    if not isinstance(payload, dict):
        return  # `model_validate` takes objects only
    ours = reports(SDK_EDITION, model, payload)
    try:
        getattr(sdk, model).model_validate(payload)
    except ValidationError as error:
        if ours.ok:
            unexplained = [each for each in error.errors() if not any(reasons_to_refuse_more(each))]
            assert unexplained == []
    else:
        assert [
            each for each in ours.findings if not any(reasons_to_refuse_less(payload, each))
        ] == []


def reasons_to_refuse_more(error: Any) -> Iterator[bool]:
    """Yield whether each reason for the SDK to refuse more holds."""
    names = {str(step) for step in error["loc"]}
    yield not names.isdisjoint(LEFT_OPEN)
    yield error["type"] == "int_type" and isinstance(error["input"], float)
    yield "responseContent" in names and not LATER.isdisjoint(error["input"])


def reasons_to_refuse_less(payload: Any, finding: Finding) -> Iterator[bool]:
    """Yield whether each reason for the SDK to refuse less holds."""
    steps = finding.pointer.split("/")[1:]
    yield not LATER.isdisjoint(steps)
    yield finding.code == "schema/required" and steps[-1] in INHERITED
    yield finding.code == "schema/type" and value_at(payload, steps) is None
    yield finding.code == "schema/format"
    yield steps[-1] in MOMENTS and isinstance(value_at(payload, steps), (int, float))
    yield "props" in steps
    yield finding.code == "schema/maxItems" and steps[-1] == "cartItems"
    # The key is there in the SDK's own name.
    own = to_snake(steps[-1])
    yield finding.code == "schema/required" and own in value_at(payload, steps[:-1])


def value_at(payload: Any, steps: list[str]) -> Any:
    """Return the value at a pointer, without escapes in it."""
    for step in steps:
        payload = payload[int(step)] if isinstance(payload, list) else payload.get(step, ...)
    return payload
