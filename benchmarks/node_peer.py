"""The peer in Node: a process that waits while others are measured, and is asked for its slots."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import peers
from harness import HERE

from talonschema import schemas

_WARM = 600
"""Milliseconds of calls before the first slot, so that V8 has compiled what it is going to."""


def is_installed() -> bool:
    """Return True if Node and ajv are installed."""
    return bool(shutil.which("node")) and (HERE / "node" / "node_modules" / "ajv").is_dir()


class Node:
    """The process; a context manager that ends it."""

    def __init__(self) -> None:
        """Start it; the schema is compiled then."""
        folder = Path(schemas.__file__).parent / peers.EDITION
        self._process = subprocess.Popen(
            ["node", str(HERE / "node" / "worker.js"), str(folder), peers.MODEL],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.versions: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def load(self, payload: Path) -> None:
        """Take a payload to validate from now on, and warm up with it."""
        self.versions = self._ask({"load": str(payload), "warm": _WARM})

    def slot(self, calls: int) -> float:
        """Make so many calls; return the seconds they took."""
        return float(self._ask({"calls": calls}))

    def _ask(self, order: dict[str, Any]) -> Any:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the process has no pipes")
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        return json.loads(stdout.readline())
