"""Heavy work: judgements that the event loop can't wait for, one at a time beside it.

They share the interpreter with the event loop, so no more than one is under way. Those that wait
are bounded in number and bytes, and lighter ones go first: whoever sends the largest bodies waits
for everybody else, and is refused once the wait is too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Thread
from time import monotonic
from typing import Any, Final, TypeVar

MOST_WAITING: Final = 256
"""Judgements that wait at most."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""Bytes of the bodies that wait at most."""
PATIENCE: Final = 0.25
"""Seconds that a judgement waits for its turn: gateways give up after 0.5 to 1."""

_T = TypeVar("_T")


class Busy(Exception):
    """Too much waits to be judged; later may be better."""


class HeavyQueue:
    """Runs functions in a thread of its own, the lightest of those that wait first.

    It can be used from any event loop.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: list[tuple[int, int, float, Callable[[], Any], Future[Any]]] = []
        """By weight, then in the order that they came; with the deadline."""
        self._bytes = 0
        self._order = count()
        self._thread: Thread | None = None
        self._closed = False

    async def run(self, weight: int, work: Callable[[], _T]) -> _T:
        """Return what `work` returns; its `weight` is the bytes that it is about.

        Raises `Busy` if the queue is full, or its turn did not come in time. If the caller is
        cancelled before its turn, the work is dropped.
        """
        future: Future[_T] = Future()
        with self._changed:
            full = len(self._waiting) >= MOST_WAITING or self._bytes + weight > MOST_BYTES
            if full and self._waiting:
                raise Busy
            deadline = monotonic() + PATIENCE
            heappush(self._waiting, (weight, next(self._order), deadline, work, future))
            self._bytes += weight
            if self._thread is None:
                # A daemon, so that the end of the process does not wait for a judgement.
                self._thread = Thread(target=self._run, name="talonschema", daemon=True)
                self._thread.start()
            self._changed.notify()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop what waits, and end the thread after the work that is under way."""
        with self._changed:
            dropped, self._waiting = self._waiting, []
            self._bytes = 0
            self._closed = True
            self._changed.notify()
        for *_, future in dropped:
            future.cancel()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                weight, _, deadline, work, future = heappop(self._waiting)
                self._bytes -= weight
            _do(deadline, work, future)
            # Kept until the next turn, they would hold the body.
            del work, future


def _do(deadline: float, work: Callable[[], Any], future: Future[Any]) -> None:
    """Have the result of `work` in `future`, unless nobody waits any more or it is too late."""
    if not future.set_running_or_notify_cancel():
        return
    if monotonic() > deadline:
        future.set_exception(Busy())
        return
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - it is the caller's
        future.set_exception(error)
