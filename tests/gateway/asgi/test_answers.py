"""Answers through a SessionGuard: learned before the client has them whole."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from support.gateway.asgi_client import (
    CLOSED,
    OPEN,
    Broken,
    Client,
    Message,
    ask,
    make_guard,
    run,
    scope,
    state,
)
from support.gateway.upstream import Upstream
from talonschema.gateway import SessionGuard


@pytest.mark.parametrize("length", [True, False])
def test_the_state_is_learned_before_the_client_has_the_whole_answer(*, length: bool) -> None:
    body = json.dumps({"customerSession": {"state": "closed"}}).encode()

    async def app(_: Message, receive: Any, send: Any) -> None:
        await receive()
        headers = [(b"content-length", b"%d" % len(body))] if length else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body[:9], "more_body": True})
        await send({"type": "http.response.body", "body": body[9:], "more_body": length})
        if length:
            await send({"type": "http.response.body"})

    async def steps(guard: SessionGuard) -> None:
        known = []

        async def send(message: Message) -> None:
            if message.get("body") == body[9:]:
                known.append(await state(guard))

        await guard(scope(), Client(CLOSED).receive, send)
        assert known == [{"closed"}]

    run(make_guard(app), steps)


def test_an_answer_of_many_pieces_is_not_held() -> None:
    async def app(_: Message, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200})
        for _piece in range(4):
            await send({"type": "http.response.body", "body": b" " * (1 << 19), "more_body": True})
            assert len(client.body) == sent_size()
        await send({"type": "http.response.body"})

    def sent_size() -> int:
        return sum(len(each.get("body", b"")) for each in client.taken)

    client = Client(CLOSED)

    async def steps(guard: SessionGuard) -> None:
        await guard(scope(), client.receive, client.send)
        assert len(client.body) == 4 << 19
        # Too long to be looked into: the status shows that it was done.
        assert await state(guard) == {"closed"}

    run(make_guard(app), steps)


@pytest.mark.parametrize("started", [False, True])
@pytest.mark.parametrize("error", [Broken, asyncio.CancelledError])
def test_a_lost_answer_leaves_open_what_came_of_it(
    *, started: bool, error: type[BaseException]
) -> None:
    broken = False

    async def app(scope: Message, receive: Any, send: Any) -> None:
        if not broken:
            await upstream(scope, receive, send)
            return
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise error

    upstream = Upstream()

    async def steps(guard: SessionGuard) -> None:
        nonlocal broken
        await ask(guard, OPEN)
        broken = True
        with pytest.raises(error):
            await ask(guard, CLOSED)
        assert await state(guard) == {"open", "closed"}
        broken = False
        # Both may be, so that nothing is refused that either permits.
        assert (await ask(guard, OPEN)).status == 200

    run(make_guard(app), steps)


def test_a_server_error_leaves_open_what_came_of_it() -> None:
    fault = [(b"content-type", b"application/json"), (b"x-upstream-fault", b"fail-after")]

    async def steps(guard: SessionGuard) -> None:
        await ask(guard, OPEN)
        assert (await ask(guard, CLOSED, headers=fault)).status == 500
        assert await state(guard) == {"open", "closed"}

    run(make_guard(), steps)


def test_a_refusal_of_the_api_teaches_nothing() -> None:
    fault = [(b"content-type", b"application/json"), (b"x-upstream-fault", b"conflict")]

    async def steps(guard: SessionGuard) -> None:
        await ask(guard, OPEN)
        assert (await ask(guard, CLOSED, headers=fault)).status == 409
        assert await state(guard) == {"open"}

    run(make_guard(), steps)


def test_a_file_as_an_answer_is_learned_by_its_status() -> None:
    async def app(_: Message, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": "/answer.json"})

    async def steps(guard: SessionGuard) -> None:
        await ask(guard, CLOSED)
        assert await state(guard) == {"closed"}

    run(make_guard(app), steps)
