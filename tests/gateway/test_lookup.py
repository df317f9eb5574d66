"""Look-ups by a guard, of sessions in the stand-in API, over real connections."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.gateway.installed import need
from support.gateway.processes import (
    Upstream,
    eventually,
    gateway_running,
    refusal,
    upstream_running,
)
from support.gateway.promises import JSON, OPEN, new, path
from talonschema.gateway import Guard, LookupSettings, Request, Response, Settings, Verdict
from talonschema.gateway.lookup import OUTCOMES
from talonschema.gateway.lookup.breaker import FAILURES, PROBE, Breaker
from talonschema.gateway.lookup.lookup import MOST_ASKED
from talonschema.gateway.metrics import Metrics
from talonschema.gateway.process.server import main
from talonschema.gateway.store import Intent, Key, StoreError
from talonschema.gateway.store.memory import MemoryStore

KEY = "s3cret"
"""It must not show up anywhere but at the API."""
AUTHORIZATION = ("authorization", f"ApiKey-v1 {KEY}")
PATIENT = 20.0
"""Seconds that a busy machine may take."""


def update(session: str, state: str | None = None, *headers: tuple[str, str]) -> Request:
    body = {"customerSession": {} if state is None else {"state": state}}
    return Request("PUT", path(session), (AUTHORIZATION, *headers), json.dumps(body).encode())


class Bench:
    """A guard that looks up at an API, and what it counts."""

    def __init__(self, url: str, *, timeout: float = PATIENT, **options: Any) -> None:
        key_file = options.pop("key_file", None)
        self.store = options.pop("with_store", MemoryStore())
        lookup = LookupSettings(url=url, key_file=key_file, timeout=timeout)
        self.metrics = Metrics()
        settings = Settings(edition="2026-06", store="memory:", lookup=lookup, **options)
        self.guard = Guard(settings, self.store, self.metrics)
        self.runner = asyncio.Runner()

    def begin(self, request: Request) -> Verdict:
        return self.runner.run(self.guard.begin(request))

    def begin_all(self, *requests: Request) -> list[Verdict]:
        async def run() -> list[Verdict]:
            return await asyncio.gather(*(self.guard.begin(each) for each in requests))

        return self.runner.run(run())

    def finish(self, verdict: Verdict, request: Request, answer: Response | None) -> None:
        assert verdict.token is not None
        finish = self.guard.finish(verdict.token, request.method, request.target, answer)
        self.runner.run(finish)

    def states(self, session: str) -> set[str]:
        return set(self.runner.run(self.store.look(Key("default", session))))

    def outcomes(self) -> Counter[str]:
        """Return how many look-ups had which outcome."""
        # One may outlast the request that it was for.
        self.runner.run(asyncio.sleep(0.1))
        count = self.metrics.registry.get_sample_value
        name = "talonschema_gateway_lookups_total"
        found = Counter({each: int(count(name, {"outcome": each}) or 0) for each in OUTCOMES})
        timed = "talonschema_gateway_lookup_seconds_count"
        for each, number in found.items():
            assert (count(timed, {"outcome": each}) or 0) == number
        return +found

    def close(self) -> None:
        self.runner.run(self.guard.close())
        self.runner.close()


@pytest.fixture
def make(upstream: Upstream) -> Iterator[Callable[..., Bench]]:
    """Make benches of the stand-in API or another, and clear them away."""
    with ExitStack() as stack:

        def made(url: str = upstream.url, **options: Any) -> Bench:
            bench = Bench(url, **options)
            stack.callback(bench.close)
            return bench

        yield made
    upstream.faults()


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()


def looked_up(upstream: Upstream) -> list[str]:
    """Return the targets that were read."""
    return [each["target"] for each in upstream.received() if each["method"] == "GET"]


CLOSE = Intent(frozenset({"open", "new"}), "closed")


# What is asked about.


def test_an_unknown_closed_session_is_not_reopened(bench: Bench, upstream: Upstream) -> None:
    name = new()
    upstream.put(name, "closed")
    verdict = bench.begin(update(name, "open"))
    assert (verdict.decision, verdict.token) == ("transition", None)
    assert looked_up(upstream) == [path(name)]
    assert bench.states(name) == {"closed"}
    # It is known now.
    assert bench.begin(update(name, "open")).decision == "transition"
    assert bench.begin(update(name, "cancelled")).refusal is None
    assert len(looked_up(upstream)) == 1
    assert bench.outcomes() == {"learned": 1}


def test_an_unknown_open_session_passes(bench: Bench, upstream: Upstream) -> None:
    name = new()
    upstream.put(name, "open")
    verdict = bench.begin(update(name, "closed"))
    assert verdict.refusal is None
    assert verdict.token
    assert looked_up(upstream) == [path(name)]


def test_nothing_is_asked_that_needs_no_answer(bench: Bench, upstream: Upstream) -> None:
    name = new()
    bad = b'{"customerSession": {"state": "open", "cartItems": 1}}'
    assert bench.begin(update(name)._replace(body=bad)).decision == "invalid"
    dry = update(name, "open")._replace(target=path(name, "?dry=true"))
    assert bench.begin(dry).decision == "dry"
    assert bench.begin(Request("GET", path(name), (AUTHORIZATION,))).decision == "other"
    assert looked_up(upstream) == []
    # Either of the states that it may be in permits it.
    closed = bench.begin(update(name, "closed"))
    bench.finish(closed, update(name, "closed"), Response(200, (), b"{}"))
    assert bench.begin(Request("PUT", path(name, "/reopen"), (AUTHORIZATION,))).token
    upstream.forget()
    assert bench.begin(update(name, "cancelled")).refusal is None
    assert looked_up(upstream) == []


def test_a_move_that_every_state_permits_is_not_asked_about(
    make: Callable[..., Bench], upstream: Upstream
) -> None:
    assert make().begin(update(new())).refusal is None
    assert make(ignore=["lifecycle"]).begin(update(new(), "open")).refusal is None
    assert looked_up(upstream) == []


@pytest.mark.parametrize("state", ["open", "closed"])
def test_a_session_in_doubt_is_looked_up(bench: Bench, upstream: Upstream, state: str) -> None:
    name = new()
    opened = bench.begin(update(name, "open"))
    bench.finish(opened, update(name, "open"), Response(200, (), b"{}"))
    # A client that hangs up: nobody knows whether the API has closed it.
    bench.finish(bench.begin(update(name, "closed")), update(name, "closed"), None)
    assert bench.states(name) == {"open", "closed"}
    upstream.put(name, state)
    upstream.forget()
    verdict = bench.begin(update(name, "open"))
    assert looked_up(upstream) == [path(name)]
    # It may still be done where it was not, so that one is not refused.
    assert (verdict.refusal is None) == (state == "open")


def test_in_mode_report_a_look_up_is_logged_and_nothing_refused(
    make: Callable[..., Bench], upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    bench, name = make(mode="report"), new()
    upstream.put(name, "closed")
    verdict = bench.begin(update(name, "open"))
    assert (verdict.refusal, verdict.decision) == (None, "transition")
    assert verdict.token
    fields = vars(caplog.records[-1])["fields"]
    assert (fields["event"], fields["lookup"]) == ("would-refuse", "learned")
    # A payload that would be refused is tracked, but not asked about.
    bad = b'{"customerSession": {"state": "open", "cartItems": 1}}'
    assert bench.begin(update(new())._replace(body=bad)).token
    assert len(looked_up(upstream)) == 1


# What comes of it.


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        ("denied", {"fault": "unauthorized"}),
        ("limited", {"fault": "limited"}),
        ("missing", {"fault": "not-found"}),
        ("failed", {"fault": "fail-before"}),
        ("failed", {"fault": "conflict"}),
        ("failed", {"fault": "moved"}),
        ("malformed", {"fault": "garbled"}),
        ("malformed", {"fault": "elsewhere"}),
        ("malformed", {"padding": str(1 << 20)}),
        ("malformed", {"padding": str(2 << 20), "encoding": "gzip"}),
        ("unreachable", {"fault": "drop-before"}),
        ("unreachable", {"fault": "cut"}),
        ("timeout", {"delay": "2"}),
    ],
)
def test_what_the_api_does_not_answer_passes(
    make: Callable[..., Bench], upstream: Upstream, outcome: str, fault: dict[str, str]
) -> None:
    bench = make(timeout=0.3 if outcome == "timeout" else PATIENT)
    name = new()
    upstream.put(name, "closed")
    upstream.faults(**fault)
    verdict = bench.begin(update(name, "open"))
    assert verdict.refusal is None
    assert verdict.token
    assert bench.outcomes() == {outcome: 1}
    # What it was let pass by is forgotten with it.
    bench.finish(verdict, update(name, "open"), Response(400))
    assert len(bench.store) == 0
    assert "elsewhere" not in "".join(each["target"] for each in upstream.received())


@pytest.mark.parametrize("fault", [{}, {"encoding": "gzip"}, {"chunks": "9"}])
def test_answers_of_any_form_are_read(
    bench: Bench, upstream: Upstream, fault: dict[str, str]
) -> None:
    name = new()
    upstream.put(name, "closed")
    upstream.faults(**fault)
    assert bench.begin(update(name, "open")).decision == "transition"


def test_without_an_api_all_passes(make: Callable[..., Bench]) -> None:
    with refusal() as port:
        bench = make(f"http://127.0.0.1:{port}")
        assert bench.begin(update(new(), "open")).refusal is None
        assert bench.outcomes() == {"unreachable": 1}


@pytest.mark.parametrize("strict_new", [False, True])
def test_a_session_that_the_api_does_not_have_is_new_only_strictly(
    make: Callable[..., Bench], upstream: Upstream, *, strict_new: bool
) -> None:
    bench, name = make(strict_new=strict_new), new()
    assert bench.begin(update(name, "open")).refusal is None
    assert (bench.begin(update(new(), "cancelled")).refusal is None) is not strict_new
    assert bench.outcomes() == {"missing": 2}
    # A session that the store has forgotten is no new one.
    forgotten = new()
    upstream.put(forgotten, "closed")
    assert bench.begin(update(forgotten, "cancelled")).refusal is None
    assert bench.begin(update(new(), "cancelled")).refusal is None or strict_new


@pytest.mark.parametrize("strict_new", [False, True])
def test_that_the_api_lacks_a_known_session_teaches_nothing(
    make: Callable[..., Bench], upstream: Upstream, *, strict_new: bool
) -> None:
    bench, name = make(strict_new=strict_new), new()
    opened = bench.begin(update(name, "open"))
    bench.finish(opened, update(name, "open"), Response(200, (), b"{}"))
    bench.finish(bench.begin(update(name, "closed")), update(name, "closed"), None)
    upstream.forget()
    assert bench.begin(update(name, "open")).refusal is None
    assert looked_up(upstream) == [path(name)]
    assert bench.states(name) == {"open", "closed"}


def test_a_store_that_fails_is_not_looked_up_for(
    make: Callable[..., Bench], upstream: Upstream
) -> None:
    class Failing(MemoryStore):
        calls = 0

        async def begin(self, *about: Any) -> Any:
            Failing.calls += 1
            if Failing.calls == 2:
                raise StoreError("the disk is full", "full")
            return await super().begin(*about)

    bench, name = make(with_store=Failing()), new()
    upstream.put(name, "closed")
    assert bench.begin(update(name, "open")).refusal is None
    assert looked_up(upstream) == []
    assert bench.outcomes() == {"unstored": 1}


# The order among other requests.


def test_a_newer_answer_wins(bench: Bench, upstream: Upstream) -> None:
    name = new()
    upstream.put(name, "open")

    async def run() -> None:
        # Read as open, but answered late.
        upstream.fault(delay_after="0.5")
        late = asyncio.create_task(bench.guard.begin(update(name, "open")))
        await asyncio.to_thread(eventually, lambda: upstream.received()[1:], "not asked")
        session = {"integrationId": name, "state": "closed", "updated": "2100-01-01T00:00:00Z"}
        body = json.dumps({"customerSession": session}).encode()
        key = Key("default", name)
        admission = await bench.store.begin(key, CLOSE)
        assert admission.token
        await bench.guard.finish(admission.token, "PUT", path(name), Response(200, (), body))
        assert (await late).decision == "transition"

    bench.runner.run(run())
    assert bench.states(name) == {"closed"}


def test_a_pending_request_stays_possible(bench: Bench, upstream: Upstream) -> None:
    name = new()
    upstream.put(name, "open")
    assert bench.begin(update(name, "closed")).token
    verdict = bench.begin(update(name, "open"))
    bench.finish(verdict, update(name, "open"), Response(200, (), b"{}"))
    assert bench.states(name) == {"open", "closed"}
    upstream.put(name, "closed")
    assert bench.begin(update(name, "open")).decision == "transition"
    assert bench.outcomes() == {"learned": 3}


# How much is asked.


def test_requests_on_one_session_share_a_look_up(bench: Bench, upstream: Upstream) -> None:
    name = new()
    upstream.put(name, "closed")
    upstream.faults(delay="0.3")
    verdicts = bench.begin_all(*(update(name, "open") for _ in range(100)))
    assert {each.decision for each in verdicts} == {"transition"}
    assert looked_up(upstream) == [path(name)]
    assert bench.outcomes() == {"learned": 1}


def test_a_request_that_is_given_up_leaves_its_look_up_to_others(
    bench: Bench, upstream: Upstream
) -> None:
    name = new()
    upstream.put(name, "closed")
    upstream.faults(delay="0.3")

    async def run() -> Verdict:
        first = asyncio.create_task(bench.guard.begin(update(name, "open")))
        await asyncio.sleep(0.1)
        second = asyncio.create_task(bench.guard.begin(update(name, "open")))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert bench.runner.run(run()).decision == "transition"
    assert looked_up(upstream) == [path(name)]


def test_of_a_thousand_unknown_sessions_at_once_none_is_lost(
    bench: Bench, upstream: Upstream
) -> None:
    names = [new() for _ in range(1000)]
    for name in names[::20]:
        upstream.put(name, "closed")
    upstream.forget()
    verdicts = bench.begin_all(*(update(name, "open") for name in names))
    assert [each.refusal is not None for each in verdicts] == [at % 20 == 0 for at in range(1000)]
    received = upstream.received()
    assert len(received) == 1000
    # Requests that others have given up may still be there.
    together = [each["together"] for each in received]
    assert max(together) - together[0] < MOST_ASKED
    assert bench.outcomes() == {"learned": 50, "missing": 950}


def test_a_thousand_at_once_wait_no_longer_than_one(
    make: Callable[..., Bench], upstream: Upstream
) -> None:
    bench = make(timeout=2)
    upstream.faults(delay="6")
    verdicts = bench.begin_all(*(update(new(), "open") for _ in range(1000)))
    assert all(each.refusal is None for each in verdicts)
    outcomes = bench.outcomes()
    assert outcomes.keys() <= {"timeout", "crowded", "paused"}
    # Until there are enough failures in a row, each makes room for another.
    most = MOST_ASKED + FAILURES
    assert FAILURES <= outcomes["timeout"] <= most
    assert len(upstream.received()) <= most
    # From now on, one of them finds out whether it answers again.
    bench.begin_all(*(update(new(), "open") for _ in range(5)))
    assert bench.outcomes()["paused"] >= outcomes["paused"] + 4


def test_an_api_that_does_not_answer_is_only_probed(caplog: pytest.LogCaptureFixture) -> None:
    now = 1000.0
    breaker = Breaker(lambda: now)
    for _ in range(FAILURES - 1):
        breaker.failed("x")
    breaker.answered()
    for _ in range(FAILURES):
        assert breaker.permits()
        breaker.failed("status 500")
    assert not breaker.permits()
    now += PROBE
    assert [breaker.permits(), breaker.permits()] == [True, False]
    breaker.failed("status 500")
    assert not breaker.permits()
    now += PROBE
    assert breaker.permits()
    breaker.answered()
    assert [breaker.permits(), breaker.permits()] == [True, True]
    events = [vars(each)["fields"] for each in caplog.records]
    assert events == [
        {"event": "lookup-paused", "reason": "status 500"},
        {"event": "lookup-back"},
    ]


def test_connections_are_kept(bench: Bench, upstream: Upstream) -> None:
    for _ in range(5):
        bench.begin(update(new(), "open"))
    assert len({tuple(each["client"]) for each in upstream.received()}) == 1


# The key.


def test_the_key_of_the_request_is_sent_and_nothing_else(bench: Bench, upstream: Upstream) -> None:
    more = ("cookie", KEY), ("x-mine", KEY), ("accept", KEY), ("host", KEY)
    bench.begin(update(new(), "open", *more))
    (seen,) = upstream.received()
    headers = seen["headers"]
    assert headers.pop("authorization") == f"ApiKey-v1 {KEY}"
    assert headers == {
        "accept": "application/json",
        "accept-encoding": "gzip",
        "host": upstream.url.removeprefix("http://"),
        "user-agent": "talonschema",
    }


@pytest.mark.parametrize("given", [(), ("",), ("a", "b"), ("é",)])
def test_without_one_key_nothing_is_asked(
    bench: Bench, upstream: Upstream, given: tuple[str, ...]
) -> None:
    headers = tuple(("authorization", each) for each in given)
    assert bench.begin(update(new(), "open")._replace(headers=headers)).refusal is None
    assert upstream.received() == []
    assert bench.outcomes() == {"keyless": 1}


def test_a_key_of_its_own_is_sent_in_place_of_that_of_the_request(
    make: Callable[..., Bench],
    upstream: Upstream,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "key").write_text(f"{KEY}-own\n")
    bench = make(key_file=str(tmp_path / "key"))
    bench.begin(update(new(), "open"))
    (seen,) = upstream.received()
    assert seen["headers"]["authorization"] == f"ApiKey-v1 {KEY}-own"
    # One that is rejected is logged, once.
    upstream.faults(fault="unauthorized")
    for _ in range(2):
        bench.begin(update(new(), "open"))
    (record,) = caplog.records
    assert vars(record)["fields"] == {"event": "lookup-failed", "lookup": "denied"}


@pytest.mark.parametrize("text", ["", "two words", "ApiKey-v1 x", "ü", "a\nb", None])
def test_a_key_file_holds_a_key_alone(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "key"
    if text is not None:
        path.write_text(text, "utf-8")
    lookup = LookupSettings(url="https://api.example", key_file=str(path))
    store = tmp_path / "sessions.db"
    with pytest.raises(ValueError, match=r"^lookup\.key_file is '.*key'") as caught:
        Guard(Settings(store=f"sqlite:{store}", lookup=lookup))
    assert not text or text not in str(caught.value)
    assert not store.exists()


def test_the_key_gets_nowhere_else(
    make: Callable[..., Bench],
    upstream: Upstream,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench, name = make(), new()
    upstream.put(name, "closed")
    with caplog.at_level(logging.DEBUG):
        for fault in ({}, {"fault": "unauthorized"}, {"fault": "garbled"}, {"fault": "cut"}):
            upstream.faults(**fault)
            bench.begin(update(name, "open"))
            bench.begin(update(new(), "open"))
    assert KEY not in "".join(str(vars(each)) for each in caplog.records)
    assert KEY not in str(bench.metrics.exposition("")[1])
    records = vars(bench.store)["_records"].items()
    assert records
    assert KEY not in str([(key, record.write()) for key, (_, record) in records])


def test_a_process_reports_and_logs_its_look_ups(tmp_path: Path, upstream: Upstream) -> None:
    name = new()
    upstream.put(name, "closed")
    (tmp_path / "key").write_text(KEY)
    settings = f'[gateway.lookup]\nurl = "{upstream.url}"\nkey_file = "key"\ntimeout = 20'
    with gateway_running(tmp_path, settings) as plugin:
        # The request has another one, which is not looked at.
        headers = {**JSON, "authorization": "ApiKey-v1 other"}
        answer = httpx.put(f"{plugin.url}/check{path(name)}", content=OPEN, headers=headers)
        assert answer.status_code == 400
        (seen,) = [each for each in upstream.received() if each["method"] == "GET"]
        assert seen["headers"]["authorization"] == f"ApiKey-v1 {KEY}"
        figures = httpx.get(f"{plugin.url}/metrics").text
        assert 'talonschema_gateway_lookups_total{outcome="learned"} 1.0' in figures
        assert 'talonschema_gateway_lookup_seconds_count{outcome="learned"} 1.0' in figures
        lines = [json.loads(line) for line in plugin.program.output().splitlines()]
        (refused,) = [each for each in lines if each["event"] == "refused"]
        assert refused["lookup"] == "learned"
        assert KEY not in figures + plugin.program.output()


# Where it is asked.


@pytest.mark.parametrize("name", ["a%2Fb", "a%20b", "%C3%BC", "a%252Fb", "..%3F%23", "a+b"])
def test_the_id_is_encoded(bench: Bench, upstream: Upstream, name: str) -> None:
    upstream.put(name, "closed")
    bench.begin(update("x", "open")._replace(target=path(name)))
    assert looked_up(upstream) == [path(name.replace("+", "%2B"))]
    assert bench.outcomes() == {"learned": 1}


def test_neither_proxies_nor_passwords_of_the_environment_count(
    make: Callable[..., Bench], upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with refusal() as port:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        make().begin(update(new(), "open"))
    (seen,) = upstream.received()
    assert seen["headers"]["authorization"] == f"ApiKey-v1 {KEY}"


def test_certificates_are_verified(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pem, certificate = tmp_path / "both.pem", tmp_path / "certificate.pem"
    command = [
        need("openssl", "openssl"),
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
    ]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(pem), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    with pem.open("a") as both:
        both.write(certificate.read_text())
    with upstream_running("--certificate", str(pem)) as api:
        assert outcome(f"https://localhost:{api.port}") == {"unreachable": 1}
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert outcome(f"https://localhost:{api.port}") == {"missing": 1}
        # It is for another name.
        assert outcome(f"https://127.0.0.1:{api.port}") == {"unreachable": 1}


def outcome(url: str) -> Counter[str]:
    with closing(Bench(url)) as bench:
        assert bench.begin(update(new(), "open")).refusal is None
        return bench.outcomes()


# What it costs when it is off.


def test_without_the_settings_nothing_is_loaded_or_made() -> None:
    script = """
