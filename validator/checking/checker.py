"""Checker: the check of a payload, from reading through structure and rules to the report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from ..findings.code import Severity
from ..findings.finding import finding
from ..findings.pointer import Path
from ..findings.problem import Problem
from ..model.detection import detect, wire_keys
from ..model.naming import _UNTRANSLATED, Naming, Translation, respell, to_snake
from ..model.policy import Policy
from ..model.recognition import foreign, nearest
from ..reading import document, python_values
from ..reading.document import Document
from ..rules.context import Context, Missing
from ..rules.keys import UNKNOWN, unknown_key
from ..rules.rule import NO_BODY
from ..structure import Engine
from ..structure.engine import EVERYTHING
from .call import Call
from .codes import RULE_CRASH, UNRECOGNISED
from .collector import COUNTED, Collector
from .plan import Plan, Selection
from .registry import CODES, REFUSING, VOIDING
from .report import Report, Skipped
from .schema_problems import collect

if TYPE_CHECKING:
    from ..structure.engine import Suspects

_TEXT = (bytes, bytearray, memoryview, str)

_EXACT = frozenset({dict, list, tuple, str, int, float, bool, type(None)})
"""The types of the direct members of a session that rules can read without normalising."""

_KEYS_SHOWN = 10
"""The number of keys in the finding about an object that resembles no payload."""

_TOO_MUCH = "too much of the payload is not valid"


class CheckResult(NamedTuple):
    """The result of a check."""

    report: Report
    session: Mapping[str, Any] = {}
    """The session, or the return, of the payload in wire names."""
    crashed: bool = False
    """Whether a rule failed."""
    refused: bool = False
    """Whether the API refuses the call, according to the codes in `Checker.refusing`."""
    doubtful: bool = False
    """Whether a rule that also reads items that were not normalised found problems in items."""


class Checker:
    """A checker of payloads with one configuration; see `Validator` for its parts."""

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
        """Set the configuration.

        Up to `counted` findings beyond `max_findings` are counted. Codes in `refusing` are checked
        even if `severities` excludes them from reports, and set `CheckResult.refused`. `effort`
        limits the diagnosis of faulty text.
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
        """Return a checker that reports only errors, and stops at the first."""
        errors = {
            code: severity if severity is Severity.ERROR else None
            for code, severity in self.severities.items()
        }
        return Checker(
            self.engine, self.policy, self.naming, errors, 1, redact=self.redact, counted=0
        )

    def for_history(self) -> "Checker":
        """Return a checker with the same reports that also determines if the API refuses a call."""
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
        if _has_no_body(call):
            return self._check_no_body(
                call, sent=payload is not None and (text is None or len(text) > 0)
            )
        read = Document(payload) if text is None else document.read(text, self.effort)
        if read.readable and not read.problems:
            result = self._check_suspects(read.value, call, from_text=text is not None)
            if result is not None:
                return result
            if text is None:
                value, problems = python_values.plain(read.value, wire=self.naming == "wire")
                read = Document(value, tuple(problems))
            elif not _plain(read.value):
                # A fast parser accepted the text; the diagnosis knows the line.
                from ..reading import infinities

                read = infinities.diagnose(text, read.value)
        return self.document(read, call)

    def document(self, read: Document, call: Call) -> CheckResult:
        """Check a document that was already read; its value is plain JSON."""
        if _has_no_body(call):
            return self._check_no_body(call, sent=read.value is not None or not read.readable)
        if not read.readable:
            return self._unreadable(read)
        model = call.model or detect(self.engine.edition, read.value, call.operation, self.naming)
        if model is None:
            return self._unrecognised_report(read)
        return self._check(read.value, self._plan(model, call), call, EVERYTHING, read.problems)

    def _check_suspects(self, value: Any, call: Call, *, from_text: bool) -> CheckResult | None:
        """Check only the suspects of a value; return None if it has to be normalised first.

        A value that was not read `from_text` may contain enumerations and the like, which pass a
        prefilter as their values, but which rules can't read.
        """
        if type(value) is not dict or self.naming != "wire":
            return None
        model = call.model or detect(self.engine.edition, value, call.operation, self.naming)
        if model is None:
            return None
        plan = self._plan(model, call)
        prefilter = plan.prefilter
        if prefilter is None or not (from_text or _exact(value, plan.base)):
            return None
        suspects = prefilter.scan(value)
        if suspects is None:
            return None
        places = None
        if suspects.shell or suspects.items:
            places = prefilter.suspect_places(value, suspects)
            if places is None:
                value, problems = prefilter.normalise(value, suspects, read=from_text)
                if problems:
                    return None
        result = self._check(value, plan, call, suspects, places=places)
        if result.crashed or (result.doubtful and not from_text and not _plain(value)):
            # Such a value, in an item that passed, may be the cause.
            return None
        return result

    def _check(
        self,
        value: Any,
        plan: Plan,
        call: Call,
        suspects: "Suspects",
        problems: Sequence[Problem] = (),
        *,
        places: frozenset[str] | None = None,
    ) -> CheckResult:
        """Check the suspects of plain JSON; `problems` are those of reading it."""
        collector, translation = None, None
        if problems:
            collector = self._collector(problems)
        if self.naming == "snake":
            translation = Translation(value, plan.schema_tree)
            value = translation.wire
            collector = self._collector(_untranslatable(translation), collector)
        # Without suspects, only rules without a prefilter are applied, which read all items.
        items = suspects.items if suspects.shell or suspects.items else None
        context = self._context(plan, call, value, items, places)
        if suspects.structure:
            collector = collector or self._collector()
            void = frozenset(each.path for each in problems if each.code in VOIDING)
            invalid = collect(
                self.engine, context, void, collector, only_items=not suspects.shell_structure
            )
            if invalid is None:
                skipped = [
                    Skipped(step.rule.code.name, _TOO_MUCH)
                    for step in plan.steps
                    if self.severities[step.rule.code.name] is not None
                ]
                return CheckResult(
                    self._report(collector, plan, skipped, translation), refused=True
                )
            context = context.with_invalid(invalid)
        selection = plan.rules_for(suspects, places, context.invalid)
        collector, skipped = self._apply(selection, context, collector)
        if collector is None:
            return CheckResult(plan.report_without_findings(tuple(skipped)), context.session)
        return CheckResult(
            self._report(collector, plan, skipped, translation),
            context.session,
            collector.crashed,
            collector.refused,
            collector.doubtful,
        )

    def _check_no_body(self, call: Call, *, sent: bool) -> CheckResult:
        """Check a call that has no body; `sent` is True if there is one nevertheless."""
        plan = self._plan(NO_BODY, call)
        context = self._context(plan, call, {})._replace(value=sent)
        collector = self._collector()
        _, skipped = self._apply(Selection(plan.steps), context, collector)
        return CheckResult(self._report(collector, plan, skipped), refused=collector.refused)

    def _collector(
        self, problems: Iterable[Problem] = (), collector: Collector | None = None
    ) -> Collector:
        """Add problems to a collector, by default a new one, and return it."""
        if collector is None:
            collector = Collector(self.severities, self.max_findings, self.counted, self.refusing)
        collector.extend(problems)
        return collector

    def _apply(
        self, selection: Selection, context: Context, collector: Collector | None = None
    ) -> tuple[Collector | None, list[Skipped]]:
        """Apply rules; return the collector of their problems, and the skipped rules.

        The collector is created at the first problem, since most payloads have none.
        """
        skipped = list(selection.skipped)
        everything = context if context.suspects is None else context.of_all_items()
        for rule, _ in selection.steps:
            try:
                for each in rule.check(everything if rule.prefilter is None else context):
                    if isinstance(each, Missing):
                        if self.severities[rule.code.name] is not None:
                            skipped.append(Skipped(rule.code.name, each.reason))
                        continue
                    collector = collector or self._collector()
                    if rule.prefilter is None and "cartItems" in each.path:
                        collector.doubtful = True
                    if not collector.add(Problem(rule.code.name, *each)):
                        break
            except Exception as error:  # noqa: BLE001 - a defect of one rule must not hide others
                crash = {"rule": rule.code.name, "error": type(error).__name__}
                collector = collector or self._collector()
                collector.add(Problem(RULE_CRASH.name, (), crash, {"detail": str(error)}))
                collector.crashed = True
        return collector, skipped

    def _plan(self, model: str, call: Call) -> Plan:
        asked = (model, call.operation, call.dry, call.before.known, call.now is not None)
        known = self._plans.get(asked)
        if known is None:
            known = Plan(self.engine, self.policy, self.severities, call.kind(model), self.refusing)
            self._plans[asked] = known
        return known

    def _context(
        self,
        plan: Plan,
        call: Call,
        value: Any,
        suspects: Sequence[int] | None = None,
        places: frozenset[str] | None = None,
    ) -> Context:
        session = _session(value, plan.base)
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
            places,
            suspects,
        )

    def _report(
        self,
        collector: Collector,
        plan: Plan,
        skipped: list[Skipped],
        translation: Translation | None = None,
    ) -> Report:
        clean = plan.report_without_findings(tuple(skipped))
        if collector.empty:
            return clean
        findings = []
        for problem, severity in collector.worst():
            own = problem if translation is None else translation.problem(problem)
            code, spell = CODES[problem.code], str if translation is None else respell
            found = finding(own, code, severity, redact=self.redact, respell=spell)
            findings.append(found)
        return Report(
            ok=collector.ok,
            findings=tuple(findings),
            model=clean.model,
            edition=clean.edition,
            skipped=clean.skipped,
            omitted=collector.omitted,
        )

    def _unreadable(self, read: Document) -> CheckResult:
        """Report faults of the text, which no selection of codes hides."""
        if any(CODES[each.code].group == "payload" for each in read.problems):
            return self._without_payload(read.problems)
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

    def _unrecognised_report(self, read: Document) -> CheckResult:
        """Report that an object resembles no payload, and where it may contain one."""
        params = {"kind": foreign(wire_keys(read.value, self.naming)) or ""}
        inside = nearest(read.value)
        if inside is not None:
            params = {"kind": "inside", "at": inside}
        keys = list(islice(read.value, _KEYS_SHOWN))
        unrecognised = Problem(UNRECOGNISED.name, (), params, {"keys": keys})
        return self._without_payload([unrecognised, *read.problems])

    def _without_payload(self, problems: Iterable[Problem]) -> CheckResult:
        """Report that a document has no payload."""
        collector = self._collector(problems)
        findings = tuple(
            finding(problem, CODES[problem.code], severity, redact=self.redact)
            for problem, severity in collector.worst()
        )
        report = Report(ok=collector.ok, findings=findings, model=None, edition=self.engine.edition)
        return CheckResult(report, refused=collector.refused)


def _plain(value: Any) -> bool:
    return python_values.is_plain(value, max_depth=document.MAX_DEPTH - 1)


def _has_no_body(call: Call) -> bool:
    return call.operation == "reopen" and call.model is None


def _untranslatable(translation: Translation) -> Iterator[Problem]:
    for path, part in translation.untranslatable:
        name = str(path[-1]).removesuffix(_UNTRANSLATED)
        yield Problem(UNKNOWN, *unknown_key(path, part.model, "wire-name", to_snake(name)))


def _session(value: Any, base: Path) -> Any:
    """Return the value at the place of the session in a payload, None if there is none."""
    for step in base:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _exact(value: dict[str, Any], base: Path) -> bool:
    """Return True if rules can read the members of a payload and its session unnormalised."""
    session: Any = _session(value, base) if base else None
    return _EXACT.issuperset(map(type, value.values())) and (
        type(session) is not dict or _EXACT.issuperset(map(type, session.values()))
    )
