"""Fleet: what clients lose while two machines with the plugin are restarted and Valkey fails over.

Clients take sessions through legal moves and try illegal ones in between, through one Envoy, which
asks the plugin on two addresses of the loopback interface. Both share one Valkey. It has a replica,
which Sentinel promotes; HAProxy has the one address that leads to whichever is the primary.

``make fleet`` prints the table of docs/gateway/deployment.md, and fails if a legal call was lost or
refused, or an illegal one passed although the store never failed. Envoy's deadlines are longer than
those of its file, for a machine that is busy.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, redirect_stdout
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final, NamedTuple, Self

import httpx

from support.gateway.envoy import PAIR, Behind, envoy_running
from support.gateway.failover import ReplicatedValkey
from support.gateway.ports import free_port
from support.gateway.processes import NO_TLS, listens, running, upstream_running
from support.gateway.promises import CANCELLED, CLOSED, JSON, OPEN, RETURN, new_id, path
from support.gateway.server import command

CLIENTS: Final = 6
_ILLEGAL_SHARE: Final = 0.3
"""Calls on a session before which an illegal one is tried."""
SESSIONS: Final = 30
"""Sessions that each client has under way."""
_FAILURES: Final = "talonschema_gateway_store_errors_total"
MACHINES: Final = ("127.0.0.2", "127.0.0.3")


class Move(NamedTuple):
    """A call on a session, and the state that it leads to."""

    method: str
    part: str
    body: bytes | None
    state: str


_OPEN, _CLOSE, _CANCEL = (
    Move("PUT", "", body, state)
    for body, state in ((OPEN, "open"), (CLOSED, "closed"), (CANCELLED, "cancelled"))
)
_REOPEN, _RETURN = (
    Move("PUT", "/reopen", None, "open"),
    Move("POST", "/returns", RETURN, "partially_returned"),
)
LEGAL: Final = {
    "new": (_OPEN, _CLOSE),
    "open": (_OPEN, _CLOSE, _CLOSE),
    "closed": (_REOPEN, _REOPEN, _RETURN),
    "partially_returned": (_RETURN, _CANCEL),
}
ILLEGAL: Final = {
    "open": (_REOPEN, _RETURN),
    "closed": (_OPEN,),
    "partially_returned": (_OPEN, _CLOSE, _REOPEN),
    "cancelled": (_OPEN, _CLOSE, _RETURN),
}


class Clients:
    """Clients that send calls until they are stopped, and count what came of them."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._threads = [
            threading.Thread(target=self._run, args=(seed,)) for seed in range(CLIENTS)
        ]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for each in self._threads:
            each.join()

    def take(self) -> Counter[str]:
        """Return what was counted since the last call."""
        with self._lock:
            seen, self._seen = self._seen, Counter()
        return seen

    def _run(self, seed: int) -> None:
        dice = random.Random(seed)
        sessions = {new_id(): "new" for _ in range(SESSIONS)}
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
            while not self._done.is_set():
                name = dice.choice(list(sessions))
                state = sessions[name]
                if state in ILLEGAL and dice.random() < _ILLEGAL_SHARE:
                    self._send_illegal(connection, name, dice.choice(ILLEGAL[state]))
                after = None
                if state in LEGAL:
                    after = self._send_legal(connection, name, dice.choice(LEGAL[state]))
                if after is None:
                    del sessions[name]
                    name, after = new_id(), "new"
                sessions[name] = after

    def _send_illegal(self, connection: HTTPConnection, name: str, move: Move) -> None:
        """Send an illegal call."""
        status, text = _ask(connection, name, move)
        if status == 400 and "state transition" in text:
            self._count("refused")
        elif status == 400:
            self._count("slipped")
        else:
            self._count("unanswered")

    def _send_legal(self, connection: HTTPConnection, name: str, move: Move) -> str | None:
        """Send a legal call; return the state after it, None if that is not known."""
        status, text = _ask(connection, name, move)
        if status == 200:
            self._count("done")
            return move.state
        if status == 400 and "state transition" in text:
            self._count("refused falsely")
        else:
            self._count("lost")
            sys.stderr.write(f"lost: {move.method} {move.part} {status} {text}\n")
        return None

    def _count(self, what: str) -> None:
        with self._lock:
            self._seen[what] += 1


def _ask(connection: HTTPConnection, name: str, move: Move) -> tuple[int, str]:
    """Send a call; return the status, 0 if there was no answer, and the body."""
    try:
        connection.request(move.method, path(name, move.part), move.body, JSON)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, HTTPException) as error:
        connection.close()
        return 0, repr(error)


