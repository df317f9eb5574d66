"""Look-ups: what they add to a request that needs one, and to one that doesn't.

The plugin's HTTP face alone, as a gateway asks it, with one worker and the SQLite store: one
process without look-ups and one with. A client sends both legs of an update of about 1 KB, one
after the other, in turn to either process: of sessions that the store knows, and of others. The API
that is asked is an nginx on the same machine, which answers at once.

``make bench-lookup`` prints the table of docs/gateway/lookup.md.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

from payloads import request as cart
from stack import free_port, processor_time, start

BODY: Final = json.dumps(
    {"customerSession": {**cart(4)["customerSession"], "state": "open"}}
).encode()
KNOWN: Final = 200
"""Sessions that the store knows."""

_API: Final = """
daemon off; pid {folder}/nginx.pid; worker_processes 1; error_log stderr crit;
events {{ }}
http {{
    access_log off; keepalive_requests 1000000;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port};
        location ~ ^/v2/customer_sessions/(.*)$ {{
            default_type application/json;
            return 200 '{{"customerSession": {{"integrationId": "$1", "state": "open",
                "updated": "2026-06-24T12:00:00Z"}}}}';
        }}
    }}
}}
"""


class Cost(NamedTuple):
    """The cost of a request, in microseconds."""

    time: float
    """The median."""
    processor: float
    """The mean of the plugin."""


class Client:
    """A gateway with one connection to the plugin."""

    def __init__(self, port: int, pid: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pid = pid

    def cost(self, sessions: Iterator[str], requests: int) -> Cost:
        """Send both legs of so many requests."""
        times = []
        spent = processor_time(self._pid)
        for _ in range(requests):
            session = next(sessions)
            started = time.perf_counter()
            token = self.check(session)
            times.append(time.perf_counter() - started)
            self.observe(session, token)
        spent = processor_time(self._pid) - spent
        return Cost(statistics.median(times) * 1e6, spent / requests * 1e6)

    def check(self, session: str) -> str:
        """Ask about an update; return its token."""
        more = "content-type: application/json\r\nauthorization: ApiKey-v1 k\r\n"
        head = self._ask("PUT", f"/check/v2/customer_sessions/{session}", more, BODY)
        if not head.startswith("http/1.1 200"):
            sys.exit(f"refused: {head}")
        return head.partition("x-talonschema-token: ")[2].partition("\r\n")[0]

    def observe(self, session: str, token: str) -> None:
        """Report that it was done."""
        more = f"x-talonschema-token: {token}\r\nx-talonschema-method: PUT\r\n"
        target = f"/observe/v2/customer_sessions/{session}"
        self._ask("POST", target, f"{more}x-talonschema-status: 200\r\n", b"{}")

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _ask(self, method: str, target: str, more: str, body: bytes) -> str:
        head = f"{method} {target} HTTP/1.1\r\nhost: x\r\n{more}content-length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(65536)
        text = answer.decode()
        name, found, rest = text.partition("\r\n")
        return name.lower() + found + rest


def plugin(stack: ExitStack, folder: Path, name: str, more: str) -> Client:
    """Run the plugin with further settings."""
    port, home = free_port(), folder / name
    home.mkdir()
    config = home / "talonschema.toml"
    config.write_text(f'edition = "2026-06"\n[gateway]\nhttp = "127.0.0.1:{port}"\n{more}', "utf-8")
    command = [sys.executable, "-m", "talonschema", "gateway", "--config", str(config)]
    pid = start(stack, command, port, home)
    client = stack.enter_context(closing(Client(port, pid)))
    for number in range(KNOWN):
        client.observe(session := f"known-{number}", client.check(session))
    return client


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    rounds, requests = (3, 100) if parser.parse_args().quick else (25, 400)
    fresh = (f"fresh-{number}" for number in count())
    known = (f"known-{number % KNOWN}" for number in count())
    found: dict[str, list[Cost]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        api = free_port()
        (folder / "nginx.conf").write_text(_API.format(folder=folder, port=api), "utf-8")
        start(stack, ["nginx", "-c", str(folder / "nginx.conf")], api, folder)
        off = plugin(stack, folder, "off", "")
        lookup = f'[gateway.lookup]\nurl = "http://127.0.0.1:{api}"\ntimeout = 10\n'
        on = plugin(stack, folder, "on", lookup)
        for number in range(rounds + 1):
            for name, sessions in (("known", known), ("unknown", fresh)):
                # Who goes first alternates, and the first round is for warming up.
                costs = {
                    each: each.cost(sessions, requests) for each in (off, on)[:: (-1) ** number]
                }
                if number:
                    found.setdefault(f"{name}, off", []).append(costs[off])
                    found.setdefault(f"{name}, on", []).append(costs[on])
    print("| Session | p50 | added to p50 | processor time of both legs | added to it |")
    print("|---|---:|---:|---:|---:|")
    for name in ("known", "unknown"):
        pairs = list(zip(found[f"{name}, off"], found[f"{name}, on"], strict=True))
        for_time = _comparison([(a.time, b.time) for a, b in pairs])
        for_processor = _comparison([(a.processor, b.processor) for a, b in pairs])
        print(f"| {name} | {for_time} | {for_processor} |")


def _comparison(pairs: list[tuple[float, float]]) -> str:
    """Return the median, and what is added inside a round with its quartiles."""
    low, middle, high = statistics.quantiles([after - before for before, after in pairs], n=4)
    before = statistics.median(before for before, _ in pairs)
    return f"{before:.0f} µs | {middle:+.0f} µs ({low:+.0f} to {high:+.0f})"


if __name__ == "__main__":
    main()
