"""How the API is asked: with which key, and where."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from support.gateway.installed import need
from support.gateway.lookup_bench import KEY, Bench, lookup_targets, outcome, update
from support.gateway.processes import Upstream, gateway_running, refusal, upstream_running
from support.gateway.promises import JSON, OPEN, new_id, path
from talonschema.gateway import Guard, LookupSettings, Settings

# The key.


def test_the_key_of_the_request_is_sent_and_nothing_else(bench: Bench, upstream: Upstream) -> None:
    more = ("cookie", KEY), ("x-mine", KEY), ("accept", KEY), ("host", KEY)
    bench.begin(update(new_id(), "open", *more))
    (seen,) = upstream.requests()
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
    assert bench.begin(update(new_id(), "open")._replace(headers=headers)).refusal is None
    assert upstream.requests() == []
    assert bench.outcomes() == {"keyless": 1}


def test_a_key_of_its_own_is_sent_in_place_of_that_of_the_request(
    make: Callable[..., Bench],
    upstream: Upstream,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "key").write_text(f"{KEY}-own\n")
    bench = make(key_file=str(tmp_path / "key"))
    bench.begin(update(new_id(), "open"))
    (seen,) = upstream.requests()
    assert seen["headers"]["authorization"] == f"ApiKey-v1 {KEY}-own"
    # One that is rejected is logged, once.
    upstream.faults(fault="unauthorized")
    for _ in range(2):
        bench.begin(update(new_id(), "open"))
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
    bench, name = make(), new_id()
    upstream.put(name, "closed")
    with caplog.at_level(logging.DEBUG):
        for fault in ({}, {"fault": "unauthorized"}, {"fault": "garbled"}, {"fault": "cut"}):
            upstream.faults(**fault)
            bench.begin(update(name, "open"))
            bench.begin(update(new_id(), "open"))
    assert KEY not in "".join(str(vars(each)) for each in caplog.records)
    assert KEY not in str(bench.metrics.exposition("")[1])
    records = vars(bench.store)["_records"].items()
    assert records
    assert KEY not in str([(key, record.write()) for key, (_, record) in records])


def test_a_process_reports_and_logs_its_look_ups(tmp_path: Path, upstream: Upstream) -> None:
    name = new_id()
    upstream.put(name, "closed")
    (tmp_path / "key").write_text(KEY)
    settings = f'[gateway.lookup]\nurl = "{upstream.url}"\nkey_file = "key"\ntimeout = 20'
    with gateway_running(tmp_path, settings) as plugin:
        # The request has another one, which is not looked at.
        headers = {**JSON, "authorization": "ApiKey-v1 other"}
        answer = httpx.put(f"{plugin.url}/check{path(name)}", content=OPEN, headers=headers)
        assert answer.status_code == 400
        (seen,) = [each for each in upstream.requests() if each["method"] == "GET"]
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
    assert lookup_targets(upstream) == [path(name.replace("+", "%2B"))]
    assert bench.outcomes() == {"learned": 1}


def test_neither_proxies_nor_passwords_of_the_environment_count(
    make: Callable[..., Bench], upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with refusal() as port:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        make().begin(update(new_id(), "open"))
    (seen,) = upstream.requests()
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
