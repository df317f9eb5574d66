"""Files: the results of the files that a command is given, and rows for lines.

Names are imported on first use, since the command needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .rows import Row, check_lines, check_sequence

__all__ = ["Row", "check_lines", "check_sequence"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from . import rows

    return getattr(rows, name)


def __dir__() -> list[str]:
    return sorted(__all__)
