"""The gRPC face over a real channel: a filter as Envoy has it, and its messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import grpc
from envoy.service.ext_proc.v3 import (
    external_processor_pb2 as official,
)
from grpc import aio

from support.gateway.states import states_of
from talonschema.gateway.envoy import ATTRIBUTES, GATE, ExternalProcessor, server
from talonschema.gateway.envoy_messages import METHOD, SERVICE
from talonschema.gateway.guard import Guard
from talonschema.gateway.http import TOKEN
from talonschema.gateway.settings import Settings
from talonschema.gateway.store import Key, Store

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
        return set(await states_of(self.guard.store, Key("default", session)))

    async def wait_for(self, *states: str) -> None:
        """Wait until the session may be in these states."""
        while await self.states() != set(states):  # noqa: ASYNC110 - a store sets no event
            await asyncio.sleep(0.005)

    async def send(self, *messages: Any) -> list[Any]:
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
    async def run_test() -> None:
        async with running(**options) as service:
            await test(service)

    asyncio.run(run_test())


def request_message(
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


def response_message(status: int = 200, *, last: bool = False, **headers: str) -> Any:
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


def observer_message(
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
