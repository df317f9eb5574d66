"""Collector: keeps the problems that matter most, and counts the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .code import Severity
from .pointer import order
from .problem import Problem

_COUNTED = 1000
"""So many problems beyond the limit are counted; then counting is given up."""


class Collector:
    """Takes problems as they come, up to a limit for each severity."""

    def __init__(self, severities: Mapping[str, Severity | None], limit: int) -> None:
        """Collect up to `limit` problems, at the `severities` of their codes (None: not at all)."""
        self._severities = severities
        self._limit = limit
        self._kept: dict[Severity, list[Problem]] = {severity: [] for severity in Severity}
        self._counts = dict.fromkeys(Severity, 0)
        self.gave_up = False

    def full(self, severity: Severity) -> bool:
        """Tell whether more problems of `severity` would not even be counted."""
        return self._counts[severity] >= self._limit + _COUNTED

    def add(self, problem: Problem) -> bool:
        """Take a problem; return False if there is no use in more of its severity."""
        severity = self._severities[problem.code]
        if severity is None:
            return True
        if self.full(severity):
            self.gave_up = True
            return False
        self._counts[severity] += 1
        if len(self._kept[severity]) < self._limit:
            self._kept[severity].append(problem)
        return True

    def extend(self, problems: Iterable[Problem]) -> bool:
        """Take problems until there is no use in more; return False if that came before the end."""
        return all(self.add(problem) for problem in problems)

    @property
    def errors(self) -> int:
        """How many errors there are, as far as they were counted."""
        return self._counts[Severity.ERROR]

    @property
    def omitted(self) -> int | None:
        """How many problems `told` leaves out; None if counting was given up."""
        if self.gave_up:
            return None
        return max(0, sum(self._counts.values()) - self._limit)

    def told(self) -> list[tuple[Problem, Severity]]:
        """Return the worst problems up to the limit, in order of their place."""
        worst = [(each, severity) for severity in Severity for each in self._kept[severity]]
        return sorted(worst[: self._limit], key=lambda told: (order(told[0].path), told[0].code))
