"""Pointer: paths in a JSON document as tuples, and as JSON Pointers (RFC 6901)."""

from __future__ import annotations

from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""The keys and array indexes from the root to a value, for example ``("cartItems", 0)``."""


def to_pointer(path: Path) -> str:
    """Return the RFC 6901 JSON Pointer of `path`; the root is the empty string."""
    steps = [str(step) for step in path]
    pointer = "/".join(["", *steps])
    if "~" not in pointer and pointer.count("/") == len(steps):
        return pointer
    return "/".join(["", *[step.replace("~", "~0").replace("/", "~1") for step in steps]])


def order(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key: parents before children, indexes by number, keys by code point."""
    return tuple([(0, step, "") if isinstance(step, int) else (1, 0, step) for step in path])
