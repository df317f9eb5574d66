"""Envoy with the files that docs/gateway shows: only ports and deadlines are others."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import brotli
import grpc
import httpx
import pytest

import talonschema
from support.gateway.endings import CLIENTS, lost_with_workers
from support.gateway.envoy import (
    API,
    CONFIGS,
    GRPC,
    GRPC_PAIR,
    HTTP,
    PAIR,
    PAIRS,
    SINGLE,
    Behind,
    Envoy,
    binary,
    envoy_running,
)
from support.gateway.lookups import OF_LOOKUPS, looking_up
from support.gateway.processes import (
    Gateway,
    Upstream,
    eventually,
    free_port,
    gateway_running,
    refusal,
    running,
)
from support.gateway.promises import (
    BAD,
    CLOSED,
    JSON,
    LOG,
    MIB,
    OPEN,
    REQUEST_LEG,
    RESPONSE_LEG,
    RETURN,
    Front,
    new,
    path,
)
from support.gateway.tricks import TRICKS, Trick, nothing_slips
from talonschema.gateway.envoy_messages import METHOD, SERVICE, ProcessingRequest

CANCELLED = b'{"customerSession": {"state": "cancelled"}}'
OFFERED = b'{"customerSession": {"couponCodes": ["C", "C"]}}'
FAIL_OPEN = {"failure_mode_allow: false": "failure_mode_allow: true"}
AUTHORIZED = {
    SINGLE: {"[{ exact: authorization }, { exact: cookie }]": "[{ exact: cookie }]"},
    PAIR: {
        f"""\
{" " * 22}disallowed_headers:
{" " * 24}patterns: [{{ exact: authorization }}]
""": ""
    },
}
"""The edits by which the gate gets the API key, as the comments of the files describe them."""
FORGED = {"x-talonschema-token": "forged"}
SETTINGS = "store_timeout = 20\ndrain = 0.1\n"
ENDPOINT = """\
              - endpoint:
                  address:
                    socket_address: {{ address: 127.0.0.1, port_value: {} }}
"""
ENDPOINTS = f"          - lb_endpoints:\n{ENDPOINT}"


class Stand(NamedTuple):
    """Envoy between a client and the stand-in API, with the plugin beside it."""

    config: str
    envoy: Envoy
    plugin: Gateway
    front: Front

    def put(self, name: str, body: bytes | None, more: str = "", **headers: str) -> httpx.Response:
        return self.front.ask("PUT", path(name, more), body, **headers)


@contextmanager
def standing(
    config: str,
    folder: Path,
    api: Upstream,
    settings: str = "",
    edits: Mapping[str, str] | None = None,
) -> Iterator[Stand]:
    with (
        gateway_running(folder, SETTINGS + settings) as plugin,
        envoy_running(config, Behind(api.port, plugin.http, plugin.grpc), edits=edits) as envoy,
    ):
        yield Stand(config, envoy, plugin, Front(envoy.port, api, plugin.program))


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Run a server in this process; yield its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module", params=[*PAIRS, SINGLE])
def shared(
    request: pytest.FixtureRequest, api: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    with standing(request.param, tmp_path_factory.mktemp("envoy"), api) as made:
        yield made


@pytest.fixture
def stand(shared: Stand, upstream: Upstream) -> Stand:
    assert shared.front.api is upstream
    return shared


each_file = pytest.mark.parametrize("config", [*PAIRS, SINGLE])
each_pair = pytest.mark.parametrize("config", PAIRS)


@pytest.mark.parametrize(
    "promise", [*REQUEST_LEG, *LOG, *RESPONSE_LEG], ids=lambda promise: promise.__name__
)
def test_envoy_keeps_the_promise(stand: Stand, promise: Callable[[Front], None]) -> None:
    promise(stand.front)


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_no_trick_slips(stand: Stand, trick: Trick) -> None:
    # A body that is found broken on its way has an answer without a body, or none.
    nothing_slips(stand.front, trick, answered=trick.name != "chunks-broken")


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("envoy*.yaml")), ids=lambda file: file.name)
def test_the_files_are_valid_as_they_are(file: Path) -> None:
    assert validated(file) == (0, "")


def validated(config: Path) -> tuple[int, str]:
    """Have Envoy look a configuration through; return its exit status and what it complains of."""
    done = subprocess.run(
        [binary(), "--mode", "validate", "--config-path", config, "--log-level", "warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


# What the client gets.


def is_error(answer: httpx.Response, status: int) -> bool:
    """Return True if an answer is of the form of the API's errors."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    return talonschema.is_valid(answer.content, model="ErrorResponse")


