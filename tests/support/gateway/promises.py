"""What each gateway has to keep, tried through the gateway itself with the plugin behind it."""

from __future__ import annotations

import gzip
import http.client
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import httpx

from support.gateway.log_lines import parse_log
from support.gateway.processes import NO_TLS, Program, Upstream, eventually

JSON = {"content-type": "application/json"}
OPEN, CLOSED, CANCELLED, BAD = (
    json.dumps({"customerSession": session}).encode()
    for session in (
        *({"state": state} for state in ("open", "closed", "cancelled")),
        {"cartItems": [{"sku": 1}]},
    )
)
RETURN = b'{"return": {"returnedCartItems": [{"position": 0}]}}'
MIB = 1 << 20


class Front(NamedTuple):
    """A gateway with the plugin asked by it, and the stand-in API behind it."""

    port: int
    api: Upstream
    plugin: Program | None = None
    """The plugin's process, if it is one of its own."""

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Open a client that comes in through the gateway."""
        with httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            headers=JSON,
            trust_env=False,
            verify=NO_TLS,
            timeout=20,
        ) as client:
            yield client

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send one request whose target may be one that clients would tidy up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            for name, value in {**JSON, **named}.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
        finally:
            connection.close()

    def requests_about(self, session: str) -> list[dict[str, Any]]:
        """Return the requests about a session that reached the API."""
        return [each for each in self.api.requests() if session in each["target"]]


def path(session: str, more: str = "") -> str:
    """Return the path of a session."""
    return f"/v2/customer_sessions/{session}{more}"


def new_id() -> str:
    """Return the id of a session that nobody else has."""
    return uuid.uuid4().hex


def a_good_update_passes_unchanged(front: Front) -> None:
    name = new_id()
    body = json.dumps(
        {"customerSession": {"attributes": {"note": "{env.HOME} {http.request.host} $uri ü 🙂"}}}
    ).encode()
    answer = front.ask("PUT", path(name, "?dry=false"), body, x_mine="1")
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "application/json; charset=utf-8",
    )
    assert answer.json()["effects"] == []
    (seen,) = front.requests_about(name)
    assert seen["target"] == path(name, "?dry=false")
    assert seen["body"] == body.decode()
    assert seen["headers"]["x-mine"] == "1"
    assert seen["headers"]["content-type"] == "application/json"


def a_bad_update_is_answered_with_the_apis_error(front: Front) -> None:
    name = new_id()
    answer = front.ask("PUT", path(name), BAD, x_request_id="mine-1")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert answer.headers["x-request-id"] == "mine-1"
    pointers = [each["source"]["pointer"] for each in answer.json()["errors"]]
    assert "/customerSession/cartItems/0/sku" in pointers
    assert front.requests_about(name) == []


def a_key_twice_is_refused(front: Front) -> None:
    name = new_id()
    body = b'{"customerSession": {"state": "open", "state": "closed"}}'
    assert front.ask("PUT", path(name), body).status_code == 400
    assert front.requests_about(name) == []


def bodies_in_chunks_are_judged(front: Front) -> None:
    name = new_id()
    with front.client() as client:
        pieces = (OPEN[at : at + 5] for at in range(0, len(OPEN), 5))
        assert client.put(path(name), content=pieces).status_code == 200
        assert client.put(path(name), content=iter([BAD[:9], BAD[9:]])).status_code == 400
    (seen,) = front.requests_about(name)
    assert seen["body"] == OPEN.decode()


def compressed_bodies_are_judged_and_passed_on_as_they_came(front: Front) -> None:
    name = new_id()
    headers = {"content-encoding": "gzip"}
    with front.client() as client:
        packed = gzip.compress(OPEN)
        assert client.put(path(name), content=packed, headers=headers).status_code == 200
        packed_bad = gzip.compress(BAD)
        assert client.put(path(name), content=packed_bad, headers=headers).status_code == 400
    (seen,) = front.requests_about(name)
    assert (seen["size"], seen["headers"]["content-encoding"]) == (len(packed), "gzip")


def bodies_over_the_limit_are_refused(front: Front) -> None:
    name = new_id()
    big = b'{"customerSession": {}' + b" " * (2 * MIB) + b"}"
    with front.client() as client:
        assert client.put(path(name), content=big).status_code == 413
        pieces = (big[at : at + MIB // 4] for at in range(0, len(big), MIB // 4))
        # A gateway may hang up on a client that is still sending.
        with suppress(httpx.WriteError, httpx.ReadError):
            assert client.put(path(name), content=pieces).status_code == 413
    assert front.requests_about(name) == []


def bodies_up_to_the_limit_pass(front: Front) -> None:
    name = new_id()
    big = b'{"customerSession": {}' + b" " * (2 * MIB - 100) + b"}"
    with front.client() as client:
        assert client.put(path(name), content=big).status_code == 200
    (seen,) = front.requests_about(name)
    assert seen["size"] == len(big)


def calls_that_expect_to_be_let_go_on_are_judged(front: Front) -> None:
    name = new_id()
    assert front.ask("PUT", path(name), OPEN, Expect="100-continue").status_code == 200
    assert front.ask("PUT", path(name), BAD, Expect="100-continue").status_code == 400


def other_types_and_no_body_are_refused(front: Front) -> None:
    name = new_id()
    form = "application/x-www-form-urlencoded"
    assert front.ask("PUT", path(name), OPEN, **{"content-type": form}).status_code == 415
    assert front.ask("PUT", path(name)).status_code == 400
    assert front.ask("PUT", path(name), b"").status_code == 400
    assert front.requests_about(name) == []


TRICKS = (
    ("PUT", "/v2//customer_sessions/{}"),
    ("PUT", "/v2/x/../customer_sessions/{}"),
    ("PUT", "/v2/%63ustomer_sessions/{}"),
    ("PUT", "/v2/customer%5Fsessions/{}"),
    ("PUT", "/V2/Customer_Sessions/{}"),
    ("PUT", "/v2/customer_sessions/{}/"),
    ("PUT", "/v2/customer_sessions;a=b/{}"),
    ("PUT", "/v2/customer_sessions/{}%2Freopen"),
    ("PUT", "/v2/%2563ustomer_sessions/{}"),
    ("POST", "/v2/customer_sessions/{}//returns"),
)


def hidden_calls_are_refused(front: Front) -> None:
    for method, form in TRICKS:
        name = new_id()
        answer = front.ask(method, form.format(name), BAD)
        assert answer.status_code == 400, form
        assert front.requests_about(name) == [], form
    name = new_id()
    answer = front.ask("POST", path(name), BAD, **{"x-http-method-override": "PUT"})
    assert answer.status_code == 400
    assert front.requests_about(name) == []


def ids_stay_encoded(front: Front) -> None:
    name = f"{new_id()}%20%C3%BC%3F"
    assert front.ask("PUT", path(name), OPEN).status_code == 200
    (seen,) = front.requests_about(name)
    assert seen["target"] == path(name)
    assert front.api.state(f"{name[:32]} ü?") == "open"


def other_calls_pass_untouched(front: Front) -> None:
    name = new_id()
    front.ask("PUT", path(name), OPEN)
    assert front.ask("GET", path(name)).json()["customerSession"]["state"] == "open"
    for method, target, body in (
        ("GET", f"/v1/{name}?q=%20", None),
        ("PUT", f"/v2/customer_profiles/{name}%20x", b"\x00\xff not JSON"),
        ("POST", f"/v1/{name}//../x", b"x" * MIB),
        ("DELETE", f"/v1/{name}/x", None),
        ("OPTIONS", path(name), None),
    ):
        before = len(front.api.requests())
        front.ask(method, target, body)
        assert len(front.api.requests()) == before + 1, target
        seen = front.api.requests()[-1]
        assert (seen["method"], seen["size"]) == (method, len(body or b"")), target


def faults_of_the_api_pass(front: Front) -> None:
    for fault, status in (("fail-before", 500), ("conflict", 409)):
        front.api.fault(fault=fault)
        answer = front.ask("PUT", path(new_id()), OPEN)
        assert answer.status_code == status
        assert "message" in answer.json()


def what_a_client_says_of_the_plugin_counts_for_nothing(front: Front) -> None:
    name = new_id()
    answer = front.ask(
        "PUT",
        path(name),
        BAD,
        **{
            "x-talonschema-token": "mine",
            "x-forwarded-uri": "/v1/other",
            "x-forwarded-method": "GET",
            "x-envoy-auth-partial-body": "true",
        },
    )
    assert answer.status_code in {400, 413}
    assert front.requests_about(name) == []


def a_refusal_is_logged_with_its_trace(front: Front) -> None:
    trace, request = new_id(), new_id()
    parent = f"00-{trace}-00f067aa0ba902b7-01"
    front.ask("PUT", path(new_id()), BAD, traceparent=parent, x_request_id=request)

    def lines_of_request() -> list[dict[str, Any]]:
        lines = parse_log(front.plugin.output()) if front.plugin else []
        return [each for each in lines if each.get("request_id") == request]

    (line,) = eventually(lines_of_request, "it is not logged")
    assert (line["trace_id"], line["size"]) == (trace, len(BAD))


LOG = (a_refusal_is_logged_with_its_trace,)
REQUEST_LEG = (
    a_good_update_passes_unchanged,
    a_bad_update_is_answered_with_the_apis_error,
    a_key_twice_is_refused,
    bodies_in_chunks_are_judged,
    compressed_bodies_are_judged_and_passed_on_as_they_came,
    bodies_over_the_limit_are_refused,
    bodies_up_to_the_limit_pass,
    calls_that_expect_to_be_let_go_on_are_judged,
    other_types_and_no_body_are_refused,
    hidden_calls_are_refused,
    ids_stay_encoded,
    other_calls_pass_untouched,
    faults_of_the_api_pass,
    what_a_client_says_of_the_plugin_counts_for_nothing,
)


def states_are_learned(front: Front) -> None:
    name = new_id()
    with front.client() as client:

        def put(body: bytes | None, more: str = "") -> int:
            return client.put(path(name, more), content=body).status_code

        assert [put(OPEN), put(CLOSED), put(OPEN)] == [200, 200, 400]
        assert [put(None, "/reopen"), put(OPEN), put(CLOSED)] == [200, 200, 200]
        assert client.post(path(name, "/returns"), content=RETURN).status_code == 200
        refused = client.put(path(name), content=CLOSED)
        assert refused.status_code == 400
        assert 'from state \\"partially_returned\\"' in refused.text
    assert len(front.requests_about(name)) == 6


def a_client_that_comes_back_at_once_meets_the_new_state(front: Front) -> None:
    with front.client() as client:
        for _ in range(50):
            name = new_id()
            assert client.put(path(name), content=CLOSED).status_code == 200
            assert client.put(path(name), content=OPEN).status_code == 400
            assert len(front.requests_about(name)) == 1
            front.api.forget()


def a_dry_update_is_not_learned(front: Front) -> None:
    name = new_id()
    assert front.ask("PUT", path(name, "?dry=true"), CLOSED).status_code == 200
    assert front.ask("PUT", path(name), OPEN).status_code == 200


def a_dry_return_is_not_learned(front: Front) -> None:
    for dry in ("true", "True", "1"):
        name = new_id()
        front.ask("PUT", path(name), CLOSED)
        answer = front.ask("POST", path(name, f"/returns?dry={dry}"), RETURN)
        assert answer.status_code == 200
        assert front.api.state(name) == "closed"
        assert front.ask("PUT", path(name, "/reopen")).status_code == 200


def what_the_answer_says_is_learned(front: Front) -> None:
    name = new_id()
    front.ask("PUT", path(name), CLOSED)
    asked = b'{"customerSession": {"state": "cancelled"}, "responseContent": ["customerSession"]}'
    front.api.fault(encoding="gzip", chunks="5")
    answer = front.ask("PUT", path(name), asked, accept_encoding="gzip")
    assert answer.json()["customerSession"]["state"] == "cancelled"
    assert front.ask("PUT", path(name), OPEN).status_code == 400


def a_big_answer_passes_whole_and_is_learned(front: Front) -> None:
    name = new_id()
    front.api.fault(padding=str(3 * MIB))
    answer = front.ask("PUT", path(name), CLOSED)
    assert len(answer.json()["padding"]) == 3 * MIB
    assert front.ask("PUT", path(name), OPEN).status_code == 400


def a_refusal_of_the_api_teaches_nothing(front: Front) -> None:
    name = new_id()
    front.ask("PUT", path(name), CLOSED)
    front.api.fault(fault="conflict")
    assert (
        front.ask("PUT", path(name), b'{"customerSession": {"state": "cancelled"}}').status_code
        == 409
    )
    assert front.ask("POST", path(name, "/returns"), RETURN).status_code == 200
    assert front.api.state(name) == "partially_returned"


def a_server_error_leaves_open_what_came_of_it(front: Front) -> None:
    name = new_id()
    front.ask("PUT", path(name), OPEN)
    front.api.fault(fault="fail-after")
    assert front.ask("PUT", path(name), CLOSED).status_code == 500
    # The API has closed it, and its own refusal comes back; the plugin would not have known.
    answer = front.ask("PUT", path(name), OPEN)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Cannot move session")
    assert front.api.state(name) == "closed"


def a_lost_answer_leaves_open_what_came_of_it(front: Front) -> None:
    name = new_id()
    front.ask("PUT", path(name), OPEN)
    # As a header, since gateways may try again.
    fault = {"x-upstream-fault": "drop-before"}
    assert front.ask("PUT", path(name), CLOSED, **fault).status_code in {502, 503}
    assert front.ask("PUT", path(name), OPEN).status_code == 200
    assert front.api.state(name) == "open"


def a_repeated_request_gets_the_apis_old_answer_and_teaches_nothing(front: Front) -> None:
    name = new_id()
    asked = b'{"customerSession": {"state": "closed"}, "responseContent": ["customerSession"]}'

    def close(key: str, body: bytes = asked) -> httpx.Response:
        return front.ask("PUT", path(name), body, idempotency_key=key)

    assert close("checkout-1").status_code == 200
    assert front.ask("PUT", path(name, "/reopen")).status_code == 200
    assert close("checkout-1").json()["customerSession"]["state"] == "closed"
    # Nobody took it for closed again: a return would be refused by the API alone.
    assert front.api.state(name) == "open"
    returned = front.ask("POST", path(name, "/returns"), RETURN)
    assert returned.status_code == 400
    assert "errors" in returned.json()
    assert front.ask("PUT", path(name), CANCELLED).status_code == 200
    assert close("checkout-1").status_code == 200
    assert close("checkout-2").status_code == 400
    assert close("checkout-1", CLOSED).status_code == 400
    assert front.ask("PUT", path(name), asked).status_code == 400
    assert front.api.state(name) == "cancelled"
    assert len(front.requests_about(name)) == 5


def an_answer_of_no_real_run_teaches_nothing(front: Front) -> None:
    for fault in ("dry", "elsewhere"):
        name = new_id()
        front.ask("PUT", path(name), OPEN)
        front.api.fault(fault=fault)
        assert front.ask("PUT", path(name), CLOSED).status_code == 200
        # Both are possible: what is legal from either passes, and the API is the judge.
        state = front.api.state(name)
        assert state == ("open" if fault == "dry" else "closed")
        answer = front.ask("PUT", path(name), OPEN)
        assert answer.status_code == (200 if fault == "dry" else 400)
        assert len(front.requests_about(name)) == 3
        assert front.ask("PUT", path(name), CANCELLED).status_code == 200


def a_lost_answer_can_be_asked_for_again(front: Front) -> None:
    name = new_id()
    front.ask("PUT", path(name), OPEN)
    lost = {"idempotency-key": "checkout-1", "x-upstream-fault": "drop-after"}
    assert front.ask("PUT", path(name), CLOSED, **lost).status_code in {502, 503}
    again = front.ask("PUT", path(name), CLOSED, idempotency_key="checkout-1")
    assert again.status_code == 200
    assert front.api.state(name) == "closed"
    # Now it is certain.
    before = len(front.requests_about(name))
    assert front.ask("PUT", path(name), OPEN).status_code == 400
    assert len(front.requests_about(name)) == before


RESPONSE_LEG = (
    states_are_learned,
    a_client_that_comes_back_at_once_meets_the_new_state,
    a_dry_update_is_not_learned,
    a_dry_return_is_not_learned,
    what_the_answer_says_is_learned,
    a_big_answer_passes_whole_and_is_learned,
    a_refusal_of_the_api_teaches_nothing,
    a_server_error_leaves_open_what_came_of_it,
    a_lost_answer_leaves_open_what_came_of_it,
    a_repeated_request_gets_the_apis_old_answer_and_teaches_nothing,
    a_lost_answer_can_be_asked_for_again,
    an_answer_of_no_real_run_teaches_nothing,
)
