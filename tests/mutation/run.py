"""Mutation testing: whether the tests notice small changes of the code.

``make mutants`` runs it; README.md beside it has the options and the scores.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import pytest

from mutation.child import fork, pool, result
from mutation.judge import Judge, Limits, Mutant, Verdict

HERE = Path(__file__).parent
TESTS = HERE.parent
ROOT = TESTS.parent
PACKAGE = ROOT / "validator"
MUTATOR = ROOT / "build/mutation/bin/python"
OPTIONS = ("-q", "-s", "--tb=native", "-p", "no:randomly", "-p", "no:cacheprovider")


class Plan(NamedTuple):
    """Modules, and the tests that have to notice every change of them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    """Tests that take milliseconds and start no process, which would load the unchanged code."""
    left_out: str = "$^"
    """A pattern of names of tests that add nothing to the others."""


RULES = Plan(
    ("rules/*.py", "model/states.py", "history.py"),
    (
        *("test_cases.py", "test_history.py", "test_history_effects.py", "rules"),
        *("checking/test_registry.py", "model/test_states.py", "oracles/test_holes.py"),
    ),
    # Other tests compare the two engines.
    r"-jsonschema\]$",
)
READING = Plan(
    ("reading/*.py",),
    (
        *("reading", "files/test_documents.py", "files/test_capture.py", "gateway/test_body.py"),
        *("structure/test_engines_python_values.py", "checking/test_registry.py"),
    ),
    # Other tests compare the two engines.
    r"-jsonschema\]$",
)
RECORD = Plan(
    ("gateway/store/record.py",),
    (
        *("gateway/store/test_record.py", "gateway/store/test_stores.py"),
        *("gateway/store/test_store_admission.py", "gateway/store/test_store_learning.py"),
        *("gateway/store/test_store_order.py", "gateway/store/test_store_repetitions.py"),
    ),
    # The stores share the record.
    r"\[(sqlite|redis)",
)
PLANS = (RULES, READING, RECORD)


class Result(NamedTuple):
    """What became of a mutant."""

    mutant: Mutant
    verdict: Verdict

    @property
    def module(self) -> str:
        return Path(self.mutant.path).relative_to(PACKAGE).as_posix()

    @property
    def change(self) -> str:
        return f"{self.mutant.old} -> {self.mutant.new}"


def select_modules(plan: Plan, patterns: Sequence[str]) -> list[Path]:
    """Return the modules of a plan whose path matches one of the patterns."""
    paths = sorted({path for each in plan.modules for path in PACKAGE.glob(each)})
    names = [path.relative_to(PACKAGE).as_posix() for path in paths]
    return [
        path
        for path, name in zip(paths, names, strict=True)
        if any(fnmatch(name, pattern) for pattern in patterns)
    ]


