"""How much is asked: requests share look-ups, and an API that does not answer is only probed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from support.gateway.lookup_bench import Bench, lookup_targets, update
from support.gateway.processes import Upstream
from support.gateway.promises import new_id, path
from talonschema.gateway import Verdict
from talonschema.gateway.lookup.breaker import FAILURES, PROBE, Breaker
from talonschema.gateway.lookup.lookup import MOST_ASKED


def test_requests_on_one_session_share_a_look_up(bench: Bench, upstream: Upstream) -> None:
    name = new_id()
    upstream.put(name, "closed")
    upstream.faults(delay="0.3")
    verdicts = bench.begin_all(*(update(name, "open") for _ in range(100)))
    assert {each.decision for each in verdicts} == {"transition"}
    assert lookup_targets(upstream) == [path(name)]
    assert bench.outcomes() == {"learned": 1}


def test_a_request_that_is_given_up_leaves_its_look_up_to_others(
    bench: Bench, upstream: Upstream
) -> None:
    name = new_id()
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
    assert lookup_targets(upstream) == [path(name)]


def test_of_a_thousand_unknown_sessions_at_once_none_is_lost(
    bench: Bench, upstream: Upstream
) -> None:
    names = [new_id() for _ in range(1000)]
    for name in names[::20]:
        upstream.put(name, "closed")
    upstream.forget()
    verdicts = bench.begin_all(*(update(name, "open") for name in names))
    assert [each.refusal is not None for each in verdicts] == [at % 20 == 0 for at in range(1000)]
    received = upstream.requests()
    assert len(received) == 1000
    # Requests that others have given up may still be there.
    together = [each["together"] for each in received]
    assert max(together) - together[0] < MOST_ASKED
    assert bench.outcomes() == {"learned": 50, "missing": 950}


@pytest.mark.slow
def test_a_thousand_at_once_wait_no_longer_than_one(
    make: Callable[..., Bench], upstream: Upstream
) -> None:
    bench = make(timeout=2)
    upstream.faults(delay="6")
    verdicts = bench.begin_all(*(update(new_id(), "open") for _ in range(1000)))
    assert all(each.refusal is None for each in verdicts)
    outcomes = bench.outcomes()
    assert outcomes.keys() <= {"timeout", "crowded", "paused"}
    # Until there are enough failures in a row, each makes room for another.
    most = MOST_ASKED + FAILURES
    assert FAILURES <= outcomes["timeout"] <= most
    assert len(upstream.requests()) <= most
    # From now on, one of them finds out whether it answers again.
    bench.begin_all(*(update(new_id(), "open") for _ in range(5)))
    assert bench.outcomes()["paused"] >= outcomes["paused"] + 4


def test_an_api_that_does_not_answer_is_only_probed(caplog: pytest.LogCaptureFixture) -> None:
    now = 1000.0
    breaker = Breaker(lambda: now)
    for _ in range(FAILURES - 1):
        breaker.record_failure("x")
    breaker.record_answer()
    for _ in range(FAILURES):
        assert breaker.permits()
        breaker.record_failure("status 500")
    assert not breaker.permits()
    now += PROBE
    assert [breaker.permits(), breaker.permits()] == [True, False]
    breaker.record_failure("status 500")
    assert not breaker.permits()
    now += PROBE
    assert breaker.permits()
    breaker.record_answer()
    assert [breaker.permits(), breaker.permits()] == [True, True]
    events = [vars(each)["fields"] for each in caplog.records]
    assert events == [
        {"event": "lookup-paused", "reason": "status 500"},
        {"event": "lookup-back"},
    ]


def test_connections_are_kept(bench: Bench, upstream: Upstream) -> None:
    for _ in range(5):
        bench.begin(update(new_id(), "open"))
    assert len({tuple(each["client"]) for each in upstream.requests()}) == 1
