"""JSON that is written: any output and any reader can take it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any


def document(data: Any) -> str:
    """Return `data` as JSON in ASCII, which any output and any reader can take."""
    return json.dumps(_plain(data), indent=2, allow_nan=False) + "\n"


def indent(data: Any, by: int) -> str:
    """Return `data` as a part of a document, each line indented by `by` blanks."""
    return textwrap.indent(document(data).rstrip("\n"), " " * by)


def _plain(value: Any) -> Any:
    """Return `value` with texts in place of what JSON has no form for."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return str(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        from ..findings.message import show

        return show(value)
    return value
