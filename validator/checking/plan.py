"""Plan: how to judge a kind of call, worked out once and used for every payload of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..findings.code import Severity
from ..findings.pointer import Path
from ..model.detection import BASES
from ..model.policy import Policy
from ..model.schema_tree import Outline, outline
from ..rules import RULES, Rule
from ..rules.context import Setting
from ..rules.rule import NO_BODY, place
from ..structure import Engine
from .report import Report, Skipped

if TYPE_CHECKING:
    from ..structure.engine import Sieve


class Step(NamedTuple):
    """A rule to be judged."""

    rule: Rule
    places: tuple[Path, ...]
    """The places in the payload, ``*`` for any step, that it can't be judged without."""


class Plan:
    """What to judge in payloads of one setting, and what not."""

    __slots__ = (
        "base",
        "good",
        "on_items",
        "on_session",
        "outline",
        "setting",
        "sieve",
        "skipped",
        "steps",
        "unsettled",
    )

    def __init__(
        self,
        engine: Engine,
        policy: Policy,
        severities: Mapping[str, Severity | None],
        setting: Setting,
        refusing: frozenset[str],
    ) -> None:
        """Sort the rules: those to be judged, and those that lack something of their context.

        A rule whose code is in `refusing` is judged even if it is not reported.
        """
        steps, skipped = [], []
        bodyless = setting.model == NO_BODY
        self.setting = setting
        self.base = base = BASES.get(setting.model, ())
        """Where the session stands in a payload."""
        self.outline = Outline(NO_BODY) if bodyless else outline(engine.edition, setting.model)
        for rule in RULES.values():
            code = rule.code
            reported = severities[code.name] is not None
            if engine.edition not in code.editions:
                continue
            if not reported and code.name not in refusing:
                continue
            if code.models and setting.model not in code.models:
                continue
            lack = rule.lacks(setting, policy)
            if lack is None:
                steps.append(Step(rule, rule.places(base)))
            elif lack and reported:
                skipped.append(Skipped(code.name, lack))
        names = {step.rule.code.name for step in steps}
        self.sieve: Sieve | None = None
        """Finds what is in order at once; None if the engine can't."""
        if not bodyless:
            self.sieve = engine.sieve(
                self.outline,
                (*base, "cartItems"),
                _fragments(steps, base, policy),
                request="payload/read-only-property" in names,
                closed="payload/unknown-property" in names,
            )
        self.steps = tuple(steps)
        """Every rule to be judged."""
        self.unsettled = tuple(
            step for step in steps if self.sieve is None or step.rule.clean is None
        )
        """Those of them that have to be judged even if the whole payload passes `sieve`."""
        self.on_items = tuple(step for step in self.steps if _on_items(step.rule, policy))
        """Those that have to be judged if only items of the cart do not pass it."""
        self.on_session = tuple(step for step in self.steps if _on_session(step.rule, policy))
        """Those that have to be judged if all items of the cart pass it."""
        self.skipped = tuple(sorted(skipped))
        self.good = Report(
            ok=True,
            findings=(),
            model=None if bodyless else setting.model,
            edition=engine.edition,
            skipped=self.skipped,
        )
        """What is reported of a payload without findings, if every step could be judged."""


def _on_items(rule: Rule, policy: Policy) -> bool:
    """Tell whether `rule` needs judging though all but the items of the cart is in order."""
    fragments = rule.fragments(policy)
    return not fragments or any(
        place.startswith("cartItems") for place in (*fragments, *rule.reads)
    )


def _on_session(rule: Rule, policy: Policy) -> bool:
    """Return True if `rule` needs judging though the items of the cart are in order."""
    fragments = rule.fragments(policy)
    return not fragments or any(
        not place.startswith("cartItems") for place in (*fragments, *rule.reads)
    )


def _fragments(steps: list[Step], base: Path, policy: Policy) -> dict[Path, dict[str, Any]]:
    """Gather what the rules ask of single places; two may not ask different things."""
    fragments: dict[Path, dict[str, Any]] = {}
    for step in steps:
        for where, keywords in step.rule.fragments(policy).items():
            at = fragments.setdefault(place(where, base), {})
            for keyword, value in keywords.items():
                if at.setdefault(keyword, value) != value:
                    message = f"rules disagree on {keyword} at {where}"
                    raise ValueError(message)
    return fragments
