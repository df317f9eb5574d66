"""SessionGuard: what is refused never reaches the app, and all else passes as if nobody looked."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.gateway.processes import Upstream as Api
from support.gateway.processes import free_port, listens, running, upstream_running
from support.gateway.promises import (
    Front,
    a_repeated_request_gets_the_apis_old_answer_and_teaches_nothing,
    an_answer_of_no_real_run_teaches_nothing,
)
from support.gateway.tricks import TRICKS, Trick, exchange, nothing_slips
from support.gateway.upstream import Upstream
from talonschema.gateway import LookupSettings, SessionGuard
from talonschema.gateway.store import Key

Message = MutableMapping[str, Any]
ROOT = Path(__file__).resolve().parents[2]
SESSION = "/v2/customer_sessions/cart-1"
OPEN, CLOSED, BAD = (
    json.dumps({"customerSession": session}).encode()
    for session in ({"state": "open"}, {"state": "closed"}, {"cartItems": 1})
)


def scope(method: str = "PUT", path: str = SESSION, query: str = "", **more: Any) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"content-type", b"application/json")],
        **more,
    }


class Client:
    """A client that speaks ASGI, so that it can send and take in any pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.incoming: list[Message] = [
            {"type": "http.request", "body": piece, "more_body": at < len(pieces)}
            for at, piece in enumerate(pieces, 1)
        ]
        self.taken: list[Message] = []

    async def receive(self) -> Message:
        return self.incoming.pop(0) if self.incoming else {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.taken.append(message)

    @property
    def status(self) -> int | None:
        return next((each["status"] for each in self.taken if "status" in each), None)

    @property
    def body(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.taken)

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.taken[0]["headers"])


async def ask(guard: SessionGuard, *pieces: bytes, **where: Any) -> Client:
    client = Client(*(pieces or (b"",)))
    await guard(scope(**where), client.receive, client.send)
    return client


async def state(guard: SessionGuard, session: str = "cart-1") -> set[str]:
    return set(await guard.guard.store.look(Key("default", session)))


def guarded(app: Any = None, **options: Any) -> SessionGuard:
    return SessionGuard(app or Upstream(), **{"edition": "2026-06", "store": "memory:", **options})


Steps = Callable[[SessionGuard], Coroutine[Any, Any, None]]


def run(guard: SessionGuard, steps: Steps) -> None:
    async def whole() -> None:
        try:
            await steps(guard)
        finally:
            await guard.aclose()

    asyncio.run(whole())


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

    run(guarded(api), steps)


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

    run(guarded(api), steps)


def test_a_dry_update_is_judged_and_not_learned() -> None:
    async def steps(guard: SessionGuard) -> None:
        assert (await ask(guard, BAD, query="dry=true")).status == 400
        assert (await ask(guard, CLOSED, query="dry=true")).status == 200
        assert await state(guard) == set()

    run(guarded(), steps)


def test_in_report_mode_nothing_is_refused() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        for body in (CLOSED, OPEN, BAD):
            assert b"not valid" not in (await ask(guard, body)).body
        assert len(api.received) == 3

    run(guarded(api, mode="report"), steps)


def test_warnings_travel_as_a_header_of_the_answer_if_asked() -> None:
    warned = b'{"customerSession": {"flavour": "sour"}}'

    async def steps(guard: SessionGuard) -> None:
        client = await ask(guard, warned)
        assert client.status == 200
        assert b"payload/unknown-property" in client.headers[b"x-talonschema-warnings"]

    run(guarded(warnings_header=True), steps)


def test_ids_are_decoded() -> None:
    async def steps(guard: SessionGuard) -> None:
        await ask(
            guard, CLOSED, path="/v2/customer_sessions/a b", raw_path=b"/v2/customer_sessions/a%20b"
        )
        assert await state(guard, "a b") == {"closed"}

    run(guarded(), steps)


