"""Question (g): real payloads, payloads with one finding, and the fixed cost of a small cart.

Measured: checks of the collected payloads in tests/payloads that have no finding, in their edition,
beside a synthetic request whose JSON text has about their size; requests with one finding beside
the same request without it; and bytes of a cart of two items beside `orjson.loads` alone.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import harness
import orjson
import payloads
from harness import Call

from talonschema import Validator

FOLDER: Final = Path(__file__).resolve().parents[1] / "tests" / "payloads"
EDITIONS: Final = ("2022-06", "2026-06")
SIZES: Final = (2, 10, 100)
BESIDE: Final = "beside: "


def valid_payloads() -> Iterator[tuple[str, str, bytes]]:
    """Yield name, edition and text of each payload without a finding."""
    for path in sorted(FOLDER.glob("*.json")):
        for edition in EDITIONS:
            text = path.read_bytes()
            if path.name == "expected.json":
                continue
            if not Validator(edition=edition).check(text).findings:
                yield path.stem, edition, text


def comparable_request(size: int) -> dict[str, Any]:
    """Return a synthetic request whose JSON text is about `size` bytes long."""
    request = payloads.request(1)
    item = request["customerSession"]["cartItems"][0]
    bare = {name: item[name] for name in ("name", "sku", "quantity", "price")}
    request = {"customerSession": {"profileId": "cust-88120", "state": "open", "cartItems": []}}
    cart: list[Any] = request["customerSession"]["cartItems"]
    while not cart or len(payloads.text(request)) + len(payloads.text(bare)) / 2 < size:
        cart.append(dict(bare))
    return request


def real_checks() -> dict[str, Call]:
    """Return checks of the collected payloads, each with one of a comparable payload."""
    calls: dict[str, Call] = {}
    for name, edition, text in valid_payloads():
        check = Validator(edition=edition).check
        for form, make in FORMS.items():
            case = f"{form}, {name} ({edition})"
            calls[case] = partial(check, make(json.loads(text)))
            calls[f"{case}, {BESIDE}"] = partial(check, make(comparable_request(len(text))))
    return calls


def findings() -> dict[str, Call]:
    """Return checks of requests with one finding, each with one of the request without it."""
    calls: dict[str, Call] = {}
    check = Validator().check
    for size in SIZES:
        good = payloads.request(size)
        for form, make in FORMS.items():
            calls[f"{form}, {size} items, none"] = partial(check, make(good))
            for name, spoil in SPOILED.items():
                payload = copy.deepcopy(good)
                spoil(payload["customerSession"])
                if len(check(payload).findings) != 1:
                    raise AssertionError(name)
                calls[f"{form}, {size} items, {name}"] = partial(check, make(payload))
    return calls


def small_checks() -> dict[str, Call]:
    """Return the check of a small cart, and what only reads its text."""
    text = payloads.text(payloads.request(2))
    return {
        "talonschema check": partial(Validator().check, text),
        "orjson.loads alone": partial(orjson.loads, text),
    }


FORMS: Final[dict[str, Callable[[Any], Any]]] = {
    "dict": lambda value: value,
    "bytes": payloads.text,
}

SPOILED: Final[dict[str, Callable[[dict[str, Any]], object]]] = {
    "an IP address": lambda session: session.update(identifiers=["91.11.156.141"]),
    "a coupon twice": lambda session: session.update(couponCodes=["BEANS", "BEANS"]),
    "an unknown key": lambda session: session.update(shopId=1),
    "a null": lambda session: session.update(couponCodes=None),
    "an unknown key of an item": lambda session: session["cartItems"][0].update(Category="x"),
    "a read-only key of an item": lambda session: session["cartItems"][0].update(position=0),
    "a wrong state": lambda session: session.update(state="opn"),
    "a wrong quantity": lambda session: session["cartItems"][0].update(quantity=0),
}


def main() -> None:
    """Measure, and save what was found."""
    chosen = harness.options(__doc__)
    cases = {}
    for name, calls in (
        ("real", real_checks()),
        ("findings", findings()),
        ("small", small_checks()),
    ):
        for call in calls.values():
            for _ in range(200):  # past the first documents, which another parser reads
                call()
        slots = {case: harness.slot(call) for case, call in calls.items()}
        cases[name] = harness.interleave(slots, chosen)
    harness.save("real", chosen, cases)


if __name__ == "__main__":
    main()
