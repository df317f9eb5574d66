"""A Valkey that fails over: a primary, a replica, Sentinel, and HAProxy in front."""

from __future__ import annotations

import shutil
import signal
import sys
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Final, Self

import redis

from support.gateway.ports import free_port
from support.gateway.processes import Program, eventually, listens, running
from support.gateway.valkey import Valkey, binary

NAME: Final = "sessions"
"""The primary's name for Sentinel."""

_SENTINEL: Final = """\
port {port}
bind 127.0.0.1
sentinel monitor {name} 127.0.0.1 {primary} 1
sentinel down-after-milliseconds {name} 5000
sentinel failover-timeout {name} 10000
"""
_HAPROXY: Final = """\
defaults
    mode tcp
    timeout connect 1s
    timeout client 1h
    timeout server 1h
    timeout check 500ms
listen valkey
    bind 127.0.0.1:{port}
    option tcp-check
    tcp-check send "INFO replication\\r\\n"
    tcp-check expect string role:master
    default-server check inter 100ms fall 2 rise 1 on-marked-down shutdown-sessions
    server one 127.0.0.1:{one}
    server two 127.0.0.1:{two}
"""


class ReplicatedValkey:
    """A Valkey and its replica, of which Sentinel keeps one the primary, behind HAProxy."""

    def __init__(self, folder: Path) -> None:
        haproxy = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if haproxy is None:
            sys.exit("haproxy is not installed: apt-get install haproxy")
        self._haproxy = haproxy
        self._folder = folder
        self._stack = ExitStack()
        self._servers: dict[int, Program] = {}
        self._nodes = [self._node(name) for name in ("one", "two")]
        self._sentinel = free_port()
        self.port = free_port()
        """Leads to the primary."""

    def _node(self, name: str) -> Valkey:
        folder = self._folder / name
        folder.mkdir()
        durable = ("--appendonly", "yes", "--appendfsync", "everysec")
        return Valkey(folder, *durable, "--repl-diskless-sync-delay", "0")

    def __enter__(self) -> Self:
        one, two = self._nodes
        self._start(one)
        self._start(two, "--replicaof", f"127.0.0.1 {one.port}")
        sentinel = self._file("sentinel.conf", _SENTINEL, port=self._sentinel, primary=one.port)
        self._run([binary(), sentinel, "--sentinel"], self._sentinel)
        config = self._file("haproxy.cfg", _HAPROXY, port=self.port, one=one.port, two=two.port)
        self._run([self._haproxy, "-db", "-f", config], self.port)
        self._wait_for_replica(one)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def hand_over(self) -> None:
        """Have the replica take over, as before an upgrade of the primary."""
        _, other = self._roles()
        self._ask_sentinel("SENTINEL FAILOVER", NAME, "COORDINATED")
        self._wait_for_replica(other)

    def fail(self, number: signal.Signals) -> None:
        """Signal the primary, wait for the other to take over, and bring the first back."""
        primary, other = self._roles()
        failed = self._servers[primary.port].process
        failed.send_signal(number)
        self._leads_to(other)
        # One that came back by itself would take itself for the primary for some seconds.
        failed.kill()
        failed.wait()
        self._start(primary, "--replicaof", f"127.0.0.1 {other.port}")
        self._wait_for_replica(other)

    def _file(self, name: str, text: str, **values: int) -> Path:
        made = self._folder / name
        made.write_text(text.format(name=NAME, **values), "utf-8")
        return made

    def _run(self, program: list[str | Path], port: int) -> None:
        self._stack.enter_context(running(program, ready=lambda: listens(port)))

    def _start(self, node: Valkey, *options: str) -> None:
        started = running(node.command(options), ready=node.answers)
        self._servers[node.port] = self._stack.enter_context(started)

    def _ask_sentinel(self, *words: str) -> Any:
        with closing(redis.Redis(port=self._sentinel)) as client:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]

    def _roles(self) -> tuple[Valkey, Valkey]:
        """Return the primary and its replica."""
        _, port = self._ask_sentinel("SENTINEL GET-MASTER-ADDR-BY-NAME", NAME)
        primary, other = sorted(self._nodes, key=lambda node: node.port != int(port))
        return primary, other

    def _leads_to(self, node: Valkey) -> None:
        """Wait until Sentinel and HAProxy have a node for the primary."""

        def leads() -> bool:
            with suppress(redis.RedisError), closing(redis.Redis(port=self.port)) as client:
                found = client.config_get("port")["port"] == str(node.port)
                return found and client.role()[0] == b"master" and self._roles()[0] is node
            return False

        eventually(leads, "the replica does not take over")

    def _wait_for_replica(self, primary: Valkey) -> None:
        """Wait until a node is the primary, and the other follows it."""
        self._leads_to(primary)

        def replicates() -> bool:
            with closing(primary.client()) as client:
                info = client.info("replication")
            known = self._ask_sentinel("SENTINEL REPLICAS", NAME)
            return info.get("slave0", {}).get("state") == "online" and bool(known)

        eventually(replicates, "the replica does not follow", 90)
