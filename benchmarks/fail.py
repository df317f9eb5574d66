"""Question (c): what a bad payload costs, and what a sender can make it cost.

Measured: the full report on 1 and on 100 errors in 1000 items against all errors of the peers; how
the cost grows with the findings that are built; and `check` on hostile payloads of 2 MiB, each as a
ratio to a valid payload of that size.
"""

from __future__ import annotations

import gc
import multiprocessing
import resource
import signal
from functools import partial
from time import process_time
from typing import NamedTuple

import harness
import hostile
import payloads
import peers
from harness import Call, Options, Rounds

from talonschema import Validator

ITEMS = 1000
ERRORS = (1, 100)
GROWTH = (1, 10, 100, 1000)
VALID = "valid, with more attributes"
LIMIT = 15
"""Seconds that a check of a hostile payload may take here, which is far too much anyway."""
LIMIT_QUICK = 5
OVER = "(ended after the limit)"


def reports(errors: int) -> dict[str, Call]:
    """Return the candidates for a payload with so many errors; each was seen to find them all."""
    payload = payloads.faulty_request(ITEMS, errors)
    text = payloads.text(payload)
    plain = Validator()
    calls: dict[str, Call] = {
        "talonschema check": partial(plain.check, payload),
        "talonschema check, bytes": partial(plain.check, text),
        "talonschema is_valid": partial(plain.is_valid, payload),
        "jsonschema iter_errors": lambda: list(peers.jsonschema().iter_errors(payload)),
        "jsonschema-rs iter_errors": lambda: list(peers.jsonschema_rs().iter_errors(payload)),
    }
    for name in ("jsonschema iter_errors", "jsonschema-rs iter_errors"):
        found = calls[name]()
        if not isinstance(found, list) or len(found) != errors:
            raise AssertionError(f"{name} does not find {errors} errors")
    report = plain.check(payload)
    if len(report.findings) != errors or plain.is_valid(payload):
        raise AssertionError(f"check does not find {errors} errors: {report.findings}")
    return calls


def growth() -> dict[str, Call]:
    """Return checks of payloads with more and more errors, and with fewer of them built."""
    calls: dict[str, Call] = {"no errors": partial(Validator().check, payloads.request(ITEMS))}
    for errors in GROWTH:
        payload = payloads.faulty_request(ITEMS, errors)
        for limit in GROWTH:
            if limit <= errors:
                name = f"{errors} errors, max_findings={limit}"
                calls[name] = partial(Validator(max_findings=limit).check, payload)
    return calls


def attacks(chosen: Options) -> tuple[Rounds, dict[str, list[str]]]:
    """Time the hostile payloads, each beside a valid one; return the codes of each."""
    times: Rounds = {}
    codes: dict[str, list[str]] = {}
    valid = payloads.large_request(hostile.SIZE)
    if Validator().check(valid).findings:
        raise AssertionError("the payload to compare with is not valid")
    for name, make in hostile.MAKERS.items():
        found = _attack(name, make(), valid, chosen)
        codes[name] = found.codes
        times |= found.times
    return times, codes


class Attack(NamedTuple):
    """The outcome for a hostile payload."""

    times: Rounds
    codes: list[str]


def _attack(name: str, text: bytes, valid: bytes, chosen: Options) -> Attack:
    """Time a hostile payload in a process that is ended when a check takes longer than `LIMIT`."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def run() -> None:
        plain = Validator()
        beside = f"{VALID}, beside: {name}"
        calls: dict[str, Call] = {
            beside: partial(plain.check, valid),
            name: partial(plain.check, text),
        }
        slots = {what: harness.slot(call) for what, call in calls.items()}
        slots[beside](1)
        gc.collect()
        gc.freeze()
        _limit(LIMIT_QUICK if chosen.quick else LIMIT)
        taken = slots[name](1)
        _limit(None)
        if chosen.quick:
            times = {beside: [slots[beside](1)], name: [taken]}
        else:
            few = Options(chosen.quick, 1 if taken > 1 else 3, 0)
            times = harness.interleave(slots, few)
        codes = {finding.code for finding in plain.check(text).findings} if taken < 1 else set()
        sender.send(Attack(times, sorted(codes)))

    child = context.Process(target=run)
    child.start()
    sender.close()
    try:
        found: Attack = receiver.recv()
    except EOFError:
        found = Attack({name: [LIMIT_QUICK if chosen.quick else LIMIT]}, [OVER])
    child.join()
    if child.exitcode not in (0, -signal.SIGXCPU):
        raise AssertionError(f"{name}: the process ended with {child.exitcode}")
    return found


def _limit(seconds: int | None) -> None:
    """Let this process have no more than so much processor time from now on."""
    used = process_time()
    soft = resource.RLIM_INFINITY if seconds is None else int(used) + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def main() -> None:
    """Measure, and save what was found."""
    chosen = harness.options(__doc__, rounds=11)
    cases: dict[str, Rounds] = {}
    for errors in ERRORS:
        slots = {name: harness.slot(call) for name, call in reports(errors).items()}
        cases[f"{errors} in {ITEMS}"] = harness.interleave(slots, chosen)
    slots = {name: harness.slot(call) for name, call in growth().items()}
    cases["growth"] = harness.interleave(slots, chosen)
    cases["hostile"], codes = attacks(chosen)
    harness.save("fail", chosen, cases, codes=codes)


if __name__ == "__main__":
    main()
