"""Answers through Envoy: they pass whole, and are learned before a client can come back."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest

from support.gateway.envoy import GRPC_PAIR, PAIR, SINGLE
from support.gateway.envoy_stands import Stand, each_file, is_error, open_stand, serving
from support.gateway.processes import Upstream, eventually
from support.gateway.promises import CLOSED, MIB, OPEN, RETURN, new_id, path


def test_large_answers_to_others_pass_whole(stand: Stand) -> None:
    name = new_id()
    stand.put(name, OPEN)
    for target in (path(name), f"/v1/{name}"):
        stand.front.api.fault(padding=str(5 * MIB), chunks="40")
        answer = stand.front.ask("GET", target)
        assert len(answer.json()["padding"]) == 5 * MIB


def test_only_answers_to_calls_on_sessions_are_observed(stand: Stand) -> None:
    name = new_id()
    stand.put(name, OPEN)
    count = "talonschema_observer.upstream_rq_total" if stand.config == PAIR else "stream_msgs_sent"
    before = stand.envoy.stat(count)
    answer = stand.front.ask("GET", path(name))
    assert int(answer.headers["content-length"]) == len(answer.content)
    stand.front.ask("POST", f"/v1/{name}", b"{}")
    # As a gate it is sent the headers of each request, and no more.
    assert stand.envoy.stat(count) - before == (2 if stand.config == SINGLE else 0)


@each_file
def test_what_follows_a_whole_object_passes_too(config: str, tmp_path: Path) -> None:
    class Padded(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"effects": []}')
            for _ in range(40):
                self.wfile.write(b" " * (MIB // 8))

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with (
        serving(Padded) as port,
        open_stand(config, tmp_path, Upstream(port)) as stand,
    ):
        name = new_id()
        assert len(stand.put(name, CLOSED).content) == 15 + 5 * MIB
        assert stand.put(name, OPEN).status_code == 400


@each_file
def test_answers_of_other_kinds_pass_and_are_learned(config: str, tmp_path: Path) -> None:
    answers: list[bytes] = []

    class Odd(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.wfile.write(answers.pop())
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n"
    packed = brotli.compress(CLOSED)
    kinds = {
        b"": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"<p>": b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>",
        b"{}": chunked + b"1\r\n{\r\n1\r\n}\r\n0\r\nx-sum: 1\r\n\r\n",
        CLOSED: b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\n\r\n" + packed,
    }
    with (
        serving(Odd) as port,
        open_stand(config, tmp_path, Upstream(port)) as stand,
    ):
        for body, answer in kinds.items():
            name = new_id()
            answers.append(answer)
            # The pair over gRPC isn't sent an answer without a body.
            if body or config != GRPC_PAIR:
                assert stand.put(name, CLOSED).content == body
                assert stand.put(name, OPEN).status_code == 400, body
        answers[:] = [b"HTTP/1.1 204 No Content\r\n\r\n"]
        if config != GRPC_PAIR:
            assert stand.put(name := new_id(), CLOSED).status_code == 204
            assert stand.put(name, OPEN).status_code == 400


@pytest.mark.parametrize("size", [3, 15])
def test_large_answers_without_a_length_are_learned(stand: Stand, size: int) -> None:
    for method, more, body in (("PUT", "", CLOSED), ("POST", "/returns", RETURN)):
        name = new_id()
        stand.put(name, CLOSED)
        stand.front.api.fault(padding=str(size * MIB), unknown_length="1")
        answer = stand.front.ask(method, path(name, more), body)
        assert len(answer.json()["padding"]) == size * MIB
        assert stand.put(name, OPEN).status_code == 400
    # The buffer of a request without a body has another limit of its own.
    name = new_id()
    stand.put(name, CLOSED)
    stand.front.api.fault(padding=str(size * MIB), unknown_length="1")
    assert len(stand.put(name, None, "/reopen").json()["padding"]) == size * MIB
    assert stand.put(name, OPEN).status_code == 200


def test_answers_of_any_length_pass(stand: Stand) -> None:
    name = new_id()
    stand.front.api.fault(padding=str(20 * MIB))
    assert len(stand.put(name, CLOSED).json()["padding"]) == 20 * MIB
    # The pair doesn't hold it back until it is learned, so the API itself may refuse at first.
    eventually(lambda: "submitted data" in stand.put(name, OPEN).json()["message"], "not learned")


def test_an_answer_that_the_gateway_can_not_hold_is_lost(
    tmp_path: Path, upstream: Upstream
) -> None:
    with open_stand(PAIR, tmp_path, upstream) as stand:
        name = new_id()
        upstream.fault(padding=str(20 * MIB), unknown_length="1")
        answer = stand.put(name, CLOSED)
        assert is_error(answer, 500)
        assert "the API has answered" in answer.text
        # It is the API that refuses.
        assert stand.put(name, OPEN).json()["message"].startswith("Cannot move session")


@pytest.mark.slow
def test_a_client_that_reads_no_more_than_the_head_teaches_all_the_same(
    tmp_path: Path, upstream: Upstream
) -> None:
    head = f"PUT {path('{}')} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(CLOSED)}\r\n\r\n"
    with open_stand(PAIR, tmp_path, upstream) as stand:
        for at in range(60):
            name = new_id()
            upstream.fault(padding=str(at * 30_000), chunks="3")
            with socket.create_connection(("127.0.0.1", stand.envoy.port), timeout=20) as client:
                client.sendall(request.format(name).encode() + CLOSED)
                with client.makefile("rb", buffering=0) as answer:
                    assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
                    while answer.readline() != b"\r\n":
                        pass
            assert stand.put(name, OPEN).status_code == 400
            assert len(stand.front.requests_about(name)) == 1, at


@pytest.mark.slow
def test_of_300_clients_that_come_back_at_once_none_slips_by(stand: Stand) -> None:
    counts = ("streams_failed", "rq_pending_overflow", "message_timeouts")
    before = {count: stand.envoy.stat(count) for count in counts}

    def one(_: int) -> tuple[int, int, int, int]:
        name = new_id()
        # Each on a connection of its own, and so on either thread of Envoy.
        return (
            stand.put(name, CLOSED).status_code,
            stand.put(name, OPEN).status_code,
            stand.put(name, None, "/reopen").status_code,
            stand.put(name, OPEN).status_code,
        )

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(one, range(300)))
    assert outcomes == [(200, 400, 200, 200)] * 300
    received = stand.front.api.requests()
    assert len(received) == 900
    assert {count: stand.envoy.stat(count) for count in counts} == before


def test_an_answer_that_breaks_off_is_lost(stand: Stand) -> None:
    name = new_id()
    stand.put(name, OPEN)
    stand.front.api.fault(fault="cut", padding="200000")
    with pytest.raises(httpx.HTTPError), stand.front.client() as client:
        client.put(path(name), content=CLOSED).raise_for_status()
    # It has been closed, or it hasn't: who knows. The API does.
    answer = stand.put(name, OPEN)
    assert answer.json()["message"].startswith("Cannot move session")
