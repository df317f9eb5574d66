"""The layout of JSON files that people write: what fits stands on one line."""

from __future__ import annotations

import json
from typing import Any, Final

WIDTH: Final = 100
"""Columns of a line."""


def lay_out(data: Any) -> str:
    """Return JSON text in which arrays and objects stand on one line if they fit into `WIDTH`."""
    return _lay_out(data, 0, 0) + "\n"


def _lay_out(data: Any, indent: int, used: int) -> str:
    """Return a value; `used` columns of its first line are taken by its key and indent."""
    line = json.dumps(data, ensure_ascii=False)
    if not isinstance(data, (dict, list)) or not data or used + len(line) + 1 <= WIDTH:
        return line
    pad = "  " * (indent + 1)
    if isinstance(data, dict):
        left, right = "{", "}"
        parts = []
        for key, value in data.items():
            start = f"{pad}{json.dumps(key, ensure_ascii=False)}: "
            parts.append(start + _lay_out(value, indent + 1, len(start)))
    else:
        left, right = "[", "]"
        parts = [pad + _lay_out(value, indent + 1, len(pad)) for value in data]
    body = ",\n".join(parts)
    return f"{left}\n{body}\n{'  ' * indent}{right}"
