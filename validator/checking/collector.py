"""Collector: keeps the problems that matter most, and counts the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..findings.code import Severity
from ..findings.pointer import order
from ..findings.problem import Problem

_LEVELS = tuple(Severity)
COUNTED = 1000
"""How many problems beyond the limit are counted; more are not."""


class Collector:
    """Takes problems as they come, up to a limit for each severity."""

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

        Up to `counted` further problems are counted. A problem whose code is in `refusing` sets
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
        """The API refuses the call."""
        self.crashed = False
        """A rule failed, so that not all was judged."""
        self.doubtful = False
        """A rule found something in items that may not be plain JSON."""

    def add(self, problem: Problem) -> bool:
        """Take a problem; return False if there is no use in more of its severity."""
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
        """Take problems."""
        for problem in problems:
            self.add(problem)

    @property
    def empty(self) -> bool:
        """Nothing was taken."""
        return not self._counts

    @property
    def ok(self) -> bool:
        """No error was taken."""
        return Severity.ERROR not in self._counts

    @property
    def omitted(self) -> int | None:
        """How many problems `worst` leaves out; None if counting was given up."""
        if self._gave_up:
            return None
        return max(0, sum(self._counts.values()) - self._limit)

    def worst(self) -> list[tuple[Problem, Severity]]:
        """Return the worst problems up to the limit, in order of their place."""
        if not self._kept:
            return []
        worst = [(each, level) for level in _LEVELS for each in self._kept.get(level, ())]
        return sorted(worst[: self._limit], key=lambda worst: (order(worst[0].path), worst[0].code))
