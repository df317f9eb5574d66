"""The gRPC face over a real channel; the client speaks Envoy's own messages, from xds-protos."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import grpc
import pytest
from envoy.service.ext_proc.v3 import (
    external_processor_pb2 as official,
)
from grpc import aio

from talonschema.gateway.envoy import ATTRIBUTES, GATE, ExternalProcessor, server
from talonschema.gateway.envoy_messages import METHOD, SERVICE
from talonschema.gateway.guard import WARNINGS, Guard
from talonschema.gateway.http import TOKEN
from talonschema.gateway.messages import Request
from talonschema.gateway.outcome import MOST_LEARNED
from talonschema.gateway.settings import Settings
from talonschema.gateway.store import Ending, Key, RequestOutcome, Store
from talonschema.gateway.store.memory import MemoryStore

BUFFERED, BUFFERED_PARTIAL, STREAMED = 2, 3, 1
PATH = "/v2/customer_sessions/order-1"
OPEN = {"customerSession": {"profileId": "p", "state": "open"}}
CLOSED = {"customerSession": {"profileId": "p", "state": "closed"}}
BAD = {"customerSession": {"profileId": "p", "state": "opened-by-Ada"}}
OFFERED = {"customerSession": {"profileId": "p", "couponCodes": ["C", "C"]}}
"""A payload with a warning."""


class Filter(NamedTuple):
    """The filter's end of a channel to the service."""

    guard: Guard
    serving: aio.Server
    processor: ExternalProcessor
    call: Callable[[], aio.StreamStreamCall[Any, Any]]

    async def states(self, session: str = "order-1") -> set[str]:
        """Return the states that the session may be in."""
        return set(await self.guard.store.look(Key("default", session)))

    async def becomes(self, *states: str) -> None:
        """Wait until the session may be in these states."""
        while await self.states() != set(states):  # noqa: ASYNC110 - a store sets no event
            await asyncio.sleep(0.005)

    async def say(self, *messages: Any) -> list[Any]:
        """Send messages one by one, each after the reply to the one before; return the replies.

        The service is expected to end the stream by itself, in reply to the last one or after it.
        """
        call = self.call()
        replies = []
        for message in messages:
            await call.write(message)
            reply: Any = await call.read()
            if reply is aio.EOF:
                break
            replies.append(reply)
        assert await call.read() is aio.EOF
        assert await call.code() == grpc.StatusCode.OK
        return replies


@asynccontextmanager
async def running(store: Store | None = None, **options: Any) -> AsyncIterator[Filter]:
    # The deadline is a long one, because this may run on a busy machine.
    chosen = {"store": "memory:", "edition": "2026-06", "store_timeout": 20, **options}
    guard = Guard(Settings(**chosen), store)
    serving, processor = server(guard)
    port = serving.add_insecure_port("127.0.0.1:0")
    await serving.start()
    limits = [("grpc.max_send_message_length", -1)]
    try:
        async with aio.insecure_channel(f"127.0.0.1:{port}", options=limits) as channel:
            call = channel.stream_stream(
                f"/{SERVICE}/{METHOD}",
                request_serializer=official.ProcessingRequest.SerializeToString,
                response_deserializer=official.ProcessingResponse.FromString,
            )
            yield Filter(guard, serving, processor, call)
            await processor.drain()
    finally:
        await serving.stop(0)
        await guard.close()


def run(test: Callable[[Filter], Coroutine[Any, Any, None]], **options: Any) -> None:
    async def within() -> None:
        async with running(**options) as service:
            await test(service)

    asyncio.run(within())


