"""The gRPC face over a real channel; the client speaks Envoy's own messages, from xds-protos."""

from __future__ import annotations

import asyncio
import json
import logging

import grpc
import pytest
from envoy.service.ext_proc.v3 import (
    external_processor_pb2 as official,
)
from grpc import aio

from support.gateway.streams import (
    BAD,
    BUFFERED_PARTIAL,
    CLOSED,
    OFFERED,
    OPEN,
    PATH,
    Filter,
    kinds,
    payload,
    piece,
    request_message,
    response_message,
    run,
    session,
)
from talonschema.gateway.guard import WARNINGS


def test_a_good_update_passes_and_its_answer_is_learned() -> None:
    async def test(service: Filter) -> None:
        body = session("closed")
        replies = await service.send(
            request_message(),
            payload(CLOSED),
            response_message(),
            piece(body[:9]),
            piece(body[9:], last=True),
        )
        assert kinds(replies) == [
            "request_headers",
            "request_body",
            "response_headers",
            "response_body",
            "response_body",
        ]
        for reply in replies:
            assert not reply.SerializeToString()[2:], "nothing is to be changed"
        assert await service.states() == {"closed"}

    run(test)


def test_a_bad_update_is_answered_in_place_of_the_api() -> None:
    async def test(service: Filter) -> None:
        replies = await service.send(request_message(), payload(BAD))
        assert kinds(replies) == ["request_headers", "immediate_response"]
        refusal = replies[1].immediate_response
        assert refusal.status.code == 400
        headers = {
            each.header.key: each.header.raw_value.decode() for each in refusal.headers.set_headers
        }
        assert headers["content-type"] == "application/json"
        assert headers["x-request-id"] == "request-7"
        assert "content-length" not in headers
        (error,) = json.loads(refusal.body)["errors"]
        assert error["source"] == {"pointer": "/customerSession/state"}
        assert b"Ada" not in refusal.body
        assert await service.states() == set()

    run(test)


def test_the_form_of_refusals_can_be_chosen() -> None:
    async def test(service: Filter) -> None:
        replies = await service.send(request_message(), payload(BAD))
        refusal = replies[1].immediate_response
        types = [each.header.raw_value for each in refusal.headers.set_headers]
        assert b"application/problem+json" in types
        assert json.loads(refusal.body)["status"] == 400

    run(test, errors="problem")


def test_an_illegal_change_of_state_is_refused_until_it_is_reopened() -> None:
    async def test(service: Filter) -> None:
        closing = (request_message(), payload(CLOSED), response_message(), piece(b"{}", last=True))
        opening = (request_message(), payload(OPEN), response_message(), piece(b"{}", last=True))
        assert len(await service.send(*closing)) == 4
        refused = await service.send(*opening[:2])
        assert kinds(refused) == ["request_headers", "immediate_response"]
        assert await service.states() == {"closed"}
        reopened = await service.send(
            request_message("PUT", f"{PATH}/reopen", last=True),
            response_message(),
            piece(b"{}", last=True),
        )
        assert kinds(reopened) == ["request_headers", "response_headers", "response_body"]
        assert await service.states() == {"open"}
        assert len(await service.send(*opening)) == 4

    run(test)


def test_a_reopening_is_refused_by_its_headers() -> None:
    async def test(service: Filter) -> None:
        await service.send(
            request_message(), payload(OPEN), response_message(), piece(b"{}", last=True)
        )
        replies = await service.send(request_message("PUT", f"{PATH}/reopen", last=True))
        assert kinds(replies) == ["immediate_response"]

    run(test)


def test_a_return_is_learned() -> None:
    async def test(service: Filter) -> None:
        await service.send(
            request_message(), payload(CLOSED), response_message(), piece(b"{}", last=True)
        )
        items = {"return": {"returnedCartItems": [{"position": 0}]}}
        returned = (request_message("POST", f"{PATH}/returns"), payload(items))
        await service.send(*returned, response_message(201), piece(b"{}", last=True))
        assert await service.states() == {"partially_returned"}

    run(test)


