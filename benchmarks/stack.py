"""The tools of the measurements: programs that run, load on them, and their processor time."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

SESSIONS: Final = 50_000
"""Sessions: enough that none has more updates in flight than a shop would send."""

_PATIENCE: Final = 20.0
_TICK: Final = os.sysconf("SC_CLK_TCK")

_WRK: Final = """
local body = io.open("{body}", "rb"):read("*a")
local sent = {first}
wrk.method = "PUT"
wrk.body = body
wrk.headers["Content-Type"] = "application/json"

function request()
    sent = sent + 1
    return wrk.format(nil, "/v2/customer_sessions/cart-" .. sent % {sessions})
end

function done(summary, latency, requests)
    local failed = summary.errors
    io.write(string.format(
        '{{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}}\\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6,
        latency:percentile(99) / 1e6,
        failed.connect + failed.read + failed.write + failed.status + failed.timeout
    ))
end
"""


class Load(NamedTuple):
    """The outcome of some seconds of load."""

    requests: int
    seconds: float
    p50: float
    """The time half of the requests took at most, in seconds."""
    p99: float
    failed: int


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(stack: ExitStack, command: Sequence[str], port: int, cwd: Path) -> int:
    """Run a program until `stack` is left, and wait until it listens; return its process id."""
    process = stack.enter_context(_running(command, cwd))
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return process.pid
        time.sleep(0.05)
    sys.exit(f"{' '.join(command)} does not run")


@contextmanager
def _running(command: Sequence[str], cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def processor_time(pid: int) -> float:
    """Return the seconds of processor time that a process and its children have taken."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    own = (int(fields[11]) + int(fields[12])) / _TICK
    return own + sum(processor_time(int(child)) for child in children)


def resident(pid: int) -> int:
    """Return how many bytes of memory a process holds."""
    pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def load(port: int, body: Path, connections: int, seconds: float, first: int | None = None) -> Load:
    """Send updates of sessions for some seconds; each answer is waited for.

    It is always the same sessions in turn or, with `first`, others from that number on.
    """
    sessions = SESSIONS if first is None else first + 10**9
    script = body.with_suffix(".lua")
    script.write_text(_WRK.format(body=body, sessions=sessions, first=first or 0), "utf-8")
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--timeout", "10s"]
    command += ["--duration", f"{seconds:.0f}s", "--script", str(script)]
    command.append(f"http://127.0.0.1:{port}")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = Load(**json.loads(done.stdout.splitlines()[-1]))
    if found.failed or not found.requests:
        sys.exit(f"{found.failed} of {found.requests} requests failed:\n{done.stdout}")
    return found
