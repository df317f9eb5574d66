"""Heavy work: a thread for judgements that would block the event loop.

They share the interpreter with the event loop, so only one runs at a time. The queue is bounded in
number and bytes, and lighter ones go first: clients that send the largest bodies wait for all
others, and are refused once the wait is too long.
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
"""The most judgements in the queue."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""The most bytes of the bodies in the queue."""
PATIENCE: Final = 0.25
"""Seconds that a judgement waits for its turn: gateways give up after 0.5 to 1."""

_T = TypeVar("_T")


class Busy(Exception):
    """Raised if the queue is full or a turn came too late; a retry may succeed."""


class HeavyQueue:
    """A priority queue of functions, whose thread runs the lightest first.

    It can be used from any event loop.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: list[tuple[int, int, float, Callable[[], Any], Future[Any]]] = []
        """A heap of weight, serial number, deadline, function and result."""
        self._bytes = 0
        self._order = count()
        self._thread: Thread | None = None
        self._closed = False

    async def run(self, weight: int, work: Callable[[], _T]) -> _T:
        """Return the result of `work`; its `weight` is the size of its body in bytes.

        Raises `Busy` if the queue is full or the turn of the work did not come in time. If the
        caller is cancelled before that turn, the work is dropped.
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
                # A daemon, so that the process can exit during a judgement.
                self._thread = Thread(target=self._run, name="talonschema", daemon=True)
                self._thread.start()
            self._changed.notify()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Empty the queue, and end the thread after the work in progress."""
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
            _perform(deadline, work, future)
            # The references would keep the body alive until the next turn.
            del work, future


def _perform(deadline: float, work: Callable[[], Any], future: Future[Any]) -> None:
    """Set `future` to the result of `work`, unless it was cancelled or the deadline has passed."""
    if not future.set_running_or_notify_cancel():
        return
    if monotonic() > deadline:
        future.set_exception(Busy())
        return
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001 - passed to the caller
        future.set_exception(error)
