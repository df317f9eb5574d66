"""Guard: asks in the right order, and what it reports and logs."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from support.gateway.guard_bench import HIDDEN, JSON, SESSION, Bench, Failing, answer, put_request
from support.gateway.states import states_of
from talonschema.gateway import Guard, Request, Settings
from talonschema.gateway.decision import Decision, DecisionCore
from talonschema.gateway.store import Key


@pytest.mark.parametrize(
    ("size", "encodings", "beside"),
    [
        (8_000, (), False),
        (20_000, (), True),
        (8_000, ("gzip",), False),
        (20_000, ("gzip",), True),
        (20_000, ("identity", "gzip"), True),
    ],
)
def test_what_is_judged_beside_the_loop_depends_on_the_decompressed_size(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    encodings: tuple[str, ...],
    *,
    beside: bool,
) -> None:
    request = put_request(
        {"attributes": {"note": "x" * size}}, *(("content-encoding", e) for e in encodings)
    )
    if encodings:
        request = request._replace(body=gzip.compress(request.body))
    on_loop = []
    examine = DecisionCore.examine

    def record_thread(core: DecisionCore, request: Request) -> Decision:
        on_loop.append(threading.current_thread() is threading.main_thread())
        return examine(core, request)

    monkeypatch.setattr(DecisionCore, "examine", record_thread)
    bench.begin(request)
    assert on_loop == [not beside]


# Log lines.


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-123", True), ("a b", False), ("x" * 129, False), ("\u00e9", False), ("", False)],
)
def test_a_refusal_has_a_request_id(bench: Bench, given: str, *, kept: bool) -> None:
    verdict = bench.begin(put_request({"state": "x"}, ("x-request-id", given)))
    assert verdict.refusal is not None
    (found,) = [value for name, value in verdict.refusal.headers if name == "x-request-id"]
    assert (found == given) is kept
    assert len(found) == 32 or kept


def test_warnings_are_reported_on_request(make: Callable[..., Bench]) -> None:
    request = put_request({"state": "closed", "stat": 1})
    assert make().begin(request).headers == ()
    bench = make(warnings_header=True)
    assert bench.exchange(request).headers == (
        ("x-talonschema-warnings", "payload/unknown-property"),
    )
    verdict = bench.exchange(request)
    assert verdict.headers == (
        ("x-talonschema-warnings", "payload/unknown-property, lifecycle/repeated-state"),
    )
    refused = bench.begin(put_request({"state": "x", "stat": 1}))
    assert refused.refusal is not None
    assert refused.refusal.headers[-1] == refused.headers[0]


def test_the_log_has_nothing_personal(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    request = Request(
        "PUT",
        f"/v2/customer_sessions/{HIDDEN}",
        (JSON, ("authorization", f"ApiKey-v1 {HIDDEN}"), ("x-request-id", "request-1")),
        json.dumps({"customerSession": {"profileId": [HIDDEN], HIDDEN: 1}}).encode(),
    )
    with caplog.at_level(logging.DEBUG):
        bench.begin(request)
    (record,) = caplog.records
    fields = vars(record)["fields"]
    assert fields.pop("duration") > 0
    assert fields == {
        "event": "refused",
        "decision": "invalid",
        "codes": ("schema/type",),
        "status": 400,
        "method": "PUT",
        "size": len(request.body),
        "request_id": "request-1",
    }
    assert HIDDEN not in str(vars(record))


def test_bodies_are_counted_by_their_size_as_received(bench: Bench) -> None:
    body = gzip.compress(put_request().body)
    bench.begin(put_request()._replace(body=body, headers=(("content-encoding", "gzip"),)))
    assert bench.meter.decisions == [("allowed", True, len(body))]


# What it needs, and what it is asked.


def test_it_can_be_asked_to_judge_otherwise(bench: Bench) -> None:
    request = put_request({"stat": 1})
    assert bench.begin(request).refusal is None
    settings = Settings(store="memory:", severity={"payload/unknown-property": "error"})
    bench.guard.reload(settings)
    assert bench.guard.settings is settings
    assert bench.begin(request).refusal is not None
    with pytest.raises(ValueError, match="neither a code nor a group"):
        bench.guard.reload(Settings(store="memory:", ignore=["x"]))
    assert bench.guard.settings is settings
    assert bench.begin(request).refusal is not None


def test_only_calls_concern_it(bench: Bench) -> None:
    assert bench.guard.concerns(put_request())
    assert bench.guard.concerns(Request("PUT", f"{SESSION}/reopen"))
    assert not bench.guard.concerns(Request("GET", SESSION))
    # It is refused, whatever the body holds.
    assert not bench.guard.concerns(put_request()._replace(target=f"{SESSION}/"))


def test_applications_have_sessions_of_their_own() -> None:
    store = Failing()
    guards = [Guard(Settings(store="memory:", application=name), store) for name in ("one", "two")]

    async def run() -> None:
        verdict = await guards[0].begin(put_request({"state": "closed"}))
        assert verdict.token is not None
        await guards[0].finish(verdict.token, "PUT", SESSION, answer())
        assert (await guards[0].begin(put_request({"state": "open"}))).refusal is not None
        assert (await guards[1].begin(put_request({"state": "open"}))).refusal is None

    asyncio.run(run())
    assert asyncio.run(states_of(store, Key("one", "cart-1"))) == {"closed"}


def test_it_needs_no_extra_with_what_the_standard_library_has(tmp_path: Path) -> None:
    script = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"uvicorn", "grpc", "redis", "prometheus_client", "google",
                                      "brotli", "uvloop", "httptools"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
import asyncio
from talonschema.gateway import Guard, Request, SessionGuard
guard = Guard.open(store="sqlite:" + sys.argv[1])
body = b'{"customerSession": {"state": "closed"}}'
verdict = asyncio.run(guard.begin(Request("PUT", "/v2/customer_sessions/a", (), body)))
assert verdict.token
coded = Request("PUT", "/v2/customer_sessions/a", (("content-encoding", "br"),), body)
assert asyncio.run(guard.begin(coded)).refusal.status == 415
from talonschema.gateway.process.server import main
assert main(None) == 2
from talonschema.gateway.store import StoreError
try:
    Guard.open(store="redis://127.0.0.1")
except StoreError as error:
    assert "talonschema[gateway]" in str(error)
else:
    raise AssertionError
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path / "sessions.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "pip install 'talonschema[gateway]'" in done.stderr


def test_wrong_settings_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with pytest.raises(ValueError, match="edition"):
        Guard.open(store=f"sqlite:{path}", edition="2022-07")
    assert not path.exists()
