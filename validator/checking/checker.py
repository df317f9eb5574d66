"""Checker: one payload from reading over structure and rules to a report."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ..findings.code import Severity
from ..findings.finding import finding
from ..findings.pointer import Path
from ..findings.problem import Problem
from ..model.detection import OPERATIONS_OF, detect, misspelt_envelope
from ..model.naming import _UNTRANSLATED, Naming, Translation, respell, to_snake
from ..model.policy import Policy
from ..model.schema_tree import schema_tree
from ..model.states import SETTABLE
from ..reading import document, python_values
from ..reading.document import Document
from ..rules.context import CallKind, Context, Invalid, Missing
from ..rules.keys import unknown
from ..rules.rule import NO_BODY
from ..structure import Engine
from ..structure.engine import omission
from .call import Call
from .codes import RULE_CRASH
from .collector import COUNTED, Collector
from .plan import Plan, Step
from .registry import CODES, REFUSING
from .report import Report, Skipped

if TYPE_CHECKING:
    from ..structure.engine import Suspects

_TEXT = (bytes, bytearray, memoryview, str)

_EXACT = frozenset({dict, list, tuple, str, int, float, bool, type(None)})
"""The types of a session's own values that rules can judge as they are."""

_VOIDING = frozenset(
    f"json/{name}"
    for name in (
        "circular",
        "lone-surrogate",
        "not-finite",
        "number-range",
        "too-deep",
        "unsupported-type",
    )
)
"""Problems of reading that leave nothing to judge in their place."""

_HARMLESS = frozenset({"schema/maxItems", "payload/null-property"})
"""Problems of structure that leave what they are about fit for rules to read."""

_TOO_MUCH = "too much of the structure is not valid"


class CheckResult(NamedTuple):
    """The result of a check."""

    report: Report
    session: Mapping[str, Any] = {}
    """The session, or what is returned of one, in wire names."""
    crashed: bool = False
    """A rule failed."""
    refused: bool = False
    """The API refuses the call, as far as the codes in `Checker.refusing` show."""


