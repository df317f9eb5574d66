"""Endpoints: the table of calls agrees with the table of operations and the schemas."""

from __future__ import annotations

import pytest

from talonschema import schemas
from talonschema.model.detection import OPERATIONS_OF
from talonschema.model.endpoints import BOOLEANS, ENDPOINTS, Endpoint, endpoint
from talonschema.model.states import OPERATIONS


def test_each_operation_has_one_endpoint() -> None:
    assert tuple(ENDPOINTS) == OPERATIONS
    assert {each.operation for each in ENDPOINTS.values()} == set(OPERATIONS)


@pytest.mark.parametrize("each", ENDPOINTS.values(), ids=lambda each: each.operation)
def test_endpoints_are_found_by_their_address(each: Endpoint) -> None:
    assert endpoint(each.method, each.suffix) is each
    assert endpoint("PATCH", each.suffix) is None
    if each.model is not None:
        assert OPERATIONS_OF[each.model] == each.operation
        assert all(each.model in schemas.models(edition) for edition in schemas.EDITIONS)


def test_spellings_of_booleans_are_those_of_the_sdks() -> None:
    assert [text for text, value in BOOLEANS.items() if value] == ["true", "True", "1"]
    assert [text for text, value in BOOLEANS.items() if not value] == ["false", "False", "0", ""]
