"""Connections of the HTTP face: every way to send requests, and to stop sending them."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.gateway.face import (
    BIG,
    LOOPS,
    Answer,
    Client,
    Loop,
    chunked,
    request,
    run,
    serving,
)
from talonschema.gateway.process import connection as module


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> Loop:
    return LOOPS[request.param]


def test_requests_follow_each_other(loop: Loop) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            for text in (request("/a", b"12"), chunked("/b", b"1", b"2"), request("/c?d#e")):
                await client.send(text)
                answer = await client.answer()
                assert answer.status == 200
                assert "connection" not in answer.head
            assert server.app.seen == ["/a", "/b", "/c?d#e"]

    run(loop, scene)


def test_pipelined_requests_are_answered_in_order(
    loop: Loop,
) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(request("/hang") + request("/skip/1", b"x" * 10) + request("/b"))
            await client.send(request("/skip/2") + request("/boom") + request("/never"))
            await asyncio.sleep(0.05)
            assert server.app.seen == ["/hang"]
            server.app.released.set()
            found = [await client.answer() for _ in range(5)]
            assert [each.status for each in found] == [200, 200, 200, 200, 500]
            assert [each.body for each in found if each.body.startswith(b"/skip")] == [
                b"/skip/1",
                b"/skip/2",
            ]
            assert await client.is_closed()
            assert "/never" not in server.app.seen

    run(loop, scene)


PIECES = (
    (request("/a"), 200),
    (request("/skip", b"x" * 300), 200),
    (request("/b", b"y" * 70_000), 200),
    (chunked("/c", b"z" * 100, b"z" * 40_000), 200),
    (request("/d", method="HEAD"), 200),
    (request("/e?f=%20", b"{}", head="Content-Type: text/plain\r\nEXPECT: other\r\n"), 200),
    (request("http://x.example/f?g"), 200),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6),
    st.lists(st.integers(1, 5000), max_size=12),
    st.sampled_from(sorted(LOOPS)),
)
def test_no_division_into_pieces_changes_an_answer(
    sent: list[tuple[bytes, int]], cuts: list[int], loop: str
) -> None:
    async def answers(client: Client, texts: list[bytes]) -> list[Answer]:
        found = []

        async def read() -> None:
            for text, _ in sent:
                found.append(await client.answer(of_head=text.startswith(b"HEAD")))

        reading = asyncio.create_task(read())
        for text in texts:
            await client.send(text)
            await asyncio.sleep(0)
        await reading
        return found

    async def scene() -> None:
        async with serving() as server:
            whole, start = b"".join(text for text, _ in sent), 0
            pieces = []
            for cut in cuts:
                pieces.append(whole[start : start + cut])
                start += cut
            pieces.append(whole[start:])
            cut_up = await answers(await server.connect(), [each for each in pieces if each])
            alone = []
            for each in sent:
                client = await server.connect()
                await client.send(each[0])
                alone.append(await client.answer(of_head=each[0].startswith(b"HEAD")))
            assert cut_up == alone
            assert [each.status for each in alone] == [status for _, status in sent]

    run(LOOPS[loop], scene)


@pytest.mark.parametrize(
    "text",
    [
        b"GET / HTTP/1.1\r\nhost x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /\xc3\xa9 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT x.example:80 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"PUT / HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PUT / HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_an_error_of_the_api(text: bytes, loop: Loop) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(text)
            answer = await client.answer()
            assert answer.status == 400
            assert "connection: close" in answer.head
            error = {"title": "Bad Request", "details": "the request is not valid HTTP"}
            assert json.loads(answer.body)["errors"] == [{**error, "source": {"pointer": ""}}]
            assert await client.is_closed()
            assert server.app.seen == []

    run(loop, scene)


def test_a_fault_is_answered_after_the_earlier_requests(
    loop: Loop,
) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(request("/hang") + request("/skip") + b"no HTTP\r\n\r\n" + b"x" * 99)
            await asyncio.sleep(0.05)
            server.app.released.set()
            found = [await client.answer() for _ in range(3)]
            assert [each.status for each in found] == [200, 200, 400]
            assert ["connection: close" in each.head for each in found] == [False, False, True]
            assert await client.is_closed()

    run(loop, scene)


@pytest.mark.parametrize(("path", "status"), [("/a", 400), ("/skip", 200), ("/hang", 400)])
def test_a_fault_in_a_body_is_answered_once(path: str, status: int, loop: Loop) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(chunked(path, b"12")[:-5])
            await asyncio.sleep(0.02)
            await client.send(b"no size\r\n\r\n")
            await asyncio.sleep(0.02)
            server.app.released.set()
            assert (await client.answer()).status == status
            assert await client.is_closed()

    run(loop, scene)


@pytest.mark.parametrize(
    "head",
    [
        "GET /a HTTP/1.0\r\n\r\n",
        "GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
        "GET /a HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET /a HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
    ],
)
def test_the_last_request_of_a_connection(head: str, loop: Loop) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(head.encode() + request("/b"))
            answer = await client.answer()
            assert (answer.status, "connection: close" in answer.head) == (200, True)
            assert await client.is_closed()
            assert server.app.seen == ["/a"]

    run(loop, scene)


def test_a_client_may_wait_for_the_answer_to_its_head(
    loop: Loop,
) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            for _ in range(2):
                text = request("/a", b"ab", head="Expect: 100-Continue\r\n")
                await client.send(text[:-2])
                assert (await client.answer()).status == 100
                await client.send(b"ab")
                assert b" 2 " in (await client.answer()).body
            # There is no need to wait where nobody reads the body.
            await client.send(request("/skip", b"ab", head="Expect: 100-Continue\r\n")[:-2])
            assert (await client.answer()).body == b"/skip"
            await client.send(b"ab" + request("/skip/2"))
            assert (await client.answer()).body == b"/skip/2"

    run(loop, scene)


def test_a_defect_of_the_application_is_an_answer_and_a_line(
    caplog: pytest.LogCaptureFixture, loop: Loop
) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(request("/boom"))
            answer = await client.answer()
            assert (answer.status, "connection: close" in answer.head) == (500, True)
            assert json.loads(answer.body)["errors"][0]["title"] == "Internal Server Error"
            assert b"s3cret" not in answer.body

    with caplog.at_level(logging.ERROR):
        run(loop, scene)
    (line,) = caplog.records
    assert line.fields == {"event": "failed"}  # type: ignore[attr-defined]


def test_who_sends_too_much_gets_the_answer_before_the_end(
    monkeypatch: pytest.MonkeyPatch, loop: Loop
) -> None:
    monkeypatch.setattr(module, "MOST_DROPPED", 2**20)

    async def scene() -> None:
        async with serving() as server:
            for size, ends in ((2**18, False), (2**30, True)):
                client = await server.connect()
                await client.send(request("/a", b"", head="x: y\r\n")[:-5])
                await client.send(b" %d\r\n\r\n" % size)
                await client.send(b"x" * 2**18)
                answer = await client.answer()
                assert (answer.status, "connection: close" in answer.head) == (413, True)
                if ends:
                    with pytest.raises(ConnectionError):
                        await client.send_for_ever(b"x" * 2**16)
                assert await client.is_closed()

    run(loop, scene)


def test_a_lingering_connection_is_closed_in_the_end(
    monkeypatch: pytest.MonkeyPatch, loop: Loop
) -> None:
    monkeypatch.setattr(module, "_LINGERING", 0.05)

    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(b"PUT /a HTTP/1.1\r\ncontent-length: 999999\r\n\r\n" + b"x" * 2**18)
            assert (await client.answer()).status == 413
            assert await client.is_closed()

    run(loop, scene)


def test_a_body_that_nobody_reads_is_not_kept(
    loop: Loop,
) -> None:
    """While a request waits, at most a few pieces of its body are received."""

    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(b"PUT /hang HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (16 * 2**20))
            sent = 0
            try:
                async with asyncio.timeout(0.3):
                    while True:
                        client.writer.write(b"x" * 2**16)
                        sent += 2**16
                        await client.writer.drain()
            except TimeoutError:
                pass
            assert sent < 4 * 2**20
            server.app.released.set()
            assert (await client.answer()).status == 413

    run(loop, scene)


def test_a_client_that_reads_no_answers_gets_no_more_of_them(
    loop: Loop,
) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            client.writer.write(request("/big") * 20)
            await asyncio.sleep(0.2)
            assert len(server.app.seen) < 5
            for _ in range(20):
                assert (await client.answer()).body == BIG

    run(loop, scene)


@pytest.mark.parametrize("text", [b"", b"PU", request("/a", b"12")[:-1], request("/hang")])
def test_a_client_may_go_at_any_time(text: bytes, loop: Loop) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            client.writer.write(text)
            await asyncio.sleep(0.02)
            client.writer.transport.abort()
            await asyncio.sleep(0.02)
            other = await server.connect()
            await other.send(request("/b"))
            assert (await other.answer()).status == 200

    run(loop, scene)


@pytest.mark.parametrize(
    ("name", "text", "status", "refused"),
    [
        ("SLOWEST_START", b"", None, []),
        ("SLOWEST_HEAD", b"PUT /a HT", 408, ["slow"]),
        ("_KEEP_ALIVE", request("/skip"), 200, []),
    ],
)
def test_nobody_holds_a_connection_for_ever(
    name: str,
    text: bytes,
    status: int | None,
    refused: list[str],
    *,
    monkeypatch: pytest.MonkeyPatch,
    loop: Loop,
) -> None:
    monkeypatch.setattr(module, name, 0.1)

    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(text)
            if status is not None:
                assert (await client.answer()).status == status
            assert await client.is_closed()
            assert server.app.refused == refused

    run(loop, scene)


def test_a_head_has_a_limit_however_it_is_cut(monkeypatch: pytest.MonkeyPatch, loop: Loop) -> None:
    monkeypatch.setattr(module, "MOST_HEAD", 1000)

    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(b"PUT /a HTTP/1.1\r\n")
            for _ in range(12):
                await asyncio.sleep(0.005)
                client.writer.write(b"a: " + b"x" * 95 + b"\r\n")
            assert (await client.answer()).status == 431
            assert server.app.refused == ["head"]

    run(loop, scene)


def test_what_is_begun_is_ended_when_the_face_stops(
    loop: Loop,
) -> None:
    async def scene() -> None:
        async with serving() as server:
            idle, busy = await server.connect(), await server.connect()
            await idle.send(request("/a"))
            assert (await idle.answer()).status == 200
            await busy.send(request("/hang") + request("/b"))
            await asyncio.sleep(0.05)
            stopping = asyncio.create_task(server.face.stop())
            assert await idle.is_closed()
            server.app.released.set()
            first, last = await busy.answer(), await busy.answer()
            assert (first.status, "connection" in first.head) == (200, False)
            assert (last.status, "connection: close" in last.head) == (200, True)
            await stopping
            with pytest.raises(OSError, match=r"No such file|refused"):
                await server.connect()

    run(loop, scene)


def test_what_does_not_end_is_cut_off(loop: Loop) -> None:
    async def scene() -> None:
        async with serving(drain=0.1) as server:
            busy, blocked = await server.connect(), await server.connect()
            await busy.send(request("/hang"))
            blocked.writer.write(request("/big") * 20)
            await asyncio.sleep(0.1)
            await server.face.stop()
            assert await busy.is_closed()

    run(loop, scene)


def test_connections_beyond_the_limit_get_an_answer(
    monkeypatch: pytest.MonkeyPatch, loop: Loop
) -> None:
    async def scene() -> None:
        async with serving() as server:
            monkeypatch.setattr(server.face._room, "connections", 1)  # noqa: SLF001 - see the name
            first, second = await server.connect(), await server.connect()
            answer = await second.answer()
            assert (answer.status, "retry-after: 1" in answer.head) == (429, True)
            assert await second.is_closed()
            await first.send(request("/a"))
            assert (await first.answer()).status == 200
            assert server.app.refused == ["crowded"]

    run(loop, scene)


def test_a_client_may_close_its_side_after_its_requests(
    loop: Loop,
) -> None:
    async def scene() -> None:
        async with serving() as server:
            client = await server.connect()
            await client.send(request("/a"))
            assert (await client.answer()).status == 200
            client.writer.write_eof()
            assert await client.is_closed()
            half, busy = await server.connect(), await server.connect()
            for each, text in ((half, request("/a", b"12")[:-1]), (busy, request("/hang"))):
                await each.send(text)
                await asyncio.sleep(0.02)
                each.writer.write_eof()
                await asyncio.sleep(0.02)
            assert await half.is_closed()
            server.app.released.set()
            answer = await busy.answer()
            assert (answer.status, "connection: close" in answer.head) == (200, True)
            assert await busy.is_closed()
            assert "gone" in server.app.seen

    run(loop, scene)
