"""Lines of the gateway's log, each held against the schema that the package has of them."""

from __future__ import annotations

import json
from typing import Any, Final

import jsonschema_rs

from talonschema.gateway.telemetry.log import schema

SCHEMA: Final[dict[str, Any]] = json.loads(schema())
# Later releases may add keys, but this one has to describe all that it writes.
_VALIDATOR: Final = jsonschema_rs.Draft202012Validator(
    {**SCHEMA, "additionalProperties": False}, validate_formats=True
)


def parse_log(text: str) -> list[dict[str, Any]]:
    """Return the lines of a log; fail on one that is not as the schema has it."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        fault = next(_VALIDATOR.iter_errors(line), None)
        assert fault is None, f"{line}\n{fault}"
    return lines
