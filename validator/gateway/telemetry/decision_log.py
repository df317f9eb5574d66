"""Decision log: a line for each request that was refused and, at level debug, that was admitted.

No line has the path, which holds the session's id, or anything else of headers and payload.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final

from ..decision import Decision
from ..messages import Request, header
from .trace_context import trace_context

REQUEST_ID: Final = "x-request-id"
MOST_CODES: Final = 20
"""The most codes of a request that are reported."""
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_DIGITS: Final = 6
"""Digits of the seconds after the point."""

_log = logging.getLogger(__name__)


def given_id(request: Request) -> str | None:
    """Return the id that a request came with; None if there is none that can be passed on."""
    given = header(request.headers, REQUEST_ID)
    return given if given and _ID.fullmatch(given) else None


def log_refused(
    decision: Decision,
    request: Request,
    seconds: float,
    *,
    status: int,
    request_id: str,
    enforced: bool,
) -> None:
    """Log a request that was refused, or would be if that were `enforced`."""
    event = "refused" if enforced else "would-refuse"
    fields = {
        **_fields(event, decision, request, seconds),
        "status": status,
        "request_id": request_id,
    }
    _log.warning("%s: %s", event, ", ".join(fields["codes"]), extra={"fields": fields})


def log_admitted(decision: Decision, request: Request, seconds: float) -> None:
    """Log a request that passed, if such lines are written."""
    if not _log.isEnabledFor(logging.DEBUG):
        return
    fields = _fields("admitted", decision, request, seconds)
    request_id = given_id(request)
    if request_id is not None:
        fields["request_id"] = request_id
    _log.debug("admitted: %s", decision.label, extra={"fields": fields})


def _fields(event: str, decision: Decision, request: Request, seconds: float) -> dict[str, Any]:
    """Return what every line about a request has."""
    fields = {
        "event": event,
        "decision": decision.label,
        "codes": decision.codes[:MOST_CODES],
        "method": request.method,
        "duration": round(seconds, _DIGITS),
        "size": len(request.body),
    }
    if decision.lookup:
        fields["lookup"] = decision.lookup
    context = trace_context(request.headers)
    if context is not None:
        fields["trace_id"] = context.trace_id
    return fields
