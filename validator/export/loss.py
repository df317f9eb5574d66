"""Loss: a keyword that an export lacks, or that has another meaning in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..findings.pointer import Path, to_pointer


class Effect(StrEnum):
    """The effect of a loss on verdicts."""

    LOOSER = "looser"
    """A validator may accept values that the original rejects."""
    STRICTER = "stricter"
    """A validator may reject values that the original accepts."""
    NONE = "none"
    """No verdict changes, but documentation is lost."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of a keyword at a place."""

    model: str
    """The model whose schema file has the keyword."""
    path: Path
    """The path of the keyword in the file."""
    effect: Effect
    reason: str

    @property
    def keyword(self) -> str:
        """The keyword, which is the last step of the path."""
        return str(self.path[-1])

    @property
    def place(self) -> str:
        """The place as a reference, such as ``CartItem.json#/properties/position/readOnly``."""
        return f"{self.model}.json#{to_pointer(self.path)}"
