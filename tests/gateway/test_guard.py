"""Guard: asks in the right order, learns what answers say, and goes on when the store fails."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from talonschema.gateway import Guard, Request, Response, Settings, Verdict, store_health
from talonschema.gateway.decision import Decision, DecisionCore
from talonschema.gateway.store import (
    Admission,
    Ending,
    Intent,
    Key,
    Learned,
    RequestOutcome,
    StoreError,
)
from talonschema.gateway.store.memory import MemoryStore

SESSION = "/v2/customer_sessions/cart-1"
KEY = Key("default", "cart-1")
JSON = ("content-type", "application/json")
HIDDEN = "s3cret"
"""It must not show up anywhere."""


def put(session: Mapping[str, Any] | None = None, *headers: tuple[str, str]) -> Request:
    body = json.dumps({"customerSession": session or {}}).encode()
    return Request("PUT", SESSION, (JSON, *headers), body)


def answer(status: int = 200, session: Mapping[str, Any] | None = None) -> Response:
    body = {} if session is None else {"customerSession": session}
    return Response(status, (JSON,), json.dumps(body).encode())


class Failing(MemoryStore):
    """A real store that can be made to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = False
        self.calls = 0

    async def _struggle(self) -> None:
        self.calls += 1
        if self.failing:
            raise StoreError("the disk is full", "full")

    async def begin(self, key: Key, intent: Intent) -> Admission:
        await self._struggle()
        return await super().begin(key, intent)

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> Ending:
        await self._struggle()
        return await super().finish(key, token, outcome)

    async def ready(self) -> None:
        await self._struggle()


