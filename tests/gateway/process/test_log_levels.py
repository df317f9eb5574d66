"""The process and its log: what is written of requests, and at which level."""

from __future__ import annotations

import http.client
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.gateway.processes import eventually, stop
from support.gateway.server import BAD, STRICT, TARGET, events, events_named, serving, write_config

pytestmark = pytest.mark.slow

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
GOOD = b'{"customerSession": {"profileId": "cust-1"}}'


def ask(port: int, body: bytes, target: str = TARGET, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request(
            "PUT", target, body, {n.replace("_", "-"): v for n, v in headers.items()}
        )
        return connection.getresponse().status


def test_a_level_has_its_lines_and_those_above(tmp_path: Path) -> None:
    with serving(tmp_path, 'log_level = "debug"', STRICT) as (port, program):
        text = f'http = "127.0.0.1:{port}"\ngrpc = "off"\n'

        def hang_up(content: str, *, until: Callable[[], Any]) -> None:
            write_config(tmp_path, text + content, STRICT)
            program.process.send_signal(signal.SIGHUP)
            eventually(until, "it does not read its configuration")

        assert ask(port, GOOD, traceparent=PARENT, x_request_id="mine-1") == 200
        assert ask(port, BAD, traceparent=PARENT, x_request_id="mine-2") == 400
        assert ask(port, BAD, traceparent=PARENT.upper(), x_request_id="a b") == 400
        eventually(lambda: len(events_named(program, "refused")) == 2, "they are not logged")
        (admitted,), (refused, odd) = (
            events_named(program, "admitted"),
            events_named(program, "refused"),
        )
        assert facts_of(admitted) == ("debug", "dry", [], "mine-1", TRACE, len(GOOD), None)
        codes = ["payload/unknown-property"]
        assert facts_of(refused) == ("warning", "invalid", codes, "mine-2", TRACE, len(BAD), 400)
        assert 0 < refused["duration"] < 30
        assert "trace_id" not in odd
        assert len(odd["request_id"]) == 32

        hang_up('log_level = "error"', until=lambda: reloads(port) == 1)
        assert (ask(port, BAD), ask(port, GOOD)) == (400, 200)
        hang_up('log_level = "none"', until=lambda: events_named(program, "not-reloaded"))
        hang_up('log_level = "warning"', until=lambda: reloads(port) == 2)
        assert (ask(port, BAD), ask(port, GOOD)) == (400, 200)
        eventually(lambda: len(events_named(program, "refused")) == 3, "it is not logged")
        stop(program.process)
        events_written = [each["event"] for each in events(program)]
    refused_twice = ["refused"] * 2
    assert events_written == ["listening", "admitted", *refused_twice, "not-reloaded", "refused"]


def facts_of(line: dict[str, Any]) -> tuple[Any, ...]:
    names = ("level", "decision", "codes", "request_id", "trace_id", "size", "status")
    return tuple(line.get(name) for name in names)


def reloads(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    name = 'talonschema_gateway_reloads_total{result="done"} '
    (line,) = [each for each in text.splitlines() if each.startswith(name)]
    return int(float(line.removeprefix(name)))
