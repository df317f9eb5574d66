"""Requests that are half sent, and honest ones between them."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from support.gateway.promises import OPEN, Front, new_id, path

COUNT = 3000
"""More than gateways take by default."""
FAST_ENOUGH = 8.0
"""Seconds: less than the deadline of half a request, after which anybody would be served."""


@contextmanager
def half_sent_requests(
    front: Front, *pieces: bytes, count: int = COUNT
) -> Iterator[list[socket.socket]]:
    """Keep `count` connections open that have sent one of `pieces` each, in turn."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * count)), hard))
    with ExitStack() as stack:
        opened = []
        for number in range(count):
            connection = socket.create_connection(("127.0.0.1", front.port), timeout=20)
            opened.append(stack.enter_context(connection))
            connection.sendall(pieces[number % len(pieces)])
        yield opened


def head(length: int) -> bytes:
    """Return the head of an update whose body has `length` bytes."""
    return (
        f"PUT {path(new_id())} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        f"content-length: {length}\r\n\r\n"
    ).encode()


def honest_ones_pass(front: Front) -> None:
    """Send updates, each on a connection of its own; fail if one has to wait."""
    for _ in range(10):
        with front.client() as client:
            answer = client.put(path(new_id()), content=OPEN, timeout=FAST_ENOUGH)
            assert answer.status_code == 200


def half_requests_shut_nobody_out(front: Front) -> None:
    """The promise of each gateway's file."""
    pieces = (head(len(OPEN))[:60], head(len(OPEN)) + OPEN[:9], head(60_000) + b"{" * 50_000)
    with half_sent_requests(front, *pieces):
        honest_ones_pass(front)
