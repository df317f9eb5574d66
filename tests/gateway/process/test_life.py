"""The process in trouble: its address taken, cut off, signalled too early, out of descriptors."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from support.gateway.ports import free_port
from support.gateway.processes import NO_TLS, Program, eventually, listens, running
from support.gateway.server import (
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
from talonschema.gateway.process.server import wait_until_written
from talonschema.gateway.process.supervisor import _Supervisor
from talonschema.gateway.settings import Settings

pytestmark = pytest.mark.slow

HEAD = f"PUT {TARGET} HTTP/1.1\r\nhost: x\r\ncontent-length: 90\r\n\r\n".encode()


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def read_error(connection: socket.socket) -> tuple[int, str]:
    """Return status and details of an answer in the form of the API's errors."""
    text = b""
    while piece := connection.recv(65536):
        text += piece
    head, _, body = text.partition(b"\r\n\r\n")
    assert head.lower().count(b"\r\nconnection: close") == 1
    (error,) = json.loads(body)["errors"]
    return int(head.split()[1]), error["details"]


def metric(port: int, name: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, verify=NO_TLS).text
    (found,) = [
        line for line in text.splitlines() if line.startswith(f"talonschema_gateway_{name} ")
    ]
    return float(found.split()[-1])


# Its address.


@contextmanager
def run_on_sockets(folder: Path, text: str) -> Iterator[Program]:
    config = write_config(folder, text)
    with running(
        command("--config", config), ready=lambda: answers(folder / "h.sock"), cwd=folder
    ) as program:
        eventually(lambda: events_named(program, "listening"), "it does not listen")
        yield program


@pytest.mark.parametrize(
    "text", ['http = "unix:h.sock"\ngrpc = "off"', 'http = "unix:h2.sock"\ngrpc = "unix:g.sock"']
)
def test_a_second_process_gets_no_unix_socket(tmp_path: Path, text: str) -> None:
    with run_on_sockets(tmp_path, 'http = "unix:h.sock"\ngrpc = "unix:g.sock"'):
        done = run(tmp_path, "--config", write_config(tmp_path, text))
        assert done.returncode == 1
        taken = "g" if "g.sock" in text else "h"
        assert f"can't listen on unix:{taken}.sock: Address already in use" in done.stderr
        assert answers(tmp_path / "h.sock")
        assert answers(tmp_path / "g.sock")
    assert not answers(tmp_path / "g.sock")


def test_a_unix_socket_that_is_left_behind_is_replaced(tmp_path: Path) -> None:
    text = 'http = "unix:h.sock"\ngrpc = "unix:g.sock"'
    with run_on_sockets(tmp_path, text) as program:
        program.process.kill()
        program.process.wait(30)
        assert (tmp_path / "g.sock").exists()
    with run_on_sockets(tmp_path, text):
        assert answers(tmp_path / "g.sock")


def test_a_socket_of_another_process_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "h.sock"
    with run_on_sockets(tmp_path, 'http = "unix:h.sock"\ngrpc = "off"') as program:
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            other.listen()
            program.process.terminate()
            assert program.process.wait(30) == 0
            assert answers(path)


# Its end.


def test_what_is_cut_off_gets_an_answer_of_the_api(tmp_path: Path) -> None:
    with serving(tmp_path, "drain = 0.5") as (port, program), connect(port) as connection:
        connection.sendall(HEAD + b"{")
        eventually(lambda: put(port) == 200, "it does not serve")
        program.process.terminate()
        assert read_error(connection) == (503, "the gate is shutting down; try again later")
        assert program.process.wait(30) == 0
        last = [each["event"] for each in events(program)][-3:]
        assert last == ["stopping", "cut-off", "stopped"]
        assert events_named(program, "cut-off")[0]["requests"] == 1


def test_the_end_does_not_wait_for_a_judgement() -> None:
    script = """
import asyncio, time
from talonschema.gateway.heavy import HeavyQueue
async def main():
    task = asyncio.create_task(HeavyQueue().run(1, lambda: time.sleep(300)))
    await asyncio.sleep(0.2)
    task.cancel()
asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


# Signals.


def test_a_hangup_before_it_is_ready_counts_once_it_is(tmp_path: Path) -> None:
    port = free_port()
    config = write_config(tmp_path, f'http = "127.0.0.1:{port}"\ngrpc = "off"')
    script = (
        "import os, signal, sys; from talonschema.gateway.process import signals;"
        " signals.hold_hangups(held=True); os.kill(os.getpid(), signal.SIGHUP);"
        " from talonschema.gateway.process.server import main; sys.exit(main(sys.argv[1]))"
    )
    with running(
        [sys.executable, "-c", script, config], ready=lambda: listens(port), cwd=tmp_path
    ) as program:
        eventually(lambda: events_named(program, "reloaded"), "it does not reload")


def test_a_hangup_while_the_command_loads_does_not_end_it() -> None:
    script = """
