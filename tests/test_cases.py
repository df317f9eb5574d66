"""The case files: payloads and what has to be found in them, on each engine.

cases/README.md describes their format. It holds no Python, so another implementation can use them.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.strategies import ENGINES
from talonschema import NEW, Policy, Report, Update, Validator, replay
from talonschema.schemas import EDITIONS
from talonschema.validator import Options

CASES = Path(__file__).parent / "cases"
OTHER_FORMATS = ("json",)
"""Folders of cases that other tests read."""

FILE_KEYS = {"description", "edition", "model", "defaults", "tests"}
TEST_KEYS = {
    *("description", "edition", "model", "context", "repeat", "data", "findings", "skipped"),
    *("updates",),
}
CONTEXT_KEYS = {"previous", "operation", "dry", "now", "policy", "naming"}
FINDING_KEYS = {"code", "pointer", "params", "related", "parameter"}
UPDATE_KEYS = {"data", "operation", "dry", "now", "findings", "skipped"}


class Case(NamedTuple):
    """One test of a file, for one edition."""

    edition: str
    model: str | None
    defaults: Mapping[str, Any]
    test: Mapping[str, Any]

    @property
    def options(self) -> Options:
        context = self.test.get("context", {})
        options = Options(edition=self.edition, naming=context.get("naming", "wire"))
        if "policy" in context:
            options["policy"] = Policy.from_mapping(context["policy"])
        return options

    @property
    def previous(self) -> Any:
        previous = self.test.get("context", {}).get("previous")
        return NEW if previous == "new" else previous

    @property
    def data(self) -> Any:
        data = copy.deepcopy(self.test["data"])
        if isinstance(data, dict):
            data = {**copy.deepcopy(dict(self.defaults)), **data}
        if "repeat" in self.test:
            *way, last = self.test["repeat"]["pointer"].split("/")[1:]
            array = data
            for step in way:
                array = array[int(step) if isinstance(array, list) else step]
            array[int(last) : int(last) + 1] = [array[int(last)]] * self.test["repeat"]["times"]
        return data


def case_files() -> list[Path]:
    return sorted(
        path
        for path in CASES.rglob("*.json")
        if path.relative_to(CASES).parts[0] not in OTHER_FORMATS
    )


def editions(value: str | None) -> tuple[str, ...]:
    return EDITIONS if value is None else (value,)


def cases() -> Iterator[Any]:
    for path in case_files():
        content = json.loads(path.read_text(encoding="utf-8"))
        area = path.relative_to(CASES).with_suffix("").as_posix()
        for test in content["tests"]:
            for edition in editions(test.get("edition", content.get("edition"))):
                case = Case(
                    edition,
                    test.get("model", content.get("model")),
                    content.get("defaults", {}),
                    test,
                )
                name = f"{area}: {test['description']} [{edition}]"
                # Identifiers are ASCII, or pytest would write them with escapes.
                yield pytest.param(case, id=name.replace("::", ":"))


ALL = list(cases())


def pairs(findings: list[Mapping[str, str]]) -> list[tuple[str, str]]:
    return sorted(map(place, findings))


def place(finding: Mapping[str, str]) -> tuple[str, str]:
    return finding["pointer"], finding["code"]


def matches(finding: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Return True if a finding has the facts that a test names."""
    params = {"params": {**finding.get("params", {}), **expected.get("params", {})}}
    return finding == {**finding, **expected, **(params if "params" in expected else {})}


def pointers_and_codes(report: Report) -> list[tuple[str, str]]:
    return sorted((each.pointer, each.code) for each in report.findings)


def compare(report: Report, expected: Mapping[str, Any]) -> None:
    assert pointers_and_codes(report) == pairs(expected["findings"])
    for each in expected["findings"]:
        reported = [f.to_dict() for f in report.findings if (f.pointer, f.code) == place(each)]
        assert any(matches(finding, each) for finding in reported), reported
    assert {each.code for each in report.skipped} >= set(expected.get("skipped", ()))
    assert report.omitted == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", ALL)
def test_case(case: Case, engine: Any) -> None:
    options: Options = {**case.options, "engine": engine}
    context = case.test.get("context", {})
    if "updates" in case.test:
        updates = [
            Update(each["data"], **{k: each[k] for k in ("operation", "dry", "now") if k in each})
            for each in case.test["updates"]
        ]
        given = {} if case.previous is None else {"previous": case.previous}
        reports = list(replay(updates, **given, **options))
        for report, each in zip(reports, case.test["updates"], strict=True):
            compare(report, each)
    else:
        arguments = {k: context[k] for k in ("operation", "dry", "now") if k in context}
        validator = Validator(**options)
        report = validator.check(case.data, model=case.model, previous=case.previous, **arguments)
        compare(report, case.test)


@pytest.mark.parametrize("path", case_files(), ids=lambda path: path.relative_to(CASES).as_posix())
def test_case_files_keep_to_their_format(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content.keys() <= FILE_KEYS
    assert content["description"].endswith(".")
    names: Counter[tuple[str, str]] = Counter()
    for test in content["tests"]:
        assert test.keys() <= TEST_KEYS
        assert ("updates" in test) != ("data" in test and "findings" in test)
        assert test.get("context", {}).keys() <= CONTEXT_KEYS
        assert all(each.keys() <= UPDATE_KEYS for each in test.get("updates", ()))
        for part in (test, *test.get("updates", ())):
            assert all(each.keys() <= FINDING_KEYS for each in part.get("findings", ()))
        for edition in editions(test.get("edition", content.get("edition"))):
            assert edition in EDITIONS
            names[test["description"], edition] += 1
    assert set(names.values()) == {1}
