"""Capture: the calls on sessions in a HAR file or a Postman collection, and their results.

Each request is judged by its endpoint. A HAR file also has the answers of the API, which are
judged, too, and trusted: a call that the API refused changes nothing, one that it accepted changes
the session regardless of findings, and the session in an answer replaces the known one. After a
call without an answer, and while calls overlap, nothing is known of a session.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .. import schemas
from ..checking.call import PreviousSession, before, call
from ..checking.registry import CODES
from ..checking.report import Report
from ..findings.code import Severity
from ..findings.finding import Finding, Span, finding
from ..findings.pointer import to_pointer
from ..findings.problem import Problem
from ..history import after
from ..model.routes import Suspicious
from ..reading import document, json_scanner
from ..reading.document import decode
from ..reading.embedded import EmbeddedPositions
from ..reading.lines import Lines
from ..reading.positions import JsonPositions, Position, locate_findings, pointers, steps
from . import har, postman
from .exchange import MAX_CAPTURE
from .paths import HAR, ends
from .results import FileResults, PayloadResult

if TYPE_CHECKING:
    from ..checking.checker import CheckResult
    from .defaults import EntryDefaults
    from .exchange import Body, Exchange

_UNKNOWN: Final = PreviousSession()
_MODELS: Final = {
    "update": ("IntegrationRequest", "IntegrationStateV2"),
    "return": ("ReturnIntegrationRequest", "IntegrationStateV2"),
    "reopen": (None, "ReopenResponse"),
}
"""The models of the request and the answer of each operation."""
_READ: Final = "IntegrationCustomerSessionResponse"
_REFUSED: Final = range(400, 500)
_ACCEPTED: Final = range(200, 300)


class _Checked(NamedTuple):
    """A body that was checked, with its report."""

    exchange: Exchange
    body: Body
    report: Report


class _Counted:
    """The results of a capture, and the number of bodies."""

    def __init__(self, results: list[PayloadResult], payloads: int) -> None:
        self._results = results
        self.payloads = payloads

    def __iter__(self) -> Iterator[PayloadResult]:
        return iter(self._results)


def check_capture(
    name: str, source: bytes, setting: EntryDefaults, prefix: str
) -> FileResults | None:
    """Return the results of a capture; None for any other JSON document."""
    archive = ends(name, HAR)
    if len(source) > MAX_CAPTURE:
        return FileResults(name, error=f"can't be read: it is larger than {MAX_CAPTURE} bytes")
    text = decode(source)
    try:
        value = document.PARSER.accept(text.encode(errors="surrogatepass"))
    except (ValueError, RecursionError, MemoryError):
        scanned = json_scanner.scan(text)
        value = scanned.value
        if not scanned.complete:
            if not archive:
                return None
            return FileResults(
                name, [PayloadResult(_unreadable_report(scanned.problems, setting), b"")]
            )
    if archive:
        if har.entries(value) is None:
            return FileResults(name, error="not a HAR file: it has no /log/entries")
        found = list(har.exchanges(value, prefix))
    elif postman.is_collection(value):
        found = list(postman.exchanges(value, prefix))
    else:
        return None
    if not found:
        where = f"{prefix}/v2/customer_sessions/"
        hint = "" if prefix else "; if their paths have a prefix, pass it with --prefix"
        return FileResults(name, error=f"no calls on sessions ({where}...) in this capture{hint}")
    checks = _Checks(setting)
    checked = [each for exchange in _sort_by_time(found) for each in checks.exchange(exchange)]
    noted = [each for each in checked if each.report.findings]
    order = {exchange.path: index for index, exchange in enumerate(found)}
    noted.sort(key=lambda each: order[each.exchange.path])
    return FileResults(name, _Counted(list(_results(text, noted)), len(checked)), lines=True)


def _sort_by_time(found: list[Exchange]) -> list[Exchange]:
    return sorted(found, key=lambda each: each.start)


def _unreadable_report(problems: tuple[Problem, ...], setting: EntryDefaults) -> Report:
    """Return the report about invalid JSON, without its text, which may contain secrets."""
    found = tuple(finding(each, CODES[each.code], Severity.ERROR, redact=True) for each in problems)
    return Report(ok=False, findings=found, model=None, edition=setting.validator.edition)


class _Checks:
    """The checks of the calls of a capture, with the current knowledge of each session."""

    def __init__(self, setting: EntryDefaults) -> None:
        self._validator = setting.validator
        self._known: dict[tuple[str, str], PreviousSession] = {}
        self._busy: dict[tuple[str, str], float] = {}
        self._start = before(self._validator.engine, self._validator.naming, setting.previous)

    def exchange(self, exchange: Exchange) -> Iterator[_Checked]:
        """Check the bodies of a call; yield their reports."""
        route = exchange.route
        if isinstance(route, Suspicious):
            problem = Problem(
                "capture/request", (), {"reason": route.reason}, parameter=route.parameter
            )
            yield _Checked(exchange, exchange.request, self._report_of(problem))
            return
        session = (exchange.host, route.session)
        answered = exchange.status is not None
        known = self._known.get(session, self._start) if answered else _UNKNOWN
        overlapping = exchange.start < self._busy.get(session, 0)
        if overlapping:
            known = _UNKNOWN
        judged: CheckResult | None = None
        if not exchange.read:
            judged, report = self._request(exchange, known)
            yield _Checked(exchange, exchange.request, report)
        if not answered:
            return
        self._busy[session] = max(exchange.end, self._busy.get(session, 0))
        response = exchange.response
        if response is not None:
            model = self._answer(exchange)
            if model is not None:
                then = _UNKNOWN if exchange.read or route.dry else known
                yield _Checked(exchange, response, self._response(response, model, then))
        if exchange.status in _REFUSED or (route.dry and not exchange.read):
            return
        if exchange.status in _ACCEPTED:
            learned = self._session_of(exchange)
            if learned is not None:
                self._known[session] = learned
            elif not exchange.read:
                self._known[session] = (
                    _UNKNOWN
                    if judged is None or judged.refused or overlapping
                    else after(self._validator.edition, known, route.operation, judged.session)
                )
        elif not exchange.read:
            # The API may have done it.
            self._known[session] = _UNKNOWN

    def _request(
        self, exchange: Exchange, known: PreviousSession
    ) -> tuple[CheckResult | None, Report]:
        route, body = exchange.route, exchange.request
        assert not isinstance(route, Suspicious)  # noqa: S101 - reported by `exchange`
        if body.fault:
            problem = Problem("capture/unreadable-body", (), {"kind": body.fault})
            return None, self._report_of(problem)
        model, _ = _MODELS[route.operation]
        about = call(
            self._validator.edition,
            known,
            model=model,
            operation=route.operation,
            dry=route.dry,
            now=route.now,
        )
        content: bytes | None = body.content
        if route.operation == "reopen" and not content:
            content = None
        text = None
        if exchange.status is None and content is not None:
            text = postman.with_values(decode(content))
            content = text.encode(errors="surrogatepass")
        judged = self._validator.history_checker(content, about)
        report = judged.report if text is None else self._without_variables(judged.report, text)
        return judged, report

    def _response(self, body: Body, model: str, known: PreviousSession) -> Report:
        if body.fault:
            return self._report_of(Problem("capture/unreadable-body", (), {"kind": body.fault}))
        about = call(self._validator.edition, known, model=model)
        return self._validator.checker(body.content, about).report

    def _answer(self, exchange: Exchange) -> str | None:
        """Return the model of an answer; None if there is none for it."""
        if exchange.status in _REFUSED:
            return "ErrorResponse"
        if exchange.status not in _ACCEPTED or isinstance(exchange.route, Suspicious):
            return None
        model = _READ if exchange.read else _MODELS[exchange.route.operation][1]
        return model if model in schemas.models(self._validator.edition) else None

    def _session_of(self, exchange: Exchange) -> PreviousSession | None:
        """Return the session in an answer, if it has one."""
        if exchange.response is None or exchange.response.fault:
            return None
        value = document.read(exchange.response.content).value
        session = value.get("customerSession") if isinstance(value, dict) else None
        if not isinstance(session, dict) or not isinstance(session.get("state"), str):
            return None
        try:
            return before(self._validator.engine, "wire", session)
        except ValueError:
            return None

    def _without_variables(self, report: Report, text: str) -> Report:
        """Return a report with findings about variables replaced by notes."""
        value = document.read(text).value
        findings: list[Finding] = []
        noted = set()
        for each in report.findings:
            if not any(_is_variable(value, place) for place in (each.pointer, *each.related)):
                findings.append(each)
            elif each.pointer not in noted:
                noted.add(each.pointer)
                path = tuple(steps(each.pointer))
                findings += self._findings(Problem("capture/variable", path))
        ok = not any(each.severity is Severity.ERROR for each in findings)
        return report._replace(ok=ok, findings=tuple(findings))

    def _report_of(self, problem: Problem) -> Report:
        findings = tuple(self._findings(problem))
        ok = not any(each.severity is Severity.ERROR for each in findings)
        return Report(ok=ok, findings=findings, model=None, edition=self._validator.edition)

    def _findings(self, problem: Problem) -> Iterator[Finding]:
        checker = self._validator.checker
        severity = checker.severities[problem.code]
        if severity is not None:
            yield finding(problem, CODES[problem.code], severity, redact=checker.redact)


def _is_variable(value: Any, pointer: str) -> bool:
    """Return True if the value at a pointer, or a key in the pointer, contains a variable."""
    for key in steps(pointer):
        if postman.is_variable(key):
            return True
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False
    return postman.is_variable(value)


class _Whole:
    """The position of a string that contains an encoded body."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def find(self, _: str) -> Position:
        return Position(self._span)

    def fault(self, _: Finding) -> tuple[Span, Span | None]:
        return self._span, None


def _results(text: str, noted: list[_Checked]) -> Iterator[PayloadResult]:
    """Yield the reports with the positions of their findings in the capture.

    The source of each is only the string of its body: the text next to it may be a secret.
    """
    places = JsonPositions(text, [to_pointer(e.body.path or e.exchange.path) for e in noted])
    lines = Lines(text)
    for each in noted:
        body, report = each.body, each.report
        place = places.find(to_pointer(body.path or each.exchange.path))
        if place is None:
            yield PayloadResult(report, b"", 1)
            continue
        span = place.value
        if body.path is None:
            yield PayloadResult(report, b"", span.line)
            continue
        start, end = (
            lines.offset(span.line, span.column),
            lines.offset(span.end_line, span.end_column),
        )
        inner = decode(body.content)
        if each.exchange.status is None:
            inner = postman.with_values(inner)
        positions = (
            _Whole(span)
            if body.encoded or body.fault
            else EmbeddedPositions(text, lines, span, inner, pointers(report.findings))
        )
        findings = tuple(locate_findings(report.findings, positions))
        shown = " " * (span.column - 1) + text[start:end]
        yield PayloadResult(report._replace(findings=findings), shown.encode(), span.line)
