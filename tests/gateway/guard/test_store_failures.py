"""A guard goes on when its store fails or is slow."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from support.gateway.guard_bench import SESSION, Bench, answer, put_request
from talonschema.gateway import Guard, Request, Settings, store_health
from talonschema.gateway.store import StoreError


def test_while_the_store_fails_payloads_are_judged(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_health, "QUIET", 0)
    monkeypatch.setattr(store_health, "SETTLING", 0)
    bench.exchange(put_request({"state": "closed"}))
    bench.store.failing = True
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            reopening = put_request({"state": "open"})
            verdict = bench.begin(reopening)
            assert (verdict.refusal, verdict.decision) == (None, "allowed")
            bench.finish(verdict, answer(400), reopening)
    assert bench.begin(put_request({"state": "x"})).decision == "invalid"
    assert bench.meter.failures == ["begin"] * 3
    reported = [each.getMessage() for each in caplog.records if "store" in each.getMessage()]
    assert len(reported) == 1
    bench.store.failing = False
    with caplog.at_level(logging.INFO):
        assert bench.begin(put_request({"state": "open"})).decision == "transition"
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
    bench.exchange(put_request({"state": "closed"}))
    bench.store.failing = True
    reopen = Request("PUT", f"{SESSION}/reopen")
    verdict = bench.begin(reopen)
    bench.store.failing = False
    bench.finish(verdict, answer(200, reported), reopen)
    assert bench.states() == states


def test_nothing_is_learned_while_the_store_fails(bench: Bench) -> None:
    request = put_request({"state": "closed"})
    verdict = bench.begin(request)
    bench.store.failing = True
    bench.finish(verdict, answer(), request)
    assert bench.meter.failures == ["finish"]
    bench.store.failing = False
    # Its lease runs: it may have been done, and may not.
    assert bench.begin(put_request({"state": "open"})).refusal is None


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
        verdict = bench.runner.run(guard.begin(put_request({"state": "closed"})))
        assert verdict.refusal is None
        assert bench.meter.failures == ["begin"]
        assert "changes of state are not checked" in caplog.text
        other.execute("ROLLBACK")
    token = verdict.token
    assert token is not None
    reported = answer(200, {"state": "closed", "updated": "2026-05-28T10:00:00Z"})
    bench.runner.run(guard.finish(token, "PUT", SESSION, reported))
    assert bench.runner.run(guard.begin(put_request({"state": "open"}))).decision == "transition"
    bench.runner.run(guard.close())