class Counting:
    """A meter that keeps its calls."""

    def __init__(self) -> None:
        self.decisions: list[tuple[str, bool, int]] = []
        self.outcomes: list[str] = []
        self.failures: list[str] = []
        self.lookups: list[str] = []

    def decided(self, decision: Decision, seconds: float, size: int, *, enforced: bool) -> None:
        assert seconds >= 0
        self.decisions.append((decision.label, enforced, size))

    def finished(self, outcome: str) -> None:
        self.outcomes.append(outcome)

    def store_failed(self, call: str, kind: str) -> None:  # noqa: ARG002 - as `Meter` has it
        self.failures.append(call)

    def looked_up(self, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.lookups.append(outcome)


class Bench:
    """A guard, and a shorthand to send it requests and answers."""

    def __init__(self, **options: Any) -> None:
        options = {"edition": "2026-06", "store": "memory:", "store_timeout": 0.05, **options}
        self.store = Failing()
        self.meter = Counting()
        self.guard = Guard(Settings(**options), self.store, self.meter)
        self.runner = asyncio.Runner()

    def begin(self, request: Request) -> Verdict:
        return self.runner.run(self.guard.begin(request))

    def finish(self, verdict: Verdict, response: Response | None, request: Request) -> None:
        assert verdict.token is not None
        self.runner.run(self.guard.finish(verdict.token, request.method, request.target, response))

    def exchange(self, request: Request, response: Response | None = None) -> Verdict:
        verdict = self.begin(request)
        self.finish(verdict, response or answer(), request)
        return verdict

    def states(self) -> set[str]:
        return set(self.runner.run(self.store.look(KEY)))


@pytest.fixture
def make() -> Iterator[Callable[..., Bench]]:
    """Make benches, and clear them away."""
    with contextlib.ExitStack() as stack:

        def made(**options: Any) -> Bench:
            bench = Bench(**options)
            stack.enter_context(bench.runner)
            return bench

        yield made


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()


def test_an_illegal_change_of_state_is_refused(bench: Bench) -> None:
    bench.exchange(put({"state": "closed"}))
    verdict = bench.begin(put({"state": "open"}))
    assert verdict.decision == "transition"
    assert verdict.token is None
    assert verdict.refusal is not None
    assert verdict.refusal.status == 400
    assert json.loads(verdict.refusal.body)["errors"][0]["title"] == "state transition"
    bench.exchange(Request("PUT", f"{SESSION}/reopen"))
    assert bench.begin(put({"state": "open"})).refusal is None


def test_returns_are_learned_from(bench: Bench) -> None:
    returns = Request(
        "POST",
        f"{SESSION}/returns",
        (JSON,),
        b'{"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}}',
    )
    bench.exchange(put({"state": "closed"}))
    bench.exchange(returns)
    assert bench.states() == {"partially_returned"}
    bench.exchange(put({"state": "cancelled"}))
    assert bench.begin(returns).decision == "transition"


def test_a_dry_return_teaches_nothing(bench: Bench) -> None:
    content = b'{"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}}'
    dry = Request("POST", f"{SESSION}/returns?dry=true", (JSON,), content)
    bench.exchange(put({"state": "closed"}))
    verdict = bench.begin(dry)
    assert (verdict.decision, verdict.token) == ("dry", None)
    # Not even with the token of another exchange.
    other = bench.begin(put({"state": "cancelled"}))
    response = answer(200, {"state": "partially_returned"})
    bench.finish(other, response, dry)
    assert bench.begin(Request("PUT", f"{SESSION}/reopen")).refusal is None


@pytest.mark.parametrize(
    ("request_", "state"),
    [
        (put({"state": "closed"}), "closed"),
        (
            Request(
                "POST",
                f"{SESSION}/returns",
                (JSON,),
                b'{"return": {"returnedCartItems": [{"position": 0}]}}',
            ),
            "partially_returned",
        ),
        (Request("PUT", f"{SESSION}/reopen"), "open"),
    ],
)
def test_calls_with_a_test_key_teach_nothing(
    make: Callable[..., Bench], request_: Request, state: str
) -> None:
    real, test = make(), make(test_key=True)
    token = real.begin(put({"state": "closed"}))
    assert token.token is not None
    verdict = test.begin(request_)
    assert verdict.token is None
    assert verdict.decision == "dry"
    # Not even with a token of another gateway on the same store.
    test.guard.store = real.store
    before = real.states()
    test.finish(token, answer(200, {"state": state}), request_)
    assert real.states() == before


def test_payloads_with_a_test_key_are_judged(make: Callable[..., Bench]) -> None:
    bench = make(test_key=True)
    assert bench.begin(put({"state": "shut"})).decision == "invalid"
    previewed = Request("PUT", f"{SESSION}?now=2931-01-01T00:00:00Z", (JSON,), put().body)
    assert bench.begin(previewed).decision == "dry"


@pytest.mark.parametrize(
    ("response", "states"),
    [
        (answer(), {"closed"}),
        (answer(201, {"state": "closed"}), {"closed"}),
        (answer(200, {"state": "cancelled"}), {"cancelled"}),
        (answer(200, {"state": "cancelled", "updated": "2026-01-01T00:00:00Z"}), {"cancelled"}),
        (answer(200, {"state": "cancelled", "updated": "no time"}), {"cancelled"}),
        (answer(200, {"state": "cancelled", "updated": 5}), {"cancelled"}),
        (answer(200, {"state": 7}), {"closed"}),
        (Response(204), {"closed"}),
        (Response(200, (), b"<html>"), {"closed"}),
        (Response(200, (), b"[]"), {"closed"}),
        (Response(200, (), b"[" * 100_000), {"closed"}),
        (Response(200, (), b'{"customerSession": []}'), {"closed"}),
        (
            Response(
                200,
                (("content-encoding", "gzip"),),
                gzip.compress(b'{"customerSession": {"state": "cancelled"}}'),
            ),
            {"cancelled"},
        ),
        (Response(200, (("content-encoding", "gzip"),), b"broken"), {"closed"}),
        (Response(200, (("content-encoding", "gzip"),), gzip.compress(bytes(2**23))), {"closed"}),
        (answer(200, {"state": "closed", "integrationId": "cart-1"}), {"closed"}),
        (answer(200, {"state": "closed", "integrationId": 5}), {"closed"}),
        (Response(200, (), b'{"campaignEligibility": null}'), {"closed"}),
        (answer(200, {"state": "cancelled", "integrationId": "cart-2"}), {"open", "closed"}),
        (Response(200, (), b'{"campaignEligibility": []}'), {"open", "closed"}),
        (answer(400, {"state": "closed"}), {"open"}),
        (answer(401), {"open"}),
        (answer(409), {"open"}),
        (answer(429), {"open"}),
        (answer(408), {"open", "closed"}),
        (answer(499), {"open", "closed"}),
        (answer(302), {"open", "closed"}),
        (answer(500), {"open", "closed"}),
        (answer(503), {"open", "closed"}),
        (None, {"open", "closed"}),
    ],
)
def test_what_answers_show(bench: Bench, response: Response | None, states: set[str]) -> None:
    bench.exchange(put({"state": "open"}))
    request = put({"state": "closed"})
    verdict = bench.begin(request)
    bench.finish(verdict, response, request)
    assert bench.states() == states


@pytest.mark.parametrize(
    ("suffix", "state", "states"),
    [
        ("returns", "partially_returned", {"partially_returned"}),
        ("returns", "closed", {"closed", "partially_returned"}),
        ("returns", "cancelled", {"closed", "partially_returned"}),
        # One that this release doesn't know: the session may be in any.
        ("returns", "archived", set()),
        ("reopen", "open", {"open"}),
        ("reopen", "closed", {"closed", "open"}),
        ("reopen?dry=true", "open", {"closed", "open"}),
        ("reopen?x=true", "open", {"open"}),
    ],
)
def test_a_state_that_the_call_does_not_lead_to_is_not_learned(
    bench: Bench, suffix: str, state: str, states: set[str]
) -> None:
    bench.exchange(put({"state": "closed"}))
    returned = json.dumps({"return": {"returnedCartItems": [{"position": 0}]}}).encode()
    method = "POST" if suffix == "returns" else "PUT"
    call = Request(method, f"{SESSION}/{suffix}", (JSON,), returned)
    bench.exchange(call, answer(200, {"state": state}))
    assert bench.states() == states


def test_answers_that_overtake_each_other_are_put_in_order(bench: Bench) -> None:
    first, second = put({"state": "closed"}), put({"state": "cancelled"})
    one, two = bench.begin(first), bench.begin(second)
    late = answer(200, {"state": "cancelled", "updated": "2026-01-01T00:00:02.5Z"})
    early = answer(200, {"state": "closed", "updated": "2026-01-01T01:00:01+01:00"})
    bench.finish(two, late, second)
    bench.finish(one, early, first)
    assert bench.states() == {"cancelled"}


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", SESSION),
        put()._replace(target=f"{SESSION}?dry=true"),
        put({"cartItems": 1}),
        put()._replace(target=f"{SESSION}/"),
    ],
)
def test_the_store_is_not_asked_without_need(bench: Bench, request_: Request) -> None:
    assert bench.begin(request_).token is None
    assert bench.store.calls == 0


