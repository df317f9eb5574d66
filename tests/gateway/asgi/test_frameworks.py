"""Real frameworks under a real server."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.gateway.asgi_client import BAD, CLOSED, OPEN, SESSION
from support.gateway.ports import free_port
from support.gateway.processes import Upstream as Api
from support.gateway.processes import listens, running, upstream_running
from support.gateway.promises import (
    Front,
    a_repeated_request_gets_the_apis_old_answer_and_teaches_nothing,
    an_answer_of_no_real_run_teaches_nothing,
)
from support.gateway.tricks import TRICKS, Trick, exchange, nothing_slips

ROOT = Path(__file__).resolve().parents[3]


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
    assert [each["target"] for each in upstream.requests()] == [path, path, f"{path}/reopen", path]
    assert upstream.state(f"{name[:32]}/ü") == "open"


def test_the_example_takes_bodies_in_pieces(client: httpx.Client, upstream: Api) -> None:
    path = f"/v2/customer_sessions/{uuid.uuid4().hex}"
    headers = {"content-type": "application/json"}
    pieces = iter([OPEN[:10], OPEN[10:]])
    assert client.put(path, content=pieces, headers=headers).status_code == 200
    too_many = iter([b" " * 100_000] * 40)
    assert client.put(path, content=too_many, headers=headers).status_code == 413
    assert len(upstream.requests()) == 1


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
    (seen,) = guarded_api.requests_about(name)
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
