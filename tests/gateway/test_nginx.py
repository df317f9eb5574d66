"""nginx with the files that docs/gateway shows: only the ports are others."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from support.gateway.endings import count_lost_requests, count_lost_with_workers
from support.gateway.failures import OF_BOTH_LEGS, Failure, Gateway, apply_changes
from support.gateway.half_sent import half_requests_shut_nobody_out
from support.gateway.installed import need
from support.gateway.lookups import OF_LOOKUPS, lookup_settings
from support.gateway.ports import free_port
from support.gateway.processes import Upstream, eventually, gateway_running, listens, running
from support.gateway.promises import (
    CLOSED,
    LOG,
    MIB,
    OPEN,
    REQUEST_LEG,
    RESPONSE_LEG,
    Front,
    new_id,
    path,
)
from support.gateway.server import workers
from support.gateway.tricks import TRICKS, Trick, nothing_slips
from support.pages import blocks

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
    text = apply_changes(
        text,
        ("127.0.0.1:8080", f"127.0.0.1:{port}"),
        ("127.0.0.1:8787", f"127.0.0.1:{plugin}"),
        ("127.0.0.1:9000", f"127.0.0.1:{api.port}"),
        # Where Debian puts modules and files that only root may write.
        ("modules/ngx_http_js_module.so", str(MODULE)),
        ("http {\n", f"http {{\n    access_log off;\n{temporary}"),
        *changes,
    )
    config = folder / "nginx.conf"
    config.write_text(text, "utf-8")
    shutil.copy(DOCS / "talonschema.js", folder)
    user = "user root;" if os.geteuid() == 0 else ""
    directives = f"daemon off; pid {folder}/nginx.pid; {user}"
    command = [program, "-c", str(config), "-e", "stderr", "-g", directives]
    with running(command, ready=lambda: listens(port)):
        yield Front(port, api)


NGINX = Gateway(
    nginx_running,
    fail_open=('talonschema_fail_open ""', 'talonschema_fail_open "yes"'),
    without_api=502,
)


@pytest.fixture(scope="module")
def nginx(api: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    with (
        gateway_running(folder) as plugin,
        nginx_running(folder, api, plugin.http) as front,
    ):
        yield front._replace(plugin=plugin.program)


@pytest.fixture
def front(nginx: Front, upstream: Upstream) -> Front:
    assert nginx.api is upstream
    return nginx


@pytest.mark.parametrize(
    "promise", REQUEST_LEG + LOG + RESPONSE_LEG, ids=lambda promise: promise.__name__
)
def test_nginx_keeps_the_promise(front: Front, promise: Callable[[Front], None]) -> None:
    promise(front)


def test_what_a_client_does_not_wait_for_is_learned(front: Front) -> None:
    name = new_id()
    front.api.fault(delay="0.5")
    with front.client() as client, pytest.raises(httpx.ReadTimeout):
        client.put(path(name), content=CLOSED, timeout=0.2)
    eventually(lambda: front.api.state(name), "the API has not carried it out")

    def is_refused() -> bool:
        front.ask("PUT", path(name), OPEN)
        # Refused by the API as long as the plugin doesn't know.
        before = len(front.requests_about(name))
        front.ask("PUT", path(name), OPEN)
        return len(front.requests_about(name)) == before

    eventually(is_refused, "the state was not learned")


@pytest.mark.parametrize("leg", ["check", "observe", "api"])
def test_nobody_gets_at_the_legs_from_outside(front: Front, leg: str) -> None:
    answer = front.ask("POST", f"/-/talonschema/{leg}", CLOSED)
    assert answer.status_code == 404
    assert front.api.requests() == []


def test_an_answer_over_the_buffer_is_cut_off_as_documented(front: Front) -> None:
    name = new_id()
    front.api.fault(padding=str(9 * MIB))
    with pytest.raises(ConnectionError):
        front.ask("PUT", path(name), CLOSED)
    # Whether it was done is open, so nothing is refused that may be legal.
    assert front.api.state(name) == "closed"
    assert front.ask("PUT", path(name), OPEN).json()["message"].startswith("Cannot move session")


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_no_trick_slips(front: Front, trick: Trick) -> None:
    nothing_slips(front, trick)


@pytest.mark.slow
def test_half_requests_shut_nobody_out(front: Front) -> None:
    half_requests_shut_nobody_out(front)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_that_end_cost_no_request(
    tmp_path: Path, upstream: Upstream, number: signal.Signals
) -> None:
    with (
        workers(tmp_path) as (first, program),
        nginx_running(tmp_path, upstream, first, worker_change(first, first + 1)) as front,
    ):
        assert count_lost_with_workers(front, program, number) == 0


@pytest.mark.slow
def test_two_services_restarted_in_turn_cost_no_request(tmp_path: Path, upstream: Upstream) -> None:
    ports = free_port(), free_port()
    settings = f'store = "sqlite:{tmp_path}/sessions.db"'
    folders = [tmp_path / "a", tmp_path / "b"]
    with (
        ExitStack() as first,
        ExitStack() as last,
        nginx_running(tmp_path, upstream, ports[0], worker_change(*ports)) as front,
    ):

        def start(stack: ExitStack, index: int) -> None:
            folders[index].mkdir(exist_ok=True)
            stack.enter_context(gateway_running(folders[index], settings, http=ports[index]))

        def restart(stack: ExitStack, index: int) -> None:
            stack.close()
            start(stack, index)

        start(first, 0)
        start(last, 1)
        assert count_lost_requests(front, lambda: restart(first, 0), lambda: restart(last, 1)) == 0


def worker_change(port: int, other: int) -> tuple[str, str]:
    """Return the change that adds another worker, as the page describes it."""
    line = "server 127.0.0.1:{} max_fails=0;"
    return line.format(port), f"{line.format(port)} {line.format(other)}"


def test_nginx_takes_what_the_page_shows(tmp_path: Path) -> None:
    api, plugin = (each.text for each in blocks(DOCS / "nginx.md") if each.language == "nginx")
    # Hosts are looked up when a file is read.
    api, _, directives = api.replace("yourcompany.europe-west1.talon.one", "localhost").partition(
        "#"
    )
    text = apply_changes(
        (DOCS / "nginx.conf").read_text("utf-8"),
        ("modules/ngx_http_js_module.so", str(MODULE)),
        ("        proxy_pass http://api$request_uri;\n", directives.partition("\n")[2]),
    )
    for block in (api, plugin):
        head = block.partition("\n")[0]
        (written,) = re.findall(rf"^    {head}\n.*?^    \}}\n", text, re.MULTILINE | re.DOTALL)
        text = apply_changes(text, (written, block))
    (tmp_path / "nginx.conf").write_text(text, "utf-8")
    shutil.copy(DOCS / "talonschema.js", tmp_path)
    program = need("nginx", "nginx libnginx-mod-http-js", MODULE)
    command = [program, "-t", "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
    done = subprocess.run(
        [*command, "-g", f"pid {tmp_path}/nginx.pid;"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_look_ups_settle_what_is_unknown_or_in_doubt(tmp_path: Path, upstream: Upstream) -> None:
    passed = ('            proxy_set_header Authorization "";', "")
    with (
        gateway_running(tmp_path, "store_timeout = 20\n" + lookup_settings(upstream)) as plugin,
        nginx_running(tmp_path, upstream, plugin.http, passed) as front,
    ):
        for promise in OF_LOOKUPS:
            promise(front)


@pytest.mark.parametrize("failure", OF_BOTH_LEGS, ids=lambda failure: failure.__name__)
def test_nginx_fails_as_documented(failure: Failure, tmp_path: Path, upstream: Upstream) -> None:
    failure(NGINX, tmp_path, upstream)