import asyncio, gc, sys
from talonschema.gateway import Guard, Request, Settings
from talonschema.gateway.metrics import Metrics
from talonschema.gateway.process.server import main
guard = Guard(Settings(store="memory:"), meter=Metrics())
guard.warm()
body = b'{"customerSession": {"state": "closed"}}'
verdict = asyncio.run(guard.begin(Request("PUT", "/v2/customer_sessions/a", (), body)))
assert verdict.token
own = {name for name in sys.modules if name.startswith("talonschema.gateway.lookup")}
assert own == {"talonschema.gateway.lookup", "talonschema.gateway.lookup.settings"}, own
assert not {"aiohttp", "yarl", "multidict"} & set(sys.modules)
made = [each for each in gc.get_objects() if "gateway.lookup" in type(each).__module__]
assert not made, made
"""
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)


def test_without_the_extra_it_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    for name in ("client", "lookup"):
        monkeypatch.delitem(sys.modules, f"talonschema.gateway.lookup.{name}")
    path = tmp_path / "talonschema.toml"
    path.write_text('[gateway]\n[gateway.lookup]\nurl = "https://api.example"\n', "utf-8")
    assert main(str(path), workers=2) == 2
    install = "pip install 'talonschema[gateway-lookup]'"
    reported = f"talonschema: {path}:2: lookup needs the package aiohttp: {install}\n"
    assert capsys.readouterr().err == reported


def test_it_can_be_used_from_one_event_loop_after_another(upstream: Upstream) -> None:
    guard = Guard(Settings(store="memory:", lookup=LookupSettings(upstream.url, timeout=PATIENT)))
    for _ in range(3):
        name = new()
        upstream.put(name, "closed")
        assert asyncio.run(guard.begin(update(name, "open"))).decision == "transition"
    with warnings.catch_warnings():
        # Of sockets whose event loop has ended.
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(guard.close())
        gc.collect()
