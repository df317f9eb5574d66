"""Judge: a plugin of pytest that runs the collected tests on one mutant after the other.

Each mutant gets a fork of the process that has everything loaded and collected.
"""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import compress
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any, NamedTuple, TypeAlias

import pytest

from mutation.change import (
    CALLED,
    Change,
    apply,
    change,
    compile_module,
    forget,
    load_modules,
    loaded_functions,
    record_calls,
)
from mutation.child import fork, pool, result

Function: TypeAlias = tuple[str, int]
"""The path of a module, and the line where a function of it begins."""
SLOW = 0.5
"""Seconds; tests that take longer are left out, since survivors meet every test."""
FEW = 200
"""How many tests a changed statement meets before it is tried on all of them at import."""
Verdict: TypeAlias = str
"""``killed``, ``alive``, or ``at import`` if it changes what runs as a module is imported."""


class Mutant(NamedTuple):
    """A module with one change."""

    path: str
    line: int
    old: str
    new: str
    source: str


class Limits:
    """A plugin that ends the process when a test takes much longer than it should."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self.seconds = seconds

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Set a limit to the processor's time; the signal ends the process."""
        signal.setitimer(signal.ITIMER_PROF, 5 + 10 * self.seconds.get(item.nodeid, 1))

    def pytest_sessionfinish(self) -> None:
        """Call it off."""
        signal.setitimer(signal.ITIMER_PROF, 0)


def run(items: Sequence[pytest.Item]) -> int | None:
    """Run tests up to the first that fails; return its index, None if all pass."""
    for index, item in enumerate(items):
        session = item.session
        failed = session.testsfailed
        following = items[index + 1] if index + 1 < len(items) else session
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed > failed:
            return index
    return None


