"""Plan: how to judge a kind of call, worked out once and used for every payload of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from .code import Severity
from .models import BASES
from .outline import outline
from .pointer import Path
from .policy import Policy
from .report import Skipped
from .rules import RULES, Rule
from .rules.context import Setting
from .rules.rule import NO_BODY, place
from .structure import Engine

if TYPE_CHECKING:
    from .structure.sieve import Sieve


class Step(NamedTuple):
    """A rule to be judged."""

    rule: Rule
    places: tuple[Path, ...]
    """The places in the payload, ``*`` for any step, that it can't be judged without."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to judge, and what not."""

    steps: tuple[Step, ...]
    """Every rule to be judged."""
    unsettled: tuple[Step, ...]
    """Those of them that have to be judged even if the whole payload passes `sieve`."""
    skipped: tuple[Skipped, ...]
    sieve: Sieve | None
    """Finds what is in order at once; None if the engine can't."""


def plan(
    engine: Engine,
    policy: Policy,
    severities: Mapping[str, Severity | None],
    setting: Setting,
) -> Plan:
    """Sort the rules: those to be judged, and those that lack something of their context."""
    steps, skipped = [], []
    base = BASES.get(setting.model, ())
    for rule in RULES.values():
        code = rule.code
        if severities[code.name] is None or engine.edition not in code.editions:
            continue
        if code.models and setting.model not in code.models:
            continue
        lack = rule.lacks(setting, policy)
        if lack is None:
            steps.append(Step(rule, rule.places(base)))
        elif lack:
            skipped.append(Skipped(code.name, lack))
    names = {step.rule.code.name for step in steps}
    sieve = None
    if setting.model != NO_BODY and engine.sieve is not None:
        sieve = engine.sieve(
            outline(engine.edition, setting.model),
            (*base, "cartItems"),
            _fragments(steps, base, policy),
            request="payload/read-only-property" in names,
            closed="payload/unknown-property" in names,
        )
    unsettled = tuple(step for step in steps if sieve is None or step.rule.clean is None)
    return Plan(tuple(steps), unsettled, tuple(sorted(skipped)), sieve)


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
