"""Listener: a socket that has the address of a face exclusively."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from time import monotonic, sleep
from typing import Any, Final

from ..address import Address

_LOCK_WAIT: Final = 1.0
_LOCK_STEP: Final = 0.01
"""Seconds to wait for a lock, and between attempts."""


def listen(address: Address, backlog: int) -> socket.socket:
    """Return a socket that listens on `address`; raises `OSError`.

    A stale Unix socket is replaced.
    """
    if address.path:
        with claim(address):
            return _listening(socket.AF_UNIX, address.path, backlog)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    return _listening(family, (address.host, address.port), backlog)


@contextmanager
def claim(address: Address) -> Iterator[None]:
    """Reserve the path of a Unix socket until the block listens on it.

    A stale socket is removed. Raises `OSError` if a process listens on it.
    """
    if not address.path:
        yield
        return
    with _lock(os.path.dirname(address.path) or "."):
        if _is_left_behind(address.path):
            os.unlink(address.path)
        elif os.path.lexists(address.path):
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        yield


def place(address: Address) -> tuple[int, int] | None:
    """Return the identity of the file of a Unix socket; None if there is none."""
    try:
        found = os.stat(address.path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _listening(family: int, where: Any, backlog: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family != socket.AF_UNIX:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(where)
        # At once, since a socket that is bound and does not listen looks stale.
        made.listen(backlog)
    except OSError:
        made.close()
        raise
    return made


@contextmanager
def _lock(folder: str) -> Iterator[None]:
    """Hold the lock of a folder, or proceed without it if another process holds it for too long."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        end = monotonic() + _LOCK_WAIT
        while monotonic() < end:
            try:
                flock(opened, LOCK_EX | LOCK_NB)
                break
            except OSError:
                sleep(_LOCK_STEP)
        yield
    finally:
        os.close(opened)


def _is_left_behind(path: str) -> bool:
    """Return True if the path is a Unix socket that no process listens on."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(0)
            probe.connect(path)
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
