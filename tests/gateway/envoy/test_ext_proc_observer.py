"""The gRPC face as an observer next to an HTTP gate."""

from __future__ import annotations

import gzip
import json
import logging
from typing import Any

import pytest
from grpc import aio

from support.gateway.streams import (
    CLOSED,
    OPEN,
    PATH,
    Filter,
    kinds,
    observer_message,
    piece,
    response_message,
    run,
    session,
)
from talonschema.gateway.envoy import ATTRIBUTES
from talonschema.gateway.messages import Request


async def admit(service: Filter, value: Any) -> str:
    """Let the gate admit an update; return its token."""
    request = Request("PUT", PATH, (("content-type", "application/json"),))
    verdict = await service.guard.begin(request._replace(body=json.dumps(value).encode()))
    assert verdict.token
    return verdict.token


def test_the_observer_learns_by_the_gates_token() -> None:
    async def test(service: Filter) -> None:
        token = await admit(service, OPEN)
        first, *others = [session("closed")[at : at + 16] for at in range(0, 80, 16)]
        replies = await service.send(
            observer_message(token, first, last=False), *map(piece, others), piece(b"", last=True)
        )
        assert kinds(replies) == ["response_body"] * (len(others) + 2)
        assert await service.states() == {"closed"}

    run(test)


def test_the_observer_learns_from_the_status() -> None:
    async def test(service: Filter) -> None:
        for value, code in ((OPEN, 200), (CLOSED, 422)):
            token = await admit(service, value)
            await service.send(observer_message(token, b"{}", code=code))
        assert await service.states() == {"open"}

    run(test)


def test_the_observer_reads_gzip_without_headers() -> None:
    async def test(service: Filter) -> None:
        token = await admit(service, OPEN)
        await service.send(observer_message(token, gzip.compress(session("closed"))))
        assert await service.states() == {"closed"}

    run(test)


def test_the_observer_takes_headers_too() -> None:
    async def test(service: Filter) -> None:
        token = await admit(service, OPEN)
        headers = observer_message(token, b"")
        headers.response_headers.CopyFrom(
            response_message(content_encoding="gzip").response_headers
        )
        del headers.attributes[ATTRIBUTES].fields["response.code"]
        body = gzip.compress(session("closed"))
        replies = await service.send(headers, piece(body, last=True))
        assert kinds(replies) == ["response_headers", "response_body"]
        assert await service.states() == {"closed"}

    run(test)


@pytest.mark.parametrize("name", ["request.method", "request.path", "response.code"])
def test_an_observer_that_is_without_enough_context_reports_what_it_needs(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(service: Filter) -> None:
        for _ in range(3):
            message = observer_message(await admit(service, OPEN), b"{}")
            del message.attributes[ATTRIBUTES].fields[name]
            call = service.call()
            await call.write(message)
            with pytest.raises(aio.AioRpcError, match=f"without {name}: name it in response_attr"):
                await call.read()

    with caplog.at_level(logging.ERROR):
        run(test)
    assert caplog.text.count(name) == 1


def test_without_a_token_the_observer_ends_the_stream_at_once() -> None:
    async def test(service: Filter) -> None:
        assert await service.send(observer_message(None, b"{}", last=False)) == []
        assert await service.send(response_message()) == []

    run(test)


@pytest.mark.parametrize("forged", ["", "x", "0" * 32, "\N{SNOWMAN}"])
def test_a_token_that_nobody_handed_out_teaches_nothing(forged: str) -> None:
    async def test(service: Filter) -> None:
        token = await admit(service, OPEN)
        await service.send(observer_message(token, b"{}"))
        await service.send(observer_message(forged, session("cancelled")))
        await service.send(observer_message(token, session("cancelled")))
        assert await service.states() == {"open"}

    run(test)


def test_a_token_of_another_session_teaches_nothing() -> None:
    async def test(service: Filter) -> None:
        token = await admit(service, OPEN)
        await service.send(
            observer_message(token, session("closed"), path="/v2/customer_sessions/b")
        )
        assert await service.states("b") == set()

    run(test)
