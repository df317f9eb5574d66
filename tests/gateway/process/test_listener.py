"""The listener: it takes what is free, and nothing that anybody has."""

from __future__ import annotations

import fcntl
import os
import socket
import threading
from pathlib import Path

import pytest

from talonschema.gateway.address import Address
from talonschema.gateway.process.listener import listen


def test_a_socket_that_was_left_behind_is_replaced_but_none_in_use(tmp_path: Path) -> None:
    address = Address(path=str(tmp_path / "s"))
    with listen(address, 5):
        pass
    with listen(address, 5), pytest.raises(OSError, match="Address already in use"):
        listen(address, 5)
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    with pytest.raises(OSError, match="Address already in use"):
        listen(Address(path=str(tmp_path / "file")), 5)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "precious"


def test_a_port_in_use_is_not_shared() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        with pytest.raises(OSError, match="Address already in use"):
            listen(Address("127.0.0.1", held.getsockname()[1]), 5)


def test_of_many_who_come_at_once_one_gets_a_socket(tmp_path: Path) -> None:
    address = Address(path=str(tmp_path / "s"))
    for _ in range(20):
        listen(address, 5).close()
        got: list[socket.socket] = []
        start = threading.Barrier(8)

        def try_to_listen(got: list[socket.socket] = got, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                got.append(listen(address, 5))
            except OSError:
                return

        threads = [threading.Thread(target=try_to_listen) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (winner,) = got
        winner.close()


def test_a_lock_that_somebody_keeps_does_not_stop_it(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    listen(Address(path=str(tmp_path / "s")), 5).close()
    os.close(folder)
