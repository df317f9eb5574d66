"""Ajv: a process of Node with the validator of the JavaScript world."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from talonschema.export import Target, export


class Ajv:
    """A process of Node that compiles schemas and validates payloads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            ["node", "worker.js"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.compiled: dict[tuple[Target, str, str, bool], Callable[[Any], bool]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=60)

    def ask(self, order: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        reported = json.loads(self.process.stdout.readline())
        assert "error" not in reported, reported["error"]
        return reported

    def validator(
        self, target: Target, edition: str, model: str, *, formats: bool = False
    ) -> Callable[[Any], bool]:
        key = (target, edition, model, formats)
        if key not in self.compiled:
            reported = self.ask(
                {
                    "target": target,
                    "schema": export(edition, model, target).document,
                    "formats": formats,
                }
            )
            assert reported["notes"] == []
            self.compiled[key] = lambda value: bool(
                self.ask({"id": reported["id"], "payload": json.dumps(value)})["valid"]
            )
        return self.compiled[key]


@pytest.fixture(scope="session")
def ajv(node: Path) -> Iterator[Ajv]:
    with Ajv(node) as running:
        yield running
