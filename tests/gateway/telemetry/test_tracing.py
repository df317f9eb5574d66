"""Tracing: spans of decisions, answers and calls on the store, as a collector gets them."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.gateway.collector import Collector, Exported, run_collector
from support.gateway.ports import free_ports
from support.gateway.processes import listens, refusal, running
from support.gateway.server import command, events_named, write_config
from support.gateway.states import states_of
from talonschema import __version__
from talonschema.gateway import Guard, LookupSettings, Request, Response, Settings
from talonschema.gateway.messages import Headers
from talonschema.gateway.store import Key
from talonschema.gateway.telemetry import tracing
from talonschema.gateway.telemetry.tracing import TracedGuard, TracedMetrics, Tracing

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
HIDDEN = "s3cret"
"""It must not show up anywhere."""
PATH = f"/v2/customer_sessions/{HIDDEN}"
CLOSE = b'{"customerSession": {"profileId": "s3cret", "state": "closed"}}'
SERVER, CLIENT = 2, 3


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with run_collector() as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def ask(port: int, method: str, target: str, body: bytes, **headers: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        named_so = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, target, body, named_so)
        answer = connection.getresponse()
        answer.read()
        return answer


def single_span(spans: list[Exported], name: str, **attributes: Any) -> Exported:
    (found,) = [
        each
        for each in spans
        if each.name == name and attributes.items() <= each.attributes.items()
    ]
    return found


@pytest.mark.slow
def test_workers_export_what_they_did_before_they_end(tmp_path: Path, collector: Collector) -> None:
    first = free_ports(2)
    text = f'http = "127.0.0.1:{first}"\ngrpc = "off"\nworkers = 2\ntracing = true\n'
    config = write_config(tmp_path, text)
    environment = {
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        # All that arrives does so at the end.
        "OTEL_BSP_SCHEDULE_DELAY": "600000",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
    }

    def ready() -> bool:
        return listens(first) and listens(first + 1)

    with running(
        command("--config", config), ready=ready, env=environment, cwd=tmp_path
    ) as program:
        passed = ask(first, "PUT", f"/check{PATH}", CLOSE, traceparent=PARENT)
        headers = {
            "x_talonschema_token": passed.headers["x-talonschema-token"],
            "x_talonschema_method": "PUT",
            "x_talonschema_status": "200",
        }
        assert ask(first + 1, "POST", f"/observe{PATH}", b"{}", **headers).status == 204
        unsampled = f"{PARENT[:-1]}0"
        assert ask(first + 1, "PUT", f"/check{PATH}", CLOSE, traceparent=unsampled).status == 200
        assert ask(first + 1, "PUT", f"/check{PATH}", b"[", traceparent="?").status == 400
        assert collector.bodies == []
        program.process.terminate()
        assert program.process.wait(30) == 0
        (line,) = events_named(program, "refused")
        assert events_named(program, "spans-lost") == []
    spans = collector.spans()

    decision = single_span(spans, "talonschema.decision", **{"talonschema.decision": "allowed"})
    assert (decision.trace_id, decision.parent, decision.kind) == (TRACE, SPAN, SERVER)
    assert decision.attributes == {
        "http.request.method": "PUT",
        "http.request.body.size": len(CLOSE),
        "talonschema.decision": "allowed",
        "talonschema.codes": [],
        "talonschema.warnings": [],
        "talonschema.enforced": True,
    }
    begin = single_span(spans, "talonschema.store.begin")
    assert (begin.trace_id, begin.parent, begin.kind) == (TRACE, decision.span_id, CLIENT)
    assert begin.attributes == {"db.system.name": "sqlite", "db.operation.name": "begin"}

    answer = single_span(spans, "talonschema.answer")
    assert (answer.trace_id, answer.parent, answer.kind) == (TRACE, decision.span_id, SERVER)
    assert answer.attributes["talonschema.outcome"] == "learned"
    assert single_span(spans, "talonschema.store.finish").parent == answer.span_id

    refused = single_span(spans, "talonschema.decision", **{"http.response.status_code": 400})
    assert refused.attributes["talonschema.codes"] == ["json/syntax"]
    assert (refused.parent, refused.failed) == ("", False)
    assert refused.trace_id == line["trace_id"] != TRACE

    assert len(spans) == 5
    assert {each.resource["service.name"] for each in spans} == {"talonschema-gateway"}
    assert {each.resource["service.version"] for each in spans} == {__version__}
    assert {each.resource["deployment.environment.name"] for each in spans} == {"test"}
    assert HIDDEN.encode() not in b"".join(collector.bodies)


def judge_and_learn(settings: Settings, headers: Headers = ()) -> None:
    """Judge a request and learn from its answer, in this process."""

    async def run() -> None:
        guard = TracedGuard(settings, Tracing(), TracedMetrics())
        verdict = await guard.begin(Request("PUT", PATH, headers, CLOSE))
        assert verdict.token is not None
        await guard.finish(verdict.token, "PUT", PATH, Response(200, (), b"{}"))
        await guard.close()

    asyncio.run(run())


def test_a_store_that_fails_is_an_error_by_its_kind(collector: Collector) -> None:
    with refusal() as port:
        judge_and_learn(Settings(store=f"redis://127.0.0.1:{port}/0"))
    spans = collector.spans()
    # The answer is made up for what the store did not see.
    calls = [each for each in spans if each.name == "talonschema.store.begin"]
    assert [(each.failed, each.attributes["error.type"]) for each in calls] == [
        (True, "unreachable")
    ] * 2
    assert single_span(spans, "talonschema.answer").attributes["talonschema.outcome"] == "failed"
    assert not single_span(spans, "talonschema.decision").failed


def test_a_look_up_has_a_span_of_its_own(collector: Collector) -> None:
    with refusal() as port:
        lookup = LookupSettings(f"http://127.0.0.1:{port}")
        headers = (("authorization", HIDDEN),)
        judge_and_learn(Settings(store="memory:", lookup=lookup), headers)
    spans = collector.spans()
    look_up = single_span(spans, "talonschema.lookup")
    assert look_up.parent == single_span(spans, "talonschema.decision").span_id
    assert (look_up.kind, look_up.failed) == (CLIENT, False)
    assert look_up.attributes == {"talonschema.lookup.outcome": "unreachable"}
    assert HIDDEN.encode() not in b"".join(collector.bodies)


@pytest.mark.parametrize(
    ("variable", "value"), [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")]
)
def test_the_environment_can_switch_it_off(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    judge_and_learn(Settings(store="memory:"))
    assert collector.bodies == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OTEL_TRACES_EXPORTER", "console"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc")],
)
def test_what_there_is_not_is_an_error(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValueError, match=f"{variable} is '{value}'; expected "):
        Tracing()


def test_a_collector_that_hangs_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tracing, "LAST_SPANS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
        judge_and_learn(Settings(store="memory:"))
        assert "the last spans were not exported in time" in caplog.messages
    # Not for the tests to come.
    for thread in threading.enumerate():
        if thread.name == "spans":
            thread.join()


def test_a_token_is_good_without_tracing_too(collector: Collector) -> None:
    """Gateways with it and without it can share a store."""

    async def run() -> frozenset[str]:
        settings = Settings(store="memory:")
        traced, plain = TracedGuard(settings, Tracing()), Guard(settings)
        plain.store = traced.store
        verdict = await traced.begin(Request("PUT", PATH, (), CLOSE))
        assert verdict.token is not None
        await plain.finish(verdict.token, "PUT", PATH, Response(200, (), b"{}"))
        states = await states_of(plain.store, Key("default", HIDDEN))
        await traced.close()
        return states

    assert asyncio.run(run()) == {"closed"}
    assert collector.bodies
