"""Decision: the pure core, which judges a request by the known states of its session.

It uses no socket, no store and no clock, except to compare the query parameter ``now`` with the
current time. A request is judged in two steps: by itself and then, if the state of the session
matters, by the states that the session may be in.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..checking.call import Call
from ..checking.checker import Checker
from ..checking.registry import CODES, effective_severities
from ..checking.report import Report
from ..findings.code import Severity
from ..findings.finding import Finding, finding
from ..findings.pointer import to_pointer
from ..findings.problem import Problem
from ..model.endpoints import ENDPOINTS
from ..model.routes import Route, Suspicious, match
from ..model.schema_tree import schema_tree
from ..model.states import NEW, STATES, Operation
from ..reading import document
from ..validator import Validator
from . import answer
from .body import UnreadableBody, read
from .messages import Request, Response
from .preload import preload
from .store import Intent, Key
from .variants import variants

if TYPE_CHECKING:
    from .settings import Settings

NEW_SESSION: Final = "new"
"""The pseudo-state of a session that does not exist yet."""

MAX_FINDINGS: Final = 20
"""The number of findings after which checking stops: a refusal shows only the first ones."""
_ROUTES: Final = 64
"""Cached routes: enough for the requests in progress."""
_EFFORT: Final = document.Effort(problems=MAX_FINDINGS, tokens=5000)
"""Limits of scanning: 5000 tokens take 3 to 10 ms."""

_PROBES: Final[dict[Operation, Any]] = {
    "return": {"return": {"returnedCartItems": [{"position": 0}]}},
    "reopen": None,
}
"""Valid payloads, used to find the states from which an operation is permitted."""

_UNKNOWN: Final = "payload/unknown-property"
_ALIKE: Final = frozenset(code.name for code in CODES.values() if code.group == "json")
"""Faults on which parsers disagree; a gateway refuses them whatever the settings."""
_REPEATED: Final = "lifecycle/repeated-state"
"""Retries and repeated webhooks are only counted: the API itself answers them."""
_LIFECYCLE: Final = frozenset(code.name for code in CODES.values() if code.group == "lifecycle")


class StateQuestion(NamedTuple):
    """A question that only the state of the session can answer."""

    operation: Operation
    key: Key
    intent: Intent
    payload: bytes | None
    call: Call


class Decision(NamedTuple):
    """The treatment of a request."""

    label: str
    """``other`` (no call on a session), ``allowed``, ``dry``, ``repeated`` (by its
    ``Idempotency-Key``), ``suspicious``, ``unfit`` (its body can't be judged), ``busy`` (it can't
    be judged in time), ``invalid`` or ``transition`` (an illegal change of state)."""
    refusal: Response | None = None
    codes: tuple[str, ...] = ()
    """The distinct codes of its errors, in order."""
    warnings: tuple[str, ...] = ()
    """The distinct codes of its warnings, in order."""
    question: StateQuestion | None = None
    """The open question; for a refused request, the effect that it would have had."""
    lookup: str = ""
    """The outcome of the look-up that it waited for; empty if there was none."""


class PermittedMoves(NamedTuple):
    """The states from which an operation may lead to a given state."""

    permitted: frozenset[str]
    warnings: dict[str, tuple[str, ...]]
    """The codes of the warnings for each initial state."""


class DecisionCore:
    """Judge of requests by one configuration; safe to share between threads and event loops."""

    def __init__(self, settings: Settings) -> None:
        """Configure the core; raises `ValueError` or `TypeError` as `Validator` does."""
        self.settings = settings
        self._validator = Validator(edition=settings.edition, policy=settings.policy, redact=True)
        checker = self._validator.checker
        levels = effective_severities(settings.select, settings.ignore, settings.severity or {})
        if levels[_REPEATED] is Severity.ERROR:
            levels[_REPEATED] = Severity.WARNING
        defaults = {name: code.severity for name, code in CODES.items()}
        forced = {name: defaults[name] for name in _ALIKE}
        if levels[_UNKNOWN] is None:
            # Variants of keys are searched for only where this code is reported.
            forced[_UNKNOWN] = Severity.INFO
        self._checker = _checker_with(checker, {**levels, **forced})
        self._lifecycle = _checker_with(
            checker, {name: level if name in _LIFECYCLE else None for name, level in levels.items()}
        )
        self._calls: dict[Operation, Call] = {
            operation: self._call(operation) for operation in ENDPOINTS
        }
        self._moves: dict[tuple[Operation, str | None], PermittedMoves] = {}
        # Faces that read bodies ask for each route twice: the cache saves 4 % of the time.
        self._match = lru_cache(_ROUTES)(match)

    def warm(self) -> None:
        """Compile the schemas and load everything else that is otherwise loaded on first use."""
        preload()
        for operation in ENDPOINTS:
            for wanted in (*STATES, None):
                self.moves(operation, wanted)
        broken = Request("PUT", f"{self.settings.prefix}/v2/customer_sessions/1", (), b"{}")
        self.examine(broken)

    def route(self, request: Request) -> Route | Suspicious | None:
        """Return the route of a request that is a call on a session, else None."""
        route = self._match(request.method, request.target, request.headers, self.settings.prefix)
        if self.settings.test_key and isinstance(route, Route):
            return route._replace(dry=True)
        return route

    def examine(self, request: Request) -> Decision:
        """Decide as far as possible without the state of the session."""
        route = self.route(request)
        if route is None:
            return Decision("other")
        form = self.settings.errors
        if isinstance(route, Suspicious):
            refusal = answer.of_fault(400, route.reason, {"parameter": route.parameter}, form)
            return Decision("suspicious", refusal, (f"route/{route.parameter}",))
        operation = route.operation
        payload: bytes | None = None
        if ENDPOINTS[operation].model is not None:
            found = read(request, self.settings.max_body)
            if isinstance(found, UnreadableBody):
                refusal = answer.of_fault(found.status, found.details, {"pointer": ""}, form)
                return Decision("unfit", refusal, (found.code,))
            payload = found
        call = self._calls[operation]
        if route.dry or route.now is not None:
            call = self._call(operation, dry=route.dry, now=route.now)
        result = self._checker(payload, call)
        report, session = result.report, result.session
        if payload is not None and (report.findings or report.omitted != 0):
            report = self._without_variants(report, payload, operation)
        question = None
        if not route.dry and (report.model is not None or operation == "reopen"):
            question = self._question(route, session, payload, call)
        warnings = _codes(report, Severity.WARNING)
        if report.ok:
            return Decision("dry" if route.dry else "allowed", None, (), warnings, question)
        refusal = answer.of_report(report, form)
        return Decision("invalid", refusal, _codes(report, Severity.ERROR), warnings, question)

    def settle(
        self, decision: Decision, question: StateQuestion, states: Collection[str]
    ) -> Decision:
        """Decide on a valid request by the `states` that its session may be in.

        The request passes if one of the states permits it, or if `states` is empty, because
        nothing is known of the session.
        """
        intent = question.intent
        known = states or ({NEW_SESSION} if intent.strict_new else ())
        if not known or not intent.permitted.isdisjoint(known):
            moves = self.moves(question.operation, intent.wanted)
            if len(known) != 1:
                return decision
            (state,) = known
            extra = moves.warnings[state]
            return decision._replace(warnings=(*decision.warnings, *extra)) if extra else decision
        return self._refusal(decision, question, min(known))

    def moves(self, operation: Operation, wanted: str | None) -> PermittedMoves:
        """Return the states from which an operation may lead to `wanted`, by the policy."""
        known = self._moves.get((operation, wanted))
        if known is None:
            permitted, warnings = set(), {}
            probe = {"customerSession": {} if wanted is None else {"state": wanted}}
            for state in (*STATES, NEW_SESSION):
                call = self._call(operation, previous=state)
                report = self._lifecycle(_PROBES.get(operation, probe), call).report
                if report.ok:
                    permitted.add(state)
                warnings[state] = _codes(report, Severity.WARNING)
            known = self._moves[operation, wanted] = PermittedMoves(frozenset(permitted), warnings)
        return known

    def _call(self, operation: Operation, *, previous: str | None = None, **query: Any) -> Call:
        before = NEW if previous == NEW_SESSION else previous
        model = ENDPOINTS[operation].model
        return self._validator.call(previous=before, model=model, operation=operation, **query)

    def _question(
        self, route: Route, session: Any, payload: bytes | None, call: Call
    ) -> StateQuestion | None:
        wanted: str | None
        if route.operation == "update":
            wanted = session.get("state")
            if wanted is not None and wanted not in STATES:
                return None
        else:
            wanted = "partially_returned" if route.operation == "return" else "open"
        key = Key(self.settings.application, route.session)
        permitted = self.moves(route.operation, wanted).permitted
        return StateQuestion(
            route.operation, key, Intent(permitted, wanted, self.settings.strict_new), payload, call
        )

    def _refusal(self, decision: Decision, question: StateQuestion, state: str) -> Decision:
        """Judge again, from a state that does not permit the request, to obtain the finding."""
        operation = question.operation
        call = self._call(operation, previous=state, now=question.call.now)
        report = self._checker(question.payload, call).report
        if report.ok:
            return decision
        refusal = answer.of_report(report, self.settings.errors)
        codes = _codes(report, Severity.ERROR)
        return decision._replace(label="transition", refusal=refusal, codes=codes)

    def _without_variants(self, report: Report, payload: bytes, operation: Operation) -> Report:
        """Return a report in which keys that differ from the API's only in case are errors."""
        reported = report.findings
        if report.omitted == 0 and not any(each.code == _UNKNOWN for each in reported):
            return report
        model = ENDPOINTS[operation].model or ""
        place = schema_tree(self.settings.edition, model)
        problems = islice(variants(place, document.read(payload).value), len(reported) + 1)
        found = {to_pointer(each.path): _variant(each) for each in problems}
        if not found:
            return report
        findings = [found.pop(each.pointer, each) for each in reported]
        return report._replace(ok=False, findings=(*findings, *found.values()))


def _variant(problem: Problem) -> Finding:
    return finding(problem, CODES[_UNKNOWN], Severity.ERROR, redact=True)


def _checker_with(checker: Checker, levels: dict[str, Severity | None]) -> Checker:
    """Return a checker that stops at `MAX_FINDINGS` findings."""
    return Checker(
        *(checker.engine, checker.policy, checker.naming, levels, MAX_FINDINGS),
        redact=checker.redact,
        counted=0,
        effort=_EFFORT,
    )


def _codes(report: Report, severity: Severity) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.code for f in report.findings if f.severity is severity))
