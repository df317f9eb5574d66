"""Guard against slowly getting slower: instructions counted, not time taken.

Three fixed workloads run under callgrind, each with so many repetitions and with twice as many; the
difference is free of what it takes to start. Counts hardly vary, whatever else the machine does, so
a margin of a few percent is enough. They do depend on Python and on the engine: where those are not
the ones that guard.json was made with, the result names them and is no failure.

``make bench-guard`` compares; ``make bench-guard UPDATE=1`` stores new figures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import payloads

from talonschema import Validator
from talonschema.reading.document import FEW

STORED: Final = Path(__file__).resolve().with_name("guard.json")
MARGIN: Final = 0.05
REPETITIONS: Final = 40
WARM: Final = 2 * FEW
"""By then the fastest parser is loaded."""

WORKLOADS: Final[dict[str, Callable[[], Any]]] = {
    "check dict, 100 items, good": lambda: payloads.request(100),
    "check bytes, 100 items, good": lambda: payloads.text(payloads.request(100)),
    "check dict, 100 items, 10 errors": lambda: payloads.faulty_request(100, 10),
}


def work(name: str, repetitions: int) -> None:
    """Be the process that is counted."""
    payload = WORKLOADS[name]()
    check = Validator().check
    for _ in range(WARM + repetitions):
        check(payload)


def count(name: str, repetitions: int) -> int:
    """Return the instructions of a process that runs a workload."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                f"--callgrind-out-file={folder}/out",
                sys.executable,
                __file__,
                "--work",
                name,
                str(repetitions),
            ],
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"bench-guard: the workload failed under callgrind:\n{done.stderr}")
        lines = Path(folder, "out").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(("totals:", "summary:")))


def measure() -> dict[str, int]:
    """Return the instructions of one repetition of each workload."""
    found = {}
    for name in WORKLOADS:
        once, twice = (count(name, times * REPETITIONS) for times in (1, 2))
        found[name] = (twice - once) // REPETITIONS
    return found


def environment() -> dict[str, str]:
    """Return what counts depend on besides the code."""
    return {
        "architecture": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "jsonschema-rs": version("jsonschema-rs"),
        "jiter": version("jiter"),
        "orjson": version("orjson"),
    }


def compare(found: dict[str, int]) -> int:
    """Print how the counts differ from those stored; return the exit status."""
    stored = json.loads(STORED.read_text("utf-8"))
    worse = False
    for name, instructions in found.items():
        before = stored["instructions"].get(name)
        if before is None:
            print(f"{name}: {instructions:,} instructions; none are stored")
            continue
        change = instructions / before - 1
        verdict = "too many" if change > MARGIN else "ok"
        worse |= change > MARGIN
        print(f"{name}: {instructions:,} instructions, {change:+.1%} of {before:,}: {verdict}")
        if change < -MARGIN:
            print("  fewer than stored: keep it so with `make bench-guard UPDATE=1`")
    differ = {
        name: what for name, what in environment().items() if stored["environment"][name] != what
    }
    if differ:
        print(f"bench-guard: not comparable, the stored figures are of {stored['environment']}")
        return 0
    if worse:
        print(f"bench-guard: more than {MARGIN:.0%} above what is stored; find out why. If it is")
        print("worth it, store the new figures with `make bench-guard UPDATE=1`")
    return int(worse)


def main() -> int:
    """Count and compare, or store; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="store the figures")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work[0], int(given.work[1]))
        return 0
    if shutil.which("valgrind") is None:
        print("bench-guard: valgrind is not installed, so nothing can be counted.")
        print("It is the package valgrind of most systems.")
        return 2
    found = measure()
    if given.update or not STORED.exists():
        stored = {"environment": environment(), "instructions": found}
        STORED.write_text(json.dumps(stored, indent=2) + "\n", "utf-8")
        print(json.dumps(found, indent=2))
        return 0
    return compare(found)


if __name__ == "__main__":
    sys.exit(main())
