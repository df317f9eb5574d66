"""Does the gateway hold on to memory? Five minutes of load on it, and a look at what it holds.

Updates of sessions that never come twice go through Envoy with the gate and the observer, so that
both faces and the store work. The run fails if the plugin grows by
more than a little once it has warmed up. Not for CI: it takes its time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import gateway
from stack import load, resident

SLICE: Final = 10
"""Seconds between two looks."""
GROWTH: Final = 0.05
"""How much more the last quarter may hold than the second."""
APART: Final = 10_000_000
"""More sessions than there are in a slice, so that none comes twice."""


def main() -> None:
    """Put load on the pair, and print what the plugin holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--store", default="sqlite:sessions.db", help="the store to try")
    chosen = parser.parse_args()
    held: list[int] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        files = gateway.bodies(folder)
        pair = gateway.candidates(stack, folder, store=chosen.store, only=gateway.PAIR)[
            gateway.PAIR
        ]
        if pair.plugin is None:
            sys.exit("the plugin does not run")
        start = time.monotonic()
        while time.monotonic() - start < chosen.seconds:
            found = load(pair.port, files["1 KB"], gateway.BUSY, SLICE, APART * len(held))
            held.append(resident(pair.plugin))
            print(
                f"{time.monotonic() - start:5.0f} s  {held[-1] / 2**20:7.1f} MiB"
                f"  {found.requests / found.seconds:6.0f} requests a second",
                flush=True,
            )
    quarter = len(held) // 4
    if quarter == 0:
        sys.exit("too short a run")
    before = statistics.median(held[quarter : 2 * quarter])
    after = statistics.median(held[-quarter:])
    grown = after / before - 1
    print(f"second quarter {before / 2**20:.1f} MiB, last {after / 2**20:.1f} MiB: {grown:+.1%}")
    if grown > GROWTH:
        sys.exit("memory grows")


if __name__ == "__main__":
    main()
