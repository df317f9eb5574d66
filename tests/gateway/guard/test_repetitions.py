"""Requests that repeat another by their Idempotency-Key."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest

from support.gateway.guard_bench import HIDDEN, JSON, SESSION, Bench, answer, put_request
from talonschema.gateway import Request, Settings, Verdict

KEYED = ("idempotency-key", HIDDEN)


def test_a_repeated_request_passes_and_teaches_nothing(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.exchange(put_request({"state": "closed"}, KEYED), answer(200, {"state": "closed"}))
    bench.exchange(put_request({"state": "cancelled"}))
    verdict = bench.begin(put_request({"state": "closed"}, KEYED))
    assert verdict == Verdict(None, None, (), "repeated")
    assert bench.states() == {"cancelled"}
    assert bench.meter.decisions[-1][0] == "repeated"
    assert HIDDEN not in repr(bench.store._records)  # noqa: SLF001 - shows nowhere else
    ((_, record),) = bench.store._records.values()  # noqa: SLF001
    assert HIDDEN not in record.write()
    assert HIDDEN not in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (KEYED, KEYED),
        (("idempotency-key", ""),),
        (("idempotency-key", "x" * 256),),
    ],
    ids=["none", "two", "empty", "too long"],
)
def test_a_request_is_repeated_by_one_key_that_the_api_takes(
    bench: Bench, headers: tuple[tuple[str, str], ...]
) -> None:
    bench.exchange(put_request({"state": "open"}, *headers))
    bench.exchange(put_request({"state": "open"}, KEYED))
    bench.exchange(put_request({"state": "cancelled"}))
    assert bench.begin(put_request({"state": "open"}, *headers)).decision == "transition"
    assert bench.begin(put_request({"state": "open"}, KEYED)).decision == "repeated"
    assert (
        bench.begin(put_request({"state": "open"}, (KEYED[0], "another"))).decision == "transition"
    )
    assert bench.begin(put_request({"state": "closed"}, KEYED)).decision == "transition"


def test_a_repeated_request_is_the_same_call_with_the_same_body(bench: Bench) -> None:
    reopen = Request("PUT", f"{SESSION}/reopen", (KEYED,))
    bench.exchange(put_request({"state": "closed"}))
    bench.exchange(reopen)
    bench.exchange(put_request({"state": "cancelled"}))
    assert bench.begin(reopen).decision == "repeated"
    # Its body does not count.
    assert bench.begin(reopen._replace(body=b"{}")).decision == "repeated"
    assert bench.begin(put_request({"state": "open"}, KEYED)).decision == "transition"
    returned = json.dumps({"return": {"returnedCartItems": [{"position": 0}]}}).encode()
    call = Request("POST", f"{SESSION}/returns", (JSON, KEYED), returned)
    assert bench.begin(call).decision == "transition"


def test_a_repeated_request_is_the_same_compressed_or_not(bench: Bench) -> None:
    plain = put_request({"state": "closed"}, KEYED)
    bench.exchange(plain)
    bench.exchange(put_request({"state": "cancelled"}))
    encoding = ("content-encoding", "gzip")
    packed = plain._replace(headers=(*plain.headers, encoding), body=gzip.compress(plain.body))
    assert bench.begin(packed).decision == "repeated"


def test_a_bad_payload_is_refused_whatever_it_repeats(make: Callable[..., Bench]) -> None:
    bench = make(mode="report")
    bad = put_request({"state": "open", "cartItems": [{}]}, KEYED)
    bench.exchange(bad)
    bench.guard.reload(Settings(edition="2026-06", store="memory:"))
    assert bench.begin(bad).decision == "invalid"