class Machine:
    """The plugin on an address of its own."""

    def __init__(self, folder: Path, host: str, port: int, store: int) -> None:
        self._folder = folder / host
        self._folder.mkdir()
        self._ports = host, port
        self._stack = ExitStack()
        self._failures = 0
        """Of the processes that have ended."""
        self.config = self._folder / "talonschema.toml"
        self.config.write_text(
            f'edition = "2026-06"\n[gateway]\nhttp = "{host}:{port}"\n'
            f'store = "redis://127.0.0.1:{store}/0"\n',
            "utf-8",
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the plugin, and wait until it listens."""
        listening = running(
            command("--config", str(self.config)),
            ready=lambda: listens(self._ports[1], self._ports[0]),
            cwd=self._folder,
        )
        self._stack.enter_context(listening)

    def restart(self) -> None:
        """End the plugin in order, and start it again."""
        self._failures = self.failures()
        self._stack.close()
        self.start()

    def failures(self) -> int:
        """Return how many calls on the store have failed."""
        url = "http://{}:{}/metrics".format(*self._ports)
        answer = httpx.get(url, trust_env=False, verify=NO_TLS, timeout=20)
        found = re.findall(rf"^{_FAILURES}{{.*}} (\S+)$", answer.text, re.MULTILINE)
        return self._failures + int(sum(map(float, found)))


class Row(NamedTuple):
    """What came of the requests of one phase."""

    about: str
    seen: Counter[str]
    failures: int
    """Calls on the store that failed: while they do, nothing is refused for its state."""

    @property
    def failed(self) -> bool:
        """It did what it should not."""
        slipped = not self.failures and self.seen["slipped"] > 0
        wrong = ("lost", "refused falsely", "unanswered")
        return slipped or any(self.seen[what] for what in wrong) or not self.seen["done"]

    def __str__(self) -> str:
        seen = self.seen
        illegal = seen["refused"] + seen["slipped"]
        lost = seen["lost"] + seen["unanswered"]
        return (
            f"| {self.about} | {seen.total()} | {lost} | {seen['refused falsely']} "
            f"| {seen['slipped']} of {illegal} | {self.failures} |"
        )


_TWO: Final = """\
        endpoints: &talonschema
          - lb_endpoints:
              - endpoint:
                  address:
                    socket_address: {{ address: {}, port_value: {port} }}
              - endpoint:
                  address:
                    socket_address: {{ address: {}, port_value: {port} }}
"""
_ONE: Final = """\
        endpoints: &talonschema
          - lb_endpoints:
              - endpoint:
                  address:
                    socket_address: { address: 127.0.0.1, port_value: 8787 }
"""


def measure(folder: Path, calm: float) -> Iterator[Row]:
    """Yield the row of each phase; clients go on for `calm` seconds around what happens in it."""
    with ExitStack() as stack:
        api = stack.enter_context(upstream_running())
        store = stack.enter_context(ReplicatedValkey(folder))
        port = free_port()
        machines = [
            stack.enter_context(Machine(folder, host, port, store.port)) for host in MACHINES
        ]
        edits = {_ONE: _TWO.format(*MACHINES, port=port)}
        envoy = stack.enter_context(envoy_running(PAIR, Behind(api.port, port, port), edits=edits))

        def restart() -> None:
            for machine in machines:
                machine.restart()
                time.sleep(calm)

        phases: tuple[tuple[str, Callable[[], None]], ...] = (
            ("None", lambda: None),
            ("Both machines are restarted, one after the other", restart),
            ("Valkey's replica takes over in order", store.hand_over),
            ("Valkey's primary is killed", lambda: store.fail(signal.SIGKILL)),
            ("Valkey's primary hangs", lambda: store.fail(signal.SIGSTOP)),
        )
        clients = stack.enter_context(Clients(envoy.port))
        before = 0
        for about, happens in phases:
            time.sleep(calm)
            happens()
            time.sleep(2 * calm)
            after = sum(machine.failures() for machine in machines)
            yield Row(about, clients.take(), after - before)
            before = after


def main() -> int:
    """Print the table; return 0 if nothing was lost or refused falsely."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    print("| Event | Requests | Lost | Refused falsely | Slipped | Failures of the store |")
    print("|---|---:|---:|---:|---:|---:|", flush=True)
    failed = False
    # Programs print their logs at their end, which is not for here.
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        for row in measure(Path(folder), 1.0 if chosen.quick else 5.0):
            print(row, file=sys.__stdout__, flush=True)
            failed |= row.failed
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
