"""Look-ups are made of what is unknown or in doubt, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.gateway.lookup_bench import AUTHORIZATION, Bench, lookup_targets, update
from support.gateway.processes import Upstream
from support.gateway.promises import new_id, path
from talonschema.gateway import Request, Response


def test_an_unknown_closed_session_is_not_reopened(bench: Bench, upstream: Upstream) -> None:
    name = new_id()
    upstream.put(name, "closed")
    verdict = bench.begin(update(name, "open"))
    assert (verdict.decision, verdict.token) == ("transition", None)
    assert lookup_targets(upstream) == [path(name)]
    assert bench.states(name) == {"closed"}
    # It is known now.
    assert bench.begin(update(name, "open")).decision == "transition"
    assert bench.begin(update(name, "cancelled")).refusal is None
    assert len(lookup_targets(upstream)) == 1
    assert bench.outcomes() == {"learned": 1}


def test_an_unknown_open_session_passes(bench: Bench, upstream: Upstream) -> None:
    name = new_id()
    upstream.put(name, "open")
    verdict = bench.begin(update(name, "closed"))
    assert verdict.refusal is None
    assert verdict.token
    assert lookup_targets(upstream) == [path(name)]


def test_nothing_is_asked_that_needs_no_answer(bench: Bench, upstream: Upstream) -> None:
    name = new_id()
    bad = b'{"customerSession": {"state": "open", "cartItems": 1}}'
    assert bench.begin(update(name)._replace(body=bad)).decision == "invalid"
    dry = update(name, "open")._replace(target=path(name, "?dry=true"))
    assert bench.begin(dry).decision == "dry"
    assert bench.begin(Request("GET", path(name), (AUTHORIZATION,))).decision == "other"
    assert lookup_targets(upstream) == []
    # Either of the states that it may be in permits it.
    closed = bench.begin(update(name, "closed"))
    bench.finish(closed, update(name, "closed"), Response(200, (), b"{}"))
    assert bench.begin(Request("PUT", path(name, "/reopen"), (AUTHORIZATION,))).token
    upstream.forget()
    assert bench.begin(update(name, "cancelled")).refusal is None
    assert lookup_targets(upstream) == []


def test_a_move_that_every_state_permits_is_not_asked_about(
    make: Callable[..., Bench], upstream: Upstream
) -> None:
    assert make().begin(update(new_id())).refusal is None
    assert make(ignore=["lifecycle"]).begin(update(new_id(), "open")).refusal is None
    assert lookup_targets(upstream) == []


@pytest.mark.parametrize("state", ["open", "closed"])
def test_a_session_in_doubt_is_looked_up(bench: Bench, upstream: Upstream, state: str) -> None:
    name = new_id()
    opened = bench.begin(update(name, "open"))
    bench.finish(opened, update(name, "open"), Response(200, (), b"{}"))
    # A client that hangs up: nobody knows whether the API has closed it.
    bench.finish(bench.begin(update(name, "closed")), update(name, "closed"), None)
    assert bench.states(name) == {"open", "closed"}
    upstream.put(name, state)
    upstream.forget()
    verdict = bench.begin(update(name, "open"))
    assert lookup_targets(upstream) == [path(name)]
    # It may still be done where it was not, so that one is not refused.
    assert (verdict.refusal is None) == (state == "open")


def test_in_mode_report_a_look_up_is_logged_and_nothing_refused(
    make: Callable[..., Bench], upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    bench, name = make(mode="report"), new_id()
    upstream.put(name, "closed")
    verdict = bench.begin(update(name, "open"))
    assert (verdict.refusal, verdict.decision) == (None, "transition")
    assert verdict.token
    fields = vars(caplog.records[-1])["fields"]
    assert (fields["event"], fields["lookup"]) == ("would-refuse", "learned")
    # A payload that would be refused is tracked, but not asked about.
    bad = b'{"customerSession": {"state": "open", "cartItems": 1}}'
    assert bench.begin(update(new_id())._replace(body=bad)).token
    assert len(lookup_targets(upstream)) == 1