import os, signal, sys, types
def main(*_):
    os.kill(os.getpid(), signal.SIGHUP)
    return 0
server = types.ModuleType("server")
server.main = main
sys.modules["talonschema.gateway.process.server"] = server
from talonschema.cli import main
sys.exit(main(["gateway"]))
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_hangups_end_no_worker_that_starts(tmp_path: Path) -> None:
    with workers(tmp_path) as (_, program):
        eventually(lambda: len(events_named(program, "listening")) == 2, "they do not listen")
        (pid,) = [each["pid"] for each in events_named(program, "listening") if each["worker"] == 1]
        os.kill(pid, signal.SIGKILL)

        def is_listening_again() -> bool:
            program.process.send_signal(signal.SIGHUP)
            return len(events_named(program, "listening")) >= 3

        eventually(is_listening_again, "the worker does not come back")
        assert [each["status"] for each in events_named(program, "worker-ended")] == [
            -signal.SIGKILL
        ]


def test_a_hangup_leaves_the_status_of_a_worker_that_has_just_ended() -> None:
    async def run() -> int:
        process = await asyncio.create_subprocess_exec("sleep", "30")
        supervisor._processes[0] = process  # noqa: SLF001 - a real worker seldom ends in time
        os.kill(process.pid, signal.SIGKILL)
        for _ in range(400):
            supervisor._pass_on(signal.SIGHUP)  # noqa: SLF001 - as above
        return await process.wait()

    async def run_often() -> set[int]:
        # The first is waited for in another way.
        return {await run() for _ in range(5)}

    supervisor = _Supervisor(Settings(), None)
    assert asyncio.run(run_often()) == {-signal.SIGKILL}


def test_an_empty_file_is_no_configuration(tmp_path: Path) -> None:
    with serving(tmp_path, top=STRICT) as (port, program):
        path = tmp_path / "talonschema.toml"
        path.write_text("# on its way\n", "utf-8")
        program.process.send_signal(signal.SIGHUP)
        eventually(lambda: events_named(program, "not-reloaded"), "it is not logged")
        assert f"{path}: it is empty" in events_named(program, "not-reloaded")[0]["message"]
        assert put(port) == 400


def test_a_file_is_read_once_it_is_at_rest(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("a", "utf-8")
    wait_until_written(str(path))
    assert time.time() - path.stat().st_mtime >= 0.1


# Descriptors, and requests that never end.


def test_connections_beyond_the_descriptors_get_an_answer(tmp_path: Path) -> None:
    port = free_port()
    config = write_config(tmp_path, f'http = "127.0.0.1:{port}"\ngrpc = "off"')
    limited = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", *command("--config", config)]
    with (
        running(limited, ready=lambda: listens(port), cwd=tmp_path) as program,
        ExitStack() as open_ones,
    ):
        kept = [open_ones.enter_context(connect(port)) for _ in range(24)]
        eventually(lambda: put_with_patience(port) == 429, "all are taken")
        with connect(port) as refused:
            assert read_error(refused) == (
                429,
                "too many requests are waiting; try again later",
            )
        kept[0].sendall(HEAD.replace(b"90", b"2") + b"{}")
        assert kept[0].recv(100).startswith(b"HTTP/1.1 400 ")
        kept.pop().close()
        eventually(lambda: put_with_patience(port) == 200, "it does not recover")
        assert len(events_named(program, "crowded")) == 1
        assert metric(port, 'connections_refused_total{reason="crowded"}') >= 2


def send_for_ever(connection: socket.socket, piece: bytes) -> None:
    while True:
        connection.sendall(piece)


def put_with_patience(port: int) -> int | None:
    try:
        return put(port)
    except OSError:
        return None


def test_a_request_that_never_ends_is_ended(tmp_path: Path) -> None:
    with (
        serving(tmp_path) as (port, _),
        connect(port) as head,
        connect(port) as body,
        connect(port) as idle,
    ):
        head.sendall(HEAD[:20])
        body.sendall(HEAD + b"{")
        idle.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        assert read_error(head) == (408, "the head of the request took too long to arrive")
        assert read_error(body) == (408, "the body of the request took too long to arrive")
        assert metric(port, 'connections_refused_total{reason="slow"}') == 1
        assert idle.recv(1000).startswith(b"HTTP/1.1 200 ")
        idle.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_head_without_end_is_cut_off(tmp_path: Path) -> None:
    with serving(tmp_path) as (port, _), connect(port) as connection:
        connection.sendall(HEAD[:-4])
        with pytest.raises((ConnectionError, BrokenPipeError)):
            send_for_ever(connection, b"\r\na: " + b"x" * 60_000)
        assert metric(port, 'connections_refused_total{reason="head"}') == 1