class Judge:
    """The plugin. `verdicts` has what became of each mutant."""

    def __init__(
        self,
        mutants: Sequence[Mutant],
        originals: Mapping[str, str],
        left_out: Callable[[str], object],
        jobs: int,
        most: int | None,
    ) -> None:
        self.mutants = mutants
        self.left_out = left_out
        self.originals = dict(originals)
        self.jobs = jobs
        self.most = most
        self.verdicts: list[Verdict] = []
        self.functions: list[FunctionType] = []
        self.items: list[pytest.Item] = []
        self.seconds: list[float] = []
        self.breadth: list[int] = []
        self.early: set[Function] = set()
        self.calls: dict[Function, set[int]] = defaultdict(set)
        self.kills: dict[Function, Counter[int]] = defaultdict(Counter)

    def note(self, frame: FrameType, event: str, _: object) -> None:
        """Note what functions are called as their module is imported; for `sys.setprofile`."""
        code = frame.f_code
        if event == "call" and code.co_filename in self.originals:
            self.early.add((code.co_filename, code.co_firstlineno))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of the loop that runs each test once."""
        sys.setprofile(None)
        if session.testsfailed:
            raise session.Interrupted("errors during collection")
        self.items = [each for each in session.items if not self.left_out(each.nodeid)]
        self._start_server()
        # A change of what is not loaded has no effect here.
        load_modules(self.originals)
        self.functions = loaded_functions(set(self.originals))
        for path, source in self.originals.items():
            compile_module(path, source)
        self._measure()
        gc.collect()
        gc.freeze()
        verdicts = ["alive"] * len(self.mutants)
        for number, value in pool([partial(self._judge, each) for each in self.mutants], self.jobs):
            verdict, functions, killer = value or ("killed", (), None)
            verdicts[number] = verdict
            if killer is not None:
                for path, line in functions:
                    self.kills[path, line][killer] += 1
        self.verdicts = verdicts
        return True

    def _start_server(self) -> None:
        """Have one server for all children, where tests ask for it."""
        item = next(
            (each for each in self.items if "valkey" in getattr(each, "fixturenames", ())), None
        )
        if item is not None:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=item.session)

    def _measure(self) -> None:
        """Run all tests once, unchanged, and note what they call and how long they take."""
        found = result(fork(self._measure_tests))
        fit = [passed and seconds < SLOW for passed, seconds, _ in found]
        self.items = list(compress(self.items, fit))
        kept = list(compress(found, fit))
        self.seconds = [seconds for _, seconds, _ in kept]
        self.breadth = [len(called) for _, _, called in kept]
        for number, (_, _, called) in enumerate(kept):
            for path, line in called:
                self.calls[path, line].add(number)

    def _measure_tests(self) -> list[tuple[bool, float, list[Function]]]:
        """Return whether each test passes, its seconds, and the functions that it calls."""
        for path, source in self.originals.items():
            apply(record_calls(path, source), self.functions)
        found = []
        for item in self.items:
            # A test that finds its results in a cache would call less than it depends on.
            forget()
            CALLED.clear()
            failed = item.session.testsfailed
            begun = time.process_time()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=item.session)
            passed = item.session.testsfailed == failed
            found.append((passed, time.process_time() - begun, sorted(CALLED)))
        return found

    def _functions(self, change: Change) -> list[Function]:
        """Return the functions that a mutant changes, all of its module if it changes others."""
        changed = [(before.co_filename, before.co_firstlineno) for before, _ in change.functions]
        return changed or [each for each in self.calls if each[0] == change.path]

    def _change(self, mutant: Mutant) -> Change:
        return change(mutant.path, self.originals[mutant.path], mutant.source)

    def _judge(self, mutant: Mutant) -> tuple[Verdict, list[Function], int | None]:
        """Return the verdict, the functions that differ, and what test fails; runs in a child."""
        changed = self._change(mutant)
        functions = self._functions(changed)
        most = FEW if self.most is None and not changed.functions else self.most
        order = self._order(functions, idle=not changed.functions)[:most]
        try:
            apply(changed, self.functions)
            forget()
        except Exception:  # noqa: BLE001 - whatever it raises, it would raise when it is imported
            return "killed", functions, None
        self.items[0].config.pluginmanager.register(Limits(self._seconds_by_test()))
        killer = run([self.items[each] for each in order])
        if killer is not None:
            return "killed", functions, order[killer]
        late = changed.functions and all(map(self.calls.get, functions))
        known = late and self.early.isdisjoint(functions)
        return ("alive" if known else "at import"), functions, None

    def summary(self) -> dict[str, Any]:
        """Return the verdicts, the tests with their seconds, and their order for what is left."""
        late = [n for n, each in enumerate(self.verdicts) if each == "at import"]
        return {
            "verdicts": self.verdicts,
            "tests": self._seconds_by_test(),
            "orders": [self._all_tests(self.mutants[each]) for each in late],
        }

    def _all_tests(self, mutant: Mutant) -> list[int]:
        """Return all tests: each of them needs what an import has made."""
        order = self._order(self._functions(self._change(mutant)))
        return list(dict.fromkeys([*order, *range(len(self.items))]))

    def _seconds_by_test(self) -> dict[str, float]:
        return {each.nodeid: s for each, s in zip(self.items, self.seconds, strict=True)}

    def _order(self, functions: list[Function], *, idle: bool = False) -> list[int]:
        """Return the tests that call functions, the likeliest to fail first.

        Those are what killed others there, then what is named as the module is, then what calls few
        other functions: a payload that is no concern of a rule is rarely looked at by it. `idle`
        adds what calls no function, and may look at data.
        """
        killers: Counter[int] = sum((self.kills[each] for each in functions), Counter())
        callers = {number for each in functions for number in self.calls[each]}
        if idle:
            callers |= {number for number, calls in enumerate(self.breadth) if not calls}
        stems = {Path(path).stem.removesuffix("s") for path, _ in functions}
        return sorted(
            callers,
            key=lambda number: (
                -killers[number],
                not any(stem in self.items[number].nodeid for stem in stems),
                self.breadth[number],
            ),
        )
