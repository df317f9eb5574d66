"""Child processes: forks that send back one value as JSON."""

from __future__ import annotations

import json
import os
import resource
import signal
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

MEMORY = 4 * 2**30
"""Bytes of address space for one child: a mutant may allocate without end."""


class Child(NamedTuple):
    """A process that runs, and the end of the pipe that it writes to."""

    pid: int
    reader: int


def fork(work: Callable[[], Any], *, quiet: bool = True) -> Child:
    """Run `work` in a fork of this process; `quiet` drops what it prints."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return Child(pid, reader)
    try:
        os.close(reader)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        if quiet:
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
        with os.fdopen(writer, "w", encoding="utf-8") as pipe:
            json.dump(_outcome(work), pipe)
    finally:
        os._exit(0)


def _outcome(work: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"value": work()}
    except Exception:  # noqa: BLE001 - the parent raises it
        return {"error": traceback.format_exc()}


def result(child: Child) -> Any:
    """Wait for the end of a child; return its value, None if it died without one."""
    value = _read(child)
    os.waitpid(child.pid, 0)
    return value


def _read(child: Child) -> Any:
    with os.fdopen(child.reader, encoding="utf-8") as pipe:
        text = pipe.read()
    outcome = json.loads(text) if text else {"value": None}
    if "error" in outcome:
        raise RuntimeError(outcome["error"])
    return outcome["value"]


def pool(works: Iterable[Callable[[], Any]], jobs: int) -> Iterator[tuple[int, Any]]:
    """Run works in up to `jobs` children at once; yield the number and the value of each."""
    running: dict[int, tuple[int, Child]] = {}
    for number, work in enumerate(works):
        if len(running) == jobs:
            yield _next(running)
        child = fork(work)
        running[child.pid] = (number, child)
    while running:
        yield _next(running)


def _next(running: dict[int, tuple[int, Child]]) -> tuple[int, Any]:
    # Their values are short, so none of them waits for the pipe to be read.
    pid, _ = os.wait()
    number, child = running.pop(pid)
    return number, _read(child)