def asked(
    method: str = "PUT",
    path: str = PATH,
    *,
    last: bool = False,
    mode: int = BUFFERED,
    **headers: str,
) -> Any:
    message = official.ProcessingRequest()
    given = {
        ":method": method,
        ":path": path,
        "content-type": "application/json",
        "x-request-id": "request-7",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    for name, value in given.items():
        message.request_headers.headers.headers.add(key=name, raw_value=value.encode("latin-1"))
    message.request_headers.end_of_stream = last
    message.protocol_config.request_body_mode = mode
    message.protocol_config.response_body_mode = STREAMED
    return message


def payload(value: Any, *, last: bool = True) -> Any:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return official.ProcessingRequest(request_body={"body": body, "end_of_stream": last})


def answered(status: int = 200, *, last: bool = False, **headers: str) -> Any:
    message = official.ProcessingRequest()
    given = {":status": str(status), "content-type": "application/json", **headers}
    for name, value in given.items():
        message.response_headers.headers.headers.add(
            key=name.replace("_", "-"), raw_value=value.encode()
        )
    message.response_headers.end_of_stream = last
    return message


def piece(body: bytes, *, last: bool = False) -> Any:
    return official.ProcessingRequest(response_body={"body": body, "end_of_stream": last})


def observed(
    token: str | None, body: bytes, *, last: bool = True, path: str = PATH, code: float = 200
) -> Any:
    """Return the first message of a filter that is an observer only."""
    message = piece(body, last=last)
    if token is not None:
        message.metadata_context.filter_metadata[GATE].update({TOKEN: token})
    attributes = {"request.method": "PUT", "request.path": path, "response.code": code}
    message.attributes[ATTRIBUTES].update(attributes)
    return message


def session(state: str, updated: str = "2026-01-01T00:00:00Z") -> bytes:
    """Return an answer with a state."""
    return json.dumps({"customerSession": {"state": state, "updated": updated}}).encode()


def kinds(replies: list[Any]) -> list[str]:
    return [reply.WhichOneof("response") for reply in replies]


# Gate and observer in one filter.


def test_a_good_update_passes_and_its_answer_is_learned() -> None:
    async def test(service: Filter) -> None:
        body = session("closed")
        replies = await service.say(
            asked(),
            payload(CLOSED),
            answered(),
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


def test_nothing_is_learned_before_the_end_of_the_answer() -> None:
    async def test(service: Filter) -> None:
        call = service.call()
        body = session("closed")
        for message in (asked(), payload(CLOSED), answered(), piece(body[:9]), piece(body[9:])):
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
        assert len(await service.say(asked(), payload(OPEN), answered(), whole)) == 4
        assert await service.states() == {"closed"}

    run(test)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a": {}', b'{"a": "}', b"[{}", b"[" * 60_000 + b"}", b"\xff}"]
)
def test_half_an_answer_does_not_end_it(body: bytes) -> None:
    async def test(service: Filter) -> None:
        rest = piece(b"", last=True)
        replies = await service.say(asked(), payload(OPEN), answered(), piece(body), rest)
        assert len(replies) == 5

    run(test)


def test_a_bad_update_is_answered_in_place_of_the_api() -> None:
    async def test(service: Filter) -> None:
        replies = await service.say(asked(), payload(BAD))
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
        replies = await service.say(asked(), payload(BAD))
        refusal = replies[1].immediate_response
        types = [each.header.raw_value for each in refusal.headers.set_headers]
        assert b"application/problem+json" in types
        assert json.loads(refusal.body)["status"] == 400

    run(test, errors="problem")


def test_an_illegal_change_of_state_is_refused_until_it_is_reopened() -> None:
    async def test(service: Filter) -> None:
        closing = (asked(), payload(CLOSED), answered(), piece(b"{}", last=True))
        opening = (asked(), payload(OPEN), answered(), piece(b"{}", last=True))
        assert len(await service.say(*closing)) == 4
        refused = await service.say(*opening[:2])
        assert kinds(refused) == ["request_headers", "immediate_response"]
        assert await service.states() == {"closed"}
        reopened = await service.say(
            asked("PUT", f"{PATH}/reopen", last=True), answered(), piece(b"{}", last=True)
        )
        assert kinds(reopened) == ["request_headers", "response_headers", "response_body"]
        assert await service.states() == {"open"}
        assert len(await service.say(*opening)) == 4

    run(test)


