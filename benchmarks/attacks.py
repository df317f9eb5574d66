"""Attacks: how long light updates take while others send the bodies that cost most to judge.

The plugin's HTTP face alone, as a gateway asks it, with one worker and the SQLite store. For each
attack: some seconds calm, then the same with attackers on 4 and on 16 connections, then calm again.
Figures are ratios of medians within that row, and the processor time of the plugin.

``make bench-attacks`` prints the table of docs/gateway/performance.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from payloads import request as cart
from stack import free_port, start

CONNECTIONS: Final = (4, 16)
LIGHT: Final = json.dumps({"customerSession": cart(4)["customerSession"]}).encode()
"""About 1 KB."""

_KIB: Final = 1024


def _items(size: int, item: bytes) -> bytes:
    return b'{"customerSession":{"cartItems":[' + b",".join([item] * (size // len(item))) + b"]}}"


def _attribute(size: int, text: bytes) -> bytes:
    return b'{"customerSession":{"attributes":{' + text * (size // len(text)) + b'"z":1}}}'


def _keys(size: int) -> bytes:
    members = b",".join(b'"a%d":1' % number for number in range(size // 10))
    return b'{"customerSession":{"attributes":{' + members + b"}}}"


ATTACKS: Final[dict[str, Callable[[], tuple[bytes, str]]]] = {
    "empty items, 15 KiB": lambda: (_items(15 * _KIB, b"{}"), ""),
    "empty items, 2 MiB": lambda: (_items(2000 * _KIB, b"{}"), ""),
    "empty items, 1.3 KB of gzip": lambda: (gzip.compress(_items(180 * _KIB, b"{}")), "gzip"),
    "empty items, 10 KB of gzip": lambda: (gzip.compress(_items(1900 * _KIB, b"{}")), "gzip"),
    "wrong types, 64 KiB": lambda: (_items(64 * _KIB, b'{"quantity":"x"}'), ""),
    "duplicate keys, 64 KiB": lambda: (_attribute(64 * _KIB, b'"a":1,'), ""),
    "duplicate keys, 2 MiB": lambda: (_attribute(2000 * _KIB, b'"a":1,'), ""),
    "unknown keys, 64 KiB": lambda: (_items(64 * _KIB, b'{"x":1,"y":2}'), ""),
    "attributes, 2 MiB": lambda: (_keys(2000 * _KIB), ""),
    "nested lists, 64 KiB": lambda: (
        _attribute(64 * _KIB, b'"a":' + b"[" * 60 + b"]" * 60 + b","),
        "",
    ),
}


class Row(NamedTuple):
    """The outcome of one attack."""

    calm: float
    """Median of a light update in seconds."""
    attacked: float
    p99: float
    refused: int
    """Light updates that were not let through."""
    after: float
    """Median from 2 s after the end of the attack on."""


def _message(body: bytes, number: int, encoding: str) -> bytes:
    head = (
        f"PUT /check/v2/customer_sessions/cart-{number} HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/json\r\n"
    )
    if encoding:
        head += f"Content-Encoding: {encoding}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _ask(connection: socket.socket, message: bytes) -> int:
    """Send a request, read the answer, and return its status."""
    connection.sendall(message)
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split()[1])


def attack(name: str, port: int) -> None:
    """Be one attacker until killed."""
    body, encoding = ATTACKS[name]()
    number = 0
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                while True:
                    number += 1
                    _ask(connection, _message(body, number, encoding))
        except OSError:
            time.sleep(0.01)


def time_updates(port: int, seconds: float) -> tuple[list[float], int]:
    """Send light updates one after the other; return their times, and how many were refused."""
    times, refused = [], 0
    end = time.perf_counter() + seconds
    number = 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        while time.perf_counter() < end:
            number += 1
            message = _message(LIGHT, 1_000_000 + number % 50_000, "")
            begin = time.perf_counter()
            refused += _ask(connection, message) != 200
            times.append(time.perf_counter() - begin)
    return times, refused


def measure(name: str, connections: int, port: int, seconds: float) -> Row:
    """Return what light updates see before, during and after an attack."""
    calm, _ = time_updates(port, seconds)
    command = [sys.executable, __file__, "--attack", name, "--port", str(port)]
    attackers = [subprocess.Popen(command) for _ in range(connections)]
    time.sleep(1.5)
    times, refused = time_updates(port, seconds)
    for each in attackers:
        each.kill()
        each.wait()
    time.sleep(2)
    after, _ = time_updates(port, seconds)
    times.sort()
    return Row(
        statistics.median(calm),
        statistics.median(times),
        times[int(0.99 * len(times))],
        refused,
        statistics.median(after),
    )


def main() -> None:
    """Print a row for each attack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--attack", choices=ATTACKS)
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    if arguments.attack:
        attack(arguments.attack, arguments.port)
    seconds = 1.0 if arguments.quick else 3.0
    heads = ("Attack", "Connections", "p50 calm (ms)", "p50 attacked / calm", "p99 (ms)")
    print(f"| {' | '.join((*heads, 'Refused', 'after / calm'))} |")
    print("|---|---|---|---|---|---|---|")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        (folder / "talonschema.toml").write_text(
            f'edition = "2026-06"\n[gateway]\nhttp = "127.0.0.1:{port}"\ngrpc = "off"\n'
            f'store = "sqlite:{folder}/sessions.db"\n',
            "utf-8",
        )
        config = folder / "talonschema.toml"
        # A line for each refusal would be all that there is to see.
        command = f"exec {sys.executable} -m talonschema gateway --config {config} 2> log"
        start(stack, ["sh", "-c", command], port, folder)
        for name in ATTACKS:
            for connections in CONNECTIONS[:1] if arguments.quick else CONNECTIONS:
                row = measure(name, connections, port, seconds)
                print(
                    f"| {name} | {connections} | {row.calm * 1e3:.2f} "
                    f"| {row.attacked / row.calm:.1f} | {row.p99 * 1e3:.0f} | {row.refused} "
                    f"| {row.after / row.calm:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
