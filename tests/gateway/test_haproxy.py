"""HAProxy with the files that docs/gateway shows: only the ports are others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.installed import need
from gateway.processes import Upstream, eventually, free_port, gateway_running, listens, running
from gateway.promises import BAD, OPEN, REQUEST_LEG, RESPONSE_LEG, Front, new, path

DOCS = Path(__file__).resolve().parents[2] / "docs" / "gateway"


@contextmanager
def haproxy_running(
    folder: Path, api: Upstream, plugin: int, *changes: tuple[str, str]
) -> Iterator[Front]:
    program = need("haproxy", "haproxy")
    port = free_port()
    script = (DOCS / "talonschema.lua").read_text("utf-8")
    (folder / "talonschema.lua").write_text(script.replace("8787", str(plugin)), "utf-8")
    text = (DOCS / "haproxy.cfg").read_text("utf-8")
    for old, new_text in (
        ("127.0.0.1:8080", f"127.0.0.1:{port}"),
        ("127.0.0.1:9000", f"127.0.0.1:{api.port}"),
        *changes,
    ):
        assert old in text, old
        text = text.replace(old, new_text)
    config = folder / "haproxy.cfg"
    config.write_text(text, "utf-8")
    command = [program, "-db", "-f", str(config)]
    with running(command, ready=lambda: listens(port), cwd=folder):
        yield Front(port, api)


@pytest.fixture(scope="module")
def haproxy(api: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("haproxy")
    with (
        gateway_running(folder) as plugin,
        haproxy_running(folder, api, plugin.http) as front,
    ):
        yield front


@pytest.fixture
def front(haproxy: Front, upstream: Upstream) -> Front:
    assert haproxy.api is upstream
    return haproxy


@pytest.mark.parametrize(
    "promise", REQUEST_LEG + RESPONSE_LEG, ids=lambda promise: promise.__name__
)
def test_haproxy_keeps_the_promise(front: Front, promise: Callable[[Front], None]) -> None:
    promise(front)


def test_without_the_plugin_calls_on_sessions_are_refused(
    tmp_path: Path, upstream: Upstream
) -> None:
    name = new()
    with haproxy_running(tmp_path, upstream, free_port()) as front:
        assert front.ask("PUT", path(name), OPEN).status_code == 503
        assert front.ask("GET", "/v1/other").status_code == 200
    assert front.seen(name) == []


def test_without_the_plugin_calls_pass_if_that_is_asked_for(
    tmp_path: Path, upstream: Upstream
) -> None:
    name = new()
    with (
        gateway_running(tmp_path) as plugin,
        haproxy_running(tmp_path, upstream, plugin.http, ("str(refuse)", "str(pass)")) as front,
    ):
        assert front.ask("PUT", path(name), BAD).status_code == 400
        plugin.program.process.terminate()
        plugin.program.process.wait()
        assert front.ask("PUT", path(name), OPEN).status_code == 200
    (seen,) = front.seen(name)
    assert seen["body"] == OPEN.decode()


def test_a_plugin_that_ends_between_the_legs_does_not_spoil_the_answer(
    tmp_path: Path, upstream: Upstream
) -> None:
    name = new()
    with (
        gateway_running(tmp_path) as plugin,
        haproxy_running(tmp_path, upstream, plugin.http) as front,
    ):
        upstream.fault(delay="1")
        with front.client() as client, ThreadPoolExecutor() as pool:
            answer = pool.submit(client.put, path(name), content=OPEN)
            # The answer of the API is still on its way when the plugin is killed.
            eventually(lambda: front.seen(name), "the API was not asked")
            plugin.program.process.kill()
            assert answer.result().status_code == 200
        assert upstream.state(name) == "open"


def test_a_plugin_that_comes_back_is_asked_again(tmp_path: Path, upstream: Upstream) -> None:
    port = free_port()
    with haproxy_running(tmp_path, upstream, port) as front:
        assert front.ask("PUT", path(new()), OPEN).status_code == 503
        with gateway_running(tmp_path, http=port):
            assert front.ask("PUT", path(new()), OPEN).status_code == 200


def test_without_the_api_it_is_haproxy_that_answers(tmp_path: Path) -> None:
    with (
        gateway_running(tmp_path) as plugin,
        haproxy_running(tmp_path, Upstream(free_port()), plugin.http) as front,
    ):
        assert front.ask("PUT", path(new()), OPEN).status_code == 503