def test_refusals_have_the_form_of_the_apis_errors(stand: Stand) -> None:
    name = new()
    answer = stand.put(name, BAD)
    assert is_error(answer, 400)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert is_error(stand.put(name, b" " * (2 * MIB + 1)), 413)
    assert is_error(stand.put(f"x%2F..%2F{name}", b"{}"), 400)


@each_file
def test_refusals_can_be_problem_details(config: str, tmp_path: Path, upstream: Upstream) -> None:
    with standing(config, tmp_path, upstream, 'errors = "problem"') as stand:
        answer = stand.put(new(), BAD)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


@each_file
def test_warnings_travel_with_the_answer(config: str, tmp_path: Path, upstream: Upstream) -> None:
    with standing(config, tmp_path, upstream, "warnings_header = true") as stand:
        answer = stand.put(new(), OFFERED)
        assert answer.status_code == 200
        assert "codes/duplicate-coupon" in answer.headers["x-talonschema-warnings"]
        assert "x-talonschema-warnings" not in stand.put(new(), OPEN).headers


@each_file
def test_what_would_be_refused_passes_in_mode_report(
    config: str, tmp_path: Path, upstream: Upstream
) -> None:
    with standing(config, tmp_path, upstream, 'mode = "report"') as stand:
        name = new()
        assert stand.put(name, CLOSED).status_code == 200
        answer = stand.put(name, OPEN)
    assert answer.json()["message"].startswith("Cannot move session")


def test_the_token_reaches_neither_client_nor_api(stand: Stand) -> None:
    name = new()
    answer = stand.put(name, OPEN, **FORGED)
    (seen,) = stand.front.seen(name)
    for headers in (answer.headers, seen["headers"]):
        assert not [each for each in headers if each.startswith("x-talonschema")]


def test_a_forged_token_teaches_nothing(stand: Stand) -> None:
    name = new()
    stand.put(name, CLOSED, **FORGED)
    assert stand.put(name, BAD, **FORGED).status_code == 400
    assert stand.put(name, OPEN, **FORGED).status_code == 400
    assert stand.front.api.state(name) == "closed"


def test_headers_with_underscores_disguise_nothing(stand: Stand) -> None:
    name = new()
    connection = socket.create_connection(("127.0.0.1", stand.envoy.port), timeout=20)
    with connection:
        head = f"POST {path(name)} HTTP/1.1\r\nhost: x\r\nx_http_method_override: PUT\r\n"
        connection.sendall(f"{head}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 4")
    for seen in stand.front.seen(name):
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
        name = new()
        assert stand.front.ask("PUT", form.format(name), BAD).status_code == 400
        assert stand.front.ask("PUT", form.format(name), CLOSED).status_code == 200
        (seen,) = stand.front.seen(name)
        assert seen["target"] == path(name)
        assert stand.put(name, OPEN).status_code == 400


def test_large_answers_to_others_pass_whole(stand: Stand) -> None:
    name = new()
    stand.put(name, OPEN)
    for target in (path(name), f"/v1/{name}"):
        stand.front.api.fault(padding=str(5 * MIB), chunks="40")
        answer = stand.front.ask("GET", target)
        assert len(answer.json()["padding"]) == 5 * MIB


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_methods_that_are_overridden_are_refused(stand: Stand, method: str) -> None:
    name = new()
    answer = stand.front.ask(method, path(name), CLOSED, **{"x-http-method-override": "PUT"})
    assert is_error(answer, 400)
    assert stand.front.seen(name) == []


def test_methods_in_lower_case_go_nowhere(stand: Stand) -> None:
    # Envoy itself hangs up on a client that sends one, with an answer or without.
    name = new()
    with suppress(http.client.HTTPException, OSError):
        assert stand.front.ask("put", path(name)).status_code == 400
    assert stand.front.seen(name) == []


