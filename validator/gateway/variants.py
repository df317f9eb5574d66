"""Variants: keys that differ from the API's names only in case.

Go's ``encoding/json`` accepts such a key as the name ("preferring an exact match but also accepting
a case-insensitive match"), and so would an API written in Go. The value of such a key has not been
judged, so a gateway can't let it pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ..findings.pointer import Path
from ..findings.problem import Problem
from ..model.schema_tree import SchemaNode
from ..rules.keys import UNKNOWN, unknown_key


def variants(part: SchemaNode, value: Any, path: Path = ()) -> Iterator[Problem]:
    """Yield a problem for each key of a payload, read from text, that varies a name in `part`."""
    if isinstance(value, dict):
        for key in sorted(value.keys() - part.properties.keys()):
            name = _names_by_case_fold(part).get(key.casefold())
            if name is not None:
                yield Problem(UNKNOWN, *unknown_key((*path, key), part.model, "case", name))
        for key, inner_part in part.properties.items():
            if key in value:
                yield from variants(inner_part, value[key], (*path, key))
    elif isinstance(value, list) and part.items is not None and part.items.properties:
        for index, item in enumerate(value):
            yield from variants(part.items, item, (*path, index))


@cache
def _names_by_case_fold(part: SchemaNode) -> Mapping[str, str]:
    return {name.casefold(): name for name in part.properties}
