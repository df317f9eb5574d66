"""Heavy work: bounded, the lightest first, dropped with its asker, refused for want of time."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from talonschema.gateway import Guard, Request, Settings, heavy
from talonschema.gateway.heavy import Busy, HeavyQueue
from talonschema.gateway.messages import header

LARGE = json.dumps({"customerSession": {"attributes": {"note": "x" * 20_000}}}).encode()
PUT = Request("PUT", "/v2/customer_sessions/cart-1", (), LARGE)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let judgements wait for as long as a busy machine may take."""
    monkeypatch.setattr(heavy, "PATIENCE", 20)


@contextmanager
def occupy(queue: HeavyQueue) -> Iterator[Callable[[], None]]:
    """Keep the queue's thread until the function is called, or the block ends."""
    began, release = threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        assert release.wait(20)

    async def begin() -> None:
        task = asyncio.ensure_future(queue.run(1, work))
        while not began.is_set():  # noqa: ASYNC110 - a thread sets no event of the loop
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(begin())
    try:
        yield release.set
    finally:
        release.set()


def test_it_returns_and_raises_what_the_work_does() -> None:
    queue = HeavyQueue()
    assert asyncio.run(queue.run(1, lambda: threading.current_thread().name)) != "MainThread"
    with pytest.raises(ZeroDivisionError):
        asyncio.run(queue.run(1, lambda: 1 // len("")))
    queue.close()


def test_the_lightest_goes_first() -> None:
    queue = HeavyQueue()
    order: list[int] = []

    async def run(release: Callable[[], None]) -> None:
        tasks = [
            asyncio.ensure_future(queue.run(weight, lambda w=weight: order.append(w)))  # type: ignore[misc]
            for weight in (30, 10, 20, 10)
        ]
        while len(queue._waiting) < len(tasks):  # noqa: ASYNC110, SLF001 - a thread sets no event of the loop
            await asyncio.sleep(0.001)
        release()
        await asyncio.gather(*tasks)

    with occupy(queue) as release:
        asyncio.run(run(release))
    assert order == [10, 10, 20, 30]


def test_work_whose_asker_has_gone_is_dropped() -> None:
    queue = HeavyQueue()
    done: list[int] = []

    async def run(release: Callable[[], None]) -> None:
        gone = asyncio.ensure_future(queue.run(1, lambda: done.append(1)))
        stays = asyncio.ensure_future(queue.run(2, lambda: done.append(2)))
        while len(queue._waiting) < 2:  # noqa: ASYNC110, SLF001 - a thread sets no event of the loop
            await asyncio.sleep(0.001)
        gone.cancel()
        await asyncio.sleep(0)
        release()
        await stays

    with occupy(queue) as release:
        asyncio.run(run(release))
    assert done == [2]


def test_a_full_queue_and_a_late_turn_are_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heavy, "MOST_WAITING", 2)
    monkeypatch.setattr(heavy, "PATIENCE", 0.2)
    queue = HeavyQueue()

    async def run(release: Callable[[], None]) -> list[Any]:
        tasks = [asyncio.ensure_future(queue.run(1, lambda: "done")) for _ in range(3)]
        while not tasks[2].done():  # noqa: ASYNC110 - a thread sets no event of the loop
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.3)
        release()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with occupy(queue) as release:
        found = asyncio.run(run(release))
    assert [type(each) for each in found] == [Busy, Busy, Busy]


def test_bytes_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heavy, "MOST_BYTES", 100)
    queue = HeavyQueue()

    async def run(release: Callable[[], None]) -> list[Any]:
        first = asyncio.ensure_future(queue.run(1000, lambda: "one alone is taken"))
        second = asyncio.ensure_future(queue.run(1, lambda: "no more"))
        while not second.done():  # noqa: ASYNC110 - a thread sets no event of the loop
            await asyncio.sleep(0.001)
        release()
        return [*await asyncio.gather(first, second, return_exceptions=True)]

    with occupy(queue) as release:
        found = asyncio.run(run(release))
    assert found[0] == "one alone is taken"
    assert isinstance(found[1], Busy)


@pytest.mark.parametrize("mode", ["enforce", "report"])
def test_a_request_that_there_is_no_time_for(mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def raise_busy(_self: HeavyQueue, _weight: int, _work: Callable[[], Any]) -> Any:
        raise Busy

    monkeypatch.setattr(HeavyQueue, "run", raise_busy)

    async def run() -> None:
        guard = Guard(Settings(store="memory:", mode=mode))
        verdict = await guard.begin(PUT)
        light = await guard.begin(PUT._replace(body=b'{"customerSession": {}}'))
        await guard.close()
        assert verdict.decision == "busy"
        assert light.decision == "allowed"
        if mode == "report":
            assert verdict.refusal is None
            return
        assert verdict.refusal is not None
        assert verdict.refusal.status == 429
        assert header(verdict.refusal.headers, "retry-after") == "1"
        assert json.loads(verdict.refusal.body)["errors"][0]["title"] == "Too Many Requests"

    asyncio.run(run())


def test_a_judgement_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = b'{"customerSession": {"cartItems": [' + b"{}," * 300_000 + b"{}]}}"

    async def run() -> None:
        guard = Guard(Settings(store="memory:"))
        monkeypatch.setattr("talonschema.gateway.guard._LATEST", 0.02)
        verdict = await guard.begin(PUT._replace(body=slow))
        light = await guard.begin(PUT._replace(body=b'{"customerSession": {}}'))
        await guard.close()
        assert (verdict.decision, light.decision) == ("busy", "allowed")
        assert verdict.refusal is not None
        assert verdict.refusal.status == 429

    asyncio.run(run())


def test_many_parts_make_a_small_body_heavy(monkeypatch: pytest.MonkeyPatch) -> None:
    weights: list[int] = []

    async def record_weight(_self: HeavyQueue, weight: int, work: Callable[[], Any]) -> Any:
        weights.append(weight)
        return work()

    monkeypatch.setattr(HeavyQueue, "run", record_weight)

    async def run() -> None:
        guard = Guard(Settings(store="memory:"))
        for body in (b"[" + b"1," * 500 + b"1]", b"[" + b"{}," * 2000 + b"1]", LARGE):
            await guard.begin(PUT._replace(body=body))
        await guard.close()

    asyncio.run(run())
    # The last one is in order, so it is judged by its state as well.
    assert weights == [16 * 1024 + 1, len(LARGE), len(LARGE)]
