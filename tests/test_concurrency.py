"""Concurrency: what threads and tasks find with one validator is what each finds alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from talonschema import Validator, schemas

ROOT = Path(__file__).parents[1]
PAYLOADS = [
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("tests/payloads/*req*.json"), *ROOT.glob("examples/bad/*.json"))
]
THREADS = 8
# A new process, so that all is compiled and cached while the threads run.
SHARED = f"""
import asyncio, json, sys, threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from talonschema import Validator

sys.setswitchinterval(1e-6)
validator = Validator(edition=sys.argv[1], engine=sys.argv[2])
payloads = [Path(name).read_bytes() for name in sys.argv[3:]]
found = [set() for payload in payloads]
barrier = threading.Barrier({THREADS})

def judge(index):
    report = validator.check(payloads[index], previous="closed")
    return json.dumps(report.to_dict(skipped=True))

def work(offset):
    barrier.wait()
    for number in range(len(payloads)):
        index = (number + offset) % len(payloads)
        found[index].add(judge(index))

async def task(offset):
    for number in range(len(payloads)):
        await asyncio.sleep(0)
        index = (number + offset) % len(payloads)
        found[index].add(judge(index) if offset % 2 else await asyncio.to_thread(judge, index))

async def tasks():
    await asyncio.gather(*map(task, range({THREADS})))

with ThreadPoolExecutor({THREADS}) as pool:
    list(pool.map(work, range({THREADS})))
asyncio.run(tasks())
json.dump(list(map(list, found)), sys.stdout)
"""
STATE = """
import json, pkgutil, sys
from collections import deque
from importlib import import_module
from pathlib import Path
import talonschema
from talonschema import cli
from talonschema.files import check_lines, check_sequence

for module in pkgutil.walk_packages(talonschema.__path__, "talonschema."):
    if "__main__" not in module.name:
        import_module(module.name)
# Names are imported from their homes when they are first used.
for name in talonschema.__all__:
    getattr(talonschema, name)

def state():
    \"\"\"Return all that modules and classes hold: which object, and what is in containers.\"\"\"
    held = {}
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != "talonschema":
            continue
        classes = [each for each in vars(module).values() if isinstance(each, type)]
        for owner in (module, *(each for each in classes if each.__module__ == name)):
            for key, value in list(vars(owner).items()):
                if key.startswith("__") or type(value).__name__ == "module":
                    continue
                content = isinstance(value, (dict, list, set, bytearray, deque)) and repr(value)
                held[f"{name}:{owner.__name__}.{key}"] = (id(value), content)
    return held

before = state()
for engine in ("jsonschema", "jsonschema-rs"):
    for edition in ("2022-06", "2026-06"):
        validator = talonschema.Validator(edition=edition, engine=engine)
        for path in sys.argv[1:]:
            str(validator.check(Path(path).read_bytes(), previous="closed"))
        list(check_lines(["{}", "{"], validator))
        list(check_sequence(["{}", '{"state": "closed"}'], validator))
talonschema.validate({}, select=["cart"])
list(talonschema.replay([{}, {"state": "closed"}]))
cli.main(["check", "examples", "--config", "examples/project/talonschema.toml"])
cli.main(["explain", "cart"])
after = state()
sys.stderr.write(json.dumps(sorted(
    key for key in before.keys() | after.keys() if before.get(key) != after.get(key)
)))
sys.stderr.write(f" of {len(before)}")
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def check_alone(edition: str, engine: Any, payload: str) -> str:
    validator = Validator(edition=edition, engine=engine)
    report = validator.check((ROOT / payload).read_bytes(), previous="closed")
    return json.dumps(report.to_dict(skipped=True))


def test_threads_and_tasks_find_what_each_finds_alone() -> None:
    assert len(PAYLOADS) > 15
    for edition, engine in zip(schemas.EDITIONS, ("jsonschema-rs", "jsonschema"), strict=True):
        done = run(SHARED, edition, engine, *PAYLOADS)
        assert done.returncode == 0, done.stderr
        expected = [[check_alone(edition, engine, payload)] for payload in PAYLOADS]
        assert json.loads(done.stdout) == expected


def test_no_check_changes_the_state_of_a_module() -> None:
    done = run(STATE, *PAYLOADS)
    changed, _, number = done.stderr.rpartition("\n")[2].partition(" of ")
    assert json.loads(changed) == []
    assert int(number) > 1000
