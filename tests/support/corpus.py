"""The corpus: every payload that the tests have on file, under its model, and so each part of it.

It takes the case files, the texts for the JSON reader that are JSON, the collected payloads and the
examples in the schemas. A part that has a model of its own (a cart item, an effect) stands there
once more, as a payload of that model.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import test_cases

from support.strategies import at, places
from talonschema import Validator, schemas
from talonschema.model.schema_tree import schema_tree
from talonschema.reading import document

HERE = Path(__file__).parents[1]


class Item(NamedTuple):
    """A payload as JSON text, and what it is taken for."""

    edition: str
    model: str
    text: str

    @property
    def value(self) -> Any:
        return json.loads(self.text)


@cache
def corpus() -> tuple[Item, ...]:
    """Return each payload once, in a fixed order."""
    return tuple(dict.fromkeys(_items()))


def _items() -> Iterator[Item]:
    for edition in schemas.EDITIONS:
        validator = Validator(edition=edition)
        for value, model, operation in _payloads(edition):
            reported = validator.check(value, model=model, operation=operation).model
            if reported in schemas.models(edition):
                yield from _with_parts(edition, reported, value)


def _payloads(edition: str) -> Iterator[tuple[Any, str | None, str | None]]:
    for parameters in test_cases.ALL:
        case: test_cases.Case = parameters.values[0]
        operation = case.test.get("context", {}).get("operation")
        if case.edition != edition:
            continue
        for update in case.test.get("updates", ()):
            yield update["data"], None, update.get("operation")
        if "data" in case.test:
            yield case.data, case.model, operation
    for path in sorted((HERE / "cases" / "json").glob("*.json")):
        for test in json.loads(path.read_text("utf-8"))["tests"]:
            text = test["text"] if "text" in test else bytes.fromhex(test["bytes_hex"])
            read = document.read(text)
            if not read.problems and not _overflows(read.value):
                yield read.value, None, None
    for path in sorted((HERE / "payloads").glob("*.json")):
        if path.name != "expected.json":
            yield json.loads(path.read_bytes()), None, None
    for model in schemas.models(edition):
        for example in schemas.load(edition, model)["examples"]:
            yield example, model, None


def _overflows(value: Any) -> bool:
    """Return True if a number is beyond a double: not every implementation can read it."""
    return any(at(value, place) in (math.inf, -math.inf) for place in places(value))


def _with_parts(edition: str, model: str, value: Any) -> Iterator[Item]:
    root = schema_tree(edition, model)
    for place in places(value):
        below = root.at(place)
        if below is not None and below is schema_tree(edition, below.model):
            yield Item(edition, below.model, json.dumps(at(value, place)))
