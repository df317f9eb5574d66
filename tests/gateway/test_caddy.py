"""Caddy with the Caddyfile that docs/gateway shows: only the ports are others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest

import talonschema
from support.gateway.failures import OF_THE_GATE, Failure, Gateway, apply_changes
from support.gateway.lookups import an_unknown_closed_session_is_not_reopened, lookup_settings
from support.gateway.ports import free_port
from support.gateway.processes import Upstream, gateway_running, listens, running
from support.gateway.promises import BAD, CLOSED, LOG, MIB, OPEN, REQUEST_LEG, Front, new_id, path
from support.gateway.tricks import TRICKS, WRONG, Trick, nothing_slips

CONFIG = Path(__file__).resolve().parents[2] / "docs" / "gateway" / "Caddyfile"
PROGRAM = Path(sys.executable).with_name("caddy")


@contextmanager
def caddy_running(
    folder: Path, api: Upstream, plugin: int, *changes: tuple[str, str]
) -> Iterator[Front]:
    port = free_port()
    text = CONFIG.read_text("utf-8")
    text = apply_changes(
        text,
        ("http://:8080 {", f"http://:{port} {{"),
        ("127.0.0.1:8787", f"127.0.0.1:{plugin}"),
        ("127.0.0.1:9000", f"127.0.0.1:{api.port}"),
        *changes,
    )
    config = folder / "Caddyfile"
    # No port for administration: several may run at once.
    config.write_text(f"{{\n\tadmin off\n}}\n{text}", "utf-8")
    command: list[str | Path] = [PROGRAM, "run", "--config", config, "--adapter", "caddyfile"]
    env = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with running(command, ready=lambda: listens(port), env=env):
        yield Front(port, api)


CADDY = Gateway(
    caddy_running, fail_open=("vars on_failure refuse", "vars on_failure pass"), without_api=502
)


@pytest.fixture(scope="module")
def caddy(api: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("caddy")
    with (
        gateway_running(folder) as plugin,
        caddy_running(folder, api, plugin.http) as front,
    ):
        yield front._replace(plugin=plugin.program)


@pytest.fixture
def front(caddy: Front, upstream: Upstream) -> Front:
    assert caddy.api is upstream
    return caddy


@pytest.mark.parametrize("promise", REQUEST_LEG + LOG, ids=lambda promise: promise.__name__)
def test_caddy_keeps_the_promise(front: Front, promise: Callable[[Front], None]) -> None:
    promise(front)


@pytest.mark.parametrize("host", ["localhost", "shop.example", "shop.example:8080"])
def test_a_call_to_any_host_is_judged_and_reaches_the_api(front: Front, host: str) -> None:
    name = new_id()
    headers = {"host": host, "content-type": "application/json"}
    with front.client() as client:
        assert client.put(path(name), content=BAD, headers=headers).status_code == 400
        assert front.requests_about(name) == []
        assert client.put(path(name), content=OPEN, headers=headers).status_code == 200
    assert len(front.requests_about(name)) == 1


UNPARSED = {
    *("version-none", "version-2", "method-odd", "length-twice", "length-list", "length-sign"),
    *("chunks-twice", "chunks-odd", "header-space", "host-twice"),
}
"""The tricks that Caddy answers before there is a request, with a text that nothing changes."""


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_no_trick_slips(front: Front, trick: Trick) -> None:
    nothing_slips(front, trick, answered=trick.name not in UNPARSED, body=WRONG)


def test_caddy_s_own_answers_have_the_form_of_the_api(tmp_path: Path, upstream: Upstream) -> None:
    big = b'{"customerSession": {}' + b" " * (2 * MIB) + b"}"
    with caddy_running(tmp_path, upstream, free_port()) as front:
        for body, status in ((OPEN, 503), (big, 413)):
            answer = front.ask("PUT", path(new_id()), body)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/json"
            assert talonschema.is_valid(answer.content, model="ErrorResponse")
            assert answer.json()["errors"][0]["title"] == HTTPStatus(status).phrase
    with (
        gateway_running(tmp_path) as plugin,
        caddy_running(tmp_path, Upstream(free_port()), plugin.http) as front,
    ):
        answer = front.ask("PUT", path(new_id()), OPEN)
        assert answer.status_code == 502
        assert talonschema.is_valid(answer.content, model="ErrorResponse")


def test_states_are_not_learned(front: Front) -> None:
    # Caddy hands no answers over, so the API is the only judge of moves, as the page has it.
    name = new_id()
    assert front.ask("PUT", path(name), CLOSED).status_code == 200
    answer = front.ask("PUT", path(name), OPEN)
    assert answer.json()["message"].startswith("Cannot move session")
    assert len(front.requests_about(name)) == 2


def test_look_ups_find_states(tmp_path: Path, upstream: Upstream) -> None:
    passed = ("header_up -Authorization", "")
    with (
        gateway_running(tmp_path, "store_timeout = 20\n" + lookup_settings(upstream)) as plugin,
        caddy_running(tmp_path, upstream, plugin.http, passed) as front,
    ):
        an_unknown_closed_session_is_not_reopened(front)


@pytest.mark.parametrize("failure", OF_THE_GATE, ids=lambda failure: failure.__name__)
def test_caddy_fails_as_documented(failure: Failure, tmp_path: Path, upstream: Upstream) -> None:
    failure(CADDY, tmp_path, upstream)
