"""Address: the address that a face of the gateway listens on."""

from __future__ import annotations

from typing import NamedTuple

_PORTS = range(1, 2**16)


class Address(NamedTuple):
    """A port of a host, or a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""
    """The path of a Unix socket; empty for a port."""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def of_worker(self, index: int, workers: int) -> Address:
        """Return the address of a worker: the port plus its index, or a socket of its own."""
        if self.path:
            return self if workers == 1 else Address(path=f"{self.path}.{index}")
        return self._replace(port=self.port + index)


def parse(text: str) -> Address:
    """Parse ``HOST:PORT`` or ``unix:PATH``; raises `ValueError` for anything else."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path:
            raise ValueError("the path after unix: is missing")
        return Address(path=path)
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdecimal():
        raise ValueError("expected HOST:PORT or unix:PATH")
    if int(port) not in _PORTS:
        raise ValueError(f"the port must be from 1 to {_PORTS[-1]}")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError("an IPv6 address needs brackets, as in [::1]:8787")
    return Address(host.strip("[]"), int(port))


def overlap(one: Address, other: Address, workers: int) -> bool:
    """Return True if two faces of `workers` workers would share an address."""
    places = [{face.of_worker(index, workers) for index in range(workers)} for face in (one, other)]
    return not places[0].isdisjoint(places[1])