def test_a_reopening_is_refused_by_its_headers() -> None:
    async def test(service: Filter) -> None:
        await service.say(asked(), payload(OPEN), answered(), piece(b"{}", last=True))
        replies = await service.say(asked("PUT", f"{PATH}/reopen", last=True))
        assert kinds(replies) == ["immediate_response"]

    run(test)


def test_a_return_is_learned() -> None:
    async def test(service: Filter) -> None:
        await service.say(asked(), payload(CLOSED), answered(), piece(b"{}", last=True))
        items = {"return": {"returnedCartItems": [{"position": 0}]}}
        returned = (asked("POST", f"{PATH}/returns"), payload(items))
        await service.say(*returned, answered(201), piece(b"{}", last=True))
        assert await service.states() == {"partially_returned"}

    run(test)


@pytest.mark.parametrize(
    ("status", "states"),
    [(200, {"closed"}), (400, {"open"}), (409, {"open"}), (500, {"open", "closed"})],
)
def test_what_is_learned_depends_on_the_status(status: int, states: set[str]) -> None:
    async def test(service: Filter) -> None:
        await service.say(asked(), payload(OPEN), answered(), piece(b"{}", last=True))
        await service.say(asked(), payload(CLOSED), answered(status), piece(b"{}", last=True))
        assert await service.states() == states

    run(test)


def test_an_answer_without_a_body_is_learned_by_its_headers() -> None:
    async def test(service: Filter) -> None:
        replies = await service.say(asked(), payload(CLOSED), answered(204, last=True))
        assert kinds(replies)[2:] == ["response_headers"]
        assert await service.states() == {"closed"}

    run(test)


def test_trailers_end_an_answer_too() -> None:
    async def test(service: Filter) -> None:
        trailers = official.ProcessingRequest(response_trailers={})
        body = session("closed")
        replies = await service.say(
            asked(), payload(OPEN), answered(), piece(body[:9]), piece(body[9:]), trailers
        )
        assert kinds(replies)[4:] == ["response_body", "response_trailers"]
        assert await service.states() == {"closed"}

    run(test)


def test_a_compressed_answer_is_read() -> None:
    async def test(service: Filter) -> None:
        body = gzip.compress(session("closed"))
        headers = answered(content_encoding="gzip")
        await service.say(asked(), payload(OPEN), headers, piece(body, last=True))
        assert await service.states() == {"closed"}

    run(test)


def test_of_a_large_answer_the_status_is_learned() -> None:
    async def test(service: Filter) -> None:
        padded = json.dumps({"x": "x" * MOST_LEARNED, "customerSession": {"state": "closed"}})
        body = padded.encode()
        pieces = [piece(body[at : at + 65536]) for at in range(0, len(body), 65536)]
        replies = await service.say(
            asked(), payload(OPEN), answered(), *pieces, piece(b"", last=True)
        )
        assert len(replies) == 4 + len(pieces)
        assert await service.states() == {"open"}

    run(test)


def test_pieces_may_be_of_any_size() -> None:
    async def test(service: Filter) -> None:
        large = piece(b" " * (16 << 20))
        replies = await service.say(
            asked(), payload(OPEN), answered(), large, piece(b"", last=True)
        )
        assert kinds(replies)[3:] == ["response_body", "response_body"]
        assert await service.states() == {"open"}

    run(test)


def test_a_lost_answer_makes_the_state_uncertain() -> None:
    async def test(service: Filter) -> None:
        await service.say(asked(), payload(OPEN), answered(), piece(b"{}", last=True))
        call = service.call()
        for message in (asked(), payload(CLOSED), answered(), piece(b"{")):
            await call.write(message)
            await call.read()
        call.cancel()
        await service.becomes("open", "closed")

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
            for message in (asked(), payload(CLOSED)):
                await call.write(message)
                await call.read()
            await call.write(answered(204, last=True))
            await store.asked.wait()
            # As at the end of the process, once the time to drain in is over.
            await service.serving.stop(0)
            store.go.set()
            await service.processor.drain()
            assert await service.states() == {"closed"}

    asyncio.run(within())


