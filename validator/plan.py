"""Plan: the rules that a kind of call asks for, worked out once and used for every payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .code import Severity
from .models import BASES
from .pointer import Path
from .policy import Policy
from .report import Skipped
from .rules import RULES, Rule
from .rules.context import Setting


class Step(NamedTuple):
    """A rule to be judged."""

    rule: Rule
    places: tuple[Path, ...]
    """The places in the payload, ``*`` for any step, that it can't be judged without."""


class Plan(NamedTuple):
    """What to judge, and what not."""

    steps: tuple[Step, ...]
    skipped: tuple[Skipped, ...]


def plan(
    edition: str, policy: Policy, severities: Mapping[str, Severity | None], setting: Setting
) -> Plan:
    """Sort the rules: those to be judged, and those that lack something of their context."""
    steps, skipped = [], []
    base = BASES.get(setting.model, ())
    for rule in RULES.values():
        code = rule.code
        if severities[code.name] is None or edition not in code.editions:
            continue
        if code.models and setting.model not in code.models:
            continue
        lack = rule.lacks(setting, policy)
        if lack is None:
            steps.append(Step(rule, rule.places(base)))
        elif lack:
            skipped.append(Skipped(code.name, lack))
    return Plan(tuple(steps), tuple(skipped))