def mutants(path: Path, sample: int | None) -> list[Mutant]:
    """Return the mutants of a module, or some of them, the same each time."""
    command: list[str | Path] = [MUTATOR, "-m", "mutation.mutants", path]
    made = subprocess.run(command, cwd=TESTS, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = [Mutant(**json.loads(line)) for line in made.splitlines()]
    if sample is None or sample >= len(found):
        return found
    chosen = random.Random(0).sample(range(len(found)), sample)
    return [found[each] for each in sorted(chosen)]


def judge_mutants(plan: Plan, found: list[Mutant], jobs: int, most: int | None) -> Iterator[Result]:
    """Yield what becomes of mutants.

    Those that take effect as their module is imported are judged by a process that has not done
    that yet, if each is to meet all tests.
    """
    warm = result(fork(partial(_judge_in_place, plan, found, jobs, most), quiet=False))
    verdicts: list[Verdict] = warm["verdicts"]
    if most is not None:
        yield from (
            Result(m, v.replace("at import", "alive")) for m, v in zip(found, verdicts, strict=True)
        )
        return
    late = [number for number, each in enumerate(verdicts) if each == "at import"]
    names = list(warm["tests"])
    kills: Counter[str] = Counter()
    works = (
        partial(
            _judge_at_import, plan, found[number], warm["tests"], _likeliest(names, order, kills)
        )
        for number, order in zip(late, warm["orders"], strict=True)
    )
    for number, value in pool(works, jobs):
        verdicts[late[number]] = "alive" if value == "alive" else "killed"
        kills[value] += 1
    yield from map(Result, found, verdicts)


def _likeliest(names: Sequence[str], order: Sequence[int], kills: Counter[str]) -> list[str]:
    """Return the names of tests, those that failed on most mutants first."""
    return sorted((names[each] for each in order), key=lambda name: -kills[name])


def _arguments(plan: Plan) -> list[str]:
    return [*OPTIONS, *(str(ROOT / "tests" / each) for each in plan.tests)]


def _judge_in_place(plan: Plan, found: list[Mutant], jobs: int, most: int | None) -> dict[str, Any]:
    originals = {path: Path(path).read_text("utf-8") for path in {each.path for each in found}}
    judge = Judge(found, originals, re.compile(plan.left_out).search, jobs, most)
    sys.setprofile(judge.note)
    status = pytest.main(_arguments(plan), plugins=[judge])
    if not judge.verdicts:
        raise RuntimeError(f"pytest ended with status {status}")
    return judge.summary()


class Ranking:
    """A plugin that keeps the named tests, in their order; `failed` is the first that fails."""

    def __init__(self, names: Sequence[str]) -> None:
        self.ranks = {name: rank for rank, name in enumerate(names)}
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests."""
        items[:] = sorted(
            (each for each in items if each.nodeid in self.ranks),
            key=lambda each: self.ranks[each.nodeid],
        )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the test."""
        if report.failed:
            self.failed = self.failed or report.nodeid


def _judge_at_import(
    plan: Plan, mutant: Mutant, seconds: dict[str, float], names: list[str]
) -> str:
    """Return the test that fails on a mutant that is imported in place of the module.

    It is ``alive`` if none does, and empty if no test can be run; runs in a child.
    """
    load = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        if loader.path == mutant.path:
            return compile(mutant.source, mutant.path, "exec", dont_inherit=True)
        return load(loader, fullname)

    setattr(SourceFileLoader, "get_code", get_code)  # noqa: B010 - mypy takes it for an error
    ranking = Ranking(names)
    try:
        status = pytest.main(["-x", *_arguments(plan)], plugins=[Limits(seconds), ranking])
    except Exception:  # noqa: BLE001 - as a module is imported, it may raise anything
        return ""
    return "alive" if status == 0 else ranking.failed


def justified_survivors() -> dict[str, set[str]]:
    """Return the changes, by module, that no test can notice or has to."""
    entries = tomllib.loads((HERE / "survivors.toml").read_text("utf-8")).get("survivors", ())
    found: dict[str, set[str]] = {}
    for each in entries:
        found.setdefault(each["module"], set()).update(each["changes"])
    return found


def changes(results: Sequence[Result], module: str) -> set[str]:
    """Return the changes of a module that are among results."""
    return {each.change for each in results if each.module == module}


def report(results: Sequence[Result], *, whole: bool) -> int:
    """Print the survivors and a table of scores; return how much is not as it should be."""
    known = justified_survivors()
    alive = [each for each in results if each.verdict == "alive"]
    open_ = [each for each in alive if each.change not in known.get(each.module, ())]
    modules = sorted({each.module for each in results})
    stale = [
        f"{module}: {change}"
        for module in modules
        for change in sorted(
            known.get(module, set()) - {e.change for e in alive if e.module == module}
        )
    ]
    lines = [f"alive: {each.module}:{each.mutant.line}: {each.change}" for each in open_]
    if whole:
        lines += [f"not alive, but in survivors.toml: {text}" for text in stale]
    lines += [
        "| Module | Mutants | Killed | Justified | Alive | Score |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        row(module, [each for each in results if module in (each.module, "all")], open_)
        for module in [*modules, "all"]
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return len(open_) + (len(stale) if whole else 0)


def row(name: str, results: Sequence[Result], open_: Sequence[Result]) -> str:
    """Return a row of the table."""
    killed = sum(each.verdict == "killed" for each in results)
    alive = sum(each in open_ for each in results)
    kept = len(results) - killed - alive
    score = killed / max(1, len(results) - kept)
    return f"| `{name}` | {len(results)} | {killed} | {kept} | {alive} | {score:.1%} |"


def main(arguments: Sequence[str]) -> int:
    """Judge the mutants that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="+", help="modules below validator/, as 'rules/*.py'")
    parser.add_argument("--sample", type=int, help="how many mutants to take of each module")
    parser.add_argument("--most", type=int, help="how many tests a mutant meets")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(arguments)
    # The same examples each time, and none is stored for later runs.
    os.environ["CI"] = "true"
    results: list[Result] = []
    for plan in PLANS:
        found = [
            mutant
            for path in select_modules(plan, options.modules)
            for mutant in mutants(path, options.sample)
        ]
        if found:
            results += judge_mutants(plan, found, options.jobs, options.most)
    return min(1, report(results, whole=options.sample is None and options.most is None))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