def test_only_answers_to_calls_on_sessions_are_observed(stand: Stand) -> None:
    name = new()
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
        standing(config, tmp_path, Upstream(port)) as stand,
    ):
        name = new()
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
        standing(config, tmp_path, Upstream(port)) as stand,
    ):
        for body, answer in kinds.items():
            name = new()
            answers.append(answer)
            # The pair over gRPC isn't sent an answer without a body.
            if body or config != GRPC_PAIR:
                assert stand.put(name, CLOSED).content == body
                assert stand.put(name, OPEN).status_code == 400, body
        answers[:] = [b"HTTP/1.1 204 No Content\r\n\r\n"]
        if config != GRPC_PAIR:
            assert stand.put(name := new(), CLOSED).status_code == 204
            assert stand.put(name, OPEN).status_code == 400


@pytest.mark.parametrize("size", [3, 15])
def test_large_answers_without_a_length_are_learned(stand: Stand, size: int) -> None:
    for method, more, body in (("PUT", "", CLOSED), ("POST", "/returns", RETURN)):
        name = new()
        stand.put(name, CLOSED)
        stand.front.api.fault(padding=str(size * MIB), unknown_length="1")
        answer = stand.front.ask(method, path(name, more), body)
        assert len(answer.json()["padding"]) == size * MIB
        assert stand.put(name, OPEN).status_code == 400
    # The buffer of a request without a body has another limit of its own.
    name = new()
    stand.put(name, CLOSED)
    stand.front.api.fault(padding=str(size * MIB), unknown_length="1")
    assert len(stand.put(name, None, "/reopen").json()["padding"]) == size * MIB
    assert stand.put(name, OPEN).status_code == 200


def test_answers_of_any_length_pass(stand: Stand) -> None:
    name = new()
    stand.front.api.fault(padding=str(20 * MIB))
    assert len(stand.put(name, CLOSED).json()["padding"]) == 20 * MIB
    # The pair doesn't hold it back until it is learned, so the API itself may refuse at first.
    eventually(lambda: "submitted data" in stand.put(name, OPEN).json()["message"], "not learned")


def test_http_2_is_judged_alike(stand: Stand) -> None:
    with httpx.Client(
        base_url=stand.envoy.url, http1=False, http2=True, headers=JSON, trust_env=False, timeout=20
    ) as client:
        name = new()
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
    assert len(stand.front.seen(name)) == 4


def test_a_body_that_is_cut_short_is_refused(tmp_path: Path, upstream: Upstream) -> None:
    edits = {
        "{ max_request_bytes: 2097152, pack_as_bytes: true }": (
            "{ max_request_bytes: 64, allow_partial_message: true, pack_as_bytes: true }"
        )
    }
    with standing(PAIR, tmp_path, upstream, edits=edits) as stand:
        assert is_error(stand.put(new(), OPEN.ljust(1000)), 413)
        assert stand.put(new(), OPEN).status_code == 200


def test_an_answer_that_the_gateway_can_not_hold_is_lost(
    tmp_path: Path, upstream: Upstream
) -> None:
    with standing(PAIR, tmp_path, upstream) as stand:
        name = new()
        upstream.fault(padding=str(20 * MIB), unknown_length="1")
        answer = stand.put(name, CLOSED)
        assert is_error(answer, 500)
        assert "the API has answered" in answer.text
        # It is the API that refuses.
        assert stand.put(name, OPEN).json()["message"].startswith("Cannot move session")


# No client overtakes its own answer.


@pytest.mark.slow
def test_a_client_that_reads_no_more_than_the_head_teaches_all_the_same(
    tmp_path: Path, upstream: Upstream
) -> None:
    head = f"PUT {path('{}')} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(CLOSED)}\r\n\r\n"
    with standing(PAIR, tmp_path, upstream) as stand:
        for at in range(60):
            name = new()
            upstream.fault(padding=str(at * 30_000), chunks="3")
            with socket.create_connection(("127.0.0.1", stand.envoy.port), timeout=20) as client:
                client.sendall(request.format(name).encode() + CLOSED)
                with client.makefile("rb", buffering=0) as answer:
                    assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
                    while answer.readline() != b"\r\n":
                        pass
            assert stand.put(name, OPEN).status_code == 400
            assert len(stand.front.seen(name)) == 1, at


