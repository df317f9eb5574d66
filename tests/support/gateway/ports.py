"""Free ports for programs that the tests start, apart from those of connections."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from itertools import count
from random import SystemRandom
from typing import Final

_FIRST: Final = 10_000
"""The first port. Linux takes ports of connections from 32768 on: one of these that is free now may
be taken before a program listens on it."""
_MOST: Final = 2_000
"""Ports of one test process, so that no two processes of a run give out the same one."""
_PROCESSES: Final = 10

_process: Final = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
# At random, for other runs on the machine; not by `random`, whose seed is that of the run.
_next = count(SystemRandom().randrange(_MOST))


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    return free_ports(1)


def free_ports(number: int) -> int:
    """Return the first of as many free ports in a row."""
    while True:
        numbers = [next(_next) % _MOST for _ in range(number)]
        first = _FIRST + _process % _PROCESSES * _MOST + numbers[0]
        if numbers[-1] == numbers[0] + number - 1 and _are_free(range(first, first + number)):
            return first


def _are_free(ports: range) -> bool:
    with ExitStack() as stack:
        try:
            for port in ports:
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
