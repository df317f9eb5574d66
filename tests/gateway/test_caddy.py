"""Caddy with the Caddyfile that docs/gateway shows: only the ports are others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.processes import Upstream, free_port, gateway_running, listens, running
from gateway.promises import BAD, CLOSED, OPEN, REQUEST_LEG, Front, new, path

CONFIG = Path(__file__).resolve().parents[2] / "docs" / "gateway" / "Caddyfile"
CADDY = Path(sys.executable).with_name("caddy")


@contextmanager
def caddy_running(
    folder: Path, api: Upstream, plugin: int, *changes: tuple[str, str]
) -> Iterator[Front]:
    port = free_port()
    text = CONFIG.read_text("utf-8")
    for old, new_text in (
        ("127.0.0.1:8080", f"127.0.0.1:{port}"),
        ("127.0.0.1:8787", f"127.0.0.1:{plugin}"),
        ("127.0.0.1:9000", f"127.0.0.1:{api.port}"),
        *changes,
    ):
        assert old in text, old
        text = text.replace(old, new_text)
    config = folder / "Caddyfile"
    # No port for administration: several may run at once.
    config.write_text(f"{{\n\tadmin off\n}}\n{text}", "utf-8")
    command: list[str | Path] = [CADDY, "run", "--config", config, "--adapter", "caddyfile"]
    env = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with running(command, ready=lambda: listens(port), env=env):
        yield Front(port, api)


@pytest.fixture(scope="module")
def caddy(api: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("caddy")
    with (
        gateway_running(folder) as plugin,
        caddy_running(folder, api, plugin.http) as front,
    ):
        yield front


@pytest.fixture
def front(caddy: Front, upstream: Upstream) -> Front:
    assert caddy.api is upstream
    return caddy


@pytest.mark.parametrize("promise", REQUEST_LEG, ids=lambda promise: promise.__name__)
def test_caddy_keeps_the_promise(front: Front, promise: Callable[[Front], None]) -> None:
    promise(front)


def test_states_are_not_learned(front: Front) -> None:
    # Caddy hands no answers over, so the API is the only judge of moves, as the page says.
    name = new()
    assert front.ask("PUT", path(name), CLOSED).status_code == 200
    answer = front.ask("PUT", path(name), OPEN)
    assert answer.json()["message"].startswith("Cannot move session")
    assert len(front.seen(name)) == 2


def test_without_the_plugin_calls_on_sessions_are_refused(
    tmp_path: Path, upstream: Upstream
) -> None:
    name = new()
    with caddy_running(tmp_path, upstream, free_port()) as front:
        assert front.ask("PUT", path(name), OPEN).status_code == 503
        assert front.ask("GET", "/v1/other").status_code == 200
    assert front.seen(name) == []


def test_without_the_plugin_calls_pass_if_that_is_asked_for(
    tmp_path: Path, upstream: Upstream
) -> None:
    name = new()
    change = ("vars on_failure refuse", "vars on_failure pass")
    with (
        gateway_running(tmp_path) as plugin,
        caddy_running(tmp_path, upstream, plugin.http, change) as front,
    ):
        assert front.ask("PUT", path(name), BAD).status_code == 400
        plugin.program.process.terminate()
        plugin.program.process.wait()
        assert front.ask("PUT", path(name), OPEN).status_code == 200
    (seen,) = front.seen(name)
    assert seen["body"] == OPEN.decode()


def test_a_plugin_that_comes_back_is_asked_again(tmp_path: Path, upstream: Upstream) -> None:
    port = free_port()
    with caddy_running(tmp_path, upstream, port) as front:
        assert front.ask("PUT", path(new()), OPEN).status_code == 503
        with gateway_running(tmp_path, http=port):
            assert front.ask("PUT", path(new()), OPEN).status_code == 200


def test_without_the_api_it_is_caddy_that_answers(tmp_path: Path) -> None:
    with (
        gateway_running(tmp_path) as plugin,
        caddy_running(tmp_path, Upstream(free_port()), plugin.http) as front,
    ):
        assert front.ask("PUT", path(new()), OPEN).status_code == 502