@pytest.mark.slow
def test_of_300_clients_that_come_back_at_once_none_slips_by(stand: Stand) -> None:
    counts = ("streams_failed", "rq_pending_overflow", "message_timeouts")
    before = {count: stand.envoy.stat(count) for count in counts}

    def one(_: int) -> tuple[int, int, int, int]:
        name = new()
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
    received = stand.front.api.received()
    assert len(received) == 900
    assert {count: stand.envoy.stat(count) for count in counts} == before


@pytest.mark.parametrize("config", [PAIR, SINGLE])
def test_look_ups_settle_what_is_unknown_or_in_doubt(
    config: str, tmp_path: Path, upstream: Upstream
) -> None:
    with standing(config, tmp_path, upstream, looking_up(upstream), AUTHORIZED[config]) as stand:
        for promise in OF_LOOKUPS:
            promise(stand.front)


# What fails, and how.


@each_file
def test_without_the_gate_nothing_passes(config: str, tmp_path: Path, upstream: Upstream) -> None:
    port, grpc = free_port(), free_port()
    with envoy_running(config, Behind(upstream.port, port, grpc)) as envoy:
        front, name = Front(envoy.port, upstream), new()
        answer = front.ask("PUT", path(name), OPEN)
        assert is_error(answer, 503)
        assert "can't be asked" in answer.text
        assert front.seen(name) == []
        with gateway_running(tmp_path, SETTINGS, http=port, grpc=grpc):
            # Envoy tries a connection that failed again after a moment of its own choice.
            eventually(lambda: front.ask("PUT", path(name), OPEN).status_code == 200, "no recovery")
            assert front.ask("PUT", path(name), BAD).status_code == 400
        assert front.ask("PUT", path(name), OPEN).status_code == 503


@each_file
def test_without_the_gate_all_passes_if_that_is_asked_for(config: str, upstream: Upstream) -> None:
    with (
        refusal() as port,
        envoy_running(config, Behind(upstream.port, port, port), edits=FAIL_OPEN) as envoy,
    ):
        front, name = Front(envoy.port, upstream), new()
        assert front.ask("PUT", path(name), OPEN).status_code == 200
        assert front.ask("GET", path(name)).json()["customerSession"]["state"] == "open"


