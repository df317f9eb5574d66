"""What only the store in a server can get wrong."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from support.gateway.processes import free_port, refusal
from support.gateway.stands import CLOSE, KEY, ODD, Stand, attempt, stand
from support.gateway.valkey import Valkey
from talonschema.gateway.store import Intent, Key, Learned, StoreError, open_store
from talonschema.gateway.store.redis import PREFIX, RedisStore


def test_a_server_that_is_not_there_is_reported_without_the_password() -> None:
    port = free_port()
    reported = attempt(open_store(f"redis://me:secret@127.0.0.1:{port}/0", timeout=20))
    assert reported.startswith(f"can't reach redis://127.0.0.1:{port}/0: ")
    assert "secret" not in reported


def test_a_server_that_does_not_answer_has_a_deadline() -> None:
    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            store = open_store(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", timeout=0.1)
            with pytest.raises(StoreError, match=r"no answer from redis://.* within 0\.1 s"):
                await store.begin(KEY, CLOSE)
            await store.close()

    asyncio.run(run())


@pytest.fixture
def redis_stand(tmp_path: Path, valkey: Valkey) -> Iterator[Stand]:
    with stand("redis", tmp_path, valkey) as made:
        yield made


def test_a_server_that_has_forgotten_the_script_gets_it_again(redis_stand: Stand) -> None:
    redis_stand.know("closed")
    with closing(redis_stand.valkey.client()) as client:
        client.script_flush()
    assert redis_stand.look() == {"closed"}


def test_connections_that_were_closed_are_made_anew(redis_stand: Stand) -> None:
    redis_stand.know("closed")
    with closing(redis_stand.valkey.client()) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert redis_stand.look() == {"closed"}


def test_leases_and_expiry_run_by_the_server_s_clock(redis_stand: Stand) -> None:
    key = redis_stand.key()
    keep = Intent(frozenset({"open"}), "open")

    async def run() -> None:
        store = RedisStore(redis_stand.valkey.url, lease=0.05, expiry=0.2, timeout=20)
        # The first of these is lost; once its lease has ended, one alone settles the state. If the
        # machine is so slow that the session expires in between, it is known again by then, too.
        assert (await store.begin(key, CLOSE)).token
        end = time.monotonic() + 30
        while await store.look(key) != {"open"}:
            token = (await store.begin(key, keep)).token
            assert token
            await store.finish(key, token, Learned())
            assert time.monotonic() < end
        while await store.look(key):
            assert time.monotonic() < end
        await store.close()

    redis_stand.runner.run(run())


def test_a_cancelled_call_does_not_mix_answers_up(redis_stand: Stand) -> None:
    states = ("open", "closed", "partially_returned", "cancelled")
    for state in states:
        redis_stand.know(state, session=state)

    async def run() -> None:
        store = redis_stand.store
        for turn in range(60):
            calls = [
                asyncio.create_task(store.look(redis_stand.key(states[number % 4])))
                for number in range(40)
            ]
            for _ in range(turn % 12):
                await asyncio.sleep(0)
            for call in calls[turn % 4 :: 4]:
                call.cancel()
            answers = await asyncio.gather(*calls, return_exceptions=True)
            for number, answer in enumerate(answers):
                if not isinstance(answer, asyncio.CancelledError):
                    assert answer == frozenset({states[number % 4]})

    redis_stand.runner.run(run())


def test_a_begin_that_is_sent_twice_counts_once(redis_stand: Stand) -> None:
    redis_stand.know("open")
    token = redis_stand.admit("open", "closed")
    other = redis_stand.admit("open", "cancelled")
    redis_stand.finish(other, Learned("cancelled"))
    store = redis_stand.store
    assert isinstance(store, RedisStore)
    again = store._run(  # noqa: SLF001 - shows nowhere else
        redis_stand.key().name, "begin", 1000, 1000, token, 1, 2, 0, 0
    )
    assert redis_stand.runner.run(again) == [1, 2 + 8]
    redis_stand.finish(token, Learned("closed"))
    # What the other did in between is not lost.
    assert redis_stand.look() == {"closed", "cancelled"}


def test_a_key_that_is_not_ours_is_reported(redis_stand: Stand) -> None:
    with closing(redis_stand.valkey.client()) as client:
        client.hset(f"{PREFIX}:{redis_stand.key().name}", "a", "b")
    with pytest.raises(StoreError, match=r"refused the call: .*WRONGTYPE"):
        redis_stand.look()


def test_the_rights_that_the_page_on_stores_names_are_enough(redis_stand: Stand) -> None:
    page = (Path(__file__).parents[3] / "docs/gateway/stores.md").read_text("utf-8")
    (rights,) = re.findall(r"^ACL SETUSER gateway on >PASSWORD (.*)$", page, re.MULTILINE)
    name = uuid4().hex
    with closing(redis_stand.valkey.client()) as client:
        client.acl_setuser(
            name,
            enabled=True,
            passwords=["+secret"],
            keys=[right[1:] for right in rights.split() if right.startswith("~")],
            commands=[right for right in rights.split() if right.startswith("+")],
        )
        # Nothing that another test has left in the server helps along.
        client.script_flush()

    async def run() -> None:
        server = f"127.0.0.1:{redis_stand.valkey.port}/0"
        store = open_store(f"redis://{name}:secret@{server}", timeout=20)
        await store.ready()
        key = redis_stand.key()
        token = (await store.begin(key, CLOSE)).token
        assert token
        await store.finish(key, token, Learned())
        assert await store.look(key) == {"closed"}
        await store.close()
        stranger = open_store(f"redis://{name}:wrong@{server}", timeout=20)
        with pytest.raises(StoreError, match="can't reach"):
            await stranger.ready()
        await stranger.close()

    redis_stand.runner.run(run())


def test_a_replica_is_not_ready(tmp_path: Path) -> None:
    server = Valkey(tmp_path)
    with server.serving(), refusal() as port:
        with closing(server.client()) as client:
            client.replicaof("127.0.0.1", port)

        async def run() -> None:
            store = open_store(server.url, timeout=20)
            with pytest.raises(StoreError, match="takes no writes"):
                await store.ready()
            with closing(server.client()) as client:
                client.replicaof("NO", "ONE")
            await store.ready()
            await store.close()

        asyncio.run(run())


needs_openssl = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="openssl is not installed; it makes a certificate"
)


@needs_openssl
def test_a_server_is_reached_by_tls_if_its_certificate_is_right(
    tmp_path: Path, redis_stand: Stand
) -> None:
    certificate, secret = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=valkey", "-addext"),
            *("subjectAltName=IP:127.0.0.1", "-keyout", secret, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, secret)

    # The server of the tests knows no TLS, so it gets somebody in front who does.
    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", redis_stand.valkey.port)
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    async def run() -> None:
        front = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
        url = f"rediss://127.0.0.1:{front.sockets[0].getsockname()[1]}/0"
        store = open_store(f"{url}?ssl_ca_certs={certificate}", timeout=20)
        key = redis_stand.key()
        token = (await store.begin(key, CLOSE)).token
        assert token
        await store.finish(key, token, Learned())
        assert await store.look(key) == {"closed"}
        await store.close()
        distrustful = open_store(url, timeout=20)
        with pytest.raises(StoreError, match="certificate"):
            await distrustful.ready()
        await distrustful.close()
        front.close()
        await front.wait_closed()

    redis_stand.runner.run(run())
    assert redis_stand.look() == {"closed"}


def test_sessions_can_lie_in_a_cluster(tmp_path: Path) -> None:
    bus = ("--cluster-port", str(free_port()))
    server = Valkey(tmp_path, "--cluster-enabled", "yes", *bus)
    with server.serving():
        with closing(server.client()) as client:
            client.cluster("ADDSLOTSRANGE", 0, 16383)
            client.cluster("BUMPEPOCH")
            end = time.monotonic() + 30
            while client.cluster("INFO")["cluster_state"] != "ok":
                assert time.monotonic() < end
                time.sleep(0.05)

        async def run() -> None:
            store = open_store(server.url.replace("redis:", "redis+cluster:"), timeout=20)
            await store.ready()
            for session in ODD:
                key = Key("shop", session)
                token = (await store.begin(key, CLOSE)).token
                assert token
                await store.finish(key, token, Learned())
                assert await store.look(key) == {"closed"}
            await store.close()

        asyncio.run(run())
