"""The other commands: help, rules, explain, states and schema."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

import talonschema
from support.cli import Run
from talonschema import schemas
from talonschema.checking.registry import CODES, GROUPS
from talonschema.cli.explanation import Explanation
from talonschema.display.terminal import Style
from talonschema.findings.code import Code, Example, Severity
from talonschema.model.states import MOVES


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"talonschema {talonschema.__version__}\n", "")


@pytest.mark.parametrize("command", ["", "check", "rules", "explain", "states", "schema"])
def test_help(run: Run, command: str) -> None:
    status, out, err = run(*command.split(), "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: talonschema {command}".rstrip())
    assert ("exit status:" in out) == (command == "check")


def test_help_is_as_wide_as_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    for columns in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines.append(len(run("check", "--help")[1].splitlines()))
    assert lines == sorted(lines, reverse=True)
    assert len(set(lines)) == 3


def test_rules(run: Run) -> None:
    status, out, _ = run("rules")
    lines = out.splitlines()
    assert status == 0
    assert {line.partition(" ")[0] for line in lines[1:]} - {""} == set(CODES)
    assert max(map(len, lines)) <= 100
    column = lines[0].index("severity")
    reported = {
        line.partition(" ")[0]: line[column:].split()[0] for line in lines if line[0] != " "
    }
    assert reported.items() >= {name: str(code.severity) for name, code in CODES.items()}.items()


def test_rules_as_json(run: Run) -> None:
    status, out, _ = run("rules", "--format", "json")
    reported = json.loads(out)
    assert status == 0
    assert reported["version"] == 1
    assert [each["name"] for each in reported["rules"]] == list(CODES)
    wanted = ["name", "severity", "summary", "why", "fix", "source", "confidence", "refusal"]
    assert all(list(each) == [*wanted, "editions", "models"] for each in reported["rules"])


@pytest.mark.parametrize("name", CODES)
def test_explain(run: Run, name: str) -> None:
    code = CODES[name]
    status, out, _ = run("explain", name)
    lines = out.splitlines()
    words = " ".join(out.split())
    assert status == 0
    assert lines[0] == name
    for reported in (code.summary, code.why, code.fix, f"{code.source} ({code.confidence})"):
        assert " ".join(reported.split()) in words
    assert sum(line.startswith("Bad example") for line in lines) == len(code.bad)
    assert sum(line.startswith("Good example") for line in lines) == len(code.good)
    assert len(lines) < 200
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (Example({"a": 1}), 'Bad example\n    {\n      "a": 1\n    }\n'),
        (Example({"a": {1}}), "Bad example (Python)\n    {'a': {1}}\n"),
        (Example({1: 1}), "Bad example (Python)\n    {1: 1}\n"),
        (Example(float("inf")), "Bad example (Python)\n    inf\n"),
        (Example(b"a\xff"), "Bad example (bytes)\n    a\\xff\n"),
        (Example('{"a":'), 'Bad example (text)\n    {"a":\n'),
        (
            Example("x" * 500),
            f"Bad example (text)\n    {'x' * 40}... (and so on, 500 characters)\n",
        ),
        (Example(""), "Bad example (empty text)\n"),
        (Example(None, {"operation": "reopen"}), "Bad example (no body; operation: reopen)\n"),
        (
            Example("1", {"previous": talonschema.NEW, "dry": True}),
            "Bad example (text; previous: new; dry: true)\n    1\n",
        ),
        (
            Example("1", {"previous": {"state": "open"}}),
            'Bad example (text; previous: {"state": "open"})\n    1\n',
        ),
    ],
)
def test_examples_are_shown(example: Example, expected: str) -> None:
    code = Code(
        name="a/b",
        severity=Severity.INFO,
        summary="s",
        message="m",
        why="w",
        fix="f",
        source="s",
        bad=(example,),
        good=(),
    )
    assert str(Explanation(code, Style())).partition("\n\n")[2] == expected


def test_explain_a_group(run: Run) -> None:
    status, out, _ = run("explain", "cart")
    head, _, table = out.partition("\n\n")
    reported = {line.partition(" ")[0] for line in table.splitlines()[1:]} - {""}
    assert status == 0
    assert head == f"cart: {GROUPS['cart']}"
    assert reported == {name for name in CODES if name.startswith("cart/")}


def test_states(run: Run) -> None:
    status, out, _ = run("states")
    assert status == 0
    assert out.splitlines()[0].split() == ["from", "to", "operation", "edition", "by"]
    rows = [line.split() for line in out.splitlines()[1:] if "/v2/" in line]
    assert len(rows) == len({move for moves in MOVES.values() for move in moves})
    assert ["new", "open", "update", "all", "PUT", "/v2/customer_sessions/{id}"] in rows
    reopening = ["closed", "open", "reopen", "2026-06", "PUT", "/v2/customer_sessions/{id}/reopen"]
    assert reopening in rows
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("edition", MOVES)
def test_states_of_an_edition(run: Run, edition: str) -> None:
    status, out, _ = run("states", "--edition", edition)
    rows = [line.split()[:4] for line in out.splitlines() if "/v2/" in line]
    assert status == 0
    assert rows == [
        [move.start or "new", move.end, move.operation, edition] for move in MOVES[edition]
    ]


@pytest.mark.parametrize(
    ("arguments", "edition"), [((), "2022-06"), (("--edition", "2026-06"), "2026-06")]
)
def test_schema(run: Run, arguments: Sequence[str], edition: str) -> None:
    status, out, _ = run("schema", "IntegrationRequest", *arguments)
    assert (status, out) == (0, schemas.text(edition, "IntegrationRequest"))
