"""The schema of the log: complete, and valid."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import talonschema.gateway
from support.gateway.log_lines import SCHEMA, parsed
from talonschema import cli
from talonschema.gateway.log import schema
from talonschema.gateway.metrics import DECISIONS
from talonschema.gateway.store import KINDS

SOURCES = Path(talonschema.gateway.__file__).parent


def test_it_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(("schema", "log")) == 0
    assert capsys.readouterr().out == schema()


def test_it_is_valid_and_so_are_its_examples() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA)
    for example in SCHEMA["examples"]:
        validator.validate(example)
    for name, part in SCHEMA["properties"].items():
        assert part["title"], name
        assert part["description"].endswith("."), name
        for example in part.get("examples", ()):
            validator.evolve(schema=part).validate(example)


def written_events() -> set[str]:
    """Return the events that the source names."""
    found = set()
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                found |= {
                    constant
                    for key, value in pairs
                    if isinstance(key, ast.Constant) and key.value == "event"
                    for constant in re.findall(r"'([\w-]+)'", ast.unparse(value))
                }
    return found


def test_it_has_each_event_and_label_that_there_is() -> None:
    properties = SCHEMA["properties"]
    events = {each["const"] for each in properties["event"]["oneOf"]}
    assert events == written_events() | {"refused", "would-refuse", "admitted"}
    assert set(properties["decision"]["enum"]) == set(DECISIONS)
    assert set(properties["kind"]["enum"]) == set(KINDS)


@pytest.mark.parametrize(
    "fault",
    [
        {"event": "refuse"},
        {"codes": "schema/type"},
        {"trace_id": "0" * 32},
        {"path": "/v2/customer_sessions/a"},
        {"time": "2026-11-29 09:41:07"},
    ],
)
def test_faults_would_be_found(fault: dict[str, Any]) -> None:
    line = {**SCHEMA["examples"][0], **fault}
    with pytest.raises(AssertionError):
        parsed(json.dumps(line))