def test_without_a_raw_path_the_decoded_one_counts() -> None:
    async def steps(guard: SessionGuard) -> None:
        path = "/v2/customer_sessions/ü ?"
        assert (await ask(guard, BAD, path=path, raw_path=None)).status == 400
        rewritten = await ask(guard, BAD, path=path, raw_path=b"/elsewhere")
        assert rewritten.status == 400

    run(guarded(), steps)


def test_hidden_calls_are_refused() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        hidden = await ask(guard, BAD, path="/v2//customer_sessions/cart-1")
        assert hidden.status == 400
        assert api.received == []

    run(guarded(api), steps)


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
    run(guarded(app, mode="report"), steps)


def test_a_body_over_the_limit_is_refused_before_it_is_all_read() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        client = Client(*[b" " * 400] * 100)
        await guard(scope(), client.receive, client.send)
        assert client.status == 413
        assert len(client.incoming) > 90
        assert api.received == []

    run(guarded(api, max_body=2000), steps)


def test_in_report_mode_a_body_over_the_limit_passes_whole() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        await ask(guard, *[b" " * 400] * 100)
        assert api.received[0]["size"] == 40_000

    run(guarded(api, max_body=2000, mode="report"), steps)


def test_a_compressed_body_is_judged_and_passed_on_as_it_came() -> None:
    headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]

    async def steps(guard: SessionGuard) -> None:
        assert (await ask(guard, gzip.compress(BAD), headers=headers)).status == 400
        assert (await ask(guard, gzip.compress(CLOSED), headers=headers)).status == 200
        assert await state(guard) == {"closed"}

    run(guarded(), steps)


def test_a_client_that_goes_away_early_changes_nothing() -> None:
    api = Upstream()

    async def steps(guard: SessionGuard) -> None:
        client = Client(OPEN[:5], b"")
        client.incoming.pop()
        await guard(scope(), client.receive, client.send)
        assert client.taken == []
        assert api.received == []
        assert await state(guard) == set()

    run(guarded(api), steps)


# The answer.


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

    run(guarded(app), steps)


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
        # Too long to be looked into: the status says that it was done.
        assert await state(guard) == {"closed"}

    run(guarded(app), steps)


class Broken(Exception):
    """What an app raises."""


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

    run(guarded(app), steps)


def test_a_server_error_leaves_open_what_came_of_it() -> None:
    fault = [(b"content-type", b"application/json"), (b"x-upstream-fault", b"fail-after")]

    async def steps(guard: SessionGuard) -> None:
        await ask(guard, OPEN)
        assert (await ask(guard, CLOSED, headers=fault)).status == 500
        assert await state(guard) == {"open", "closed"}

    run(guarded(), steps)


def test_a_refusal_of_the_api_teaches_nothing() -> None:
    fault = [(b"content-type", b"application/json"), (b"x-upstream-fault", b"conflict")]

    async def steps(guard: SessionGuard) -> None:
        await ask(guard, OPEN)
        assert (await ask(guard, CLOSED, headers=fault)).status == 409
        assert await state(guard) == {"open"}

    run(guarded(), steps)


