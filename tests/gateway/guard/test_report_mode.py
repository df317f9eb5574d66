"""In report mode all passes, and is learned."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from support.gateway.guard_bench import Bench, answer, put_request


def test_in_report_mode_all_passes_and_is_learned(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make(mode="report")
    bench.exchange(put_request({"state": "closed"}))
    request = put_request({"state": "open"})
    with caplog.at_level(logging.INFO):
        verdict = bench.begin(request)
    assert verdict.refusal is None
    assert verdict.decision == "transition"
    assert caplog.messages == ["would-refuse: lifecycle/state-transition"]
    bench.finish(verdict, answer(200, {"state": "open"}), request)
    assert bench.states() == {"open"}
    assert bench.meter.decisions[-1][:2] == ("transition", False)


def test_in_report_mode_a_bad_payload_passes_and_is_learned(make: Callable[..., Bench]) -> None:
    bench = make(mode="report")
    bench.exchange(put_request({"state": "closed"}))
    request = put_request({"state": "cancelled", "cartItems": 1})
    verdict = bench.begin(request)
    assert (verdict.refusal, verdict.decision) == (None, "invalid")
    bench.finish(verdict, answer(), request)
    assert bench.states() == {"cancelled"}
    for body in (b"{", b"\xff", b""):
        assert bench.begin(put_request()._replace(body=body))[:2] == (None, None)


def test_in_report_mode_a_state_that_is_none_is_not_learned(make: Callable[..., Bench]) -> None:
    bench = make(mode="report")
    assert bench.begin(put_request({"state": "x"}))[:2] == (None, None)
    assert bench.begin(put_request({"state": 1}))[:2] == (None, None)
    assert bench.begin(put_request({"state": ["open"]}))[:2] == (None, None)
