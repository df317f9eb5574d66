"""How things are timed here, and what is written down.

**Rounds.** All candidates of a case run once a round, in an order that moves on by one each round.
A ratio is taken inside a round, where both sides had the same weather; given are the median of the
rounds and the quartiles. All rounds are kept, so that any two candidates can be compared later.

**Clock.** `time.thread_time`: processor time of this thread. The machines that benchmarks run on
have other things to do, and the time in which a thread waits for its turn is no measure of it.
Nothing measured here waits for anything else, or starts threads.

**Slots.** A slot is one candidate in one round: as many calls as take some milliseconds, so that
the clock's own time (under a microsecond) doesn't count. Before it, garbage is collected; within,
the collector is on, as in any program. What lives on was frozen before (`gc.freeze`), since a big
heap, such as that of an imported SDK, would make collections dear for whatever runs next to it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import repeat
from pathlib import Path
from time import thread_time
from typing import Any, Final, NamedTuple, TypeAlias

HERE: Final = Path(__file__).resolve().parent
RESULTS: Final = HERE / "results"

PEERS: Final = (
    "talonschema",
    "jsonschema-rs",
    "jiter",
    "jsonschema",
    "referencing",
    "fastjsonschema",
    "orjson",
    "pydantic",
    "talon-one-sdk",
    "check-jsonschema",
)

Call: TypeAlias = Callable[[], object]
Slot: TypeAlias = Callable[[int], float]
"""Makes so many calls and returns the seconds they took together."""
Rounds: TypeAlias = dict[str, list[float]]
"""Seconds a call, by candidate, round for round."""


class Quartiles(NamedTuple):
    """The figure of the rounds: the middle, and how far half of them spread."""

    low: float
    median: float
    high: float


class Options(NamedTuple):
    """How much to measure."""

    quick: bool
    rounds: int
    seconds: float
    """The length of a slot."""


def options(about: str | None, *, rounds: int = 15, quick_rounds: int = 5) -> Options:
    """Read the command line of a script."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    quick = parser.parse_args().quick
    return Options(quick, quick_rounds if quick else rounds, 0.004 if quick else 0.012)


def slot(call: Call) -> Slot:
    """Return the slot of a call in this thread."""

    def run(count: int) -> float:
        start = thread_time()
        for _ in repeat(None, count):
            call()
        return thread_time() - start

    return run


def interleave(candidates: Mapping[str, Slot], chosen: Options) -> Rounds:
    """Time the candidates in rounds."""
    gc.collect()
    gc.freeze()
    counts = {name: _count(run, chosen.seconds) for name, run in candidates.items()}
    names = list(candidates)
    times: Rounds = {name: [] for name in names}
    for number in range(chosen.rounds):
        at = number % len(names)
        for name in names[at:] + names[:at]:
            gc.collect()
            times[name].append(candidates[name](counts[name]) / counts[name])
    gc.unfreeze()
    return times


def _count(run: Slot, seconds: float) -> int:
    """Return how many calls fill a slot; calls are warm afterwards."""
    count = 1
    run(1)
    while (taken := run(count)) < seconds / 4:
        count *= 2
    return max(1, round(count * seconds / taken))


def quartiles(values: list[float]) -> Quartiles:
    """Return the quartiles of some rounds."""
    if len(values) == 1:
        return Quartiles(*values * 3)
    return Quartiles(*statistics.quantiles(values, n=4, method="inclusive"))


def ratio(times: Rounds, one: str, other: str) -> Quartiles:
    """Return how many times as long `one` takes as `other` in the same round."""
    return quartiles([mine / its for mine, its in zip(times[one], times[other], strict=True)])


def machine() -> dict[str, Any]:
    """Return what the figures depend on; nothing about the owner of the machine."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load": [round(each, 2) for each in os.getloadavg()],
        "versions": {name: found for name in PEERS if (found := _version(name))},
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def save(question: str, chosen: Options, cases: Mapping[str, Rounds], **more: Any) -> None:
    """Write what was measured to results/, and its medians to the terminal."""
    rounded = {
        case: {name: [float(f"{each:.4g}") for each in values] for name, values in times.items()}
        for case, times in cases.items()
    }
    result = {"quick": chosen.quick, "machine": machine(), **more, "cases": rounded}
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{question}.json"
    file.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", "utf-8")
    for case, times in cases.items():
        print(f"{question}: {case}")
        for name, values in sorted(times.items(), key=lambda entry: quartiles(entry[1]).median):
            print(f"  {quartiles(values).median * 1e6:12.2f} us  {name}")
    sys.stdout.flush()