@contextmanager
def silence() -> Iterator[int]:
    """Listen on a port, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        yield port


@each_file
def test_a_gate_that_does_not_answer_is_given_up_on(config: str, upstream: Upstream) -> None:
    with silence() as port:
        behind = Behind(upstream.port, port, port)
        with envoy_running(config, behind, patient=False) as envoy:
            front, name = Front(envoy.port, upstream), new()
            # Envoy has a status of its own for an ext_proc service that is late.
            status = 504 if config == SINGLE else 503
            assert is_error(front.ask("PUT", path(name), OPEN), status)
            assert front.seen(name) == []
        with envoy_running(config, behind, patient=False, edits=FAIL_OPEN) as envoy:
            assert Front(envoy.port, upstream).ask("PUT", path(name), OPEN).status_code == 200


def elsewhere(config: str, port: int) -> dict[str, str]:
    """Return the edits by which a pair has its observer at another port."""
    if config == GRPC_PAIR:
        return {ENDPOINT.format(GRPC): ENDPOINT.format(port)}
    return {"endpoints: *talonschema\n": f"endpoints:\n{ENDPOINTS.format(port)}"}


@each_pair
@pytest.mark.parametrize("silent", [False, True])
def test_without_the_observer_traffic_goes_on_and_states_become_uncertain(
    config: str, tmp_path: Path, upstream: Upstream, *, silent: bool
) -> None:
    name = new()
    with ExitStack() as stack:
        plugin = stack.enter_context(gateway_running(tmp_path, SETTINGS))
        nobody = stack.enter_context(silence() if silent else refusal())
        behind = Behind(upstream.port, plugin.http, plugin.grpc)
        watched = Front(stack.enter_context(envoy_running(config, behind)).port, upstream)
        unseen = envoy_running(config, behind, patient=False, edits=elsewhere(config, nobody))
        blind = Front(stack.enter_context(unseen).port, upstream)
        assert watched.ask("PUT", path(name), CLOSED).status_code == 200
        assert watched.ask("PUT", path(name), OPEN).status_code == 400
        assert blind.ask("PUT", path(name, "/reopen")).status_code == 200
        # The session may be open or closed, and an update that fits one of them passes.
        assert watched.ask("PUT", path(name), OPEN).status_code == 200
        # It has been learned again, so there is no more doubt.
        returned = b'{"return": {"returnedCartItems": [{"position": 0}]}}'
        assert watched.ask("POST", path(name, "/returns"), returned).status_code == 400
    assert [each["method"] for each in upstream.received()] == ["PUT", "PUT", "PUT"]


@each_file
def test_a_crash_between_request_and_answer(
    config: str, tmp_path: Path, upstream: Upstream
) -> None:
    name = new()
    with (
        standing(config, tmp_path, upstream) as stand,
        ThreadPoolExecutor(1) as pool,
    ):
        upstream.fault(delay_after="1")
        answer = pool.submit(stand.put, name, CLOSED)
        eventually(lambda: stand.front.seen(name), "the request did not arrive")
        stand.plugin.program.process.kill()
        # The API has carried it out. With the pair the client learns that; with one filter that
        # fails closed it does not.
        assert answer.result().status_code == (503 if config == SINGLE else 200)
    assert upstream.state(name) == "closed"


@each_file
def test_a_reload_drops_no_request(config: str, tmp_path: Path, upstream: Upstream) -> None:
    with standing(config, tmp_path, upstream, 'mode = "report"') as stand:
        file = tmp_path / "talonschema.toml"
        statuses = []

        def refused() -> bool:
            statuses.append(stand.put(new(), BAD).status_code)
            return statuses[-1] == 400

        assert not any(refused() for _ in range(5))
        file.write_text(file.read_text().replace('"report"', '"enforce"'))
        stand.plugin.program.process.send_signal(signal.SIGHUP)
        eventually(refused, "the reload has no effect")
        assert all(refused() for _ in range(5))
    assert statuses == sorted(statuses)
    assert set(statuses) == {200, 400}


def test_an_answer_that_breaks_off_is_lost(stand: Stand) -> None:
    name = new()
    stand.put(name, OPEN)
    stand.front.api.fault(fault="cut", padding="200000")
    with pytest.raises(httpx.HTTPError), stand.front.client() as client:
        client.put(path(name), content=CLOSED).raise_for_status()
    # It has been closed, or it hasn't: who knows. The API does.
    answer = stand.put(name, OPEN)
    assert answer.json()["message"].startswith("Cannot move session")


# Requests to the gate.


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
    name = new()
    telling = grpc_recorder(reported) if config == SINGLE else serving(recorder(reported))
    with telling as port, refusal() as nobody:
        behind = Behind(upstream.port, port, port if config == SINGLE else nobody)
        with envoy_running(config, behind) as envoy:
            front = Front(envoy.port, upstream)
            front.ask("PUT", path(name), OPEN, authorization="ApiKey-v1 secret", cookie="secret")
    (headers,) = reported
    assert headers["content-type"] == "application/json"
    assert "secret" not in json.dumps(headers)
    (seen,) = front.seen(name)
    assert seen["headers"]["authorization"] == "ApiKey-v1 secret"
    assert seen["headers"]["cookie"] == "secret"


# What docs/gateway/envoy.md adds to the files.

BLOCKS = re.findall(
    r"^```yaml\n(.*?)^```$", (CONFIGS / "envoy.md").read_text(), re.MULTILINE | re.DOTALL
)


def block(part: str) -> str:
    """Return the one block of the page that has `part` in it."""
    (found,) = (each for each in BLOCKS if part in each)
    return str(found)


@contextmanager
def two_workers(config: str, folder: Path, api: Upstream) -> Iterator[Stand]:
    """Run two workers on Unix sockets, with Envoy as the page says."""
    text = f'edition = "2026-06"\n[gateway]\nworkers = 2\n{SETTINGS}'
    faces = {"http": HTTP} if config == PAIR else {"http": HTTP, "grpc": GRPC}
    for face in faces:
        text += f'{face} = "unix:{folder}/{face}.sock"\n'
    settings = folder / "talonschema.toml"
    settings.write_text(text)
    edits = {
        ENDPOINT.format(port): block(f"/run/talonschema/{face}.sock").replace(
            "/run/talonschema", str(folder)
        )
        for face, port in faces.items()
        if config != SINGLE or face == "grpc"
    }
    sockets = [folder / f"{face}.sock.{index}" for face in faces for index in (0, 1)]
    script = Path(sys.executable).with_name("talonschema")
    command = [str(script), "gateway", "--config", str(settings)]
    with (
        running(command, ready=lambda: all(map(serves, sockets))) as program,
        envoy_running(config, Behind(api.port, 0, 0), edits=edits) as envoy,
    ):
        yield Stand(config, envoy, Gateway(0, 0, program), Front(envoy.port, api))


def serves(path: Path) -> bool:
    """Return True if something listens on a Unix socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(path))
        return True
    return False


