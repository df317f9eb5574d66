"""Compiling schemas with jsonschema-rs, with our formats asserted."""

from __future__ import annotations

from typing import Any

import jsonschema_rs

from .engine import FORMATS


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """Compile a self-contained schema of draft 2020-12."""
    return jsonschema_rs.Draft202012Validator(schema, formats=FORMATS, validate_formats=True)
