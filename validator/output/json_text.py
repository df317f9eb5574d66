"""JSON text: JSON in ASCII, which is valid for any output and any reader."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any


def document(data: Any) -> str:
    """Return `data` as JSON in ASCII."""
    return json.dumps(_plain(data), indent=2, allow_nan=False) + "\n"


def indent(data: Any, by: int) -> str:
    """Return `data` as a part of a document, with lines indented by `by` blanks."""
    return textwrap.indent(document(data).rstrip("\n"), " " * by)


def _plain(value: Any) -> Any:
    """Return `value` with strings in place of values that JSON can't represent."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return str(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        from ..findings.message import format_value

        return format_value(value)
    return value
