"""Requests through Envoy: what is judged, what the client gets, and what reaches the gate."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from support.gateway.envoy import PAIR, SINGLE, Behind, envoy_running
from support.gateway.envoy_stands import Stand, each_file, is_error, open_stand, serving
from support.gateway.processes import Upstream, refusal
from support.gateway.promises import BAD, CLOSED, JSON, MIB, OPEN, Front, new_id, path
from talonschema.gateway.envoy_messages import METHOD, SERVICE, ProcessingRequest

OFFERED = b'{"customerSession": {"couponCodes": ["C", "C"]}}'
FORGED = {"x-talonschema-token": "forged"}


def test_refusals_have_the_form_of_the_apis_errors(stand: Stand) -> None:
    name = new_id()
    answer = stand.put(name, BAD)
    assert is_error(answer, 400)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert is_error(stand.put(name, b" " * (2 * MIB + 1)), 413)
    assert is_error(stand.put(f"x%2F..%2F{name}", b"{}"), 400)


@each_file
def test_refusals_can_be_problem_details(config: str, tmp_path: Path, upstream: Upstream) -> None:
    with open_stand(config, tmp_path, upstream, 'errors = "problem"') as stand:
        answer = stand.put(new_id(), BAD)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@each_file
def test_warnings_travel_with_the_answer(config: str, tmp_path: Path, upstream: Upstream) -> None:
    with open_stand(config, tmp_path, upstream, "warnings_header = true") as stand:
        answer = stand.put(new_id(), OFFERED)
        assert answer.status_code == 200
        assert "codes/duplicate-coupon" in answer.headers["x-talonschema-warnings"]
        assert "x-talonschema-warnings" not in stand.put(new_id(), OPEN).headers


@each_file
def test_what_would_be_refused_passes_in_mode_report(
    config: str, tmp_path: Path, upstream: Upstream
) -> None:
    with open_stand(config, tmp_path, upstream, 'mode = "report"') as stand:
        name = new_id()
        assert stand.put(name, CLOSED).status_code == 200
        answer = stand.put(name, OPEN)
    assert answer.json()["message"].startswith("Cannot move session")


def test_the_token_reaches_neither_client_nor_api(stand: Stand) -> None:
    name = new_id()
    answer = stand.put(name, OPEN, **FORGED)
    (seen,) = stand.front.requests_about(name)
    for headers in (answer.headers, seen["headers"]):
        assert not [each for each in headers if each.startswith("x-talonschema")]


def test_a_forged_token_teaches_nothing(stand: Stand) -> None:
    name = new_id()
    stand.put(name, CLOSED, **FORGED)
    assert stand.put(name, BAD, **FORGED).status_code == 400
    assert stand.put(name, OPEN, **FORGED).status_code == 400
    assert stand.front.api.state(name) == "closed"


def test_headers_with_underscores_disguise_nothing(stand: Stand) -> None:
    name = new_id()
    connection = socket.create_connection(("127.0.0.1", stand.envoy.port), timeout=20)
    with connection:
        head = f"POST {path(name)} HTTP/1.1\r\nhost: x\r\nx_http_method_override: PUT\r\n"
        connection.sendall(f"{head}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 4")
    for seen in stand.front.requests_about(name):
        assert "x_http_method_override" not in seen["headers"]


def test_the_path_that_is_judged_is_the_one_that_the_api_gets(stand: Stand) -> None:
    for form in (
        "/v2//customer_sessions/{}",
        "/v2/./customer_sessions/{}",
        "/v2/x/../customer_sessions/{}",
        "/v2/x/%2E%2e/customer_sessions/{}",
        "/v2/%63ustomer_sessions/{}",
        "/v2\\customer_sessions\\{}",
        "http://elsewhere/v2/customer_sessions/{}",
    ):
        name = new_id()
        assert stand.front.ask("PUT", form.format(name), BAD).status_code == 400
        assert stand.front.ask("PUT", form.format(name), CLOSED).status_code == 200
        (seen,) = stand.front.requests_about(name)
        assert seen["target"] == path(name)
        assert stand.put(name, OPEN).status_code == 400


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_methods_that_are_overridden_are_refused(stand: Stand, method: str) -> None:
    name = new_id()
    answer = stand.front.ask(method, path(name), CLOSED, **{"x-http-method-override": "PUT"})
    assert is_error(answer, 400)
    assert stand.front.requests_about(name) == []


def test_methods_in_lower_case_go_nowhere(stand: Stand) -> None:
    # Envoy itself hangs up on a client that sends one, with an answer or without.
    name = new_id()
    with suppress(http.client.HTTPException, OSError):
        assert stand.front.ask("put", path(name)).status_code == 400
    assert stand.front.requests_about(name) == []


def test_http_2_is_judged_alike(stand: Stand) -> None:
    with httpx.Client(
        base_url=stand.envoy.url, http1=False, http2=True, headers=JSON, trust_env=False, timeout=20
    ) as client:
        name = new_id()
        answer = client.put(path(name), content=CLOSED)
        assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
        assert client.put(path(name), content=OPEN).status_code == 400
        assert client.put(path(name, "/reopen")).status_code == 200
        assert client.put(path(name), content=OPEN).status_code == 200
        assert client.put(path(name), content=b" " * (2 * MIB + 1)).status_code == 413
        pieces = (b" " * MIB for _ in range(3))
        assert client.put(path(name), content=pieces).status_code == 413
        pieces = (OPEN[at : at + 5] for at in range(0, len(OPEN), 5))
        assert client.put(path(name), content=pieces).status_code == 200
    assert len(stand.front.requests_about(name)) == 4


def test_a_body_that_is_cut_short_is_refused(tmp_path: Path, upstream: Upstream) -> None:
    edits = {
        "{ max_request_bytes: 2097152, pack_as_bytes: true }": (
            "{ max_request_bytes: 64, allow_partial_message: true, pack_as_bytes: true }"
        )
    }
    with open_stand(PAIR, tmp_path, upstream, edits=edits) as stand:
        assert is_error(stand.put(new_id(), OPEN.ljust(1000)), 413)
        assert stand.put(new_id(), OPEN).status_code == 200


def recorder(reported: list[dict[str, str]]) -> type[BaseHTTPRequestHandler]:
    """Return an HTTP gate that lets all pass, and notes the headers that it is sent."""

    class Recorder(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            reported.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    return Recorder


@contextmanager
def grpc_recorder(reported: list[dict[str, str]]) -> Iterator[int]:
    """Run a service that notes the headers that it is sent, and ends each stream."""

    def process(messages: Iterator[Any], _: grpc.ServicerContext) -> Iterator[bytes]:
        headers = next(messages).request_headers.headers.headers
        reported.append({each.key: each.raw_value.decode() for each in headers})
        return iter(())

    method: Any = grpc.stream_stream_rpc_method_handler(
        process, request_deserializer=ProcessingRequest.FromString
    )
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(SERVICE, {METHOD: method})]
        )
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield port
        finally:
            server.stop(None).wait()


@each_file
def test_neither_key_nor_cookies_reach_the_gate(config: str, upstream: Upstream) -> None:
    reported: list[dict[str, str]] = []
    name = new_id()
    telling = grpc_recorder(reported) if config == SINGLE else serving(recorder(reported))
    with telling as port, refusal() as nobody:
        behind = Behind(upstream.port, port, port if config == SINGLE else nobody)
        with envoy_running(config, behind) as envoy:
            front = Front(envoy.port, upstream)
            front.ask("PUT", path(name), OPEN, authorization="ApiKey-v1 secret", cookie="secret")
    (headers,) = reported
    assert headers["content-type"] == "application/json"
    assert "secret" not in json.dumps(headers)
    (seen,) = front.requests_about(name)
    assert seen["headers"]["authorization"] == "ApiKey-v1 secret"
    assert seen["headers"]["cookie"] == "secret"