def test_a_stream_that_ends_early_makes_the_state_uncertain() -> None:
    async def test(service: Filter) -> None:
        await service.say(asked(), payload(OPEN), answered(), piece(b"{}", last=True))
        call = service.call()
        for message in (asked(), payload(CLOSED)):
            await call.write(message)
            await call.read()
        await call.done_writing()
        assert await call.read() is aio.EOF
        await service.becomes("open", "closed")

    run(test)


def test_a_dry_update_is_judged_but_not_learned() -> None:
    async def test(service: Filter) -> None:
        dry = asked(path=f"{PATH}?dry=true")
        assert kinds(await service.say(dry, payload(CLOSED))) == ["request_headers", "request_body"]
        assert kinds(await service.say(dry, payload(BAD)))[-1] == "immediate_response"
        assert await service.states() == set()

    run(test)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PATH), ("PUT", "/v2/customer_profiles/x"), ("POST", "/v1/events"), ("OPTIONS", PATH)],
)
@pytest.mark.parametrize("last", [True, False])
def test_other_requests_pass_without_their_bodies(method: str, path: str, *, last: bool) -> None:
    async def test(service: Filter) -> None:
        replies = await service.say(asked(method, path, last=last, mode=0))
        assert kinds(replies) == ["request_headers"]

    run(test)


def test_a_disguised_update_is_refused_by_its_headers() -> None:
    async def test(service: Filter) -> None:
        for path in ("/v2//customer_sessions/order-1", "/V2/customer_sessions/order-1"):
            assert kinds(await service.say(asked(path=path))) == ["immediate_response"]
        overridden = asked("POST", x_http_method_override="PUT")
        assert kinds(await service.say(overridden)) == ["immediate_response"]

    run(test)


def test_a_gate_that_gets_no_bodies_reports_how_to_change_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test(service: Filter) -> None:
        call = service.call()
        await call.write(asked(mode=0))
        with pytest.raises(aio.AioRpcError, match="request_body_mode of the ext_proc filter to"):
            await call.read()
        assert await call.code() == grpc.StatusCode.FAILED_PRECONDITION

    with caplog.at_level(logging.ERROR):
        run(test)
    assert "request_body_mode" in caplog.text


def test_half_a_body_is_refused() -> None:
    async def test(service: Filter) -> None:
        headers = asked(mode=BUFFERED_PARTIAL)
        replies = await service.say(headers, payload(OPEN, last=False))
        assert replies[1].immediate_response.status.code == 413
        whole = await service.say(headers, payload(OPEN), answered(), piece(b"{}", last=True))
        assert kinds(whole)[1] == "request_body"

    run(test)


