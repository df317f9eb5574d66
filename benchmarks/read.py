"""Question (b): how long it takes from bytes to a verdict on a good payload.

Measured: `Validator.check` and `is_valid` on bytes (strict parsing with duplicate keys refused,
structure, every rule), against parsers alone, parsers with a validator, the official SDK and ajv in
Node. What is read from bytes or text is the same document each time.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path

import harness
import node_peer
import payloads
import peers
from accept import SIZES, verify
from harness import Call, Rounds

from talonschema import Policy, Validator


def candidates(text: bytes) -> dict[str, Call]:
    """Return the candidates in this process; each was seen to accept."""
    plain, full = Validator(), Validator(policy=Policy.from_mapping(payloads.POLICY))
    previous = payloads.previous_session()
    orjson, jiter = (import_module(name) for name in ("orjson", "jiter"))
    accelerated, reference = peers.jsonschema_rs(), peers.jsonschema()
    calls: dict[str, Call] = {
        "talonschema is_valid": partial(plain.is_valid, text),
        "talonschema check": partial(plain.check, text),
        "talonschema check, all rules": partial(full.check, text, previous=previous),
        "orjson.loads alone": partial(orjson.loads, text),
        "json.loads alone": partial(json.loads, text),
        "jiter alone, duplicate keys refused": partial(
            jiter.from_json,
            text,
            allow_inf_nan=False,
            cache_mode="keys",
            catch_duplicate_keys=True,
        ),
        "orjson + jsonschema-rs": lambda: accelerated.is_valid(orjson.loads(text)),
        "json.loads + jsonschema": lambda: reference.is_valid(json.loads(text)),
    }
    model = peers.sdk()
    if model is not None:
        # The SDK takes text; decoding is not counted against it.
        calls["SDK from_json"] = partial(model.from_json, text.decode())
        calls["SDK model_validate_json"] = partial(model.model_validate_json, text)
    return verify(calls)


def main() -> None:
    """Measure, and save what was found."""
    chosen = harness.options(__doc__)
    cases: dict[str, Rounds] = {}
    versions: dict[str, str] = {}
    with ExitStack() as stack:
        node = stack.enter_context(node_peer.Node()) if node_peer.is_installed() else None
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "payload.json"
        for size in SIZES:
            text = payloads.text(payloads.request(size))
            slots = {name: harness.slot(call) for name, call in candidates(text).items()}
            if node is not None:
                file.write_bytes(text)
                node.load(file)
                slots["ajv in Node"] = node.slot
                versions = node.versions
            cases[f"request, {size}"] = harness.interleave(slots, chosen)
    harness.save("read", chosen, cases, node=versions)


if __name__ == "__main__":
    main()
