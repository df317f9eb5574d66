"""Trace context: the trace of a request, as given by its ``traceparent`` header.

Source: W3C Trace Context, section 3.2 (the header, and how its later versions are parsed).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..messages import Headers

TRACEPARENT: Final = "traceparent"
_MARK: Final = "~"
"""The separator of a token and its context; no token contains it."""

_VALUE: Final = re.compile(
    r"[ \t]*(?P<version>(?!ff)[0-9a-f]{2})"
    r"-(?P<trace>(?!0{32})[0-9a-f]{32})"
    r"-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})"
    r"(?P<more>-.*)?[ \t]*",
    re.DOTALL,
)


class TraceContext(NamedTuple):
    """A span and its trace."""

    trace_id: str
    """32 hexadecimal digits in lower case."""
    span_id: str
    """16 such digits."""
    flags: int
    """Bit 0: the trace is sampled."""

    def __str__(self) -> str:
        """Return the value of the header."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"


def trace_context(headers: Headers) -> TraceContext | None:
    """Return the context of a request; None if it has no valid one, or several."""
    values = [value for name, value in headers if name == TRACEPARENT]
    return parse(values[0]) if len(values) == 1 else None


def parse(text: str) -> TraceContext | None:
    """Return the context in a value of the header; None if it is invalid."""
    found = _VALUE.fullmatch(text)
    # Later versions may append parts to the first four.
    if found is None or (found["version"] == "00" and found["more"]):
        return None
    return TraceContext(found["trace"], found["span"], int(found["flags"], 16))


def mark(token: str, context: TraceContext) -> str:
    """Return a token with the span of its request, to which the span of the answer is linked."""
    return f"{token}{_MARK}{context}"


def unmark(token: str) -> tuple[str, TraceContext | None]:
    """Return the original token and the context that was added to it."""
    bare, _, text = token.partition(_MARK)
    return bare, parse(text) if text else None