def test_tokens_that_are_not_for_it_teach_nothing(bench: Bench) -> None:
    bench.exchange(put({"state": "closed"}))
    request = put({"state": "cancelled"})
    verdict = bench.begin(request)
    for token, target in (
        ("", SESSION),
        ("made-up", SESSION),
        (verdict.token or "", "/v2/customer_sessions/other"),
        (verdict.token or "", f"{SESSION}?dry=true"),
        (verdict.token or "", "/v1/x"),
    ):
        bench.runner.run(bench.guard.finish(token, "PUT", target, answer()))
    assert bench.states() == {"closed", "cancelled"}
    bench.finish(verdict, answer(400), request)
    assert bench.states() == {"closed"}


def test_while_the_store_fails_payloads_are_judged(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_health, "QUIET", 0)
    monkeypatch.setattr(store_health, "SETTLING", 0)
    bench.exchange(put({"state": "closed"}))
    bench.store.failing = True
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            reopening = put({"state": "open"})
            verdict = bench.begin(reopening)
            assert (verdict.refusal, verdict.decision) == (None, "allowed")
            bench.finish(verdict, answer(400), reopening)
    assert bench.begin(put({"state": "x"})).decision == "invalid"
    assert bench.meter.failures == ["begin"] * 3
    reported = [each.getMessage() for each in caplog.records if "store" in each.getMessage()]
    assert len(reported) == 1
    bench.store.failing = False
    with caplog.at_level(logging.INFO):
        assert bench.begin(put({"state": "open"})).decision == "transition"
        bench.runner.run(asyncio.sleep(0.01))
    assert {"the store is back", "refused: lifecycle/state-transition"} == set(caplog.messages[-2:])


