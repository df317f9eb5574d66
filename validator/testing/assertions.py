"""Assertions: assertions about payloads and calls that fail with the text of the report.

The pytest plugin imports this module even if no test uses it, so the engine is imported by the
first assertion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Unpack

    from ..api import Arguments
    from ..checking.call import Previous
    from ..checking.report import Report
    from ..validator import Options, Validator


def assert_valid_payload(
    payload: Any,
    *,
    validator: Validator | None = None,
    fail_on: str = "error",
    **arguments: Unpack[Arguments],
) -> Report:
    """Raise `AssertionError` with the report as text if a payload has errors; return the report.

    The arguments are those of `talonschema.check` or, with a `validator`, of its `check`. With
    `fail_on` ``"warning"``, it is also raised for warnings.
    """
    __tracebackhide__ = True
    report = _report(payload, validator, arguments)
    _assert_valid(report, fail_on)
    return report


def assert_valid_request(
    method: str,
    url: object,
    body: Any = None,
    *,
    previous: Previous = None,
    prefix: str = "",
    validator: Validator | None = None,
    fail_on: str = "error",
    **options: Unpack[Options],
) -> Report | None:
    """Raise `AssertionError` if an HTTP request is a call on a session that has errors.

    The endpoint is recognised by method and path, independent of the host; `prefix` comes before
    ``/v2`` in the path. Query parameters are taken into account. `body` is JSON text or a parsed
    value. `options` are those of `Validator`, in place of a `validator`.

    Returns the report, or None for a request to another endpoint.
    """
    __tracebackhide__ = True
    from urllib.parse import urlsplit

    from ..model.routes import Route, match

    parts = urlsplit(str(url))
    route = match(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, (), prefix)
    if route is None:
        return None
    request = f"{method} {url}"
    if not isinstance(route, Route):
        message = f"{request}: {route.parameter}: {route.reason}"
        raise AssertionError(message)  # noqa: TRY004 - the request is wrong, not an argument
    arguments = {
        **options,
        "operation": route.operation,
        "dry": route.dry,
        "now": route.now,
        "previous": previous,
    }
    # Some clients represent a missing body as an empty one.
    payload = None if route.operation == "reopen" and body in (b"", "") else body
    report = _report(payload, validator, arguments)
    _assert_valid(report, fail_on, request)
    return report


def _report(payload: Any, validator: Validator | None, arguments: Any) -> Report:
    __tracebackhide__ = True
    if validator is not None:
        return validator.check(payload, **arguments)
    from ..api import check

    return check(payload, **arguments)


def _assert_valid(report: Report, fail_on: str, request: str = "") -> None:
    __tracebackhide__ = True
    from ..checking.report import InvalidPayload

    try:
        report.raise_for_errors(fail_on=fail_on)
    except InvalidPayload:
        text = str(report)
    else:
        return
    raise AssertionError(f"{request}\n{text}" if request else text)
