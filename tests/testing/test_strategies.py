"""Strategies for valid payloads: nothing is to be reported of what they draw."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from support.search import draws
from support.strategies import places
from talonschema import Validator, schemas
from talonschema.findings.pointer import Path
from talonschema.model.schema_tree import SchemaNode, schema_tree
from talonschema.testing.strategies import payloads

MODELS = [(model, edition) for edition in schemas.EDITIONS for model in schemas.models(edition)]
each_model = pytest.mark.parametrize(("model", "edition"), MODELS)
FIXED = settings(max_examples=200, deadline=None, database=None, derandomize=True)
"""What has to turn up, turns up each time."""


@cache
def validator(edition: str) -> Validator:
    return Validator(edition=edition)


@each_model
@settings(max_examples=draws(20))
@given(st.data(), st.booleans())
def test_nothing_is_reported_of_a_payload(
    model: str, edition: str, data: st.DataObject, dry: bool
) -> None:
    payload = data.draw(payloads(model, edition, dry=dry))
    assert validator(edition).check(payload, model=model, dry=dry).findings == ()
    assert validator(edition).check(json.dumps(payload), model=model, dry=dry).findings == ()


def settable_places(node: SchemaNode, above: Path = ()) -> set[Path]:
    """Return the place of each property that is described, with ``*`` for elements and keys."""
    found = set()
    for name, below in node.properties.items():
        found |= {(*above, name), *settable_places(below, (*above, name))}
    for part in (node.items, node.values):
        if part is not None:
            found |= settable_places(part, (*above, "*"))
    return found


def place_of(root: SchemaNode, path: Path) -> Path:
    node: SchemaNode | None = root
    kept: list[str | int] = []
    for step in path:
        described = node is not None and isinstance(step, str) and step in node.properties
        kept.append(step if described else "*")
        node = None if node is None else node.below(step)
    return tuple(kept)


@pytest.mark.parametrize(
    "model", ["IntegrationRequest", "ReturnIntegrationRequest", "CustomerSessionV2"]
)
@pytest.mark.parametrize("edition", schemas.EDITIONS)
def test_each_property_is_drawn(model: str, edition: str) -> None:
    root = schema_tree(edition, model)
    wanted = settable_places(root)
    if model == "IntegrationRequest":
        own = {
            name
            for name, part in schema_tree(edition, "CartItem").properties.items()
            if part.read_only
        }
        wanted = {place for place in wanted if own.isdisjoint(map(str, place))}
    seen: set[Path] = set()

    @FIXED
    @given(payloads(model, edition, dry=True))
    def look(payload: dict[str, Any]) -> None:
        seen.update(place_of(root, place) for place in places(payload))

    look()
    assert wanted - seen == set()


def smallest_payload(model: str, edition: str, wanted: Any) -> Any:
    return find(payloads(model, edition), wanted, settings=FIXED)


@pytest.mark.slow
def test_a_failing_payload_shrinks_to_what_matters() -> None:
    assert smallest_payload("NewCustomerSessionV2", "2022-06", lambda _: True) == {}
    assert smallest_payload("IntegrationRequest", "2026-06", lambda _: True) == {
        "customerSession": {}
    }
    closing = smallest_payload(
        "IntegrationRequest", "2022-06", lambda p: p["customerSession"].get("state") == "closed"
    )
    assert closing == {"customerSession": {"state": "closed"}}
    returned = smallest_payload("ReturnIntegrationRequest", "2026-06", lambda _: True)
    assert returned == {"return": {"returnedCartItems": [{"position": 0}]}}


@pytest.mark.slow
def test_a_response_shrinks_to_its_required_properties() -> None:
    session = smallest_payload("CustomerSessionV2", "2026-06", lambda p: p["total"] > 0)
    required = {*schema_tree("2026-06", "CustomerSessionV2").required}
    assert {*session} - required <= {"additionalCosts"}
    assert len(json.dumps(session)) < 500


@pytest.mark.slow
def test_parts_of_an_answer_are_about_one_session() -> None:
    root = schema_tree("2026-06", "IntegrationStateV2")
    seen: set[str] = set()

    @FIXED
    @given(payloads("IntegrationStateV2", "2026-06"))
    def look(answer: dict[str, Any]) -> None:
        session = answer.get("customerSession", {})
        seen.update({*answer} if session else ())
        for part in (answer.get("return"), *answer.get("previousReturns", ())):
            if session and part:
                assert part["sessionId"] == session["id"]
                assert part["sessionIntegrationId"] == session["integrationId"]
                assert session["state"] in ("partially_returned", "cancelled")
        if session and "customerProfile" in answer:
            assert answer["customerProfile"]["integrationId"] == session["profileId"]
        if session and "event" in answer:
            assert answer["event"]["applicationId"] == session["applicationId"]

    look()
    undescribed = {"referral", "campaignEligibility", "achievements", "advancedEvent"}
    assert seen == root.properties.keys() - undescribed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "CustomerSession"}, "model is 'CustomerSession'.*NewCustomerSessionV2"),
        ({"model": "ReopenResponse", "edition": "2022-06"}, "model is 'ReopenResponse'"),
        ({"edition": "2022"}, "edition is '2022'.*2022-06, 2026-06"),
    ],
)
def test_what_does_not_exist_is_named(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        payloads(**arguments)  # type: ignore[arg-type]


def test_dry_takes_no_text() -> None:
    with pytest.raises(TypeError, match="dry must be True or False"):
        payloads(dry="false")  # type: ignore[arg-type]


WITHOUT = """
import sys
sys.modules["hypothesis"] = None
import talonschema.testing
import talonschema.testing.strategies
"""


def test_without_hypothesis_the_error_names_the_extra() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], check=False, capture_output=True, text=True
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last == "ImportError: the strategies need hypothesis: pip install 'talonschema[testing]'"


def test_the_rest_of_the_package_loads_no_hypothesis() -> None:
    program = "import sys, talonschema.testing; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
