"""Infinities: numbers beyond a double, which a fast parser reads as infinite.

Searching the parsed value is many times faster than scanning the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isinf
from typing import Any

from ..findings.pointer import Path, to_pointer
from ..findings.problem import Problem
from .document import MAX_DEPTH, Document, Source, decode, reread
from .positions import JsonPositions

MOST_PROBLEMS = 1000
"""The most problems that are reported, as by `json_scanner.scan`."""

_HARMLESS = frozenset({str, int, bool, type(None)})


def diagnose(source: Source, value: Any) -> Document:
    """Return the document in `source`, from which the fast parser made `value`.

    It equals the result of `document.reread`. `value` is modified: None replaces each number that
    is too large.
    """
    if not isinstance(value, (dict, list)):
        return reread(source)
    paths: list[Path] = []
    if not _replace_infinities(value, (), paths, MAX_DEPTH):
        return reread(source)
    found = {to_pointer(path): path for path in paths[:MOST_PROBLEMS]}
    places = JsonPositions(decode(source), found)
    problems = []
    for pointer, path in found.items():
        place = places.find(pointer)
        line, column = (place.value.line, place.value.column) if place else (None, None)
        problem = Problem("json/number-range", path, {"limit": "double"}, line=line, column=column)
        problems.append(problem)
    return Document(value, tuple(problems))


def _replace_infinities(part: Any, path: Path, paths: list[Path], depth: int) -> bool:
    """Replace infinite numbers by None and add their paths; return False if nested too deeply."""
    members: Iterable[tuple[str | int, Any]]
    members = part.items() if type(part) is dict else enumerate(part)
    infinite: list[str | int] = []
    for step, value in members:
        kind = type(value)
        if kind is float:
            if isinf(value):
                infinite.append(step)
                paths.append((*path, step))
        elif kind not in _HARMLESS:
            if depth == 1:
                return False
            if value and not _replace_infinities(value, (*path, step), paths, depth - 1):
                return False
    for step in infinite:
        part[step] = None
    return True
