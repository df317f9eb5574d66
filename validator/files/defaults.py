"""Defaults: the settings of the calls in a file."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from ..checking.call import Previous
from ..validator import Validator


class EntryDefaults(NamedTuple):
    """Defaults for the calls of a file."""

    validator: Validator
    previous: Previous
    model: str | None = None
    operation: str | None = None
    dry: bool = False
    now: str | datetime | None = None
