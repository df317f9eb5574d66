"""The stand-in API behaves as an API would: else what the gateway tests show means nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx
import pytest

import talonschema
from support.gateway.processes import Upstream
from talonschema.model.states import MOVES, OPERATIONS, STATES

CART = [{"name": "Burr grinder", "sku": "GRD-7", "quantity": 2, "price": 129}]


@pytest.fixture
def client(upstream: Upstream) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=upstream.url, trust_env=False) as client:
        yield client


def put(client: httpx.Client, name: str, state: str | None = None, **more: str) -> httpx.Response:
    session = {"cartItems": CART} if state is None else {"state": state}
    body = {"customerSession": session, "responseContent": ["customerSession"]}
    return client.put(f"/v2/customer_sessions/{name}", json=body, headers=more)


WAYS: dict[str | None, list[tuple[str, str | None]]] = {
    None: [],
    "open": [("update", "open")],
    "closed": [("update", "closed")],
    "cancelled": [("update", "open"), ("update", "cancelled")],
    "partially_returned": [("update", "closed"), ("return", None)],
}
"""How a session gets into a state."""


def call(client: httpx.Client, name: str, operation: str, state: str | None) -> httpx.Response:
    if operation == "update":
        return put(client, name, state)
    path = f"/v2/customer_sessions/{name}"
    if operation == "return":
        return client.post(f"{path}/returns", json={"return": {"returnedCartItems": []}})
    return client.put(f"{path}/reopen")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("before", WAYS)
def test_it_makes_the_moves_of_the_table_and_no_others(
    upstream: Upstream, client: httpx.Client, before: str | None, operation: str
) -> None:
    for wanted in STATES if operation == "update" else [None]:
        name = uuid.uuid4().hex
        for step in WAYS[before]:
            call(client, name, *step)
        assert upstream.state(name) == before
        answer = call(client, name, operation, wanted)
        ends = {
            move.end
            for move in MOVES["2026-06"]
            if (move.start, move.operation) == (before, operation)
        }
        if (wanted is None and ends) or wanted in ends:
            assert answer.status_code == 200
            assert upstream.state(name) == (wanted or ends.pop())
        else:
            assert answer.status_code == (404 if before is None and wanted is None else 400)
            assert upstream.state(name) == before


def test_its_answers_are_valid(client: httpx.Client) -> None:
    name = uuid.uuid4().hex
    answers = [put(client, name), put(client, name, "closed")]
    for answer in answers:
        report = talonschema.check(answer.content, model="IntegrationStateV2", edition="2026-06")
        assert report.findings == ()
    first, second = (answer.json()["customerSession"] for answer in answers)
    assert second["cartItems"] == [{**CART[0], "position": 0}]
    assert second["total"] == 258
    assert second["updated"] > first["updated"]


def test_a_dry_update_changes_nothing(upstream: Upstream, client: httpx.Client) -> None:
    name = uuid.uuid4().hex
    body = {"customerSession": {"state": "closed"}}
    assert client.put(f"/v2/customer_sessions/{name}?dry=true", json=body).status_code == 200
    assert upstream.state(name) is None


@pytest.mark.parametrize(
    ("fault", "status", "kept"),
    [
        ("fail-before", 500, None),
        ("fail-after", 500, "open"),
        ("conflict", 409, None),
        ("drop-before", None, None),
        ("drop-after", None, "open"),
        ("cut", None, "open"),
    ],
)
def test_it_fails_as_documented(
    upstream: Upstream, client: httpx.Client, fault: str, status: int | None, kept: str | None
) -> None:
    name = uuid.uuid4().hex
    if status is None:
        with pytest.raises(httpx.RemoteProtocolError):
            put(client, name, **{"x-upstream-fault": fault})
    else:
        assert put(client, name, **{"x-upstream-fault": fault}).status_code == status
    assert upstream.state(name) == kept


def test_answers_can_be_big_and_compressed_and_in_pieces(
    upstream: Upstream, client: httpx.Client
) -> None:
    upstream.fault(padding="100000", encoding="gzip", chunks="7")
    answer = put(client, uuid.uuid4().hex)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["padding"]) == 100_000


def test_it_shows_what_it_received(upstream: Upstream, client: httpx.Client) -> None:
    put(client, "shown%2Fhere", "open", **{"x-mine": "1"})
    (received,) = upstream.requests()
    assert (received["method"], received["target"]) == ("PUT", "/v2/customer_sessions/shown%2Fhere")
    assert received["headers"]["x-mine"] == "1"
    assert upstream.state("shown/here") == "open"
