"""Problem: what a reader, an engine or a rule found, as bare data without prose."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .pointer import Path

_NOTHING: Mapping[str, Any] = {}


class Problem(NamedTuple):
    """One fault at one place.

    `params` holds facts of the schema, the policy or the protocol, which may be shown to anyone.
    `values` holds what was taken or computed from the payload, which redaction leaves out.
    """

    code: str
    path: Path = ()
    params: Mapping[str, Any] = _NOTHING
    values: Mapping[str, Any] = _NOTHING
    related: tuple[Path, ...] = ()
    parameter: str | None = None
    """The query parameter at fault, where it is not the payload itself."""
    line: int | None = None
    """1-based line in the JSON text, where only the text shows the place."""
    column: int | None = None
    """1-based column, in characters."""