class Checker:
    """Checks payloads by one configuration; see `Validator` for its parts."""

    def __init__(
        self,
        engine: Engine,
        policy: Policy,
        naming: Naming,
        severities: Mapping[str, Severity | None],
        max_findings: int,
        *,
        redact: bool,
        counted: int = COUNTED,
        refusing: frozenset[str] = frozenset(),
        effort: document.Effort | None = None,
    ) -> None:
        """Take the configuration.

        Up to `counted` findings beyond `max_findings` are counted. Codes in `refusing` are looked
        for even where `severities` leaves them out of reports, and set `CheckResult.refused`.
        `effort` bounds the diagnosis of faulty text.
        """
        self.engine = engine
        self.policy = policy
        self.naming = naming
        self.severities = severities
        self.max_findings = max_findings
        self.redact = redact
        self.counted = counted
        self.refusing = refusing
        self.effort = effort
        self._plans: dict[tuple[object, ...], Plan] = {}

    def for_errors(self) -> "Checker":
        """Return a checker that only looks for errors, and stops at the first."""
        errors = {
            code: severity if severity is Severity.ERROR else None
            for code, severity in self.severities.items()
        }
        return Checker(
            self.engine, self.policy, self.naming, errors, 1, redact=self.redact, counted=0
        )

    def for_history(self) -> "Checker":
        """Return a judge with equal reports that also finds out whether the API refuses a call."""
        return Checker(
            self.engine,
            self.policy,
            self.naming,
            self.severities,
            self.max_findings,
            redact=self.redact,
            counted=self.counted,
            refusing=REFUSING,
        )

    def __call__(self, payload: Any, call: Call) -> CheckResult:
        """Check a payload of a validated call."""
        text = payload if isinstance(payload, _TEXT) else None
        if call.operation == "reopen" and call.model is None:
            return self._check_no_body(
                call, sent=payload is not None and (text is None or len(text) > 0)
            )
        read = Document(payload) if text is None else document.read(text, self.effort)
        if read.readable and not read.problems:
            result = self._check_suspects(read.value, call, read=text is not None)
            if result is not None:
                return result
            if text is None:
                value, problems = python_values.plain(read.value)
                read = Document(value, tuple(problems))
            elif not _plain(read.value):
                # A fast parser let it through; the text knows the line.
                from ..reading import infinities

                read = infinities.diagnose(text, read.value)
        return self.document(read, call)

    def document(self, read: Document, call: Call) -> CheckResult:
        """Check a document that was read before; its value is plain JSON."""
        if call.operation == "reopen" and call.model is None:
            return self._check_no_body(call, sent=read.value is not None or not read.readable)
        return self._check_all(read, call) if read.readable else self._unreadable(read)

    def _check_suspects(self, value: Any, call: Call, *, read: bool) -> CheckResult | None:
        """Check a value by its suspects; None if that does not suffice.

        `read`: the value was read from text. Enumerations pass a prefilter as their values, but
        rules cannot read them.
        """
        if type(value) is not dict or self.naming != "wire":
            return None
        model = call.model or detect(self.engine.edition, value, call.operation, self.naming)
        plan = self._plan(model, call)
        context = self._context(plan, call, value)
        prefilter = plan.prefilter
        if prefilter is None:
            return None
        if not read and not _exact(value, context.session, plan.base):
            return None
        suspects = prefilter.scan(value)
        if suspects is None:
            return None
        steps = plan.always_rules
        if suspects.shell or suspects.items:
            value, problems = prefilter.plain(value, suspects, read=read)
            if problems:
                return None
            if suspects.structure:
                result = self._check_all(Document(value), call, suspects)
                return None if result.crashed else result
            context = self._context(plan, call, value, suspects.items)
            steps = _steps(plan, suspects)
        collector, skipped = self._apply(steps, context)
        if collector is None:
            return CheckResult(plan.report_without_findings(tuple(skipped)), context.session)
        if collector.crashed:
            return None
        if not read and collector.any_below((*plan.base, "cartItems")) and not _plain(value):
            # It may be due to a value such as a member of an enumeration, in an item that passed.
            return None
        report = self._report(collector, model, plan, skipped)
        return CheckResult(report, context.session, refused=collector.refused)

    def _check_all(
        self, read: Document, call: Call, suspects: "Suspects | None" = None
    ) -> CheckResult:
        """Check plain JSON; `suspects` limits what can be wrong, None: everything can."""
        value, translation = read.value, None
        model = call.model or detect(self.engine.edition, value, call.operation, self.naming)
        collector = self._collector()
        collector.extend(read.problems)
        if self.naming == "snake":
            translation = Translation(value, schema_tree(self.engine.edition, model))
            value = translation.wire
            collector.extend(
                unknown(path, part.model, "wire-name", to_snake(_key(path)))
                for path, part in translation.untranslatable
            )
        plan = self._plan(model, call)
        context = self._context(plan, call, value, None if suspects is None else suspects.items)
        void = frozenset(each.path for each in read.problems if each.code in _VOIDING)
        steps = plan.steps if suspects is None else _steps(plan, suspects)
        only_items = suspects is not None and not suspects.shell_structure
        invalid = self._structure(context, void, collector, only_items=only_items)
        if invalid is None:
            skipped = [
                Skipped(step.rule.code.name, _TOO_MUCH)
                for step in plan.steps
                if self.severities[step.rule.code.name] is not None
            ]
            report = self._report(collector, model, plan, skipped, translation)
            return CheckResult(report, refused=True)
        _, skipped = self._apply(steps, context._replace(invalid=invalid), collector)
        report = self._report(collector, model, plan, skipped, translation)
        return CheckResult(report, context.session, collector.crashed, collector.refused)

    def _check_no_body(self, call: Call, *, sent: bool) -> CheckResult:
        """Check a call that has no body; `sent`: there is one all the same."""
        plan = self._plan(NO_BODY, call)
        context = self._context(plan, call, {})._replace(value=sent)
        collector = self._collector()
        _, skipped = self._apply(plan.steps, context, collector)
        report = self._report(collector, None, plan, skipped)
        return CheckResult(report, refused=collector.refused)

    def _collector(self) -> Collector:
        return Collector(self.severities, self.max_findings, self.counted, self.refusing)

    def _apply(
        self, steps: Iterable[Step], context: Context, collector: Collector | None = None
    ) -> tuple[Collector | None, list[Skipped]]:
        """Apply rules; return the collector of what they find, and those that lack something.

        A collector is made for the first problem, since most payloads have none.
        """
        skipped = []
        invalid = context.invalid or None
        for rule, places in steps:
            if invalid is not None and invalid.blocks(places):
                if self.severities[rule.code.name] is not None:
                    skipped.append(Skipped(rule.code.name, "what it reads is not valid"))
                continue
            try:
                for each in rule.check(context):
                    if isinstance(each, Missing):
                        if self.severities[rule.code.name] is not None:
                            skipped.append(Skipped(rule.code.name, each.reason))
                        continue
                    collector = collector or self._collector()
                    if not collector.add(each):
                        break
            except Exception as error:  # noqa: BLE001 - a defect of one rule must not hide others
                crash = {"rule": rule.code.name, "error": type(error).__name__}
                collector = collector or self._collector()
                collector.add(Problem(RULE_CRASH.name, (), crash, {"detail": str(error)}))
                collector.crashed = True
        return collector, skipped

    def _structure(
        self, context: Context, void: frozenset[Path], collector: Collector, *, only_items: bool
    ) -> Invalid | None:
        """Collect what the schema finds; return the places that rules can't read.

        What is wrong at or below the places in `void` is reported already. `only_items` means that
        nothing else can be wrong. Returns None if there is no end to what is wrong.
        """
        model, cart = context.call_kind.model, context.place("cartItems")
        suspects = {} if context.suspects is None else {cart: context.suspects}
        nullable = model in CODES["payload/null-property"].models
        invalid = set(void)
        missing = set()
        state = (*context.base, "state")
        for each in self.engine.problems(model, context.value, suspects, only_suspects=only_items):
            if void and any(each.path[:length] in void for length in range(len(each.path) + 1)):
                continue
            problem = omission(context.schema_tree, each) if nullable else each
            if problem is None:
                continue
            if nullable and problem.path == state and problem.code == "schema/enum":
                problem = problem._replace(params={"allowed": list(SETTABLE)})
            if problem.code == "schema/required" and problem.path == context.base:
                problem = _of_envelope(problem, model, context.value)
            if problem.code not in _HARMLESS:
                invalid.add(problem.path)
            if problem.code == "schema/required" and problem.path[:-1] == context.base:
                missing.add(problem.path)
            if not collector.add(problem):
                return None
        return Invalid(invalid, missing)

    def _plan(self, model: str, call: Call) -> Plan:
        asked = (model, call.operation, call.dry, call.before.known, call.now is not None)
        known = self._plans.get(asked)
        if known is None:
            call_kind = _call_kind(model, call)
            known = Plan(self.engine, self.policy, self.severities, call_kind, self.refusing)
            self._plans[asked] = known
        return known

    def _context(
        self, plan: Plan, call: Call, value: Any, suspects: Sequence[int] | None = None
    ) -> Context:
        session = value
        for step in plan.base:
            session = session.get(step) if isinstance(session, dict) else None
        return Context(
            self.engine.edition,
            self.policy,
            plan.call_kind,
            value,
            session if isinstance(session, dict) else {},
            plan.base,
            plan.schema_tree,
            call.before.state,
            call.before.session,
            call.now,
            None if call.now is None else datetime.now(UTC),
            suspects,
        )

    def _report(
        self,
        collector: Collector,
        model: str | None,
        plan: Plan,
        skipped: list[Skipped],
        translation: Translation | None = None,
    ) -> Report:
        if collector.empty:
            return plan.report_without_findings(tuple(skipped))
        findings = []
        for problem, severity in collector.worst():
            own = problem if translation is None else translation.problem(problem)
            code, spell = CODES[problem.code], str if translation is None else respell
            found = finding(own, code, severity, redact=self.redact, respell=spell)
            findings.append(found)
        return Report(
            ok=collector.ok,
            findings=tuple(findings),
            model=model,
            edition=self.engine.edition,
            skipped=tuple(sorted({*plan.skipped, *skipped})) if skipped else plan.skipped,
            omitted=collector.omitted,
        )

    def _unreadable(self, read: Document) -> CheckResult:
        """Report why there is nothing to check; no choice of codes hides that."""
        problems = read.problems[: self.max_findings]
        report = Report(
            ok=False,
            findings=tuple(
                finding(each, CODES[each.code], Severity.ERROR, redact=self.redact)
                for each in problems
            ),
            model=None,
            edition=self.engine.edition,
            omitted=len(read.problems) - len(problems),
        )
        return CheckResult(report, refused=True)