@pytest.mark.parametrize(
    ("reported", "states"),
    [
        ({"state": "open", "updated": "2026-05-28T10:00:00Z"}, {"open"}),
        # Without a date it may be older than what others have done since.
        ({"state": "open"}, {"open", "closed"}),
        (None, {"open", "closed"}),
    ],
)
def test_what_was_done_meanwhile_is_learned_once_the_store_is_back(
    bench: Bench, reported: dict[str, str] | None, states: set[str]
) -> None:
    bench.exchange(put({"state": "closed"}))
    bench.store.failing = True
    reopen = Request("PUT", f"{SESSION}/reopen")
    verdict = bench.begin(reopen)
    bench.store.failing = False
    bench.finish(verdict, answer(200, reported), reopen)
    assert bench.states() == states


def test_nothing_is_learned_while_the_store_fails(bench: Bench) -> None:
    request = put({"state": "closed"})
    verdict = bench.begin(request)
    bench.store.failing = True
    bench.finish(verdict, answer(), request)
    assert bench.meter.failures == ["finish"]
    bench.store.failing = False
    # Its lease runs: it may have been done, and may not.
    assert bench.begin(put({"state": "open"})).refusal is None


def test_ready_reports_what_is_wrong(bench: Bench) -> None:
    bench.runner.run(bench.guard.ready())
    bench.store.failing = True
    with pytest.raises(StoreError, match="the disk is full"):
        bench.runner.run(bench.guard.ready())


def test_a_slow_store_is_not_waited_for(
    make: Callable[..., Bench],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store_health, "SETTLING", 0)
    path = tmp_path / "sessions.db"
    bench = make()
    settings = Settings(store=f"sqlite:{path}", store_timeout=0.05)
    guard = Guard(settings, meter=bench.meter)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        verdict = bench.runner.run(guard.begin(put({"state": "closed"})))
        assert verdict.refusal is None
        assert bench.meter.failures == ["begin"]
        assert "changes of state are not checked" in caplog.text
        other.execute("ROLLBACK")
    token = verdict.token
    assert token is not None
    reported = answer(200, {"state": "closed", "updated": "2026-05-28T10:00:00Z"})
    bench.runner.run(guard.finish(token, "PUT", SESSION, reported))
    assert bench.runner.run(guard.begin(put({"state": "open"}))).decision == "transition"
    bench.runner.run(guard.close())


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
    request = put(
        {"attributes": {"note": "x" * size}}, *(("content-encoding", e) for e in encodings)
    )
    if encodings:
        request = request._replace(body=gzip.compress(request.body))
    on_loop = []
    examine = DecisionCore.examine

    def watched(core: DecisionCore, request: Request) -> Decision:
        on_loop.append(threading.current_thread() is threading.main_thread())
        return examine(core, request)

    monkeypatch.setattr(DecisionCore, "examine", watched)
    bench.begin(request)
    assert on_loop == [not beside]


# Report mode.


