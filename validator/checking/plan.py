"""Plan: the rules for a kind of call, which are selected once for all its payloads."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..findings.code import Severity
from ..findings.pointer import Path
from ..model.detection import BASES
from ..model.policy import Policy
from ..model.schema_tree import SchemaNode, schema_tree
from ..rules import RULES, Rule
from ..rules.context import CallKind, Invalid
from ..rules.rule import NO_BODY, Builtin, place
from ..structure import Engine
from ..structure.engine import OTHERS
from .report import Report, Skipped

if TYPE_CHECKING:
    from ..structure.engine import Prefilter, Suspects


_KINDS = 256
"""The most sets of suspect and invalid places, or of skipped rules, that are cached."""
_FEW = 8
"""The most invalid places of such a set, so that the cache has a bound."""
_NOT_VALID = "a part that it reads is not valid"


class Step(NamedTuple):
    """A rule to be applied."""

    rule: Rule
    places: tuple[Path, ...]
    """The places of the payload, with ``*`` for any step, that have to be valid."""


class Selection(NamedTuple):
    """The rules to be applied to a payload, and those that its invalid places prevent."""

    steps: tuple[Step, ...]
    skipped: tuple[Skipped, ...] = ()


class Plan:
    """The rules for payloads of one kind of call, and those that are skipped."""

    __slots__ = (
        "_at",
        "_examined",
        "_on_items",
        "_reported",
        "_reports",
        "always",
        "base",
        "call_kind",
        "clean_report",
        "prefilter",
        "schema_tree",
        "skipped",
        "steps",
    )

    def __init__(
        self,
        engine: Engine,
        policy: Policy,
        severities: Mapping[str, Severity | None],
        call_kind: CallKind,
        refusing: frozenset[str],
    ) -> None:
        """Select the rules to be applied, and those to be skipped for lack of context.

        A rule whose code is in `refusing` is applied even if it is not reported.
        """
        bodyless = call_kind.model == NO_BODY
        self.call_kind = call_kind
        self.base = base = BASES.get(call_kind.model, ())
        """The path of the session in a payload."""
        self.schema_tree = (
            SchemaNode(NO_BODY) if bodyless else schema_tree(engine.edition, call_kind.model)
        )
        self.steps, self.skipped = _sort_rules(engine, policy, severities, call_kind, refusing)
        """The rules to be applied, and those that are skipped."""
        self.prefilter = None if bodyless else self._make_prefilter(engine, policy)
        """The prefilter of payloads; None if the engine has none."""
        self.always = Selection(
            tuple(
                step for step in self.steps if self.prefilter is None or step.rule.prefilter is None
            )
        )
        """The rules to be applied even if the whole payload passes `prefilter`."""
        self._reported = frozenset(code for code, level in severities.items() if level is not None)
        described = _places_of_keys(self.schema_tree.at(base))
        self._examined = [
            described
            if isinstance(step.rule.prefilter, Builtin)
            else _examined_places(step.rule, policy, base)
            for step in self.steps
        ]
        self._on_items = tuple(
            step
            for step, examined in zip(self.steps, self._examined, strict=True)
            if examined is None or any(each.startswith("cartItems") for each in examined)
        )
        self._at: dict[tuple[frozenset[str], frozenset[Path]], Selection] = {}
        self.clean_report = Report(
            ok=True,
            findings=(),
            model=None if bodyless else call_kind.model,
            edition=engine.edition,
            skipped=self.skipped,
        )
        """The report of a payload without findings to which every rule could be applied."""
        self._reports: dict[tuple[Skipped, ...], Report] = {(): self.clean_report}

    def _make_prefilter(self, engine: Engine, policy: Policy) -> "Prefilter | None":
        prefilters = [step.rule.prefilter for step in self.steps]
        return engine.prefilter(
            self.schema_tree,
            (*self.base, "cartItems"),
            _fragments(self.steps, self.base, policy),
            request=Builtin.NO_READ_ONLY_KEYS in prefilters,
            # Keys that only responses have are unknown to the schema of a request.
            closed=any(isinstance(each, Builtin) for each in prefilters),
        )

    def rules_for(
        self, suspects: "Suspects", places: frozenset[str] | None, invalid: Invalid
    ) -> Selection:
        """Return the rules that may find problems in a payload with these suspects.

        `places` are the suspect places, as returned by `Prefilter.suspect_places`. Rules that read
        `invalid` places are skipped.
        """
        if not suspects.shell and suspects.items is not None and not suspects.items:
            return self.always
        if places is None:
            return self._readable(self.steps if suspects.shell else self._on_items, invalid)
        known = self._at.get((places, invalid.kinds))
        if known is None:
            steps = (
                step
                for step, examined in zip(self.steps, self._examined, strict=True)
                if examined is None or not examined.isdisjoint(places)
            )
            known = self._readable(steps, invalid)
            if len(self._at) < _KINDS and len(invalid.kinds) <= _FEW:
                self._at[places, invalid.kinds] = known
        return known

    def _readable(self, steps: Iterable[Step], invalid: Invalid) -> Selection:
        """Select the rules that read no invalid place."""
        readable, skipped = [], []
        for step in steps:
            if not invalid.blocks(step.places):
                readable.append(step)
            elif step.rule.code.name in self._reported:
                skipped.append(Skipped(step.rule.code.name, _NOT_VALID))
        return Selection(tuple(readable), tuple(skipped))

    def report_without_findings(self, skipped: tuple[Skipped, ...]) -> Report:
        """Return the report of a payload without findings in which `skipped` could not be judged.

        Reports are cached: the skipped rules usually depend on few properties of a payload.
        """
        report = self._reports.get(skipped)
        if report is None:
            everything = tuple(sorted({*self.skipped, *skipped}))
            report = self.clean_report._replace(skipped=everything)
            if len(self._reports) < _KINDS:
                self._reports[skipped] = report
        return report


def _sort_rules(
    engine: Engine,
    policy: Policy,
    severities: Mapping[str, Severity | None],
    call_kind: CallKind,
    refusing: frozenset[str],
) -> tuple[tuple[Step, ...], tuple[Skipped, ...]]:
    """Return the rules to be applied to a kind of call, and those that lack context."""
    steps, skipped = [], []
    base = BASES.get(call_kind.model, ())
    for rule in RULES.values():
        code = rule.code
        reported = severities[code.name] is not None
        if engine.edition not in code.editions:
            continue
        if not reported and code.name not in refusing:
            continue
        if code.models and call_kind.model not in code.models:
            continue
        lack = rule.lacks(call_kind, policy)
        if lack is None:
            steps.append(Step(rule, rule.places(base)))
        elif lack and reported:
            skipped.append(Skipped(code.name, lack))
    return tuple(steps), tuple(sorted(skipped))


def _examined_places(rule: Rule, policy: Policy, base: Path) -> frozenset[str] | None:
    """Return the places that a rule examines, as in `Prefilter.suspect_places`; None for any.

    Places outside the session are not included.
    """
    fragments = rule.fragments(policy)
    if not fragments:
        return None
    examined = set()
    for where in (*fragments, *rule.reads):
        path = place(where, base)
        if path[: len(base)] == base:
            key, *below = path[len(base) :]
            examined.add("/".join(map(str, (key, *below[:2]))) if len(below) > 1 else str(key))
    return frozenset(examined)


def _places_of_keys(session: SchemaNode | None) -> frozenset[str]:
    """Return the places that may have keys which are unknown or which only the API sets."""
    places = {OTHERS, f"cartItems/*/{OTHERS}"}
    if session is not None:
        cart = session.properties.get("cartItems")
        items = {} if cart is None or cart.items is None else cart.items.properties
        for above, properties in (("", session.properties), ("cartItems/*/", items)):
            places |= {
                f"{above}{key}"
                for key, below in properties.items()
                if any(each.properties for each in below.walk())
            }
    return frozenset(places)


def _fragments(steps: Iterable[Step], base: Path, policy: Policy) -> dict[Path, dict[str, Any]]:
    """Merge the keywords of rules by place; raises `ValueError` if two rules disagree."""
    fragments: dict[Path, dict[str, Any]] = {}
    for step in steps:
        for where, keywords in step.rule.fragments(policy).items():
            at = fragments.setdefault(place(where, base), {})
            for keyword, value in keywords.items():
                if at.setdefault(keyword, value) != value:
                    message = f"rules disagree on {keyword} at {where}"
                    raise ValueError(message)
    return fragments
