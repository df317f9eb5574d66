"""Programs that the tests start: a free port, a start that waits until ready, a sure end."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from support.gateway.log_lines import parse_log
from support.gateway.ports import free_port

HERE = Path(__file__).resolve().parent
PATIENCE = 30.0
"""Seconds a program may take to start or to stop before that counts as a fault."""
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP: trusts nobody, so no certificates of the world have to be read."""


@contextmanager
def refusal() -> Iterator[int]:
    """Hold a port on which nobody listens: a free one may be somebody's in the next moment."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Return True if something listens on a port of an address."""
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def eventually(what: Callable[[], Any], about: str, seconds: float = PATIENCE) -> Any:
    """Ask until the answer is true, and return it; fail after some time."""
    end = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > end:
            raise TimeoutError(about)
        time.sleep(0.02)
    return found


class Program(NamedTuple):
    """A program that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """Return what it has printed so far."""
        return self.log.read_text("utf-8", "replace")


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Program]:
    """Run a program as long as the block; it is entered once `ready` returns True.

    What the program printed is printed at the end, so that pytest shows it for a failed test.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "output")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        program = Program(process, log)

        def has_started() -> bool:
            if process.poll() is not None:
                message = f"{command[0]} ended with {process.returncode}:\n{program.output()}"
                raise RuntimeError(message)
            return ready()

        try:
            eventually(has_started, f"{command[0]} is not ready")
            yield program
        finally:
            stop(process)
            sys.stdout.write(f"--- {command[0]}\n{program.output()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program, politely at first."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)


class Upstream(NamedTuple):
    """The stand-in API as a test sees it; see upstream.py."""

    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests that reached it."""
        found: list[dict[str, Any]] = self._ask("GET", "received")["received"]
        return found

    def forget(self) -> None:
        """Forget which requests reached it."""
        self._ask("DELETE", "received")

    def state(self, session: str) -> str | None:
        """Return the state of a session, None if there is no such session."""
        state: str | None = self._ask("GET", "sessions").get(session)
        return state

    def fault(self, **headers: str) -> None:
        """Let something go wrong with the next request: ``fault(fault="fail-after")``."""
        self._ask("PUT", "faults", json=_of_upstream(headers))

    def faults(self, **headers: str) -> None:
        """Let something go wrong with each request from now on; none ends that."""
        self._ask("PUT", "lasting", json=_of_upstream(headers))

    def put(self, session: str, state: str) -> None:
        """Update a session past any gateway."""
        url = f"{self.url}/v2/customer_sessions/{session}"
        body = {"customerSession": {"state": state}}
        httpx.put(url, json=body, trust_env=False, verify=NO_TLS).raise_for_status()

    def _ask(self, method: str, what: str, **more: Any) -> dict[str, Any]:
        url = f"{self.url}/_upstream/{what}"
        answer = httpx.request(method, url, trust_env=False, verify=NO_TLS, **more)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def _of_upstream(headers: Mapping[str, str]) -> dict[str, str]:
    return {f"x-upstream-{name.replace('_', '-')}": value for name, value in headers.items()}


@contextmanager
def upstream_running(*options: str) -> Iterator[Upstream]:
    """Run the stand-in API with these options as long as the block."""
    port = free_port()
    script = str(HERE / "upstream.py")
    command = [sys.executable, script, "--port", str(port), *options]
    with running(command, ready=lambda: listens(port)):
        yield Upstream(port)


class Gateway(NamedTuple):
    """The plugin's own process, as a test sees it."""

    http: int
    """The port of the HTTP face."""
    grpc: int
    """The port of the gRPC face."""
    program: Program

    @property
    def url(self) -> str:
        """Where the HTTP face listens."""
        return f"http://127.0.0.1:{self.http}"


@contextmanager
def gateway_running(folder: Path, settings: str = "", **ports: int) -> Iterator[Gateway]:
    """Run ``talonschema gateway`` as long as the block; `settings` are more lines of its table."""
    http = ports.get("http") or free_port()
    grpc = ports.get("grpc") or free_port()
    config = folder / "talonschema.toml"
    config.write_text(
        'edition = "2026-06"\n[gateway]\n'
        f'http = "127.0.0.1:{http}"\ngrpc = "127.0.0.1:{grpc}"\n{settings}\n'
    )
    script = (
        "import sys; from talonschema.gateway.process.server import main; "
        "sys.exit(main(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(config)]
    with running(command, ready=lambda: listens(http) and listens(grpc), cwd=folder) as program:
        yield Gateway(http, grpc, program)
        stop(program.process)
        parse_log(program.output())
