"""The address for admin: health and figures of one process and of several workers, and no more."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from support.gateway.ports import free_port
from support.gateway.processes import NO_TLS, Program, eventually, listens, running
from support.gateway.server import command, events_named, put, run, write_config
from talonschema.gateway.settings import Settings

pytestmark = pytest.mark.slow

DECISIONS = "talonschema_gateway_decisions_total"


def get(port: int, path: str, **headers: str) -> httpx.Response:
    url = f"http://127.0.0.1:{port}{path}"
    return httpx.get(url, headers=headers, trust_env=False, verify=NO_TLS, timeout=20)


def read_metrics(port: int, **headers: str) -> dict[str, float]:
    """Return the samples of /metrics by their names and labels."""
    text = get(port, "/metrics", **headers).text
    found = re.findall(r"^(talonschema_\S+?) ([0-9.e+-]+)$", text, re.MULTILINE)
    assert len(found) > 50
    return {name: float(value) for name, value in found}


@contextmanager
def run_with_admin(folder: Path, text: str) -> Iterator[tuple[int, Program]]:
    """Run the plugin with an address for admin; yield its port."""
    port = free_port()
    config = write_config(folder, f'{text}\nadmin = "127.0.0.1:{port}"\ndrain = 2')

    def ready() -> bool:
        return listens(port) and get(port, "/readyz").status_code == 200

    with running(command("--config", config), ready=ready, cwd=folder) as program:
        yield port, program


def test_one_process_tells_about_itself_and_no_more(tmp_path: Path) -> None:
    http = free_port()
    with run_with_admin(tmp_path, f'http = "127.0.0.1:{http}"\ngrpc = "off"') as (port, program):
        eventually(lambda: events_named(program, "listening"), "it is not logged")
        (reported,) = events_named(program, "listening")
        assert reported["admin"] == f"127.0.0.1:{port}"
        put(http)
        assert (
            read_metrics(port)[
                'talonschema_gateway_decisions_total{decision="dry",enforced="true"}'
            ]
            == 1
        )
        assert (get(port, "/livez").text, get(port, "/readyz").text) == ("ok\n", "ok\n")
        for path in ("/check/v2/customer_sessions/a", "/observe/v2/x", "/", "/metrics/x"):
            assert get(port, path).status_code == 404
        program.process.terminate()
        eventually(lambda: events_named(program, "stopping"), "it does not stop")
        assert get(port, "/readyz").status_code == 503
        assert program.process.wait(30) == 0


def test_workers_on_unix_sockets_are_listed_at_one_address(tmp_path: Path) -> None:
    text = 'http = "unix:h.sock"\ngrpc = "off"\nworkers = 2'
    with run_with_admin(tmp_path, text) as (port, program):
        for count, index in ((3, 0), (2, 1)):
            for _ in range(count):
                with socket.socket(socket.AF_UNIX) as face:
                    face.connect(str(tmp_path / f"h.sock.{index}"))
                    face.sendall(b"PUT /check/v2/customer_sessions/a HTTP/1.0\r\n\r\n")
                    assert face.recv(100).startswith(b"HTTP/1.1 400 ")
        series = (
            'talonschema_gateway_decisions_total{{decision="invalid",enforced="true",worker="{}"}}'
        )
        up = 'talonschema_gateway_worker_up{{worker="{}"}}'
        for accept in ("", "application/openmetrics-text"):
            counts = read_metrics(port, accept=accept)
            assert [counts[series.format(index)] for index in (0, 1)] == [3, 2]
            assert [counts[up.format(index)] for index in (0, 1)] == [1, 1]
        eventually(lambda: len(events_named(program, "listening")) == 3, "not every part listens")
        (pid,) = [
            each["pid"] for each in events_named(program, "listening") if each.get("worker") == 1
        ]
        os.kill(pid, signal.SIGSTOP)
        try:
            answer = get(port, "/readyz")
            assert (answer.status_code, answer.text) == (503, "worker 1: it does not answer\n")
            assert get(port, "/livez").status_code == 200
            counts = read_metrics(port)
            assert [counts[up.format(index)] for index in (0, 1)] == [1, 0]
            assert counts[series.format(0)] == 3
            assert series.format(1) not in counts
        finally:
            os.kill(pid, signal.SIGCONT)
        eventually(lambda: get(port, "/readyz").status_code == 200, "it is not ready again")
        assert get(port, "/check/v2/customer_sessions/a").status_code == 404
        program.process.terminate()
        assert program.process.wait(30) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_that_is_taken_ends_it(tmp_path: Path, workers: int) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        admin = f"127.0.0.1:{held.getsockname()[1]}"
        text = f'http = "unix:h.sock"\ngrpc = "off"\nadmin = "{admin}"\nworkers = {workers}'
        done = run(tmp_path, "--config", write_config(tmp_path, text))
    assert done.returncode == 1
    assert f"can't listen on {admin}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("admin", ["127.0.0.1:8788", "127.0.0.1:8798"])
def test_it_has_an_address_of_its_own(admin: str) -> None:
    with pytest.raises(ValueError, match=f"admin is '{admin}', which is in use"):
        Settings(admin=admin, grpc="127.0.0.1:8797", workers=2)
