"""Collector: the worst problems of a check, and the number of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..findings.code import Severity
from ..findings.pointer import order
from ..findings.problem import Problem

_LEVELS = tuple(Severity)
COUNTED = 1000
"""The number of problems beyond the limit up to which they are counted."""


class Collector:
    """A collection of problems, limited for each severity."""

    __slots__ = (
        "_counted", "_counts", "_gave_up", "_kept", "_limit", "_refusing", "_severities",
        "crashed", "doubtful", "refused",
    )  # fmt: skip

    def __init__(
        self,
        severities: Mapping[str, Severity | None],
        limit: int,
        counted: int = COUNTED,
        refusing: frozenset[str] = frozenset(),
    ) -> None:
        """Collect up to `limit` problems, at the `severities` of their codes (None: not at all).

        Up to `counted` further problems are counted. A problem with a code in `refusing` sets
        `refused`, whether it is collected or not.
        """
        self._severities = severities
        self._counted = limit + counted
        self._limit = limit
        self._kept: dict[Severity, list[Problem]] = {}
        self._counts: dict[Severity, int] = {}
        self._gave_up = False
        self._refusing = refusing
        self.refused = False
        """Whether the API refuses the call."""
        self.crashed = False
        """Whether a rule failed, so that the check is incomplete."""
        self.doubtful = False
        """Whether a rule found problems in items that may not be plain JSON."""

    def add(self, problem: Problem) -> bool:
        """Add a problem; return False if further ones of its severity would be ignored."""
        severity = self._severities[problem.code]
        if problem.code in self._refusing:
            self.refused = True
        if severity is None:
            return True
        count = self._counts.get(severity, 0)
        if count >= self._counted:
            self._gave_up = True
            return False
        self._counts[severity] = count + 1
        if count < self._limit:
            self._kept.setdefault(severity, []).append(problem)
        return True

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add problems."""
        for problem in problems:
            self.add(problem)

    @property
    def empty(self) -> bool:
        """Whether no problem was collected."""
        return not self._counts

    @property
    def ok(self) -> bool:
        """Whether no error was collected."""
        return Severity.ERROR not in self._counts

    @property
    def omitted(self) -> int | None:
        """The number of problems that `worst` leaves out; None if there were too many to count."""
        if self._gave_up:
            return None
        return max(0, sum(self._counts.values()) - self._limit)

    def worst(self) -> list[tuple[Problem, Severity]]:
        """Return the worst problems up to the limit, in order of their paths."""
        if not self._kept:
            return []
        worst = [(each, level) for level in _LEVELS for each in self._kept.get(level, ())]
        if len(worst) == 1:
            return worst
        return sorted(worst[: self._limit], key=lambda worst: (order(worst[0].path), worst[0].code))
