"""Rest: what is told of the findings that a report leaves out."""

from __future__ import annotations

from .words import count


def omitted(number: int | None) -> str:
    """Return what is told of `number` findings that are not shown; None if nobody counted them."""
    if number is None:
        return "there are more findings than were counted"
    return f"{count(number, 'more finding', 'more findings')} not shown"
