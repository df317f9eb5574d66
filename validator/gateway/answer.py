"""Answer: responses to refused requests, in the API's own form or as problem details."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from ..checking.report import Report
from .messages import Response

Form: TypeAlias = Literal["api", "problem"]

TITLES = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
"""Titles by status code; those of the standard library vary between versions of Python."""
_TYPES = {"api": "application/json", "problem": "application/problem+json"}


def of_report(report: Report, form: Form) -> Response:
    """Return the answer to a payload whose report is not ok."""
    data = report.to_error_response() if form == "api" else report.to_problem()
    return _response(400, data, form)


def of_fault(status: int, details: str, source: Mapping[str, str], form: Form) -> Response:
    """Return the answer to a request that was not judged because of a fault in one place.

    `source` is that of the API's ErrorResponse: a ``pointer`` or a ``parameter``.
    """
    title = TITLES[status]
    data: dict[str, Any]
    if form == "api":
        error = {"title": title, "details": details, "source": source}
        data = {"message": "The request can't be processed", "errors": [error]}
    else:
        data = {"type": "about:blank", "title": title, "status": status, "detail": details}
    return _response(status, data, form)


def of_haste(seconds: int, form: Form) -> Response:
    """Return the answer to a request that can't be judged in time; a retry has to wait.

    Its status is 429, since gateways take a 503 for a plugin that is down, and those that are set
    to fail open would let the request pass.
    """
    details = "too many requests are waiting; try again later"
    refusal = of_fault(429, details, {"pointer": ""}, form)
    return refusal._replace(headers=(*refusal.headers, ("retry-after", str(seconds))))


def _response(status: int, data: dict[str, Any], form: Form) -> Response:
    # Pointers contain keys of the payload, which may have unpaired surrogates: only ASCII can
    # always be encoded.
    body = json.dumps(data).encode("ascii")
    headers = (
        ("content-type", _TYPES[form]),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
    )
    return Response(status, headers, body)
