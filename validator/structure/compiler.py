"""Compiler: schemas compiled by jsonschema-rs, with our formats asserted."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from ..model.formats import FORMATS


def validator(schema: dict[str, Any], *, formats: bool) -> jsonschema_rs.Validator:
    """Compile a self-contained schema of draft 2020-12.

    `formats` is True if the schema has formats: custom ones slow jsonschema-rs down for each value.
    """
    if not formats:
        return jsonschema_rs.Draft202012Validator(schema, mask=_MASK)
    return jsonschema_rs.Draft202012Validator(
        schema, formats=dict(FORMATS), validate_formats=True, mask=_MASK
    )


_MASK = "..."
"""The placeholder for values in messages, which are unused and slow to build for large values."""
