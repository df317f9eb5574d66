"""A stand-in for the API that keeps real state: what the tests put behind the gateways.

It knows the moves of `talonschema.model.states.MOVES` and no others, answers as the API does, a
repeated Idempotency-Key with its old answer, and can be made to fail. Faults travel as headers of a
request, all of them optional:

``x-upstream-fault``
    ``fail-before`` (500, nothing kept), ``fail-after`` (500, but kept), ``conflict`` (409),
    ``unauthorized`` (401), ``limited`` (429), ``not-found`` (404), ``moved`` (302 to another path),
    ``garbled`` (200 without JSON), ``drop-before``, ``drop-after`` (the connection goes
    without an answer), ``cut`` (half an answer, then the connection goes), ``dry`` (a dry run, as
    its answer shows), ``elsewhere`` (answered as if it were another session).
``x-upstream-delay``, ``x-upstream-delay-after``
    Seconds to wait before and after the request is carried out.
``x-upstream-padding``
    So many characters more in the answer.
``x-upstream-encoding``
    ``gzip`` compresses the answer.
``x-upstream-unknown-length``
    The answer comes without `Content-Length`.
``x-upstream-chunks``
    The answer is sent in so many pieces.

For clients that can't set headers, ``PUT /_upstream/faults`` with a JSON object of them holds for
the next request, and ``PUT /_upstream/lasting`` for all of them. ``GET /_upstream/received`` lists
what arrived, by which connection, and how many were on their way; ``DELETE`` forgets it. ``GET
/_upstream/sessions`` lists the states.

Run it with ``python tests/gateway/upstream.py --port N``.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import re
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

from talonschema.model.states import legal, resulting_state

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_ROUTE = re.compile(rb"/v2/customer_sessions/([^/]+)(?:/(returns|reopen))?")
_OPERATIONS = {
    ("PUT", None): "update",
    ("POST", "returns"): "return",
    ("PUT", "reopen"): "reopen",
    ("GET", None): "read",
}
_CONTROL = "x-upstream-"
TEST_KEY = "ApiKey-v1 test"
"""Makes every request a dry run, as the API's keys of type Test do."""


class Dropped(Exception):
    """The connection is to go without an answer."""


class Answer(NamedTuple):
    """What is answered."""

    status: int
    body: dict[str, Any]


_REFUSALS = {
    "unauthorized": Answer(401, {"message": "Unauthorized"}),
    "limited": Answer(429, {"message": "Too Many Requests"}),
    "not-found": Answer(404, {"message": "Not Found"}),
    "moved": Answer(302, {"message": "Found"}),
    "garbled": Answer(200, {}),
}
"""What is answered to a request that is not carried out, by the fault."""


@dataclass
class Session:
    """A session as it is kept."""

    id: int
    state: str
    created: datetime
    updated: datetime
    count: int = 1
    kept: dict[str, Any] = field(default_factory=dict)
    """What updates brought, without the state."""