def counted(stand: Stand) -> dict[str, int]:
    """Return how many requests each endpoint of the plugin got, by its cluster and path."""
    answer = httpx.get(
        f"http://127.0.0.1:{stand.envoy.admin}/clusters?format=json", trust_env=False
    )
    found = {}
    for cluster in answer.json()["cluster_statuses"]:
        if cluster["name"].startswith("talonschema"):
            for host in cluster["host_statuses"]:
                stats = {each["name"]: int(each.get("value", 0)) for each in host["stats"]}
                path = host["address"]["pipe"]["path"]
                found[f"{cluster['name']} {path}"] = stats["rq_total"]
    return found


@pytest.mark.slow
@each_pair
def test_two_workers_share_the_work_and_what_they_know(config: str, upstream: Upstream) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        two_workers(config, Path(folder), upstream) as stand,
    ):
        for _ in range(20):
            name = new()
            assert stand.put(name, CLOSED).status_code == 200
            assert stand.put(name, OPEN).status_code == 400
        shares = counted(stand)
        assert len(shares) == 4
        assert all(share >= 5 for share in shares.values()), shares


@pytest.mark.slow
@each_file
@pytest.mark.parametrize(
    ("number", "most"),
    # With one filter, what a killed worker has in hand can't be asked again.
    [(signal.SIGTERM, 0), (signal.SIGKILL, 2)],
)
def test_workers_that_end_cost_no_more_than_documented(
    upstream: Upstream, config: str, number: signal.Signals, most: int
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        two_workers(config, Path(folder), upstream) as stand,
    ):
        front = Front(stand.envoy.port, upstream)
        lost = lost_with_workers(front, stand.plugin.program, number)
        assert lost <= (most * CLIENTS if config == SINGLE else most)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_ends_costs_no_report(upstream: Upstream, number: signal.Signals) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        two_workers(PAIR, Path(folder), upstream) as stand,
    ):
        reported = [json.loads(line) for line in stand.plugin.program.output().splitlines()]
        pids = [each["pid"] for each in reported if each.get("event") == "listening"]

        def one(count: int) -> tuple[int, int, int]:
            if count == 40:
                os.kill(pids[0], number)
            name = new()
            closed = stand.put(name, CLOSED).status_code
            opened = stand.put(name, OPEN).status_code
            return closed, opened, len(stand.front.seen(name))

        with ThreadPoolExecutor(8) as pool:
            outcomes = set(pool.map(one, range(120)))
    assert outcomes == {(200, 400, 1)}


def test_the_api_can_be_spoken_to_over_tls(tmp_path: Path) -> None:
    api = ENDPOINT.format(API)
    text = (CONFIGS / PAIR).read_text("utf-8")
    start = text.index("    - name: api\n")
    end = text.index(api) + len(api)
    config = tmp_path / "envoy.yaml"
    config.write_text(text[:start] + block("transport_socket") + text[end:])
    assert validated(config) == (0, "")


# The demonstration.


@pytest.mark.slow
def test_the_demo_shows_what_it_announces() -> None:
    script = CONFIGS.parents[1] / "examples" / "gateway_demo.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(CONFIGS.parents[1] / "tests")},
    )
    assert (done.returncode, done.stderr) == (0, "")
    statuses = re.findall(r"^(\d+) {", done.stdout, re.MULTILINE)
    assert statuses == ["200", "400", "400", "200", "200"]
    assert done.stdout.endswith("Of 5 requests, 3 reached the API.\n")
