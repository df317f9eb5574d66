"""Question (f): what an item costs in a small and a large cart, and what the first check costs.

Measured: the time per item at 10, 100 and 1000 items, all sizes in the same rounds; and in fresh
processes the time from making a `Validator` to the end of its first check, with and without the
import of the package (the modules that a first check loads are counted in both).
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

import harness
import payloads
from accept import verify
from harness import Call, Rounds

from talonschema import Policy, Validator

SIZES = (10, 100, 1000)

_FRESH = """
import sys
from time import process_time
payload = eval(sys.stdin.read())
start = process_time()
import talonschema
from talonschema import Validator
imported = process_time()
assert Validator().check(payload).ok
end = process_time()
from json import dumps
print(dumps([end - imported, end - start]))
"""


def sizes() -> dict[str, Call]:
    """Return checks of each size."""
    calls: dict[str, Call] = {}
    plain, full = Validator(), Validator(policy=Policy.from_mapping(payloads.POLICY))
    for size in SIZES:
        payload = payloads.request(size)
        text = payloads.text(payload)
        calls[f"check dict, {size}"] = partial(plain.check, payload)
        calls[f"check bytes, {size}"] = partial(plain.check, text)
        calls[f"check dict, all rules, {size}"] = partial(
            full.check, payload, previous=payloads.previous_session()
        )
    return verify(calls)


def time_first_checks(rounds: int) -> Rounds:
    """Time first checks in processes of their own, the first of which only fills caches."""
    times: Rounds = {"compile and first check": [], "the same with the import": []}
    for number in range(rounds + 1):
        done = subprocess.run(
            [sys.executable, "-c", _FRESH],
            input=repr(payloads.request(10)),
            capture_output=True,
            text=True,
            check=True,
        )
        if number:
            for values, seconds in zip(times.values(), json.loads(done.stdout), strict=True):
                values.append(seconds)
    return times


def main() -> None:
    """Measure, and save what was found."""
    chosen = harness.options(__doc__)
    slots = {name: harness.slot(call) for name, call in sizes().items()}
    cases = {
        "sizes": harness.interleave(slots, chosen),
        "fresh": time_first_checks(chosen.rounds),
    }
    harness.save("growth", chosen, cases)


if __name__ == "__main__":
    main()