class Upstream:
    """The ASGI app."""

    def __init__(self, edition: str = "2026-06") -> None:
        """Start without sessions."""
        self.edition = edition
        self.sessions: dict[str, Session] = {}
        self.received: list[dict[str, Any]] = []
        self.faults: dict[str, str] = {}
        self.lasting: dict[str, str] = {}
        self.busy = 0
        """The requests that are being carried out."""
        self.answers: dict[tuple[str, str, str], Answer] = {}
        """What was answered to requests with an Idempotency-Key, by operation, session and key."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        if scope["path"].startswith("/_upstream/"):
            await _answer(send, self.control(scope, body), {})
            return
        self.received.append(
            {
                "method": scope["method"],
                "target": _target(scope),
                "headers": headers,
                "size": len(body),
                "body": body[:100_000].decode("utf-8", "replace"),
                "together": self.busy + 1,
                "client": scope.get("client"),
            }
        )
        asked = {
            name.removeprefix(_CONTROL): value
            for name, value in {**headers, **self.lasting, **self.faults}.items()
            if name.startswith(_CONTROL)
        }
        self.faults = {}
        try:
            self.busy += 1
            answer = await self.carry_out(scope, headers, body, asked)
        except Dropped:
            _drop(scope)
            return
        finally:
            self.busy -= 1
        await _answer(send, answer, asked)

    def control(self, scope: Scope, body: bytes) -> Answer:
        """Answer a test that looks behind the scenes."""
        match scope["method"], scope["path"].removeprefix("/_upstream/"):
            case "GET", "ready":
                return Answer(200, {})
            case "GET", "received":
                return Answer(200, {"received": self.received})
            case "DELETE", "received":
                self.received = []
                return Answer(200, {})
            case "GET", "sessions":
                return Answer(200, {each: held.state for each, held in self.sessions.items()})
            case "PUT", "faults":
                self.faults = json.loads(body)
                return Answer(200, {})
            case "PUT", "lasting":
                self.lasting = json.loads(body)
                return Answer(200, {})
        return Answer(404, {"message": "not found"})

    async def carry_out(
        self, scope: Scope, headers: dict[str, str], body: bytes, asked: dict[str, str]
    ) -> Answer:
        """Do what a request asks for, with the faults that are `asked` for."""
        await asyncio.sleep(float(asked.get("delay", 0)))
        fault = asked.get("fault", "")
        if fault == "drop-before":
            raise Dropped
        if fault == "fail-before":
            return Answer(500, {"message": "Internal Server Error"})
        if fault == "conflict":
            message = "Too many requests are updating this session at the same time"
            return Answer(409, {"message": message, "errors": [], "StatusCode": 409})
        if fault in _REFUSALS:
            return _REFUSALS[fault]
        if fault == "dry":
            headers = {**headers, "authorization": TEST_KEY}
        answer = self.operate(scope, headers, body)
        await asyncio.sleep(float(asked.get("delay-after", 0)))
        if fault == "drop-after":
            raise Dropped
        if fault == "dry":
            return Answer(200, {**answer.body, "campaignEligibility": []})
        if fault == "elsewhere":
            session = {"integrationId": "elsewhere", "state": "cancelled"}
            return Answer(200, {**answer.body, "customerSession": session})
        if fault == "fail-after":
            return Answer(500, {"message": "Internal Server Error"})
        return answer

    def operate(self, scope: Scope, headers: dict[str, str], body: bytes) -> Answer:
        """Carry out an operation of the Integration API."""
        found = _ROUTE.fullmatch(scope["raw_path"])
        if found is None:
            return Answer(200, {"message": "not a customer session"})
        name = unquote(found[1].decode("ascii"))
        part = found[2].decode("ascii") if found[2] else None
        operation = _OPERATIONS.get((scope["method"], part))
        if operation is None:
            return Answer(405, {"message": "Method Not Allowed"})
        session = self.sessions.get(name)
        before = session.state if session else None
        if operation == "read":
            if session is None:
                return Answer(404, {"message": "Not Found"})
            return Answer(200, {"customerSession": self.customer_session(name, session)})
        key = operation, name, headers.get("idempotency-key", "")
        if key in self.answers:
            return self.answers[key]
        try:
            request = json.loads(_inflate(headers.get("content-encoding"), body) or b"{}")
            update = request["customerSession"] if operation == "update" else {}
            wanted = resulting_state(operation, update.get("state"), before)
            content = request.get("responseContent", [])
        except (ValueError, zlib.error, LookupError, AttributeError, TypeError):
            return Answer(400, {"message": "The submitted data was invalid"})
        if session is None and operation != "update":
            return Answer(404, {"message": "Not Found"})
        if not legal(self.edition, before, wanted, operation):
            return Answer(400, {"message": _illegal(wanted, before)})
        asked = parse_qs(scope["query_string"].decode("ascii")).get("dry", [""])[0]
        dry = asked in ("true", "True", "1") or headers.get("authorization") == TEST_KEY
        changed = self.update_session(session, wanted, update)
        if not dry:
            self.sessions[name] = changed
        state: dict[str, Any] = {"effects": []}
        if operation != "reopen":
            state |= {"createdCoupons": [], "createdReferrals": []}
            if "customerSession" in content:
                state["customerSession"] = self.customer_session(name, changed)
        answer = Answer(200, state)
        if key[-1] and not dry:
            self.answers[key] = answer
        return answer

    def update_session(
        self, session: Session | None, state: str, update: dict[str, Any]
    ) -> Session:
        """Return the session after an update."""
        now = datetime.now(UTC)
        kept = {name: value for name, value in update.items() if name != "state"}
        if session is None:
            return Session(len(self.sessions) + 1, state, now, now, 1, kept)
        now = max(now, session.updated + timedelta(microseconds=1))
        kept = {**session.kept, **kept}
        return Session(session.id, state, session.created, now, session.count + 1, kept)

    def customer_session(self, name: str, session: Session) -> dict[str, Any]:
        """Return a CustomerSessionV2."""
        items = session.kept.get("cartItems", [])
        cart = sum(item.get("price", 0) * item["quantity"] for item in items)
        costs = session.kept.get("additionalCosts", {}).values()
        additional = sum(cost["price"] for cost in costs)
        body = {
            "profileId": "",
            "attributes": {},
            **session.kept,
            "id": session.id,
            "created": _moment(session.created),
            "updated": _moment(session.updated),
            "integrationId": name,
            "applicationId": 1,
            "state": session.state,
            "firstSession": True,
            "cartItems": [{**item, "position": at} for at, item in enumerate(items)],
            "cartItemTotal": cart,
            "additionalCostTotal": additional,
            "total": cart + additional,
        }
        if self.edition != "2022-06":
            body |= {"updateCount": session.count, "cartItemAdditionalCostTotal": 0}
        return body


def _illegal(wanted: str, before: str | None) -> str:
    if before is None:
        return f'Cannot create session in state "{wanted}"'
    return f'Cannot move session to state "{wanted}" from state "{before}"'


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _target(scope: Scope) -> str:
    query = scope["query_string"]
    target: bytes = scope["raw_path"] + (b"?" + query if query else b"")
    return target.decode("latin-1")


def _inflate(encoding: str | None, body: bytes) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    if encoding == "br":
        import brotli

        return bytes(brotli.decompress(body))
    return body


def _drop(scope: Scope) -> None:
    """Let the connection go; needs a server that hands it out, as the one below does."""
    transport: asyncio.Transport = scope["extensions"]["transport"]
    transport.abort()


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _answer(send: Send, answer: Answer, asked: dict[str, str]) -> None:
    body = dict(answer.body)
    if "padding" in asked:
        body["padding"] = "x" * int(asked["padding"])
    data = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    if asked.get("encoding") == "gzip":
        data = gzip.compress(data)
        headers.append((b"content-encoding", b"gzip"))
    if asked.get("fault") == "garbled":
        data = b"<p>"
    if asked.get("fault") == "moved":
        headers.append((b"location", b"/v2/customer_sessions/elsewhere"))
    if "unknown-length" not in asked:
        headers.append((b"content-length", b"%d" % len(data)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if asked.get("fault") == "cut":
        await send(
            {"type": "http.response.body", "body": data[: len(data) // 2], "more_body": True}
        )
        raise Dropped
    size = -(-len(data) // int(asked.get("chunks", 1)))
    for start in range(0, len(data), size):
        more = start + size < len(data)
        piece = data[start : start + size]
        await send({"type": "http.response.body", "body": piece, "more_body": more})


def main() -> None:
    """Serve until stopped."""
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(HttpToolsProtocol):
        """Hands the connection to the app, so that it can drop it."""

        def on_message_begin(self) -> None:
            super().on_message_begin()
            extensions: dict[str, Any] = {"transport": self.transport}
            self.scope["extensions"] = extensions

    parser = argparse.ArgumentParser(description="A stand-in for the Integration API.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--edition", default="2026-06")
    parser.add_argument("--certificate", help="a file with a key and its certificate, for TLS")
    parser.add_argument("--guarded", action="store_true", help="behind a SessionGuard")
    chosen = parser.parse_args()
    app: Any = Upstream(chosen.edition)
    if chosen.guarded:
        from talonschema.gateway import SessionGuard

        app = SessionGuard(app, edition=chosen.edition, store="memory:")
    uvicorn.run(
        app,
        port=chosen.port,
        http=Protocol,
        ssl_certfile=chosen.certificate,
        ssl_keyfile=chosen.certificate,
        log_level="warning",
        lifespan="on",
    )


if __name__ == "__main__":
    main()
