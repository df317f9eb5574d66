"""Trace context: which values of the header count."""

from __future__ import annotations

import pytest

from talonschema.gateway.telemetry.trace_context import TraceContext, parse, trace_context

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f" \t00-{TRACE}-{SPAN}-ff ", 255),
        # A later version, as far as it is known.
        (f"cc-{TRACE}-{SPAN}-01", 1),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", 1),
    ],
)
def test_a_valid_value_names_a_span(text: str, flags: int) -> None:
    context = parse(text)
    assert context == TraceContext(TRACE, SPAN, flags)
    assert parse(str(context)) == context


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"cc-{TRACE}-{SPAN}-01.what-the-future-will-not-be-like",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}x-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-0\u0661",
        f"00_{TRACE}-{SPAN}-01",
    ],
)
def test_any_other_is_ignored(text: str) -> None:
    assert parse(text) is None


def test_a_request_has_one_or_none() -> None:
    value = f"00-{TRACE}-{SPAN}-01"
    assert trace_context((("accept", "x"), ("traceparent", value))) == TraceContext(TRACE, SPAN, 1)
    assert trace_context((("accept", value),)) is None
    assert trace_context((("traceparent", value),) * 2) is None
