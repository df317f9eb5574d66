"""HAProxy with the files that docs/gateway shows: only the ports are others."""

from __future__ import annotations

import re
import select
import signal
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.gateway.endings import count_lost_with_workers
from support.gateway.failures import OF_BOTH_LEGS, Failure, Gateway, apply_changes
from support.gateway.half_sent import (
    half_requests_shut_nobody_out,
    half_sent_requests,
    head,
    honest_ones_pass,
)
from support.gateway.installed import need
from support.gateway.lookups import OF_LOOKUPS, lookup_settings
from support.gateway.ports import free_port
from support.gateway.processes import Upstream, eventually, gateway_running, listens, running
from support.gateway.promises import LOG, OPEN, REQUEST_LEG, RESPONSE_LEG, Front, new_id, path
from support.gateway.server import workers
from support.gateway.tricks import TRICKS, Trick, nothing_slips
from support.pages import blocks

DOCS = Path(__file__).resolve().parents[2] / "docs" / "gateway"


@contextmanager
def haproxy_running(
    folder: Path,
    api: Upstream,
    plugin: int,
    *changes: tuple[str, str],
    others: Iterable[int] = (),
    in_script: Iterable[tuple[str, str]] = (),
) -> Iterator[Front]:
    program = need("haproxy", "haproxy")
    port = free_port()
    script = (DOCS / "talonschema.lua").read_text("utf-8")
    workers = ", ".join(f'{{ "127.0.0.1", {port} }}' for port in (plugin, *others))
    script = apply_changes(script, ('{ "127.0.0.1", 8787 }', workers), *in_script)
    (folder / "talonschema.lua").write_text(script, "utf-8")
    text = (DOCS / "haproxy.cfg").read_text("utf-8")
    text = apply_changes(
        text,
        ("127.0.0.1:8080", f"127.0.0.1:{port}"),
        ("127.0.0.1:9000", f"127.0.0.1:{api.port}"),
        *changes,
    )
    config = folder / "haproxy.cfg"
    config.write_text(text, "utf-8")
    command = [program, "-db", "-f", str(config)]
    with running(command, ready=lambda: listens(port), cwd=folder):
        yield Front(port, api)


HAPROXY = Gateway(haproxy_running, fail_open=("str(refuse)", "str(pass)"), without_api=503)


@pytest.fixture(scope="module")
def haproxy(api: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("haproxy")
    with (
        gateway_running(folder) as plugin,
        haproxy_running(folder, api, plugin.http) as front,
    ):
        yield front._replace(plugin=plugin.program)


@pytest.fixture
def front(haproxy: Front, upstream: Upstream) -> Front:
    assert haproxy.api is upstream
    return haproxy


@pytest.mark.parametrize(
    "promise", REQUEST_LEG + LOG + RESPONSE_LEG, ids=lambda promise: promise.__name__
)
def test_haproxy_keeps_the_promise(front: Front, promise: Callable[[Front], None]) -> None:
    promise(front)


UNPARSED = {
    *(f"fragment-{at}" for at in range(5)),
    *(f"letters-{at}" for at in range(4)),
    *("absolute-1", "version-none", "method-odd", "length-twice", "length-list", "length-sign"),
    *("chunks-twice", "chunks-odd", "chunks-broken", "header-space", "host-twice"),
}
"""The tricks that HAProxy answers before there is a request, with a page that nothing changes."""


@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.name)
def test_no_trick_slips(front: Front, trick: Trick) -> None:
    nothing_slips(front, trick, answered=trick.name not in UNPARSED)


def test_upgrades_are_not_passed_on(front: Front) -> None:
    name = new_id()
    front.ask("GET", path(name), upgrade="h2c", x_other="1")
    (seen,) = front.requests_about(name)
    assert "upgrade" not in seen["headers"]


def test_no_tunnel_is_opened(front: Front) -> None:
    before = len(front.api.requests())
    assert front.ask("CONNECT", "api.example:443").status_code in {400, 405}
    assert len(front.api.requests()) == before


@pytest.mark.slow
def test_half_requests_shut_nobody_out(front: Front) -> None:
    half_requests_shut_nobody_out(front)


@pytest.mark.slow
def test_large_bodies_are_bounded_in_number(front: Front) -> None:
    large = head(200_000) + b"{" * 100_000
    with half_sent_requests(front, large, count=300) as opened:
        eventually(
            lambda: len(readable_connections(opened)) >= 300 - 256, "none of them is answered"
        )
        beyond = readable_connections(opened)
        assert len(beyond) == 300 - 256
        assert beyond[0].recv(100).startswith(b"HTTP/1.1 429 ")
        honest_ones_pass(front)
        big = OPEN + b" " * 200_000
        assert front.ask("PUT", path(new_id()), big).status_code == 429
    eventually(
        lambda: front.ask("PUT", path(new_id()), big).status_code == 200, "it does not recover"
    )


def test_haproxy_takes_the_workers_of_the_page(tmp_path: Path) -> None:
    (block,) = (each for each in blocks(DOCS / "haproxy.md") if each.language == "lua")
    script = (DOCS / "talonschema.lua").read_text("utf-8")
    (listed,) = re.findall(r"^local WORKERS = \{.*?^\}\n", script, re.MULTILINE | re.DOTALL)
    script = apply_changes(script, (listed, block.text))
    (tmp_path / "talonschema.lua").write_text(script, "utf-8")
    command = [need("haproxy", "haproxy"), "-c", "-f", str(DOCS / "haproxy.cfg")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def readable_connections(connections: list[socket.socket]) -> list[socket.socket]:
    return [each for each in connections if select.select([each], [], [], 0)[0]]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_that_end_cost_no_request(
    tmp_path: Path, upstream: Upstream, number: signal.Signals
) -> None:
    with (
        workers(tmp_path) as (first, program),
        haproxy_running(tmp_path, upstream, first, others=[first + 1]) as front,
    ):
        assert count_lost_with_workers(front, program, number) == 0


def test_look_ups_settle_what_is_unknown_or_in_doubt(tmp_path: Path, upstream: Upstream) -> None:
    passed = ("local JUDGED = {", 'local JUDGED = { "authorization",')
    with (
        gateway_running(tmp_path, "store_timeout = 20\n" + lookup_settings(upstream)) as plugin,
        haproxy_running(tmp_path, upstream, plugin.http, in_script=[passed]) as front,
    ):
        for promise in OF_LOOKUPS:
            promise(front)


@pytest.mark.slow
@pytest.mark.parametrize("failure", OF_BOTH_LEGS, ids=lambda failure: failure.__name__)
def test_haproxy_fails_as_documented(failure: Failure, tmp_path: Path, upstream: Upstream) -> None:
    failure(HAPROXY, tmp_path, upstream)