def test_a_body_that_is_followed_by_trailers_is_whole() -> None:
    async def test(service: Filter) -> None:
        replies = await service.say(
            asked(),
            payload(OPEN, last=False),
            official.ProcessingRequest(request_trailers={}),
            answered(),
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
        replies = await service.say(asked(path=path), payload(OFFERED), answered(), *rest)
        (added,) = replies[2].response_headers.response.header_mutation.set_headers
        assert added.header.key == WARNINGS
        assert "codes/duplicate-coupon" in added.header.raw_value.decode()

    run(test, warnings_header=True)


def test_an_answer_of_a_filter_in_between_is_let_through() -> None:
    async def test(service: Filter) -> None:
        # Another filter refused the request before its body was judged.
        replies = await service.say(asked(), answered(413))
        assert kinds(replies) == ["request_headers", "response_headers"]

    run(test)


def test_bodies_up_to_the_limit_fit_into_a_message() -> None:
    async def test(service: Filter) -> None:
        body = json.dumps(OPEN).encode().ljust(8 << 20)
        headers = asked(x_long="x" * 60_000)
        replies = await service.say(headers, payload(body), answered(), piece(b"{}", last=True))
        assert kinds(replies)[1] == "request_body"
        larger = await service.say(asked(), payload(body + b" "))
        assert larger[1].immediate_response.status.code == 413

    run(test, max_body=8 << 20)


def test_headers_may_hold_any_bytes() -> None:
    async def test(service: Filter) -> None:
        headers = asked(x_name="\xff\xfe")
        assert len(await service.say(headers, payload(OPEN), answered(last=True))) == 3

    run(test)


# The observer next to an HTTP gate.


async def admitted(service: Filter, value: Any) -> str:
    """Let the gate admit an update; return its token."""
    request = Request("PUT", PATH, (("content-type", "application/json"),))
    verdict = await service.guard.begin(request._replace(body=json.dumps(value).encode()))
    assert verdict.token
    return verdict.token


def test_the_observer_learns_by_the_gates_token() -> None:
    async def test(service: Filter) -> None:
        token = await admitted(service, OPEN)
        first, *others = [session("closed")[at : at + 16] for at in range(0, 80, 16)]
        replies = await service.say(
            observed(token, first, last=False), *map(piece, others), piece(b"", last=True)
        )
        assert kinds(replies) == ["response_body"] * (len(others) + 2)
        assert await service.states() == {"closed"}

    run(test)


def test_the_observer_learns_from_the_status() -> None:
    async def test(service: Filter) -> None:
        for value, code in ((OPEN, 200), (CLOSED, 422)):
            token = await admitted(service, value)
            await service.say(observed(token, b"{}", code=code))
        assert await service.states() == {"open"}

    run(test)


def test_the_observer_reads_gzip_without_headers() -> None:
    async def test(service: Filter) -> None:
        token = await admitted(service, OPEN)
        await service.say(observed(token, gzip.compress(session("closed"))))
        assert await service.states() == {"closed"}

    run(test)


def test_the_observer_takes_headers_too() -> None:
    async def test(service: Filter) -> None:
        token = await admitted(service, OPEN)
        headers = observed(token, b"")
        headers.response_headers.CopyFrom(answered(content_encoding="gzip").response_headers)
        del headers.attributes[ATTRIBUTES].fields["response.code"]
        body = gzip.compress(session("closed"))
        replies = await service.say(headers, piece(body, last=True))
        assert kinds(replies) == ["response_headers", "response_body"]
        assert await service.states() == {"closed"}

    run(test)


@pytest.mark.parametrize("name", ["request.method", "request.path", "response.code"])
def test_an_observer_that_is_without_enough_context_reports_what_it_needs(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(service: Filter) -> None:
        for _ in range(3):
            message = observed(await admitted(service, OPEN), b"{}")
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
        assert await service.say(observed(None, b"{}", last=False)) == []
        assert await service.say(answered()) == []

    run(test)


@pytest.mark.parametrize("forged", ["", "x", "0" * 32, "\N{SNOWMAN}"])
def test_a_token_that_nobody_handed_out_teaches_nothing(forged: str) -> None:
    async def test(service: Filter) -> None:
        token = await admitted(service, OPEN)
        await service.say(observed(token, b"{}"))
        await service.say(observed(forged, session("cancelled")))
        await service.say(observed(token, session("cancelled")))
        assert await service.states() == {"open"}

    run(test)


def test_a_token_of_another_session_teaches_nothing() -> None:
    async def test(service: Filter) -> None:
        token = await admitted(service, OPEN)
        await service.say(observed(token, session("closed"), path="/v2/customer_sessions/b"))
        assert await service.states("b") == set()

    run(test)


def test_many_streams_at_once_are_kept_apart() -> None:
    async def test(service: Filter) -> None:
        async def one(number: int) -> None:
            state = "closed" if number % 2 else "open"
            path = f"/v2/customer_sessions/s{number}"
            value = {"customerSession": {"profileId": "p", "state": state}}
            headers, body = asked(path=path), payload(value)
            await service.say(headers, body, answered(), piece(session(state), last=True))
            assert await service.states(f"s{number}") == {state}

        await asyncio.gather(*map(one, range(200)))

    run(test)
