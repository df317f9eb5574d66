"""Decision log: a line for each refused request and, at level debug, for each admitted one.

Lines have neither the path, which contains the session's id, nor anything else of the request.
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
"""The most codes that are logged for a request."""
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_DIGITS: Final = 6
"""Decimal places of seconds."""

_log = logging.getLogger(__name__)


def given_id(request: Request) -> str | None:
    """Return the id that a request has; None if it has none that can be forwarded."""
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
    """Log a request that was refused or, unless `enforced`, would have been."""
    event = "refused" if enforced else "would-refuse"
    fields = {
        **_fields(event, decision, request, seconds),
        "status": status,
        "request_id": request_id,
    }
    _log.warning("%s: %s", event, ", ".join(fields["codes"]), extra={"fields": fields})


def log_admitted(decision: Decision, request: Request, seconds: float) -> None:
    """Log a request that passed, if the level is debug."""
    if not _log.isEnabledFor(logging.DEBUG):
        return
    fields = _fields("admitted", decision, request, seconds)
    request_id = given_id(request)
    if request_id is not None:
        fields["request_id"] = request_id
    _log.debug("admitted: %s", decision.label, extra={"fields": fields})


def _fields(event: str, decision: Decision, request: Request, seconds: float) -> dict[str, Any]:
    """Return the fields of all lines about requests."""
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
