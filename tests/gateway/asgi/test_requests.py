"""SessionGuard: what is refused never reaches the app, and all else passes as if nobody looked."""

from __future__ import annotations

import gzip
import json
import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.gateway.asgi_client import (
    BAD,
    CLOSED,
    OPEN,
    SESSION,
    Client,
    Message,
    ask,
    make_guard,
    run,
    scope,
    state,
)
from support.gateway.processes import Upstream as Api
from support.gateway.upstream import Upstream
from talonschema.gateway import LookupSettings, SessionGuard

# What is let pass, what is refused, what is learned.


def test_a_bad_update_is_answered_and_never_seen() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        client = await ask(guard, BAD)
        assert client.status == 400
        assert client.headers[b"content-type"] == b"application/json"
        (error,) = json.loads(client.body)["errors"]
        assert error["source"] == {"pointer": "/customerSession/cartItems"}
        assert api.received == []

    run(make_guard(api), steps)


def test_states_are_learned_and_illegal_moves_refused() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        for body, status in ((OPEN, 200), (CLOSED, 200), (OPEN, 400)):
            assert (await ask(guard, body)).status == status
        assert len(api.received) == 2
        assert await state(guard) == {"closed"}
        assert (await ask(guard, path=f"{SESSION}/reopen")).status == 200
        assert await state(guard) == {"open"}
        await ask(guard, CLOSED)
        returned = b'{"return": {"returnedCartItems": [{"position": 0}]}}'
        assert (await ask(guard, returned, method="POST", path=f"{SESSION}/returns")).status == 200
        assert await state(guard) == {"partially_returned"}

    run(make_guard(api), steps)


def test_a_dry_update_is_judged_and_not_learned() -> None:
    async def steps(guard: SessionGuard) -> None:
        assert (await ask(guard, BAD, query="dry=true")).status == 400
        assert (await ask(guard, CLOSED, query="dry=true")).status == 200
        assert await state(guard) == set()

    run(make_guard(), steps)


def test_in_report_mode_nothing_is_refused() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        for body in (CLOSED, OPEN, BAD):
            assert b"not valid" not in (await ask(guard, body)).body
        assert len(api.received) == 3

    run(make_guard(api, mode="report"), steps)


def test_warnings_travel_as_a_header_of_the_answer_if_asked() -> None:
    warned = b'{"customerSession": {"flavour": "sour"}}'

    async def steps(guard: SessionGuard) -> None:
        client = await ask(guard, warned)
        assert client.status == 200
        assert b"payload/unknown-property" in client.headers[b"x-talonschema-warnings"]

    run(make_guard(warnings_header=True), steps)


def test_ids_are_decoded() -> None:
    async def steps(guard: SessionGuard) -> None:
        await ask(
            guard, CLOSED, path="/v2/customer_sessions/a b", raw_path=b"/v2/customer_sessions/a%20b"
        )
        assert await state(guard, "a b") == {"closed"}

    run(make_guard(), steps)


def test_without_a_raw_path_the_decoded_one_counts() -> None:
    async def steps(guard: SessionGuard) -> None:
        path = "/v2/customer_sessions/ü ?"
        assert (await ask(guard, BAD, path=path, raw_path=None)).status == 400
        rewritten = await ask(guard, BAD, path=path, raw_path=b"/elsewhere")
        assert rewritten.status == 400

    run(make_guard(), steps)


def test_hidden_calls_are_refused() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        hidden = await ask(guard, BAD, path="/v2//customer_sessions/cart-1")
        assert hidden.status == 400
        assert api.received == []

    run(make_guard(api), steps)


# The body of the request.


@given(
    st.lists(st.binary(max_size=20), min_size=1, max_size=6),
    st.lists(st.binary(max_size=20), min_size=1, max_size=6),
    st.sampled_from(["none", "length", "short"]),
)
def test_pieces_pass_unchanged_however_they_are_cut(
    sent: list[bytes], answered: list[bytes], announced: str
) -> None:
    seen = b""

    async def app(scope: Message, receive: Any, send: Any) -> None:
        nonlocal seen
        assert scope["path"] == f"{SESSION}"
        more = True
        while more:
            message = await receive()
            seen += message["body"]
            more = message["more_body"]
        assert (await receive())["type"] == "http.disconnect"
        whole = len(b"".join(answered))
        length = {"none": None, "length": whole, "short": whole // 2}[announced]
        headers = [] if length is None else [(b"Content-Length", b"%d" % length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for at, piece in enumerate(answered, 1):
            await send(
                {"type": "http.response.body", "body": piece, "more_body": at < len(answered)}
            )

    async def steps(guard: SessionGuard) -> None:
        client = await ask(guard, OPEN[:7], *sent, OPEN[7:])
        assert seen == OPEN[:7] + b"".join(sent) + OPEN[7:]
        pieces = [each["body"] for each in client.taken if each["type"] == "http.response.body"]
        assert pieces == answered
        if not b"".join(sent):
            assert await state(guard) == {"open"}

    # Bodies that aren't JSON have to pass too.
    run(make_guard(app, mode="report"), steps)


def test_a_body_over_the_limit_is_refused_before_it_is_all_read() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        client = Client(*[b" " * 400] * 100)
        await guard(scope(), client.receive, client.send)
        assert client.status == 413
        assert len(client.incoming) > 90
        assert api.received == []

    run(make_guard(api, max_body=2000), steps)


def test_in_report_mode_a_body_over_the_limit_passes_whole() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        await ask(guard, *[b" " * 400] * 100)
        assert api.received[0]["size"] == 40_000

    run(make_guard(api, max_body=2000, mode="report"), steps)


def test_a_compressed_body_is_judged_and_passed_on_as_it_came() -> None:
    headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]

    async def steps(guard: SessionGuard) -> None:
        assert (await ask(guard, gzip.compress(BAD), headers=headers)).status == 400
        assert (await ask(guard, gzip.compress(CLOSED), headers=headers)).status == 200
        assert await state(guard) == {"closed"}

    run(make_guard(), steps)


def test_a_client_that_goes_away_early_changes_nothing() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        client = Client(OPEN[:5], b"")
        client.incoming.pop()
        await guard(scope(), client.receive, client.send)
        assert client.taken == []
        assert api.received == []
        assert await state(guard) == set()

    run(make_guard(api), steps)


def test_the_api_is_asked_for_a_session_that_is_not_known(api: Api) -> None:
    name = uuid.uuid4().hex
    api.put(name, "closed")
    lookup = LookupSettings(api.url, timeout=20)
    headers = [(b"content-type", b"application/json"), (b"authorization", b"ApiKey-v1 k")]

    async def steps(guard: SessionGuard) -> None:
        where = f"/v2/customer_sessions/{name}"
        assert (await ask(guard, OPEN, path=where, headers=headers)).status == 400
        assert await state(guard, name) == {"closed"}

    run(make_guard(lookup=lookup), steps)