def _plain(value: Any) -> bool:
    return python_values.is_plain(value, max_depth=document.MAX_DEPTH - 1)


def _steps(plan: Plan, suspects: "Suspects") -> tuple[Step, ...]:
    """Return the rules that may find something in a payload that was sifted."""
    if not suspects.shell:
        return plan.item_rules
    return plan.steps if suspects.items else plan.on_session


def _of_envelope(problem: Problem, model: str, value: Mapping[str, Any]) -> Problem:
    """Return the problem of a missing envelope, at the misspelt key if there is one."""
    written = misspelt_envelope(value, model)
    if written is None:
        return problem
    params = {**problem.params, "kind": "misspelt", "written": written}
    return problem._replace(path=(written,), params=params)


def _exact(value: dict[str, Any], session: Mapping[str, Any], base: Path) -> bool:
    """Return True if rules can read the values of a payload and of its session as they are."""
    return _EXACT.issuperset(map(type, session.values())) and (
        not base or _EXACT.issuperset(map(type, value.values()))
    )


def _call_kind(model: str, call: Call) -> CallKind:
    operation = call.operation
    if operation != "reopen":
        operation = OPERATIONS_OF.get(model, operation or "update")
    named = call.operation is not None
    return CallKind(model, operation, call.dry, call.before.known, call.now is not None, named)


def _key(path: Path) -> str:
    return str(path[-1]).removesuffix(_UNTRANSLATED)
