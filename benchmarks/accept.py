"""Question (a): how long a good payload takes that is parsed already.

Measured: `Validator.is_valid` and `Validator.check` on a dict, by default and with all rules on
(a policy with catalog and budgets, and the session before), against peers that do a part of it.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

import harness
import payloads
import peers
from harness import Call, Rounds

from talonschema import Policy, Validator

SIZES = (1, 10, 100, 1000)


def requests(items: int) -> dict[str, Call]:
    """Return the candidates for a request; each was seen to accept it."""
    payload = payloads.request(items)
    previous = payloads.previous_session()
    whole = {**payloads.response(items), "state": "open"}
    plain, full = Validator(), Validator(policy=Policy.from_mapping(payloads.POLICY))
    calls: dict[str, Call] = {
        "talonschema is_valid": partial(plain.is_valid, payload),
        "talonschema check": partial(plain.check, payload),
        "talonschema is_valid, all rules": partial(full.is_valid, payload, previous=previous),
        "talonschema check, all rules": partial(full.check, payload, previous=previous),
        "talonschema check, all rules, whole previous response": partial(
            full.check, payload, previous=whole
        ),
        **_peer_calls("IntegrationRequest", payload),
    }
    model = peers.sdk()
    if model is not None:
        calls["SDK model_validate"] = partial(model.model_validate, payload)
    return calls


def responses(items: int) -> dict[str, Call]:
    """Return the candidates for a response, which has totals and times; each accepts it."""
    payload = payloads.response(items)
    plain = Validator()
    return {
        "talonschema is_valid": partial(plain.is_valid, payload),
        "talonschema check": partial(plain.check, payload),
        **_peer_calls("CustomerSessionV2", payload),
    }


def _peer_calls(model: str, payload: dict[str, Any]) -> dict[str, Call]:
    accelerated, plain = peers.jsonschema_rs(model), peers.jsonschema(model)
    error = import_module("fastjsonschema").JsonSchemaValueException
    return {
        "jsonschema-rs is_valid": partial(accelerated.is_valid, payload),
        "jsonschema is_valid": partial(plain.is_valid, payload),
        "fastjsonschema": partial(peers.accepts, peers.fastjsonschema(model), error, payload),
    }


def verify(calls: dict[str, Call]) -> dict[str, Call]:
    """Return the calls after making sure that each accepts, without any finding."""
    for name, call in calls.items():
        result = call()
        findings = getattr(result, "findings", ())
        if not result or findings:
            raise AssertionError(f"{name} does not accept the payload: {findings or result}")
    return calls


def main() -> None:
    """Measure, and save what was found."""
    chosen = harness.options(__doc__)
    cases: dict[str, Rounds] = {}
    for size in SIZES:
        slots = {name: harness.slot(call) for name, call in verify(requests(size)).items()}
        cases[f"request, {size}"] = harness.interleave(slots, chosen)
    for size in SIZES[2:]:
        slots = {name: harness.slot(call) for name, call in verify(responses(size)).items()}
        cases[f"response, {size}"] = harness.interleave(slots, chosen)
    harness.save("accept", chosen, cases)


if __name__ == "__main__":
    main()
