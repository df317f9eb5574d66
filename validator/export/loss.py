"""Loss: a keyword that an export lacks, or that counts for something else in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..findings.pointer import Path, to_pointer


class Effect(StrEnum):
    """The effect of a loss on verdicts."""

    LOOSER = "looser"
    """A validator may take what the original refuses."""
    STRICTER = "stricter"
    """A validator may refuse what the original takes."""
    NONE = "none"
    """No verdict changes; readers learn less."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The loss of one keyword at one place."""

    model: str
    """The model whose schema file has the keyword."""
    path: Path
    """The place of the keyword in that file."""
    effect: Effect
    reason: str

    @property
    def keyword(self) -> str:
        """The last step of the path."""
        return str(self.path[-1])

    @property
    def place(self) -> str:
        """The place as a reference, such as ``CartItem.json#/properties/position/readOnly``."""
        return f"{self.model}.json#{to_pointer(self.path)}"