def test_a_dry_update_is_judged_but_not_learned() -> None:
    async def test(service: Filter) -> None:
        dry = request_message(path=f"{PATH}?dry=true")
        assert kinds(await service.send(dry, payload(CLOSED))) == [
            "request_headers",
            "request_body",
        ]
        assert kinds(await service.send(dry, payload(BAD)))[-1] == "immediate_response"
        assert await service.states() == set()

    run(test)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PATH), ("PUT", "/v2/customer_profiles/x"), ("POST", "/v1/events"), ("OPTIONS", PATH)],
)
@pytest.mark.parametrize("last", [True, False])
def test_other_requests_pass_without_their_bodies(method: str, path: str, *, last: bool) -> None:
    async def test(service: Filter) -> None:
        replies = await service.send(request_message(method, path, last=last, mode=0))
        assert kinds(replies) == ["request_headers"]

    run(test)


def test_a_disguised_update_is_refused_by_its_headers() -> None:
    async def test(service: Filter) -> None:
        for path in ("/v2//customer_sessions/order-1", "/V2/customer_sessions/order-1"):
            assert kinds(await service.send(request_message(path=path))) == ["immediate_response"]
        overridden = request_message("POST", x_http_method_override="PUT")
        assert kinds(await service.send(overridden)) == ["immediate_response"]

    run(test)


def test_a_gate_that_gets_no_bodies_reports_how_to_change_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(service: Filter) -> None:
        call = service.call()
        await call.write(request_message(mode=0))
        with pytest.raises(aio.AioRpcError, match="request_body_mode of the ext_proc filter to"):
            await call.read()
        assert await call.code() == grpc.StatusCode.FAILED_PRECONDITION

    with caplog.at_level(logging.ERROR):
        run(test)
    assert "request_body_mode" in caplog.text


def test_half_a_body_is_refused() -> None:
    async def test(service: Filter) -> None:
        headers = request_message(mode=BUFFERED_PARTIAL)
        replies = await service.send(headers, payload(OPEN, last=False))
        assert replies[1].immediate_response.status.code == 413
        whole = await service.send(
            headers, payload(OPEN), response_message(), piece(b"{}", last=True)
        )
        assert kinds(whole)[1] == "request_body"

    run(test)


def test_a_body_that_is_followed_by_trailers_is_whole() -> None:
    async def test(service: Filter) -> None:
        replies = await service.send(
            request_message(),
            payload(OPEN, last=False),
            official.ProcessingRequest(request_trailers={}),
            response_message(),
            piece(b"{}", last=True),
        )
        assert kinds(replies)[1:3] == ["request_body", "request_trailers"]
        assert await service.states() == {"open"}

    run(test)


@pytest.mark.parametrize("dry", [False, True])
def test_warnings_travel_with_the_answer(*, dry: bool) -> None:
    async def test(service: Filter) -> None:
        # Of the answer to a dry update nothing is learned, so its body is not asked for.
        rest = [] if dry else [piece(b"{}", last=True)]
        path = f"{PATH}?dry=true" if dry else PATH
        replies = await service.send(
            request_message(path=path), payload(OFFERED), response_message(), *rest
        )
        (added,) = replies[2].response_headers.response.header_mutation.set_headers
        assert added.header.key == WARNINGS
        assert "codes/duplicate-coupon" in added.header.raw_value.decode()

    run(test, warnings_header=True)


def test_bodies_up_to_the_limit_fit_into_a_message() -> None:
    async def test(service: Filter) -> None:
        body = json.dumps(OPEN).encode().ljust(8 << 20)
        headers = request_message(x_long="x" * 60_000)
        replies = await service.send(
            headers, payload(body), response_message(), piece(b"{}", last=True)
        )
        assert kinds(replies)[1] == "request_body"
        larger = await service.send(request_message(), payload(body + b" "))
        assert larger[1].immediate_response.status.code == 413

    run(test, max_body=8 << 20)


def test_headers_may_hold_any_bytes() -> None:
    async def test(service: Filter) -> None:
        headers = request_message(x_name="\xff\xfe")
        assert len(await service.send(headers, payload(OPEN), response_message(last=True))) == 3

    run(test)


def test_many_streams_at_once_are_kept_apart() -> None:
    async def test(service: Filter) -> None:
        async def one(number: int) -> None:
            state = "closed" if number % 2 else "open"
            path = f"/v2/customer_sessions/s{number}"
            value = {"customerSession": {"profileId": "p", "state": state}}
            headers, body = request_message(path=path), payload(value)
            await service.send(headers, body, response_message(), piece(session(state), last=True))
            assert await service.states(f"s{number}") == {state}

        await asyncio.gather(*map(one, range(200)))

    run(test)
