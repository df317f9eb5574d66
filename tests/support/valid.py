"""Valid: whether what ``check --format json`` prints follows its schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from talonschema.output.json import schema

SCHEMA: dict[str, Any] = json.loads(schema())
OUTPUT = Draft202012Validator(SCHEMA)


def read(text: str) -> dict[str, Any]:
    """Return a document that any reader of JSON can take."""

    def refuse(token: str) -> None:
        pytest.fail(f"{token} is no JSON")

    assert text.isascii()
    document: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return document


def output(text: str) -> dict[str, Any]:
    """Return the output of a check that is valid."""
    document = read(text)
    OUTPUT.validate(document)
    return document
