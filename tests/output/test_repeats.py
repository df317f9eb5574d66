"""Findings that many lines share: one entry in text, each of them in other forms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from talonschema.display.block import Block
from talonschema.findings.code import Severity
from talonschema.findings.finding import Finding
from talonschema.output.repeats import MAX_HELD, Repeats

Run = Callable[..., tuple[int, str, str]]

BAD = '{"state": "opn"}\n'
OTHER = '{"state": "ope"}\n'
TEXT = ("--color", "never", "--select", "schema")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def log(*lines: str, name: str = "log.ndjson") -> str:
    Path(name).write_text("".join(lines), "utf-8")
    return name


def error_lines(out: str) -> list[str]:
    return re.findall(r"^\S+?:(\d+):\d+: error", out, re.MULTILINE)


def also_lines(out: str) -> list[str]:
    return re.findall(r"= also: (.*)$", out, re.MULTILINE)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_findings_that_are_alike_are_one_entry(run: Run, jobs: str) -> None:
    name = log("{}\n", BAD, BAD, OTHER, *[BAD] * 197, OTHER)
    status, out, err = run("check", name, *TEXT, "--jobs", jobs)
    assert (status, err) == (1, "")
    assert error_lines(out) == ["2", "4"]
    assert also_lines(out) == ["on 198 more lines: 3, 5, 6, ...", "on 1 more line: 202"]
    assert out.count(" 2 | ") == 1


def test_all_lines_are_named_if_they_are_few(run: Run) -> None:
    assert also_lines(run("check", log(BAD, BAD, BAD, BAD), *TEXT)[1]) == [
        "on 3 more lines: 2, 3, 4"
    ]
    assert also_lines(run("check", log(BAD, OTHER), *TEXT)[1]) == []


def test_each_file_has_its_own_entries(run: Run) -> None:
    _, out, _ = run("check", log(BAD, BAD), log(BAD, name="b.jsonl"), *TEXT)
    assert error_lines(out) == ["1", "1"]
    assert out.index("also: on 1 more line: 2\n\nb.jsonl:1:") > 0


def test_other_places_and_severities_are_other_entries(run: Run) -> None:
    item = '{"cartItems": [%s]}\n'
    wrong = '{"name": "a", "sku": "b", "price": 1, "quantity": "1"}'
    good = wrong.replace('"1"', "1")
    _, out, _ = run("check", log(item % wrong, item % f"{good}, {wrong}"), *TEXT)
    assert error_lines(out) == ["1", "2"]


def test_findings_on_one_line_count_once(run: Run) -> None:
    twice = '{"state": "open", "state": "open", "state": "open"}\n'
    _, out, _ = run("check", log(twice, twice), "--select", "json/duplicate-key")
    assert also_lines(out) == ["on 1 more line: 2"]


def test_verbose_and_other_formats_have_each(run: Run) -> None:
    name = log(*[BAD] * 5)
    _, out, _ = run("check", name, *TEXT, "--verbose")
    assert error_lines(out) == ["1", "2", "3", "4", "5"]
    assert also_lines(out) == []
    assert len(run("check", name, *TEXT, "--format", "concise")[1].splitlines()) == 5
    found = json.loads(run("check", name, *TEXT, "--format", "json")[1])
    assert len(found["files"][0]["results"]) == 5


def test_files_of_other_kinds_have_each(run: Run) -> None:
    Path("a.yaml").write_text("state: opn\n---\nstate: opn\n", "utf-8")
    assert error_lines(run("check", "a.yaml", *TEXT)[1]) == ["1", "3"]


def test_findings_beyond_the_limit_are_counted_once_a_file(run: Run) -> None:
    bad = '{"state": "opn", "profileId": 1}\n'
    _, out, _ = run("check", log(bad, bad), *TEXT, "--max-findings", "1")
    assert out.endswith("\nlog.ndjson: 2 more findings not shown\n")


@pytest.mark.slow
def test_no_finding_is_lost_where_entries_are_too_many_to_keep(run: Run) -> None:
    number = 12000
    name = log(*(f'{{"state": "{line:05}"}}\n' for line in range(1, number + 1)))
    _, out, _ = run("check", name, *TEXT)
    assert len(out) > 2 * MAX_HELD
    assert error_lines(out) == [str(line) for line in range(1, number + 1)]


def test_only_so_much_is_kept() -> None:
    repeats = Repeats()
    block = Block("x" * 1000, 2)
    line = 0
    while not repeats.full:
        line += 1
        finding = Finding("schema/enum", Severity.ERROR, f"/{line}", "", "")
        repeats.add(finding, line, lambda _: block)
        repeats.add(finding, line + 1, lambda _: block)
    assert MAX_HELD // 1100 < line < MAX_HELD // 1000 + 2
    assert next(repeats.take()) == (block, "on 1 more line: 2")
    assert not repeats.full
    assert list(repeats.take()) == []
