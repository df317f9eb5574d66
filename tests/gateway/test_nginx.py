"""nginx with the files that docs/gateway shows: only the ports are others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from gateway.installed import need
from gateway.processes import Upstream, eventually, free_port, gateway_running, listens, running
from gateway.promises import BAD, CLOSED, MIB, OPEN, REQUEST_LEG, RESPONSE_LEG, Front, new, path

DOCS = Path(__file__).resolve().parents[2] / "docs" / "gateway"
MODULE = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")


@contextmanager
def nginx_running(
    folder: Path, api: Upstream, plugin: int, *changes: tuple[str, str]
) -> Iterator[Front]:
    program = need("nginx", "nginx libnginx-mod-http-js", MODULE)
    port = free_port()
    temporary = "".join(
        f"    {name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = (DOCS / "nginx.conf").read_text("utf-8")
    for old, new_text in (
        ("127.0.0.1:8080", f"127.0.0.1:{port}"),
        ("127.0.0.1:8787", f"127.0.0.1:{plugin}"),
        ("127.0.0.1:9000", f"127.0.0.1:{api.port}"),
        # Where Debian puts modules and files that only root may write.
        ("modules/ngx_http_js_module.so", str(MODULE)),
        ("http {\n", f"http {{\n    access_log off;\n{temporary}"),
        *changes,
    ):
        assert old in text, old
        text = text.replace(old, new_text)
    config = folder / "nginx.conf"
    config.write_text(text, "utf-8")
    shutil.copy(DOCS / "talonschema.js", folder)
    user = "user root;" if os.geteuid() == 0 else ""
    directives = f"daemon off; pid {folder}/nginx.pid; {user}"
    command = [program, "-c", str(config), "-e", "stderr", "-g", directives]
    with running(command, ready=lambda: listens(port)):
        yield Front(port, api)


@pytest.fixture(scope="module")
def nginx(api: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    with (
        gateway_running(folder) as plugin,
        nginx_running(folder, api, plugin.http) as front,
    ):
        yield front


@pytest.fixture
def front(nginx: Front, upstream: Upstream) -> Front:
    assert nginx.api is upstream
    return nginx


@pytest.mark.parametrize(
    "promise", REQUEST_LEG + RESPONSE_LEG, ids=lambda promise: promise.__name__
)
def test_nginx_keeps_the_promise(front: Front, promise: Callable[[Front], None]) -> None:
    promise(front)


def test_what_a_client_does_not_wait_for_is_learned(front: Front) -> None:
    name = new()
    front.api.fault(delay="0.5")
    with front.client() as client, pytest.raises(httpx.ReadTimeout):
        client.put(path(name), content=CLOSED, timeout=0.2)
    eventually(lambda: front.api.state(name), "the API has not carried it out")

    def refused() -> bool:
        front.ask("PUT", path(name), OPEN)
        # Refused by the API as long as the plugin doesn't know.
        before = len(front.seen(name))
        front.ask("PUT", path(name), OPEN)
        return len(front.seen(name)) == before

    eventually(refused, "the state was not learned")


@pytest.mark.parametrize("leg", ["check", "observe", "api"])
def test_nobody_gets_at_the_legs_from_outside(front: Front, leg: str) -> None:
    answer = front.ask("POST", f"/-/talonschema/{leg}", CLOSED)
    assert answer.status_code == 404
    assert front.api.received() == []


def test_an_answer_over_the_buffer_is_cut_off_as_the_page_says(front: Front) -> None:
    name = new()
    front.api.fault(padding=str(9 * MIB))
    with pytest.raises(ConnectionError):
        front.ask("PUT", path(name), CLOSED)
    # Whether it was done is open, so nothing is refused that may be legal.
    assert front.api.state(name) == "closed"
    assert front.ask("PUT", path(name), OPEN).json()["message"].startswith("Cannot move session")


def test_without_the_plugin_calls_on_sessions_are_refused(
    tmp_path: Path, upstream: Upstream
) -> None:
    name = new()
    with nginx_running(tmp_path, upstream, free_port()) as front:
        assert front.ask("PUT", path(name), OPEN).status_code == 503
        assert front.ask("GET", "/v1/other").status_code == 200
    assert front.seen(name) == []


def test_without_the_plugin_calls_pass_if_that_is_asked_for(
    tmp_path: Path, upstream: Upstream
) -> None:
    name = new()
    change = ('talonschema_fail_open ""', 'talonschema_fail_open "yes"')
    with (
        gateway_running(tmp_path) as plugin,
        nginx_running(tmp_path, upstream, plugin.http, change) as front,
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
        nginx_running(tmp_path, upstream, plugin.http) as front,
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
    with nginx_running(tmp_path, upstream, port) as front:
        assert front.ask("PUT", path(new()), OPEN).status_code == 503
        with gateway_running(tmp_path, http=port):
            assert front.ask("PUT", path(new()), OPEN).status_code == 200


def test_without_the_api_it_is_nginx_that_answers(tmp_path: Path) -> None:
    with (
        gateway_running(tmp_path) as plugin,
        nginx_running(tmp_path, Upstream(free_port()), plugin.http) as front,
    ):
        assert front.ask("PUT", path(new()), OPEN).status_code == 502
