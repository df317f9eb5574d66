"""The HTTP face, over the socket of the real process."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import brotli
import pytest

from support.gateway.processes import Gateway, eventually, gateway_running, refusal
from talonschema.gateway.body import MAX_BODY

JSON = {"content-type": "application/json"}
HIDDEN = "s3cret"
"""It must not show up anywhere."""


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway_running(tmp_path_factory.mktemp("gateway"), "warnings_header = true") as running:
        yield running


def ask(
    gateway: Gateway,
    method: str,
    target: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> Reply:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=30)
    with closing(connection):
        connection.request(method, target, body, headers or {}, **options)
        answer = connection.getresponse()
        held = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, held, answer.read())


def payload(session: Mapping[str, Any] | None = None) -> bytes:
    return json.dumps({"customerSession": session or {}}).encode()


def check(
    gateway: Gateway,
    session: str,
    state: str | None = None,
    after: str = "",
    **headers: str,
) -> Reply:
    body = payload({} if state is None else {"state": state})
    target = f"/check/v2/customer_sessions/{session}{after}"
    return ask(gateway, "PUT", target, body, {**JSON, **headers})


def observe(
    gateway: Gateway,
    session: str,
    token: str,
    status: str = "200",
    body: bytes = b"{}",
    **headers: str,
) -> Reply:
    reported = {
        "x-talonschema-token": token,
        "x-talonschema-method": "PUT",
        "x-talonschema-status": status,
        **headers,
    }
    return ask(gateway, "POST", f"/observe/v2/customer_sessions/{session}", body, reported)


def figures(gateway: Gateway) -> dict[str, float]:
    text = ask(gateway, "GET", "/metrics").body.decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_allowed_is_exactly_200_and_has_no_content(gateway: Gateway) -> None:
    reply = check(gateway, uuid4().hex, "open")
    assert reply.status == 200
    assert reply.body == b""
    assert reply.headers.keys() == {"x-talonschema-token", "content-length"}
    other = ask(gateway, "GET", "/check/v2/customer_sessions/a")
    assert (other.status, other.body, dict(other.headers)) == (200, b"", {"content-length": "0"})


def test_both_legs_remember_the_state(gateway: Gateway) -> None:
    session = uuid4().hex
    token = check(gateway, session, "closed").headers["x-talonschema-token"]
    done = observe(gateway, session, token, body=payload({"state": "closed"}))
    assert (done.status, done.body) == (204, b"")
    refused = check(gateway, session, "open", **{"x-request-id": "mine"})
    assert refused.status == 400
    assert refused.headers["content-type"] == "application/json"
    assert refused.headers["x-request-id"] == "mine"
    assert refused.json()["errors"][0]["source"] == {"pointer": "/customerSession/state"}
    assert "x-talonschema-token" not in refused.headers
    reopened = ask(gateway, "PUT", f"/check/v2/customer_sessions/{session}/reopen")
    token = reopened.headers["x-talonschema-token"]
    observe(gateway, f"{session}/reopen", token)
    assert check(gateway, session, "open").status == 200


def test_the_id_is_read_decoded_and_the_dry_run_alone(gateway: Gateway) -> None:
    session = uuid4().hex
    token = check(gateway, f"%20{session}%2F1", "closed").headers["x-talonschema-token"]
    observe(gateway, f"%20{session}%2f1", token)
    assert check(gateway, f"%20{session}%2F1", "open").status == 400
    dry = check(gateway, f"%20{session}%2F1", "open", "?dry=true")
    assert dry.status == 200
    assert "x-talonschema-token" not in dry.headers


@pytest.mark.parametrize(
    ("status", "passes"), [("200", False), ("400", True), ("503", True), ("lost", True)]
)
def test_what_was_not_done_or_may_not_have_been(
    gateway: Gateway, status: str, *, passes: bool
) -> None:
    session = uuid4().hex
    for state, answer in (("open", "200"), ("cancelled", status)):
        token = check(gateway, session, state).headers["x-talonschema-token"]
        assert observe(gateway, session, token, answer).status == 204
    assert (check(gateway, session, "closed").status == 200) is passes


@pytest.mark.parametrize(
    ("encode", "encoding"),
    [(gzip.compress, "gzip"), (zlib.compress, "deflate"), (brotli.compress, "br")],
)
def test_compressed_bodies_are_judged(gateway: Gateway, encode: Any, encoding: str) -> None:
    target = f"/check/v2/customer_sessions/{uuid4().hex}"
    headers = {**JSON, "content-encoding": encoding}
    good = ask(gateway, "PUT", target, encode(payload({"state": "open"})), headers)
    assert good.status == 200
    assert ask(gateway, "PUT", target, encode(payload({"state": "x"})), headers).status == 400
    bomb = ask(gateway, "PUT", target, encode(bytes(30 * 2**20)), headers)
    assert bomb.status == 413
    assert ask(gateway, "GET", "/livez").status == 200


def test_compressed_answers_are_learned_from(gateway: Gateway) -> None:
    session = uuid4().hex
    token = check(gateway, session).headers["x-talonschema-token"]
    body = gzip.compress(payload({"state": "closed"}))
    observe(gateway, session, token, "200", body, **{"content-encoding": "gzip"})
    assert check(gateway, session, "open").status == 400


def test_a_large_answer_is_learned_from_by_its_status(gateway: Gateway) -> None:
    session = uuid4().hex
    token = check(gateway, session, "closed").headers["x-talonschema-token"]
    body = payload({"state": "open", "x": "x" * 2**21})
    assert observe(gateway, session, token, "200", body).status == 204
    assert check(gateway, session, "open").status == 400


def test_chunked_bodies_and_those_in_many_pieces_are_judged(gateway: Gateway) -> None:
    target = f"/check/v2/customer_sessions/{uuid4().hex}"
    body = payload({"cartItems": [{"name": "a", "sku": "a", "quantity": 1}] * 3000, "state": "x"})
    pieces = [body[start : start + 1000] for start in range(0, len(body), 1000)]
    reply = ask(gateway, "PUT", target, iter(pieces), JSON, encode_chunked=True)
    assert reply.status == 400
    assert reply.json()["errors"][-1]["source"] == {"pointer": "/customerSession/state"}


def test_bodies_beyond_the_limit_are_refused_before_they_end(gateway: Gateway) -> None:
    target = f"/check/v2/customer_sessions/{uuid4().hex}"
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=30) as connection:
        head = f"PUT {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {2**40}\r\n\r\n"
        connection.sendall(head.encode())
        sent = 0
        while sent <= MAX_BODY + 2**17:
            sent += connection.send(b" " * 2**16)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 413
        assert answer.getheader("connection") == "close"
        assert json.loads(answer.read())["errors"][0]["title"] == "Request Entity Too Large"


def test_expect_continue_is_answered(gateway: Gateway) -> None:
    body = payload({"state": "x"})
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=30) as connection:
        connection.sendall(
            b"PUT /check/v2/customer_sessions/a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n"
            b"content-length: %d\r\n\r\n" % len(body)
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({}, 200),
        ({**JSON, "x-envoy-auth-partial-body": "true"}, 413),
        ({**JSON, "x-envoy-auth-partial-body": "false"}, 200),
        ({**JSON, "content-encoding": "zstd"}, 415),
        ({**JSON, "x-http-method-override": "GET"}, 400),
    ],
)
def test_headers_count(gateway: Gateway, headers: dict[str, str], status: int) -> None:
    target = f"/check/v2/customer_sessions/{uuid4().hex}"
    assert ask(gateway, "PUT", target, payload(), headers).status == status


def test_a_body_that_is_not_there_is_refused(gateway: Gateway) -> None:
    reply = ask(gateway, "PUT", f"/check/v2/customer_sessions/{uuid4().hex}", None, JSON)
    assert reply.status == 400
    assert reply.json()["message"] == "The submitted data was invalid"


@pytest.mark.parametrize(
    "target",
    [
        "//v2/customer_sessions/a",
        "/v2/./customer_sessions/a",
        "/x/../v2/customer_sessions/a",
        "/v2/customer_sessions/a/",
        "/v2/Customer_Sessions/a",
        "/v2/customer_sessions/a;b",
        "/v2%2fcustomer_sessions/a",
        "/v2/customer_sessions/a%2Freopen",
        "/v2/customer_sessions/a?dry=true&dry=false",
        "/v2/customer_sessions/a?dry=TRUE",
    ],
)
def test_tricks_with_the_path_come_through_to_be_refused(gateway: Gateway, target: str) -> None:
    reply = ask(gateway, "PUT", f"/check{target}", payload(), JSON)
    assert reply.status == 400
    assert "parameter" in reply.json()["errors"][0]["source"]


def test_bytes_that_are_no_path_are_refused(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.http), timeout=30) as connection:
        head = b"PUT /check/v2/customer_sessions/\xc3\xa9 HTTP/1.1\r\nhost: x\r\n"
        connection.sendall(head + b"content-length: 0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_refused_head_has_no_body(gateway: Gateway) -> None:
    headers = {"x-http-method-override": "PUT"}
    reply = ask(gateway, "HEAD", "/check/v2/customer_sessions/a", None, headers)
    assert reply.status == 400
    assert reply.body == b""
    assert int(reply.headers["content-length"]) > 0
    assert ask(gateway, "OPTIONS", "/check/v2/customer_sessions/a").status == 200
    assert ask(gateway, "OPTIONS", "/check/*").status == 200


def test_method_and_path_may_come_in_headers(gateway: Gateway) -> None:
    forwarded = {"x-forwarded-method": "PUT", "x-forwarded-uri": "/v2/customer_sessions/a?dry=true"}
    assert ask(gateway, "POST", "/check", payload(), {**JSON, **forwarded}).status == 200
    bad = payload({"state": "x"})
    assert ask(gateway, "GET", "/check", bad, {**JSON, **forwarded}).status == 400
    # A path behind /check is the path: no header can change it.
    reply = ask(gateway, "PUT", "/check/v1/other", bad, {**JSON, **forwarded})
    assert reply.status == 200
    lost = ask(gateway, "POST", "/check?x", payload(), JSON)
    assert lost.status == 400
    assert b"X-Forwarded-Uri" in lost.body


def test_warnings_come_in_a_header(gateway: Gateway) -> None:
    target = f"/check/v2/customer_sessions/{uuid4().hex}"
    reply = ask(gateway, "PUT", target, payload({"coupon": "x"}), JSON)
    assert reply.status == 200
    assert reply.headers["x-talonschema-warnings"] == "payload/unknown-property"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-talonschema-token": "a", "x-talonschema-method": "PUT"},
        {"x-talonschema-token": "a", "x-talonschema-status": "200"},
        {"x-talonschema-method": "PUT", "x-talonschema-status": "200"},
        {
            "x-talonschema-token": "a",
            "x-talonschema-method": "PUT",
            "x-talonschema-status": "\u00b2",
        },
        {"x-talonschema-token": "a", "x-talonschema-method": "PUT", "x-talonschema-status": "-1"},
    ],
)
def test_an_observation_reports_what_it_lacks(gateway: Gateway, headers: dict[str, str]) -> None:
    reply = ask(gateway, "POST", "/observe/v2/customer_sessions/a", b"{}", headers)
    assert reply.status == 400
    assert b"x-talonschema-status" in reply.body


def test_a_token_that_nobody_gave_is_ignored(gateway: Gateway) -> None:
    assert observe(gateway, uuid4().hex, "made-up").status == 204


@pytest.mark.parametrize(
    "target", ["http://api.example/v2/customer_sessions/a", "%2Fv2/customer_sessions/a"]
)
def test_targets_that_start_with_no_slash_are_judged(gateway: Gateway, target: str) -> None:
    reply = ask(gateway, "PUT", f"/check{target}", b"{}")
    assert (reply.status, reply.headers["content-type"]) == (400, "application/json")


@pytest.mark.parametrize("name", ["x_http_method_override", "x-http_method-override"])
def test_overrides_with_underscores_are_seen(gateway: Gateway, name: str) -> None:
    reply = ask(gateway, "POST", f"/check/v2/customer_sessions/{uuid4().hex}", b"{}", {name: "PUT"})
    assert (reply.status, reply.headers["content-type"]) == (400, "application/json")


def test_it_reports_its_health(gateway: Gateway) -> None:
    for path in ("/livez", "/readyz"):
        assert ask(gateway, "GET", path)[::2] == (200, b"ok\n")
        assert ask(gateway, "HEAD", path)[::2] == (200, b"")
        assert ask(gateway, "POST", path).status == 405
    assert ask(gateway, "GET", "/metrics").headers["content-type"].startswith("text/plain")
    openmetrics = ask(
        gateway, "GET", "/metrics", None, {"accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.body.endswith(b"# EOF\n")
    for path in ("/", "/observe", "/livez/"):
        assert ask(gateway, "PUT", path, b"{}").status == 404


def test_it_counts(gateway: Gateway) -> None:
    def count(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    name = "talonschema_gateway"
    before = figures(gateway)
    session = uuid4().hex
    token = check(gateway, session, "closed").headers["x-talonschema-token"]
    observe(gateway, session, token)
    observe(gateway, session, token)
    check(gateway, session, "open")
    check(gateway, session, "x")
    check(gateway, session, "closed", "?dry=true")
    check(gateway, session, "closed", "/")
    ask(gateway, "GET", "/check/v1/other")
    after = figures(gateway)
    for label in ("allowed", "transition", "invalid", "dry", "suspicious", "other"):
        assert count(f'{name}_decisions_total{{decision="{label}",enforced="true"}}') == 1, label
    code = "lifecycle/state-transition"
    assert count(f'{name}_findings_total{{code="{code}",severity="error"}}') == 1
    assert count(f'{name}_outcomes_total{{outcome="learned"}}') == 1
    # The store has forgotten the token by the second time.
    assert count(f'{name}_outcomes_total{{outcome="unknown"}}') == 1
    assert count(f"{name}_decision_seconds_count") == 5
    assert count(f"{name}_body_bytes_count") == 5


def test_series_are_there_before_their_first_event(tmp_path: Path) -> None:
    with gateway_running(tmp_path) as fresh:
        shown = figures(fresh)
    name = "talonschema_gateway"
    for series in (
        '_store_errors_total{call="finish",kind="cluster"}',
        '_outcomes_total{outcome="late"}',
        '_reloads_total{result="failed"}',
        '_decisions_total{decision="transition",enforced="true"}',
    ):
        assert shown[name + series] == 0


def test_a_store_that_cannot_be_reached_is_logged_at_the_start(tmp_path: Path) -> None:
    with (
        refusal() as port,
        gateway_running(tmp_path, f'store = "redis://127.0.0.1:{port}/0"') as fresh,
    ):

        def failures() -> list[str]:
            return [each for each in fresh.program.output().splitlines() if "store-failed" in each]

        (line,) = eventually(failures, "nothing is logged")
    assert json.loads(line)["kind"] == "unreachable"


def test_nothing_personal_gets_out(gateway: Gateway) -> None:
    session = f"{HIDDEN}-{uuid4().hex}"
    headers = {"authorization": f"ApiKey-v1 {HIDDEN}", "cookie": HIDDEN, "x-own": HIDDEN}
    body = payload({"profileId": [HIDDEN], "couponCodes": [HIDDEN], "state": HIDDEN, "x": HIDDEN})
    reply = ask(gateway, "PUT", f"/check/v2/customer_sessions/{session}", body, {**JSON, **headers})
    assert reply.status == 400
    assert HIDDEN not in f"{reply.headers}{reply.body!r}"
    assert HIDDEN not in gateway.program.output()
    assert HIDDEN not in ask(gateway, "GET", "/metrics").body.decode()


@pytest.mark.parametrize("size", [10, 300_000, MAX_BODY + 500_000])
def test_a_connection_goes_on_after_a_body_that_nobody_read(gateway: Gateway, size: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=30)
    with closing(connection):
        for target, status in (
            ("/check/v1/other", 200),
            ("/check/v2/customer_sessions/a;b", 400),
            ("/nowhere", 404),
            ("/observe/v1/other", 400),
        ):
            for body in (b" " * size, iter([b" " * (size // 2)] * 2)):
                connection.request("PUT", target, body, encode_chunked=not isinstance(body, bytes))
                answer = connection.getresponse()
                answer.read()
                assert (target, answer.status) == (target, status)
                assert answer.getheader("connection") is None


def test_who_sends_far_too_much_gets_the_answer_too(gateway: Gateway) -> None:
    target = f"/check/v2/customer_sessions/{uuid4().hex}"
    for body in (b" " * 2**23, iter([b" " * 2**20] * 8)):
        chunked = not isinstance(body, bytes)
        reply = ask(gateway, "PUT", target, body, JSON, encode_chunked=chunked)
        assert reply.status == 413
        assert reply.headers["connection"] == "close"
        assert reply.json()["errors"][0]["source"] == {"pointer": ""}
