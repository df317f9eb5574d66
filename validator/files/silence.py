"""Silence: findings that a project does not want reported, for a given reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..checking.registry import select_codes
from ..findings.finding import Finding
from ..reading.positions import steps
from .documents import ANY


class Silence(Protocol):
    """A source of silenced findings."""

    def takes(self, finding: Finding) -> bool:
        """Return True if a finding is silenced, and count it."""


class EntrySilence:
    """An ``ignore`` in the settings for some files."""

    def __init__(self, name: str, pointer: str | None) -> None:
        """Silence a code or group at and below a pointer, which may have the wildcard ``*``."""
        self.name = name
        self.codes = select_codes([name])
        self._steps = steps(pointer or "")
        self.count = 0
        """The number of silenced findings."""

    def takes(self, finding: Finding) -> bool:
        """Return True if the finding has one of the codes and the place, and count it."""
        if finding.code not in self.codes or not self._matches(finding):
            return False
        self.count += 1
        return True

    def _matches(self, finding: Finding) -> bool:
        if not self._steps:
            return True
        return finding.parameter is None and _leads(self._steps, steps(finding.pointer))


def _leads(above: Sequence[str], path: Sequence[str]) -> bool:
    """Return True if `above`, which may have ``*``, is a prefix of a path."""
    return len(above) <= len(path) and all(
        step in (ANY, key) for step, key in zip(above, path, strict=False)
    )