def test_in_report_mode_all_passes_and_is_learned(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(mode="report")
    bench.exchange(put({"state": "closed"}))
    request = put({"state": "open"})
    with caplog.at_level(logging.INFO):
        verdict = bench.begin(request)
    assert verdict.refusal is None
    assert verdict.decision == "transition"
    assert caplog.messages == ["would-refuse: lifecycle/state-transition"]
    bench.finish(verdict, answer(200, {"state": "open"}), request)
    assert bench.states() == {"open"}
    assert bench.meter.decisions[-1][:2] == ("transition", False)


def test_in_report_mode_a_bad_payload_passes_and_is_learned(make: Callable[..., Bench]) -> None:
    bench = make(mode="report")
    bench.exchange(put({"state": "closed"}))
    request = put({"state": "cancelled", "cartItems": 1})
    verdict = bench.begin(request)
    assert (verdict.refusal, verdict.decision) == (None, "invalid")
    bench.finish(verdict, answer(), request)
    assert bench.states() == {"cancelled"}
    for body in (b"{", b"\xff", b""):
        assert bench.begin(put()._replace(body=body))[:2] == (None, None)


def test_in_report_mode_a_state_that_is_none_is_not_learned(make: Callable[..., Bench]) -> None:
    bench = make(mode="report")
    assert bench.begin(put({"state": "x"}))[:2] == (None, None)
    assert bench.begin(put({"state": 1}))[:2] == (None, None)
    assert bench.begin(put({"state": ["open"]}))[:2] == (None, None)


# Log lines.


@pytest.mark.parametrize(
    ("given", "kept"),
    [("abc-123", True), ("a b", False), ("x" * 129, False), ("\u00e9", False), ("", False)],
)
def test_a_refusal_has_a_request_id(bench: Bench, given: str, *, kept: bool) -> None:
    verdict = bench.begin(put({"state": "x"}, ("x-request-id", given)))
    assert verdict.refusal is not None
    (found,) = [value for name, value in verdict.refusal.headers if name == "x-request-id"]
    assert (found == given) is kept
    assert len(found) == 32 or kept


KEYED = ("idempotency-key", HIDDEN)


def test_a_repeated_request_passes_and_teaches_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.exchange(put({"state": "closed"}, KEYED), answer(200, {"state": "closed"}))
    bench.exchange(put({"state": "cancelled"}))
    verdict = bench.begin(put({"state": "closed"}, KEYED))
    assert verdict == Verdict(None, None, (), "repeated")
    assert bench.states() == {"cancelled"}
    assert bench.meter.decisions[-1][0] == "repeated"
    assert HIDDEN not in repr(bench.store._records)  # noqa: SLF001 - shows nowhere else
    ((_, record),) = bench.store._records.values()  # noqa: SLF001
    assert HIDDEN not in record.write()
    assert HIDDEN not in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (KEYED, KEYED),
        (("idempotency-key", ""),),
        (("idempotency-key", "x" * 256),),
    ],
    ids=["none", "two", "empty", "too long"],
)
def test_a_request_is_repeated_by_one_key_that_the_api_takes(
    bench: Bench, headers: tuple[tuple[str, str], ...]
) -> None:
    bench.exchange(put({"state": "open"}, *headers))
    bench.exchange(put({"state": "open"}, KEYED))
    bench.exchange(put({"state": "cancelled"}))
    assert bench.begin(put({"state": "open"}, *headers)).decision == "transition"
    assert bench.begin(put({"state": "open"}, KEYED)).decision == "repeated"
    assert bench.begin(put({"state": "open"}, (KEYED[0], "another"))).decision == "transition"
    assert bench.begin(put({"state": "closed"}, KEYED)).decision == "transition"


def test_a_repeated_request_is_the_same_call_with_the_same_body(bench: Bench) -> None:
    reopen = Request("PUT", f"{SESSION}/reopen", (KEYED,))
    bench.exchange(put({"state": "closed"}))
    bench.exchange(reopen)
    bench.exchange(put({"state": "cancelled"}))
    assert bench.begin(reopen).decision == "repeated"
    # Its body does not count.
    assert bench.begin(reopen._replace(body=b"{}")).decision == "repeated"
    assert bench.begin(put({"state": "open"}, KEYED)).decision == "transition"
    returned = json.dumps({"return": {"returnedCartItems": [{"position": 0}]}}).encode()
    call = Request("POST", f"{SESSION}/returns", (JSON, KEYED), returned)
    assert bench.begin(call).decision == "transition"


