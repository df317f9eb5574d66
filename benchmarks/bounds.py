"""Bounds: what the worst payloads take, in time and in memory for each of their bytes.

Each hostile payload is judged in a process of its own: by `Validator.check`, by the core of the
gateway plugin, and as a file of YAML. Time is the processor's; memory is what the process comes to
at its peak above what it had with the payload in it.

``make bench-bounds`` prints the worst of each, which docs/limits.md quotes.
"""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from time import process_time
from typing import Final, NamedTuple

import hostile
import payloads

from talonschema import Report, Validator
from talonschema.files.documents import yaml_results
from talonschema.gateway.decision import DecisionCore
from talonschema.gateway.messages import Request
from talonschema.gateway.settings import Settings
from talonschema.reading.document import MAX_BYTES, Document

WORST: Final = 5
"""Payloads that are printed of each way and measure."""
LIMIT: Final = 300
"""Seconds of the processor, far beyond any bound."""
VALID: Final = "(a valid payload)"
_TICK: Final = 1e-6
"""Seconds; the clock of processes goes by microseconds."""
_STATUS: Final = Path("/proc/self/status")
_RESET: Final = Path("/proc/self/clear_refs")
_PEAK_ALONE: Final = "5"
"""Written to `_RESET`, it resets the peak of the resident memory (proc(5))."""

Judge = Callable[[bytes], object]


class Cost(NamedTuple):
    """The cost of one payload."""

    name: str
    size: int
    seconds: float
    memory: int
    """In bytes."""


def judges() -> dict[str, Judge]:
    """Return the judges of a payload, each of which has judged one."""
    validator = Validator()
    core = DecisionCore(Settings(edition="2026-06", store="memory:", max_body=MAX_BYTES))
    core.warm()
    checker, call = validator.checker, validator.call()

    def document(payload: bytes | Document) -> Report:
        if isinstance(payload, bytes):
            return validator.check(payload)
        return checker.document(payload, call).report

    def gateway(text: bytes) -> object:
        kind = ("content-type", "application/json")
        return core.examine(Request("PUT", "/v2/customer_sessions/1", (kind,), text))

    judges: dict[str, Judge] = {
        "Validator.check": validator.check,
        "the gateway plugin": gateway,
        "a file of YAML": lambda text: list(yaml_results("payload.yaml", text, document)),
    }
    for judge in judges.values():
        judge(payloads.text(payloads.faulty_request(10, 1)))
    return judges


def cost(name: str, text: bytes, judge: Judge) -> Cost:
    """Return the cost of a payload, in a process that has judged another before."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_measure, args=(text, judge, sender))
    child.start()
    sender.close()
    seconds, memory = receiver.recv()
    child.join()
    return Cost(name, len(text), seconds, memory)


def _measure(text: bytes, judge: Judge, sender: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
    _RESET.write_text(_PEAK_ALONE)
    before, start = _resident("VmRSS"), process_time()
    judge(text)
    seconds = process_time() - start
    sender.send((seconds, _resident("VmHWM") - before))


def _resident(field: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def main() -> None:
    """Measure, and print the worst."""
    texts = {name: make() for name, make in hostile.MAKERS.items()}
    valid = payloads.large_request(hostile.SIZE)
    for way, judge in judges().items():
        costs = [cost(name, text, judge) for name, text in texts.items()]
        beside = cost(VALID, valid, judge)
        print(f"== {way}: bytes per second")
        for each in [*sorted(costs, key=_speed)[:WORST], beside]:
            print(f"{_speed(each) / 1e6:8.2f} MB/s  {each.name}")
        print(f"== {way}: bytes of memory per byte")
        for each in [*sorted(costs, key=_weight, reverse=True)[:WORST], beside]:
            print(f"{_weight(each):8.1f}       {each.name}")


def _speed(cost: Cost) -> float:
    return cost.size / max(cost.seconds, _TICK)


def _weight(cost: Cost) -> float:
    return cost.memory / cost.size


if __name__ == "__main__":
    main()