def test_a_file_as_an_answer_is_learned_by_its_status() -> None:
    async def app(_: Message, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.pathsend", "path": "/answer.json"})

    async def steps(guard: SessionGuard) -> None:
        await ask(guard, CLOSED)
        assert await state(guard) == {"closed"}

    run(guarded(app), steps)


# What is not ours.


@pytest.mark.parametrize(
    "other",
    [
        {"type": "websocket", "path": SESSION, "headers": []},
        scope("GET"),
        scope("POST", "/v2/customer_profiles/x/labels"),
    ],
)
def test_other_requests_are_handed_on_as_they_are(other: Message) -> None:
    handed: list[Any] = []

    async def app(*given: Any) -> None:
        handed.extend(given)

    client = Client(b"never read")

    async def steps(guard: SessionGuard) -> None:
        receive, send = client.receive, client.send
        await guard(other, receive, send)
        assert handed == [other, receive, send]
        assert len(client.incoming) == 1

    run(guarded(app), steps)


def lifespan(guard: SessionGuard) -> list[str]:
    """Go through the life of a server; return what was said."""
    said = []

    async def whole() -> None:
        heard = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> Message:
            return {"type": next(heard)}

        async def send(message: Message) -> None:
            said.append(message["type"])

        await guard({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)

    asyncio.run(whole())
    return said


async def knows_no_lifespan(scope: Message, receive: Any, send: Any) -> None:
    raise ValueError(scope["type"], receive, send)


async def hears_no_lifespan(scope: Message, receive: Any, send: Any) -> None:
    await receive()
    raise ValueError(scope["type"], send)


@pytest.mark.parametrize("app", [Upstream(), knows_no_lifespan, hears_no_lifespan])
def test_the_store_is_closed_at_the_end_of_the_server(app: Any, tmp_path: Path) -> None:
    guard = guarded(app, store=f"sqlite:{tmp_path}/sessions.db")
    # SQLite keeps the file beside the database as long as it is open.
    asyncio.run(guard.guard.ready())
    assert (tmp_path / "sessions.db-wal").exists()
    assert lifespan(guard) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert not (tmp_path / "sessions.db-wal").exists()


def test_a_start_that_fails_is_reported() -> None:
    async def app(_: Message, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})
        raise Broken

    guard = guarded(app)
    with pytest.raises(Broken):
        lifespan(guard)
    asyncio.run(guard.aclose())


def test_wrong_options_are_reported_at_once() -> None:
    with pytest.raises(ValueError, match="2026-6"):
        guarded(edition="2026-6")
    with pytest.raises(TypeError, match="polcy"):
        guarded(polcy=None)


def test_it_needs_nothing_but_the_package(tmp_path: Path) -> None:
    script = f"""
import sys
for name in ("grpc", "uvicorn", "redis", "prometheus_client", "google.protobuf", "httpx", "brotli"):
    sys.modules[name] = None
import asyncio, json
from talonschema.gateway import LookupSettings, SessionGuard

async def app(scope, receive, send):
    await receive()
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body"}})

async def ask(guard, body):
    taken = []
    async def receive():
        return {{"type": "http.request", "body": body}}
    async def send(message):
        taken.append(message)
    await guard({scope()!r}, receive, send)
    print(taken[0]["status"], end=" ")

async def main():
    for store in ("memory:", "sqlite:" + sys.argv[1]):
        guard = SessionGuard(app, store=store)
        await ask(guard, {CLOSED!r})
        await ask(guard, {OPEN!r})
        await guard.aclose()

asyncio.run(main())
"""
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "sessions.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "200 400 200 400 ", done.stderr


# Real frameworks under a real server.


@pytest.fixture(scope="module")
def fastapi_app(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    store = tmp_path_factory.mktemp("store") / "sessions.db"
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "examples.fastapi_app:app"]
    env = {"TALON_ONE_URL": api.url, "TALON_ONE_KEY": "k", "SESSION_STORE": f"sqlite:{store}"}
    with running(command, ready=lambda: listens(port), env=env, cwd=ROOT):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def client(fastapi_app: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fastapi_app, trust_env=False) as client:
        yield client


def test_the_example_refuses_before_the_api_is_asked(client: httpx.Client, upstream: Api) -> None:
    name = f"{uuid.uuid4().hex}%2F%C3%BC"
    path = f"/v2/customer_sessions/{name}"
    json_type = {"content-type": "application/json"}

    def put(body: bytes, path: str = path) -> int:
        return client.put(path, content=body, headers=json_type).status_code

    assert [put(OPEN), put(BAD), put(CLOSED), put(OPEN)] == [200, 400, 200, 400]
    assert [put(b"", f"{path}/reopen"), put(OPEN)] == [200, 200]
    assert [each["target"] for each in upstream.received()] == [path, path, f"{path}/reopen", path]
    assert upstream.state(f"{name[:32]}/ü") == "open"


def test_the_example_takes_bodies_in_pieces(client: httpx.Client, upstream: Api) -> None:
    path = f"/v2/customer_sessions/{uuid.uuid4().hex}"
    headers = {"content-type": "application/json"}
    pieces = iter([OPEN[:10], OPEN[10:]])
    assert client.put(path, content=pieces, headers=headers).status_code == 200
    too_many = iter([b" " * 100_000] * 40)
    assert client.put(path, content=too_many, headers=headers).status_code == 413
    assert len(upstream.received()) == 1


def test_a_repeated_request_passes(guarded_api: Front) -> None:
    a_repeated_request_gets_the_apis_old_answer_and_teaches_nothing(guarded_api)


def test_an_answer_of_no_real_run_teaches_nothing(guarded_api: Front) -> None:
    an_answer_of_no_real_run_teaches_nothing(guarded_api)


UNPARSED = {
    *(f"letters-{at}" for at in range(4)),
    *("version-none", "method-lower", "method-odd", "length-twice", "length-list", "length-sign"),
    *("length-and-chunks", "chunks-twice", "chunks-odd", "chunks-broken", "header-space"),
    "header-fold",
}
"""The tricks that uvicorn answers before there is a request, with a text of its own."""

DRY = {"fragment-0", "fragment-1"}
"""Uvicorn drops a fragment, and what is left is a dry run, for the guard and for the app."""


@pytest.fixture(scope="module")
def guarded_api() -> Iterator[Front]:
    """Run the stand-in API with a guard in the same process, under uvicorn."""
    with upstream_running("--guarded") as api:
        yield Front(api.port, api)


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_no_trick_slips(guarded_api: Front, trick: Trick) -> None:
    if trick.name not in DRY:
        nothing_slips(guarded_api, trick, answered=trick.name not in UNPARSED)
        return
    name = uuid.uuid4().hex
    exchange(guarded_api.port, trick.request(name))
    (seen,) = guarded_api.seen(name)
    assert seen["target"] == f"/v2/customer_sessions/{name}?dry=true"
    assert guarded_api.api.state(name) is None


DJANGO = """
import json, os
from django.conf import settings
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="-", MIDDLEWARE=[])
import django
django.setup()
from django.core.asgi import get_asgi_application
from django.http import JsonResponse
from django.urls import path
from talonschema.gateway import LookupSettings, SessionGuard

async def update(request, session):
    asked = json.loads(request.body)["customerSession"]
    return JsonResponse({"customerSession": asked})

urlpatterns = [path("v2/customer_sessions/<session>", update)]
application = SessionGuard(get_asgi_application(), store=os.environ["SESSION_STORE"])
"""


def test_django_is_guarded(tmp_path: Path) -> None:
    (tmp_path / "guarded_site.py").write_text(DJANGO)
    port = free_port()
    store = tmp_path / "sessions.db"
    command = [sys.executable, "-m", "uvicorn", "--port", str(port), "guarded_site:application"]
    env = {"SESSION_STORE": f"sqlite:{store}"}
    with running(command, ready=lambda: listens(port), env=env, cwd=tmp_path):
        url = f"http://127.0.0.1:{port}{SESSION}"
        headers = {"content-type": "application/json"}
        statuses = [
            httpx.put(url, content=body, headers=headers, trust_env=False).status_code
            for body in (OPEN, BAD, CLOSED, OPEN)
        ]
        assert statuses == [200, 400, 200, 400]
        assert store.with_name("sessions.db-wal").exists()
    assert not store.with_name("sessions.db-wal").exists()


def test_the_api_is_asked_for_a_session_that_is_not_known(api: Api) -> None:
    name = uuid.uuid4().hex
    api.put(name, "closed")
    lookup = LookupSettings(api.url, timeout=20)
    headers = [(b"content-type", b"application/json"), (b"authorization", b"ApiKey-v1 k")]

    async def steps(guard: SessionGuard) -> None:
        where = f"/v2/customer_sessions/{name}"
        assert (await ask(guard, OPEN, path=where, headers=headers)).status == 400
        assert await state(guard, name) == {"closed"}

    run(guarded(lookup=lookup), steps)
