"""Pointer: paths in a JSON document as tuples, and as JSON Pointers (RFC 6901)."""

from __future__ import annotations

from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""The keys and array indexes from the root to a value, for example ``("cartItems", 0)``."""


def to_pointer(path: Path) -> str:
    """Return the RFC 6901 JSON Pointer of `path`; the root is the empty string."""
    return "".join([f"/{_escape(step)}" for step in path])


def _escape(step: str | int) -> str | int:
    if isinstance(step, int) or ("~" not in step and "/" not in step):
        return step
    return step.replace("~", "~0").replace("/", "~1")


def order(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key: parents before children, indexes by number, keys by code point."""
    return tuple([(0, step, "") if isinstance(step, int) else (1, 0, step) for step in path])
