"""What the gRPC face learns from answers, as gate and observer in one filter."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from envoy.service.ext_proc.v3 import (
    external_processor_pb2 as official,
)
from grpc import aio

from support.gateway.streams import (
    CLOSED,
    OPEN,
    Filter,
    kinds,
    payload,
    piece,
    request_message,
    response_message,
    run,
    running,
    session,
)
from talonschema.gateway.outcome import MOST_LEARNED
from talonschema.gateway.store import Ending, Key, RequestOutcome
from talonschema.gateway.store.memory import MemoryStore


def test_nothing_is_learned_before_the_end_of_the_answer() -> None:
    async def test(service: Filter) -> None:
        call = service.call()
        body = session("closed")
        for message in (
            request_message(),
            payload(CLOSED),
            response_message(),
            piece(body[:9]),
            piece(body[9:]),
        ):
            await call.write(message)
            await call.read()
        # It may be in any state: a session that is not known, and an update on its way.
        assert await service.states() != {"closed"}
        await call.write(piece(b"", last=True))
        reply: Any = await call.read()
        # Whoever has the reply to the last piece finds the state learned.
        assert await service.states() == {"closed"}
        assert reply.WhichOneof("response") == "response_body"
        assert await call.read() is aio.EOF

    run(test)


@pytest.mark.parametrize("space", [b"", b"\n", b" " * 100])
def test_a_whole_object_ends_an_answer(space: bytes) -> None:
    async def test(service: Filter) -> None:
        whole = piece(session("closed") + space)
        assert (
            len(await service.send(request_message(), payload(OPEN), response_message(), whole))
            == 4
        )
        assert await service.states() == {"closed"}

    run(test)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a": {}', b'{"a": "}', b"[{}", b"[" * 60_000 + b"}", b"\xff}"]
)
def test_half_an_answer_does_not_end_it(body: bytes) -> None:
    async def test(service: Filter) -> None:
        rest = piece(b"", last=True)
        replies = await service.send(
            request_message(), payload(OPEN), response_message(), piece(body), rest
        )
        assert len(replies) == 5

    run(test)


@pytest.mark.parametrize(
    ("status", "states"),
    [(200, {"closed"}), (400, {"open"}), (409, {"open"}), (500, {"open", "closed"})],
)
def test_what_is_learned_depends_on_the_status(status: int, states: set[str]) -> None:
    async def test(service: Filter) -> None:
        await service.send(
            request_message(), payload(OPEN), response_message(), piece(b"{}", last=True)
        )
        await service.send(
            request_message(), payload(CLOSED), response_message(status), piece(b"{}", last=True)
        )
        assert await service.states() == states

    run(test)


def test_an_answer_without_a_body_is_learned_by_its_headers() -> None:
    async def test(service: Filter) -> None:
        replies = await service.send(
            request_message(), payload(CLOSED), response_message(204, last=True)
        )
        assert kinds(replies)[2:] == ["response_headers"]
        assert await service.states() == {"closed"}

    run(test)


def test_trailers_end_an_answer_too() -> None:
    async def test(service: Filter) -> None:
        trailers = official.ProcessingRequest(response_trailers={})
        body = session("closed")
        replies = await service.send(
            request_message(),
            payload(OPEN),
            response_message(),
            piece(body[:9]),
            piece(body[9:]),
            trailers,
        )
        assert kinds(replies)[4:] == ["response_body", "response_trailers"]
        assert await service.states() == {"closed"}

    run(test)


def test_a_compressed_answer_is_read() -> None:
    async def test(service: Filter) -> None:
        body = gzip.compress(session("closed"))
        headers = response_message(content_encoding="gzip")
        await service.send(request_message(), payload(OPEN), headers, piece(body, last=True))
        assert await service.states() == {"closed"}

    run(test)


def test_of_a_large_answer_the_status_is_learned() -> None:
    async def test(service: Filter) -> None:
        padded = json.dumps({"x": "x" * MOST_LEARNED, "customerSession": {"state": "closed"}})
        body = padded.encode()
        pieces = [piece(body[at : at + 65536]) for at in range(0, len(body), 65536)]
        replies = await service.send(
            request_message(), payload(OPEN), response_message(), *pieces, piece(b"", last=True)
        )
        assert len(replies) == 4 + len(pieces)
        assert await service.states() == {"open"}

    run(test)


def test_pieces_may_be_of_any_size() -> None:
    async def test(service: Filter) -> None:
        large = piece(b" " * (16 << 20))
        replies = await service.send(
            request_message(), payload(OPEN), response_message(), large, piece(b"", last=True)
        )
        assert kinds(replies)[3:] == ["response_body", "response_body"]
        assert await service.states() == {"open"}

    run(test)


def test_a_lost_answer_makes_the_state_uncertain() -> None:
    async def test(service: Filter) -> None:
        await service.send(
            request_message(), payload(OPEN), response_message(), piece(b"{}", last=True)
        )
        call = service.call()
        for message in (request_message(), payload(CLOSED), response_message(), piece(b"{")):
            await call.write(message)
            await call.read()
        call.cancel()
        await service.wait_for("open", "closed")

    run(test)


class SlowStore(MemoryStore):
    """A store that takes its time to finish."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> Ending:
        self.asked.set()
        await self.go.wait()
        return await super().finish(key, token, outcome)


def test_an_answer_is_learned_even_if_the_stream_is_cancelled_meanwhile() -> None:
    async def within() -> None:
        store = SlowStore()
        async with running(store) as service:
            call = service.call()
            for message in (request_message(), payload(CLOSED)):
                await call.write(message)
                await call.read()
            await call.write(response_message(204, last=True))
            await store.asked.wait()
            # As at the end of the process, once the time to drain in is over.
            await service.serving.stop(0)
            store.go.set()
            await service.processor.drain()
            assert await service.states() == {"closed"}

    asyncio.run(within())


def test_a_stream_that_ends_early_makes_the_state_uncertain() -> None:
    async def test(service: Filter) -> None:
        await service.send(
            request_message(), payload(OPEN), response_message(), piece(b"{}", last=True)
        )
        call = service.call()
        for message in (request_message(), payload(CLOSED)):
            await call.write(message)
            await call.read()
        await call.done_writing()
        assert await call.read() is aio.EOF
        await service.wait_for("open", "closed")

    run(test)


def test_an_answer_of_a_filter_in_between_is_let_through() -> None:
    async def test(service: Filter) -> None:
        # Another filter refused the request before its body was judged.
        replies = await service.send(request_message(), response_message(413))
        assert kinds(replies) == ["request_headers", "response_headers"]

    run(test)
