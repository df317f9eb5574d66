"""An HTTP face in the process of the tests, with an application that shows what it receives."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeAlias

import uvloop

from talonschema.gateway.address import Address
from talonschema.gateway.answer import Form
from talonschema.gateway.http import CLOSE, READ
from talonschema.gateway.incoming import Gone, Incoming, Late
from talonschema.gateway.messages import Response
from talonschema.gateway.process.http_face import HttpFace

Loop: TypeAlias = Callable[[], asyncio.AbstractEventLoop]

BIG = b"x" * 2**22
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Echo:
    """An application that answers with what it received; the path is what it does besides."""

    read = READ
    form: Form = "api"

    def __init__(self) -> None:
        self.draining = False
        self.refused: list[str] = []
        self.seen: list[str] = []
        self.released = asyncio.Event()

    def refused_connection(self, reason: str) -> None:
        self.refused.append(reason)

    async def respond(self, incoming: Incoming) -> Response | None:
        path = incoming.target.decode()
        self.seen.append(path)
        if path.startswith("/boom"):
            raise LookupError("s3cret")
        if path.startswith("/skip"):
            return Response(200, (), path.encode())
        if path.startswith("/hang"):
            await self.released.wait()
        if path.startswith("/big"):
            return Response(200, (), BIG)
        try:
            body, whole = await incoming.body(2**17)
        except Gone:
            self.seen.append("gone")
            return None
        except Late:
            return Response(408, (CLOSE,), b"late")
        text = f"{incoming.method} {path} {dict(incoming.headers)} {len(body)} {hash(body)}"
        return Response(200 if whole else 413, () if whole else (CLOSE,), text.encode())


class Answer(NamedTuple):
    status: int
    head: str
    body: bytes


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def send_for_ever(self, piece: bytes) -> None:
        while True:
            await self.send(piece)

    async def answer(self, *, of_head: bool = False) -> Answer:
        async with asyncio.timeout(20):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            length = re.search(r"content-length: (\d+)", head)
            size = 0 if length is None or of_head else int(length[1])
            return Answer(int(head.split()[1]), head, await self.reader.readexactly(size))

    async def is_closed(self) -> bool:
        try:
            async with asyncio.timeout(20):
                return await self.reader.read(1) == b""
        except ConnectionError:
            return True


class Server:
    def __init__(self, path: str, drain: float) -> None:
        self.path = path
        self.app = Echo()
        self.face = HttpFace(self.app, Address(path=path), drain)
        self._clients: list[Client] = []

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_unix_connection(self.path))
        self._clients.append(client)
        return client

    async def close(self) -> None:
        self.app.released.set()
        await self.face.stop()
        for client in self._clients:
            client.writer.close()
            with suppress(ConnectionError):
                await client.writer.wait_closed()


def is_there(path: str) -> bool:
    return Path(path).exists()


@asynccontextmanager
async def serving(drain: float = 5.0) -> AsyncIterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(f"{folder}/socket", drain)
        await server.face.start()
        try:
            yield server
        finally:
            await server.close()
        assert not is_there(server.path)


def run(loop: Loop, scene: Callable[[], Awaitable[None]]) -> None:
    """Run a scene; nothing may be left over, and nothing logged by the loop itself."""
    faults: list[object] = []

    async def play() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        await scene()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())
    assert faults == []


def request(path: str, body: bytes = b"", *, method: str = "PUT", head: str = "") -> bytes:
    text = f"{method} {path} HTTP/1.1\r\nhost: x\r\n{head}content-length: {len(body)}\r\n\r\n"
    return text.encode() + body


def chunked(path: str, *pieces: bytes) -> bytes:
    head = f"PUT {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    return head + b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (*pieces, b""))
