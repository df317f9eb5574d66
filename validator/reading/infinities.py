"""Infinities: numbers beyond a double, which a fast parser reads as infinite.

To search the values it returned is many times faster than to read the text anew.
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
"""The most that are reported, as by `json_scanner.scan`."""

_HARMLESS = frozenset({str, int, bool, type(None)})


def diagnose(source: Source, value: Any) -> Document:
    """Return the document in `source`, given the `value` that the fast parser made of it.

    It is what `document.reread` returns. `value` is changed: None takes the place of each number
    that is too large.
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
    """Put None in place of infinite numbers and note their paths; False if nested too deep."""
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