def test_a_repeated_request_is_the_same_compressed_or_not(bench: Bench) -> None:
    plain = put({"state": "closed"}, KEYED)
    bench.exchange(plain)
    bench.exchange(put({"state": "cancelled"}))
    encoding = ("content-encoding", "gzip")
    packed = plain._replace(headers=(*plain.headers, encoding), body=gzip.compress(plain.body))
    assert bench.begin(packed).decision == "repeated"


def test_a_bad_payload_is_refused_whatever_it_repeats(make: Callable[..., Bench]) -> None:
    bench = make(mode="report")
    bad = put({"state": "open", "cartItems": [{}]}, KEYED)
    bench.exchange(bad)
    bench.guard.reload(Settings(edition="2026-06", store="memory:"))
    assert bench.begin(bad).decision == "invalid"


def test_warnings_are_reported_on_request(make: Callable[..., Bench]) -> None:
    request = put({"state": "closed", "stat": 1})
    assert make().begin(request).headers == ()
    bench = make(warnings_header=True)
    assert bench.exchange(request).headers == (
        ("x-talonschema-warnings", "payload/unknown-property"),
    )
    verdict = bench.exchange(request)
    assert verdict.headers == (
        ("x-talonschema-warnings", "payload/unknown-property, lifecycle/repeated-state"),
    )
    refused = bench.begin(put({"state": "x", "stat": 1}))
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
    body = gzip.compress(put().body)
    bench.begin(put()._replace(body=body, headers=(("content-encoding", "gzip"),)))
    assert bench.meter.decisions == [("allowed", True, len(body))]


# Settings.


def test_it_can_be_asked_to_judge_otherwise(bench: Bench) -> None:
    request = put({"stat": 1})
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
    assert bench.guard.concerns(put())
    assert bench.guard.concerns(Request("PUT", f"{SESSION}/reopen"))
    assert not bench.guard.concerns(Request("GET", SESSION))
    # It is refused, whatever the body holds.
    assert not bench.guard.concerns(put()._replace(target=f"{SESSION}/"))


def test_applications_have_sessions_of_their_own() -> None:
    store = Failing()
    guards = [Guard(Settings(store="memory:", application=name), store) for name in ("one", "two")]

    async def run() -> None:
        verdict = await guards[0].begin(put({"state": "closed"}))
        assert verdict.token is not None
        await guards[0].finish(verdict.token, "PUT", SESSION, answer())
        assert (await guards[0].begin(put({"state": "open"}))).refusal is not None
        assert (await guards[1].begin(put({"state": "open"}))).refusal is None

    asyncio.run(run())
    assert asyncio.run(store.look(Key("one", "cart-1"))) == {"closed"}


def test_many_at_once_never_see_a_false_refusal(bench: Bench) -> None:
    """Of requests that overlap, any order is possible, so any that one of them permits passes."""

    async def run() -> list[Verdict]:
        return await asyncio.gather(
            *(bench.guard.begin(put({"state": state})) for state in ["open", "closed"] * 20),
            *(bench.guard.begin(Request("PUT", f"{SESSION}/reopen")) for _ in range(5)),
        )

    assert all(verdict.refusal is None for verdict in bench.runner.run(run()))


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


def test_a_token_is_no_answer_for_another_session(bench: Bench) -> None:
    request = put({"state": "closed"})
    verdict = bench.begin(request)
    assert verdict.token is not None
    other = "/v2/customer_sessions/cart-2"
    bench.runner.run(bench.guard.finish(verdict.token, "PUT", other, answer()))
    assert not bench.runner.run(bench.store.look(Key("default", "cart-2")))
    outcome = Learned("closed")
    bench.runner.run(bench.store.finish(KEY, verdict.token, outcome))
    assert bench.states() == {"closed"}


def test_wrong_settings_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with pytest.raises(ValueError, match="edition"):
        Guard.open(store=f"sqlite:{path}", edition="2022-07")
    assert not path.exists()
