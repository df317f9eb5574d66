"""What a deployment needs: memory of a worker, room in each store, and the cost of more workers.

Updates of sessions that are all different go through nginx with both legs. Each store is taken with
one worker, then SQLite and Valkey with two. Needs Linux, nginx with njs, and wrk.

``make bench-sizing`` prints the tables of docs/gateway/operations.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import gateway
from stack import free_port, load, processor_time, resident, start

from support.gateway.processes import eventually, listens
from support.gateway.valkey import Valkey

MEMORY, SQLITE, VALKEY = "memory", "SQLite", "Valkey on the same machine"
CASES: Final = ((MEMORY, 1), (SQLITE, 1), (SQLITE, 2), (VALKEY, 1), (VALKEY, 2))
SIZE: Final = "1 KB"
HEADS: Final = (
    "Store",
    "Workers",
    "MiB of a worker at rest",
    "MiB after load",
    "Sessions",
    "Bytes a session, workers",
    "Bytes a session, store",
    "Processor time of the plugin a request (µs)",
    "Requests a second for each core of it",
)


class Room(NamedTuple):
    """What a number of sessions takes."""

    sessions: int
    workers: float
    """Bytes by which the workers grow, for each session."""
    store: float | None
    """Bytes by which the store grows, for each session; None if the worker is the store."""


class Row(NamedTuple):
    """The measures of one store and number of workers."""

    store: str
    workers: int
    idle: int
    """Bytes of a worker before the first request."""
    busy: int
    """Bytes of the largest worker after the last one."""
    room: Room
    seconds: float
    """Processor time of all workers for a request, both legs: the median of the slices."""


@contextmanager
def _store(name: str, folder: Path) -> Iterator[tuple[str, Valkey | None]]:
    if name == MEMORY:
        yield "memory:", None
    elif name == SQLITE:
        yield f"sqlite:{folder}/sessions.db", None
    else:
        server = Valkey(folder)
        with server.serving():
            yield server.url, server


def _size(folder: Path, server: Valkey | None) -> int:
    if server is not None:
        used: int = server.client().info("memory")["used_memory_dataset"]
        return used
    return sum(each.stat().st_size for each in folder.glob("sessions.db"))


def _workers(plugin: int) -> list[int]:
    children = Path(f"/proc/{plugin}/task/{plugin}/children").read_text("ascii").split()
    return [int(child) for child in children] or [plugin]


def _plugin(stack: ExitStack, folder: Path, store: str, workers: int) -> tuple[int, list[int]]:
    """Start the plugin; return its process id and the ports of its workers."""
    first = free_port()
    config = folder / "talonschema.toml"
    config.write_text(
        f'[gateway]\nhttp = "127.0.0.1:{first}"\nworkers = {workers}\nstore = "{store}"\n', "utf-8"
    )
    ports = [first + number for number in range(workers)]
    command = f"exec {sys.executable} -m talonschema gateway --config {config} 2> log"
    plugin = start(stack, ["sh", "-c", command], ports[-1], folder)
    eventually(lambda: all(map(listens, ports)), "a worker does not listen")
    return plugin, ports


def measure(name: str, workers: int, slices: int, seconds: int) -> Row:
    """Return what a store and so many workers take."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        body = gateway.bodies(folder)[SIZE]
        store, server = stack.enter_context(_store(name, folder))
        plugin, ports = _plugin(stack, folder, store, workers)
        port = gateway.start_nginx(stack, folder, ports)
        idle = max(resident(pid) for pid in _workers(plugin))
        load(port, body, gateway.BUSY, seconds)
        held, size = _resident_memory(plugin), _size(folder, server)
        costs, sessions = [], 0
        for number in range(slices):
            before = processor_time(plugin)
            found = load(port, body, gateway.BUSY, seconds, 10**7 * (number + 1))
            costs.append((processor_time(plugin) - before) / found.requests)
            sessions += found.requests
        grown = (_resident_memory(plugin) - held) / sessions
        kept = None if name == MEMORY else (_size(folder, server) - size) / sessions
        busy = max(resident(pid) for pid in _workers(plugin))
        room = Room(sessions, grown, kept)
        return Row(name, workers, idle, busy, room, statistics.median(costs))


def _resident_memory(plugin: int) -> int:
    return sum(resident(pid) for pid in _workers(plugin))


def main() -> None:
    """Print a row for each store and number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    print(f"| {' | '.join(HEADS)} |")
    print(f"|{'---|' * len(HEADS)}")
    for name, workers in CASES:
        row = measure(name, workers, 2 if quick else 5, 1 if quick else 4)
        print(f"| {' | '.join(_cells(row))} |", flush=True)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.store,
        str(row.workers),
        f"{row.idle / 2**20:.0f}",
        f"{row.busy / 2**20:.0f}",
        str(row.room.sessions),
        f"{row.room.workers:.0f}",
        "" if row.room.store is None else f"{row.room.store:.0f}",
        f"{row.seconds * 1e6:.0f}",
        f"{1 / row.seconds:.0f}",
    )


if __name__ == "__main__":
    main()
