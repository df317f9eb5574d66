"""Workers that end while clients are busy, and the requests that this costs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException

from support.gateway.processes import Program, eventually
from support.gateway.promises import JSON, OPEN, Front, new_id, path
from support.gateway.server import events_named

CLIENTS = 8
_MEANWHILE = 300
"""Requests before and after each end."""


@contextmanager
def update_load(front: Front) -> Iterator[Counter[object]]:
    """Have clients send updates as long as the block; count the statuses that they get."""
    seen: Counter[object] = Counter()
    done, lock = threading.Event(), threading.Lock()

    def update() -> None:
        connection = HTTPConnection("127.0.0.1", front.port, timeout=60)
        while not done.is_set():
            status: object
            try:
                connection.request("PUT", path(new_id()), OPEN, JSON)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, HTTPException) as error:
                connection.close()
                status = repr(error)
            with lock:
                seen[status] += 1
        connection.close()

    clients = [threading.Thread(target=update) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield seen
    finally:
        done.set()
        for client in clients:
            client.join()


def wait_for_more(seen: Counter[object]) -> None:
    """Wait until there were some more requests."""
    goal = seen.total() + _MEANWHILE
    eventually(lambda: seen.total() >= goal, "nothing goes on", 120)


def count_lost_requests(front: Front, *ends: Callable[[], None]) -> int:
    """Return how many requests got no 200 while parts end, one after the other."""
    with update_load(front) as seen:
        wait_for_more(seen)
        for end in ends:
            end()
            wait_for_more(seen)
    return seen.total() - seen[200]


def count_lost_with_workers(front: Front, program: Program, number: signal.Signals) -> int:
    """Return how many requests it costs to signal each of two workers."""

    def end(worker: int) -> None:
        started = events_named(program, "listening")
        pid = [each["pid"] for each in started if each["worker"] == worker][-1]
        os.kill(pid, number)
        count = len(started)
        eventually(
            lambda: len(events_named(program, "listening")) > count, "it does not come back", 60
        )
        # Gateways have to find out.
        time.sleep(2)

    return count_lost_requests(front, lambda: end(0), lambda: end(1))
