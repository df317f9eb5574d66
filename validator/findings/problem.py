"""Problem: a result of a reader, an engine or a rule, as data without prose."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from .pointer import Path

_NOTHING: Mapping[str, Any] = {}


class Problem(NamedTuple):
    """A fault at a place.

    `params` has facts of the schema, the policy or the protocol, which are not confidential.
    `values` has data that was taken or computed from the payload, which redaction removes.
    """

    code: str
    path: Path = ()
    params: Mapping[str, Any] = _NOTHING
    values: Mapping[str, Any] = _NOTHING
    related: tuple[Path, ...] = ()
    parameter: str | None = None
    """The query parameter at fault, if it is not the payload."""
    line: int | None = None
    """The 1-based line in the JSON text, if only the text has the place."""
    column: int | None = None
    """The 1-based column in characters."""
