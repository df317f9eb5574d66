"""What is counted and logged of a store that fails, and when it is asked again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from talonschema.gateway.store import StoreError
from talonschema.gateway.store.memory import MemoryStore
from talonschema.gateway.store_health import LATE, PROBE, QUIET, StoreHealth


class Bench:
    """A store of which reads, writes or both fail, its health, and a clock to turn."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.counted: list[tuple[str, str]] = []
        self.health = StoreHealth(self, now=lambda: self.now)
        self.store = Failing()
        self.asked = 0
        self.runner = asyncio.Runner()

    def count_store_failure(self, call: str, kind: str) -> None:
        self.counted.append((call, kind))

    def call(self, error: Exception | None = None) -> str | None:
        """Make a call, which fails with an error or returns a text."""

        async def ask() -> str:
            self.asked += 1
            if error is not None:
                raise error
            return "answer"

        async def run() -> str | None:
            found = await self.health.answer("begin", self.store, ask)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return found

        return self.runner.run(run())

    def ready(self) -> None:
        self.runner.run(self.health.ready(self.store))


class Failing(MemoryStore):
    """A store that takes no writes while it is full."""

    full = False

    async def ready(self) -> None:
        if self.full:
            raise FULL


FULL = StoreError("the disk is full", "full")
TIMEOUT = StoreError("no answer", "timeout")


@pytest.fixture
def bench(caplog: pytest.LogCaptureFixture) -> Iterator[Bench]:
    caplog.set_level(logging.INFO)
    made = Bench()
    yield made
    made.runner.close()


@pytest.mark.parametrize("error", [RuntimeError("x"), AttributeError(), OSError(), KeyError("y")])
def test_any_exception_counts_as_a_failure(
    bench: Bench, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert bench.call(error) is None
    assert bench.counted == [("begin", "other")]
    (message,) = caplog.messages
    assert message.endswith(f"unexpected {type(error).__name__}")


def test_a_cancelled_call_is_cancelled(bench: Bench) -> None:
    with pytest.raises(asyncio.CancelledError):
        bench.call(asyncio.CancelledError())  # type: ignore[arg-type]
    assert bench.counted == []


def test_reads_that_succeed_on_a_full_disk_do_not_fill_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.full = True
    for _ in range(2000):
        bench.call(FULL)
        bench.now += 0.5
        assert bench.call() == "answer"
        bench.now += 0.5
    # The store does not count as back while nothing but reads is tried, either.
    for _ in range(100):
        assert bench.call() == "answer"
        bench.now += QUIET
    assert len(caplog.messages) == 1
    assert bench.counted.count(("begin", "full")) == 2000
    bench.store.full = False
    bench.now += QUIET
    bench.call()
    assert caplog.messages[1:] == ["the store is back"]


def test_a_store_that_fails_again_soon_has_to_be_quiet_for_longer(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(1000):
        bench.call(FULL)
        bench.now += QUIET
        bench.call()
    assert len(caplog.messages) == 3
    bench.now += 1000
    bench.call()
    assert caplog.messages[-1] == "the store is back"


def test_each_kind_of_failure_is_logged_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        bench.call(FULL)
        bench.call(StoreError("it is damaged", "damaged"))
        bench.health.report("upkeep", StoreError("it is locked", "locked"))
    assert len(caplog.messages) == 3
    assert bench.counted.count(("upkeep", "locked")) == 5


def test_a_store_that_answers_nothing_in_time_is_only_probed(bench: Bench) -> None:
    for _ in range(100):
        bench.call(TIMEOUT)
    assert bench.asked == LATE + 1
    assert len(bench.counted) == 100
    bench.now += PROBE
    assert bench.call() == "answer"
    assert bench.call() == "answer"


def test_a_store_that_fails_at_once_is_asked_each_time(bench: Bench) -> None:
    for _ in range(100):
        bench.call(FULL)
    assert bench.asked == 100


def test_it_is_not_ready_while_calls_fail(bench: Bench) -> None:
    bench.ready()
    bench.call(StoreError("it is damaged", "damaged"))
    with pytest.raises(StoreError, match="calls fail: it is damaged"):
        bench.ready()
    bench.now += QUIET
    bench.ready()


def test_a_store_that_is_not_ready_is_counted_and_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.store.full = True
    with pytest.raises(StoreError, match="the disk is full"):
        bench.ready()
    assert bench.counted == [("ready", "full")]
    assert len(caplog.messages) == 1
