"""What comes of a look-up, and its order among other requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from support.gateway.lookup_bench import PATIENT, Bench, lookup_targets, update
from support.gateway.processes import Upstream, eventually, refusal
from support.gateway.promises import new_id, path
from talonschema.gateway import Response
from talonschema.gateway.store import Intent, Key, StoreError
from talonschema.gateway.store.memory import MemoryStore

CLOSE = Intent(frozenset({"open", "new"}), "closed")


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
    name = new_id()
    upstream.put(name, "closed")
    upstream.faults(**fault)
    verdict = bench.begin(update(name, "open"))
    assert verdict.refusal is None
    assert verdict.token
    assert bench.outcomes() == {outcome: 1}
    # What it was let pass by is forgotten with it.
    bench.finish(verdict, update(name, "open"), Response(400))
    assert not bench.store._records  # noqa: SLF001 - shows nowhere else
    assert "elsewhere" not in "".join(each["target"] for each in upstream.requests())


@pytest.mark.parametrize("fault", [{}, {"encoding": "gzip"}, {"chunks": "9"}])
def test_answers_of_any_form_are_read(
    bench: Bench, upstream: Upstream, fault: dict[str, str]
) -> None:
    name = new_id()
    upstream.put(name, "closed")
    upstream.faults(**fault)
    assert bench.begin(update(name, "open")).decision == "transition"


def test_without_an_api_all_passes(make: Callable[..., Bench]) -> None:
    with refusal() as port:
        bench = make(f"http://127.0.0.1:{port}")
        assert bench.begin(update(new_id(), "open")).refusal is None
        assert bench.outcomes() == {"unreachable": 1}


@pytest.mark.parametrize("strict_new", [False, True])
def test_a_session_that_the_api_does_not_have_is_new_only_strictly(
    make: Callable[..., Bench], upstream: Upstream, *, strict_new: bool
) -> None:
    bench, name = make(strict_new=strict_new), new_id()
    assert bench.begin(update(name, "open")).refusal is None
    assert (bench.begin(update(new_id(), "cancelled")).refusal is None) is not strict_new
    assert bench.outcomes() == {"missing": 2}
    # A session that the store has forgotten is no new one.
    forgotten = new_id()
    upstream.put(forgotten, "closed")
    assert bench.begin(update(forgotten, "cancelled")).refusal is None
    assert bench.begin(update(new_id(), "cancelled")).refusal is None or strict_new


@pytest.mark.parametrize("strict_new", [False, True])
def test_that_the_api_lacks_a_known_session_teaches_nothing(
    make: Callable[..., Bench], upstream: Upstream, *, strict_new: bool
) -> None:
    bench, name = make(strict_new=strict_new), new_id()
    opened = bench.begin(update(name, "open"))
    bench.finish(opened, update(name, "open"), Response(200, (), b"{}"))
    bench.finish(bench.begin(update(name, "closed")), update(name, "closed"), None)
    upstream.forget()
    assert bench.begin(update(name, "open")).refusal is None
    assert lookup_targets(upstream) == [path(name)]
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

    bench, name = make(with_store=Failing()), new_id()
    upstream.put(name, "closed")
    assert bench.begin(update(name, "open")).refusal is None
    assert lookup_targets(upstream) == []
    assert bench.outcomes() == {"unstored": 1}


# The order among other requests.


def test_a_newer_answer_wins(bench: Bench, upstream: Upstream) -> None:
    name = new_id()
    upstream.put(name, "open")

    async def run() -> None:
        # Read as open, but answered late.
        upstream.fault(delay_after="0.5")
        late = asyncio.create_task(bench.guard.begin(update(name, "open")))
        await asyncio.to_thread(eventually, lambda: upstream.requests()[1:], "not asked")
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
    name = new_id()
    upstream.put(name, "open")
    assert bench.begin(update(name, "closed")).token
    verdict = bench.begin(update(name, "open"))
    bench.finish(verdict, update(name, "open"), Response(200, (), b"{}"))
    assert bench.states(name) == {"open", "closed"}
    upstream.put(name, "closed")
    assert bench.begin(update(name, "open")).decision == "transition"
    assert bench.outcomes() == {"learned": 3}
