"""The process: how it starts, reloads, drains and ends, alone and with workers."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from support.gateway.ports import free_port, free_ports
from support.gateway.processes import eventually, listens, running
from support.gateway.server import (
    BAD,
    STRICT,
    TARGET,
    command,
    events,
    events_named,
    put,
    run,
    serving,
    workers,
    write_config,
)

pytestmark = pytest.mark.slow

WITHOUT_EXTRAS = """
import sys
sys.modules |= dict.fromkeys(("grpc", "google.protobuf", "opentelemetry"))
from talonschema.__main__ import run
sys.exit(run())
"""


# The start.


@pytest.mark.parametrize(
    ("text", "line", "reported"),
    [
        ('mode = "on"', 3, "gateway.mode is 'on'; expected one of enforce, report"),
        ('\nstore = "redit://x"', 4, "redit"),
        ('store = "sqlite:/nowhere/at/all.db"', 3, "/nowhere/at/all.db"),
        (
            'grpc = "127.0.0.1:8788"\nworkers = 2',
            3,
            "grpc is '127.0.0.1:8788', which is in use",
        ),
        ("lease = 10\nexpiry = 5", 4, "expiry is 5, shorter than the lease, 10"),
    ],
)
def test_wrong_settings_end_it_before_it_starts(
    tmp_path: Path, text: str, line: int, reported: str
) -> None:
    done = run(tmp_path, "--config", write_config(tmp_path, text))
    assert done.returncode == 2
    assert done.stdout == ""
    (line_of_error,) = done.stderr.splitlines()
    assert line_of_error.startswith(f"talonschema: {tmp_path / 'talonschema.toml'}:{line}: ")
    assert reported in line_of_error


@pytest.mark.parametrize("store", ["memory:", "sqlite:sessions.db"])
def test_without_grpc_and_tracing_it_needs_no_package_of_theirs(tmp_path: Path, store: str) -> None:
    port = free_port()
    config = write_config(tmp_path, f'http = "127.0.0.1:{port}"\nstore = "{store}"\ndrain = 0\n')
    started = [sys.executable, "-c", WITHOUT_EXTRAS, "gateway", "--config", config]
    with running(started, ready=lambda: listens(port), cwd=tmp_path) as program:
        assert put(port) == 200
        assert put(port, b"{}") == 400
    assert program.process.returncode == 0


@pytest.mark.parametrize(
    ("setting", "needs", "remedy"),
    [
        (
            'grpc = "unix:g.sock"',
            "the gRPC face needs grpc",
            'gateway-grpc]\', or set grpc = "off"',
        ),
        (
            "tracing = true",
            "tracing needs opentelemetry.sdk.trace",
            "gateway-otel]', or set tracing = false",
        ),
    ],
)
def test_with_one_of_them_it_says_which_package_is_missing(
    tmp_path: Path, setting: str, needs: str, remedy: str
) -> None:
    config = write_config(tmp_path, f'mode = "report"\n{setting}')
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS, "gateway", "--config", config],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    reported = f"{needs}: pip install 'talonschema[{remedy}"
    assert done.stderr == f"talonschema: {config}:4: {reported}\n"


def test_a_config_that_is_not_there_ends_it(tmp_path: Path) -> None:
    done = run(tmp_path, "--config", "none.toml")
    assert done.returncode == 2
    assert "none.toml: can't be read" in done.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_in_use_ends_it(tmp_path: Path, workers: int) -> None:
    first = free_ports(3)
    with socket.socket() as held:
        held.bind(("127.0.0.1", first))
        held.listen()
        text = f'http = "127.0.0.1:{first}"\ngrpc = "127.0.0.1:{first + 50}"\nworkers = {workers}'
        done = run(tmp_path, "--config", write_config(tmp_path, text))
    assert done.returncode == 1
    assert f"can't listen on 127.0.0.1:{first}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_of_the_grpc_face_in_use_ends_it(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        text = f'http = "127.0.0.1:{free_port()}"\ngrpc = "127.0.0.1:{port}"'
        done = run(tmp_path, "--config", write_config(tmp_path, text))
    assert done.returncode == 1
    assert f"can't listen on 127.0.0.1:{port}" in done.stderr


def test_it_listens_on_unix_sockets(tmp_path: Path) -> None:
    config = write_config(tmp_path, 'http = "unix:h.sock"\ngrpc = "unix:g.sock"')
    path = tmp_path / "h.sock"

    def ready() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(path)) == 0

    with running(command("--config", config), ready=ready, cwd=tmp_path) as program:
        eventually(lambda: events_named(program, "listening"), "it is not logged")
        (reported,) = events_named(program, "listening")
        assert (reported["http"], reported["grpc"]) == ("unix:h.sock", "unix:g.sock")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            connection.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert not path.exists()


def test_it_takes_the_config_of_the_folder(tmp_path: Path) -> None:
    port = free_port()
    write_config(tmp_path, f'http = "127.0.0.1:{port}"\ngrpc = "off"', STRICT)
    with running(command(), ready=lambda: listens(port), cwd=tmp_path):
        assert put(port) == 400


# The end.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_flight_are_answered(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as (port, program):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            head = f"PUT {TARGET} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(BAD)}\r\n\r\n"
            connection.sendall(head.encode() + BAD[:5])
            eventually(lambda: put(port) == 200, "it does not serve")
            program.process.send_signal(number)
            eventually(lambda: events_named(program, "stopping"), "it does not stop")
            eventually(lambda: not listens(port), "it still listens")
            connection.sendall(BAD[5:])
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert answer.status == 200
            assert answer.getheader("connection") == "close"
        assert program.process.wait(30) == 0
        assert [each["event"] for each in events(program)][-2:] == ["stopping", "stopped"]


def test_who_does_not_end_in_time_is_left(tmp_path: Path) -> None:
    with (
        serving(tmp_path, "drain = 0") as (port, program),
        socket.create_connection(("127.0.0.1", port), timeout=30) as connection,
    ):
        connection.sendall(
            f"PUT {TARGET} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n".encode()
        )
        eventually(lambda: put(port) == 200, "it does not serve")
        program.process.terminate()
        assert program.process.wait(30) == 0


def test_it_is_not_ready_while_it_drains(tmp_path: Path) -> None:
    with serving(tmp_path) as (port, program):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(connection):
            connection.request("GET", "/readyz")
            assert connection.getresponse().read() == b"ok\n"
            program.process.terminate()
            eventually(lambda: events_named(program, "stopping"), "it does not stop")
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (503, b"shutting down\n")
            assert answer.getheader("connection") == "close"


def test_what_was_learned_outlives_a_kill(tmp_path: Path) -> None:
    text = 'store = "sqlite:sessions.db"'
    closed = b'{"customerSession": {"state": "closed"}}'
    path = "/v2/customer_sessions/a"
    with serving(tmp_path, text) as (port, program):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with closing(connection):
            connection.request("PUT", f"/check{path}", closed)
            answer = connection.getresponse()
            answer.read()
            headers = {
                "x-talonschema-token": answer.getheader("x-talonschema-token") or "",
                "x-talonschema-method": "PUT",
                "x-talonschema-status": "200",
            }
            connection.request("POST", f"/observe{path}", b"", headers)
            assert connection.getresponse().status == 204
        program.process.kill()
        program.process.wait(30)
    with serving(tmp_path, text) as (port, _):
        assert put(port, b'{"customerSession": {"state": "open"}}', f"/check{path}") == 400


# Reloading.


def test_sighup_reloads_without_a_dropped_request(tmp_path: Path) -> None:
    with serving(tmp_path) as (port, program):
        statuses: list[int] = []
        done = threading.Event()

        def load() -> None:
            while not done.is_set():
                statuses.append(put(port))

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            rest = f'http = "127.0.0.1:{port}"\ngrpc = "off"'
            write_config(tmp_path, rest, STRICT)
            program.process.send_signal(signal.SIGHUP)
            eventually(lambda: events_named(program, "reloaded"), "it does not reload")
            eventually(lambda: put(port) == 400, "it judges as before")
        finally:
            done.set()
            for thread in threads:
                thread.join()
        assert set(statuses) == {200, 400}
        assert statuses[-1] == 400


def test_a_bad_config_changes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, top=STRICT) as (port, program):
        path = write_config(tmp_path, "\n\nmode = 1")
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: events_named(program, "not-reloaded"), "it is not logged")
        (reported,) = events_named(program, "not-reloaded")
        assert reported["level"] == "error"
        assert f"{path}:5: gateway.mode is 1" in reported["message"]
        assert put(port) == 400


def test_what_only_a_restart_changes_is_reported(tmp_path: Path) -> None:
    with serving(tmp_path) as (port, program):
        write_config(tmp_path, 'http = "127.0.0.1:1"\ngrpc = "off"\nmode = "report"', STRICT)
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: events_named(program, "kept"), "it is not logged")
        assert events_named(program, "kept")[0]["message"] == "only a restart changes http"
        assert put(port) == 200
        eventually(lambda: events_named(program, "would-refuse"), "it is not logged")


# Workers.


def test_workers_have_ports_of_their_own_and_one_memory(tmp_path: Path) -> None:
    path = "/v2/customer_sessions/a"
    with workers(tmp_path) as (first, program):
        eventually(lambda: len(events_named(program, "listening")) == 2, "they do not listen")
        pids = {each["worker"]: each["pid"] for each in events_named(program, "listening")}
        assert len(set(pids.values())) == 2
        connection = http.client.HTTPConnection("127.0.0.1", first, timeout=30)
        with closing(connection):
            connection.request("PUT", f"/check{path}", b'{"customerSession": {"state": "closed"}}')
            answer = connection.getresponse()
            answer.read()
            token = answer.getheader("x-talonschema-token") or ""
        # The answer may come to another worker than the request.
        connection = http.client.HTTPConnection("127.0.0.1", first + 1, timeout=30)
        headers = {"x-talonschema-token": token, "x-talonschema-method": "PUT"}
        with closing(connection):
            connection.request(
                "POST", f"/observe{path}", b"", {**headers, "x-talonschema-status": "200"}
            )
            assert connection.getresponse().status == 204
        for port in (first, first + 1):
            body = b'{"customerSession": {"state": "open"}}'
            assert put(port, body, f"/check{path}") == 400


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    with workers(tmp_path) as (first, program):
        eventually(lambda: len(events_named(program, "listening")) == 2, "they do not listen")
        (pid,) = [each["pid"] for each in events_named(program, "listening") if each["worker"] == 1]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(events_named(program, "listening")) == 3, "it does not come back")
        assert events_named(program, "worker-ended")[0]["status"] == -signal.SIGKILL
        assert put(first + 1) == 200
        program.process.terminate()
        assert program.process.wait(30) == 0
        assert not listens(first)
        assert not listens(first + 1)
        assert len(events_named(program, "stopped")) == 2


def test_sighup_reaches_all_workers(tmp_path: Path) -> None:
    with workers(tmp_path) as (first, program):
        eventually(lambda: len(events_named(program, "listening")) == 2, "they do not listen")
        write_config(tmp_path, f'http = "127.0.0.1:{first}"\ngrpc = "off"\ndrain = 5', STRICT)
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(events_named(program, "reloaded")) == 2, "they do not reload")
        assert [put(first), put(first + 1)] == [400, 400]
        assert not events_named(program, "kept")


def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    with workers(tmp_path) as (first, program):
        eventually(lambda: len(events_named(program, "listening")) == 2, "they do not listen")
        program.process.kill()
        program.process.wait(30)
        eventually(lambda: not listens(first) and not listens(first + 1), "they go on")
