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
from support.gateway.log_lines import SCHEMA, parse_log
from talonschema import cli
from talonschema.gateway.lookup import OUTCOMES
from talonschema.gateway.store import KINDS
from talonschema.gateway.telemetry.log import schema
from talonschema.gateway.telemetry.metrics import DECISIONS

SOURCES = Path(talonschema.gateway.__file__).parent
PAGE = Path(__file__).resolve().parents[3] / "docs" / "gateway" / "monitoring.md"


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
    assert set(properties["lookup"]["enum"]) == set(OUTCOMES)


def test_the_page_has_the_level_of_each_event_and_each_key_of_a_request() -> None:
    page = PAGE.read_text("utf-8")
    rows = re.findall(r"^\| `(error|warning|info|debug)` \|[^|]*\| (.*) \|$", page, re.MULTILINE)
    listed = {level: set(re.findall(r"`([\w-]+)`", events)) for level, events in rows}
    # Written at any level, which stands below the table.
    listed["warning"].add("log-dropped")
    of_schema = {
        then["properties"]["level"]["const"]: set(rule["if"]["properties"]["event"]["enum"])
        for rule in SCHEMA["allOf"]
        if "level" in (then := rule["then"]).get("properties", {})
    }
    assert listed == of_schema
    about = {key for rule in SCHEMA["allOf"][:2] for key in rule["then"]["required"]}
    keys = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page, re.MULTILINE)
    assert about | {"trace_id", "time"} <= set(re.findall(r"\w+", " ".join(keys)))


@pytest.mark.parametrize(
    "fault",
    [
        {"event": "refuse"},
        {"codes": "schema/type"},
        {"trace_id": "0" * 32},
        {"path": "/v2/customer_sessions/a"},
        {"time": "2026-11-29 09:41:07"},
        {"level": "info"},
    ],
)
def test_faults_would_be_found(fault: dict[str, Any]) -> None:
    line = {**SCHEMA["examples"][0], **fault}
    with pytest.raises(AssertionError):
        parse_log(json.dumps(line))
