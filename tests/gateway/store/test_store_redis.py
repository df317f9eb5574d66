"""What only the store in a server can get wrong."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from support.gateway.ports import free_port
from support.gateway.processes import refusal
from support.gateway.stands import CLOSE, KEY, ODD, Stand, attempt, open_stand
from support.gateway.states import states_of
from support.gateway.valkey import Valkey
from talonschema.gateway.store import (
    Admission,
    Ending,
    Intent,
    Key,
    Learned,
    Store,
    StoreError,
    open_store,
)
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
    with open_stand("redis", tmp_path, valkey) as made:
        yield made


def test_a_server_that_has_forgotten_the_script_gets_it_again(redis_stand: Stand) -> None:
    redis_stand.learn("closed")
    with closing(redis_stand.valkey.client()) as client:
        client.script_flush()
    assert redis_stand.states() == {"closed"}


def test_connections_that_were_closed_are_made_anew(redis_stand: Stand) -> None:
    redis_stand.learn("closed")
    with closing(redis_stand.valkey.client()) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert redis_stand.states() == {"closed"}


def test_leases_and_expiry_run_by_the_server_s_clock(redis_stand: Stand) -> None:
    key = redis_stand.key()
    keep = Intent(frozenset({"open"}), "open")

    async def run() -> None:
        store = RedisStore(redis_stand.valkey.url, lease=0.05, expiry=0.2, timeout=20)
        # The first of these is lost; once its lease has ended, one alone settles the state. If the
        # machine is so slow that the session expires in between, it is known again by then, too.
        assert (await store.begin(key, CLOSE)).token
        end = time.monotonic() + 30
        while await states_of(store, key) != {"open"}:
            token = (await store.begin(key, keep)).token
            assert token
            await store.finish(key, token, Learned())
            assert time.monotonic() < end
        while await states_of(store, key):
            assert time.monotonic() < end
        await store.close()

    redis_stand.runner.run(run())


def test_a_cancelled_call_does_not_mix_answers_up(redis_stand: Stand) -> None:
    states = ("open", "closed", "partially_returned", "cancelled")
    for state in states:
        redis_stand.learn(state, session=state)

    async def run() -> None:
        store = redis_stand.store
        for turn in range(60):
            calls = [
                asyncio.create_task(states_of(store, redis_stand.key(states[number % 4])))
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
    redis_stand.learn("open")
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
    assert redis_stand.states() == {"closed", "cancelled"}


def test_a_key_that_is_not_ours_is_reported(redis_stand: Stand) -> None:
    with closing(redis_stand.valkey.client()) as client:
        client.hset(f"{PREFIX}:{redis_stand.key().name}", "a", "b")
    with pytest.raises(StoreError, match=r"refused the call: .*WRONGTYPE"):
        redis_stand.states()


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
        assert await states_of(store, key) == {"closed"}
        await store.close()
        stranger = open_store(f"redis://{name}:wrong@{server}", timeout=20)
        with pytest.raises(StoreError, match="denied the call"):
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


def test_a_replica_refuses_nothing_by_what_it_knew(tmp_path: Path) -> None:
    server = Valkey(tmp_path)

    async def run(port: int) -> None:
        store = open_store(server.url, timeout=20)
        token = (await store.begin(KEY, CLOSE)).token
        assert token
        await store.finish(KEY, token, Learned())
        reopen = Intent(frozenset({"open"}), "open")
        assert (await store.begin(KEY, reopen)).token is None
        with closing(server.client()) as client:
            client.replicaof("127.0.0.1", port)
        # It is to fail, since another server has known better for some time.
        with pytest.raises(StoreError, match="takes no writes"):
            await store.begin(KEY, reopen)
        await store.close()

    with server.serving(), refusal() as port:
        asyncio.run(run(port))


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
        assert await states_of(store, key) == {"closed"}
        await store.close()
        distrustful = open_store(url, timeout=20)
        with pytest.raises(StoreError, match="certificate"):
            await distrustful.ready()
        await distrustful.close()
        front.close()
        await front.wait_closed()

    redis_stand.runner.run(run())
    assert redis_stand.states() == {"closed"}


def cluster(folder: Path) -> Valkey:
    """Return a cluster of one node, which has no slots until `has_slots` gives it all."""
    bus = ("--cluster-port", str(free_port()))
    return Valkey(folder, "--cluster-enabled", "yes", *bus)


def has_slots(server: Valkey) -> None:
    with closing(server.client()) as client:
        client.cluster("ADDSLOTSRANGE", 0, 16383)
        client.cluster("BUMPEPOCH")
        end = time.monotonic() + 30
        while client.cluster("INFO")["cluster_state"] != "ok":
            assert time.monotonic() < end
            time.sleep(0.05)


async def kinds(store: Store, calls: int = 40) -> set[str]:
    """Return the kinds of failures of calls that are made at once; "" for none."""
    begins = [store.begin(Key("shop", f"kinds-{number}"), CLOSE) for number in range(calls)]
    answers = await asyncio.gather(*begins, return_exceptions=True)
    found = set()
    for each in answers:
        assert isinstance(each, StoreError | Admission), repr(each)
        found.add(each.kind if isinstance(each, StoreError) else "")
    return found


async def wait_until_healthy(store: Store) -> None:
    """Wait until calls succeed again."""
    end = time.monotonic() + 30
    while (found := await kinds(store)) != {""}:
        assert time.monotonic() < end, found
        await asyncio.sleep(0.1)


@pytest.mark.slow
def test_a_server_that_becomes_a_replica_under_load(tmp_path: Path) -> None:
    server = Valkey(tmp_path)

    async def run() -> None:
        store = open_store(server.url, timeout=20)
        assert await kinds(store) == {""}
        with closing(server.client()) as client, refusal() as port:
            client.replicaof("127.0.0.1", port)
            for turn in range(4):
                assert await kinds(store) == {"read_only"}
                # So that the client is renewed between two of them.
                await asyncio.sleep(0.6 if turn < 3 else 0)
            client.replicaof("NO", "ONE")
        assert await kinds(store) == {""}
        await store.close()

    with server.serving():
        asyncio.run(run())


@pytest.mark.slow
def test_a_cluster_that_has_lost_its_slots_or_is_down(tmp_path: Path) -> None:
    server = cluster(tmp_path)

    async def run() -> None:
        store = open_store(server.url.replace("redis:", "redis+cluster:"), timeout=5)
        # It did not answer yet when the gateway started.
        assert await kinds(store) <= {"cluster", "unreachable", "timeout"}
        with server.serving() as process:
            assert "" not in await kinds(store)
            has_slots(server)
            await wait_until_healthy(store)
            with closing(server.client()) as client:
                client.cluster("DELSLOTSRANGE", 0, 16383)
                assert await kinds(store) <= {"cluster", "unreachable", "timeout"}
            has_slots(server)
            await wait_until_healthy(store)
            process.kill()
            process.wait()
            assert await kinds(store) <= {"cluster", "unreachable", "timeout"}
        with server.serving():
            await wait_until_healthy(store)
        await store.close()

    asyncio.run(run())


def test_a_server_that_is_no_cluster(valkey: Valkey) -> None:
    async def run() -> None:
        store = open_store(valkey.url.replace("redis:", "redis+cluster:"), timeout=20)
        assert await kinds(store) == {"cluster"}
        await store.close()

    asyncio.run(run())


def test_a_node_of_a_cluster_by_the_address_of_a_server(tmp_path: Path) -> None:
    server = cluster(tmp_path)

    async def run() -> None:
        store = open_store(server.url, timeout=20)
        assert await kinds(store) == {"cluster"}
        has_slots(server)
        await wait_until_healthy(store)
        await store.close()

    with server.serving():
        asyncio.run(run())


def test_a_server_without_memory_and_one_with_another_password(tmp_path: Path) -> None:
    server = Valkey(tmp_path)

    async def run() -> None:
        store = open_store(server.url, timeout=20)
        assert await kinds(store) == {""}
        with closing(server.client()) as client:
            client.config_set("maxmemory", "1")
            assert await kinds(store) == {"full"}
            with pytest.raises(StoreError):
                await store.ready()
            client.config_set("maxmemory", "0")
            assert await kinds(store) == {""}
            client.config_set("requirepass", "secret")
            client.client_kill_filter(_type="normal", skipme=True)
            assert await kinds(store) == {"denied"}
            client.config_set("requirepass", "")
            assert await kinds(store) == {""}
        await store.close()

    with server.serving():
        asyncio.run(run())


def test_a_server_that_hangs_has_a_deadline_and_heals(tmp_path: Path) -> None:
    server = Valkey(tmp_path)

    async def run(process: subprocess.Popen[bytes]) -> None:
        store = open_store(server.url, timeout=0.5)
        await wait_until_healthy(store)
        process.send_signal(signal.SIGSTOP)
        assert await kinds(store, 200) == {"timeout"}
        process.send_signal(signal.SIGCONT)
        await wait_until_healthy(store)
        await store.close()

    with server.serving() as process:
        asyncio.run(run(process))


@pytest.mark.parametrize(
    "record", ["", "{}", "[1]", '[1,"0",{"a":[1]}]', "[2,0,5]", '["x","0",{}]', "[2,0,null]"]
)
def test_a_record_that_was_damaged_counts_as_unknown_and_is_replaced(
    record: str, redis_stand: Stand
) -> None:
    with closing(redis_stand.valkey.client()) as client:
        client.set(f"{PREFIX}:{redis_stand.key().name}", record)
    reports: list[tuple[str, str]] = []

    async def run() -> None:
        store = RedisStore(
            redis_stand.valkey.url,
            timeout=20,
            report=lambda call, error: reports.append((call, error.kind)),
        )
        admission = await store.begin(redis_stand.key(), CLOSE)
        assert admission.token
        assert admission.states == frozenset()
        assert await store.finish(redis_stand.key(), admission.token, Learned()) is Ending.TAKEN
        await store.close()

    redis_stand.runner.run(run())
    assert reports == [("record", "damaged")]
    assert redis_stand.states() == {"closed"}


def test_sessions_can_lie_in_a_cluster(tmp_path: Path) -> None:
    server = cluster(tmp_path)
    with server.serving():
        has_slots(server)

        async def run() -> None:
            store = open_store(server.url.replace("redis:", "redis+cluster:"), timeout=20)
            await store.ready()
            for session in ODD:
                key = Key("shop", session)
                token = (await store.begin(key, CLOSE)).token
                assert token
                await store.finish(key, token, Learned())
                assert await states_of(store, key) == {"closed"}
            await store.close()

        asyncio.run(run())
