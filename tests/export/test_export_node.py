"""The exports in ajv, the validator of the JavaScript world."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Self

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.corpus import corpus
from support.strategies import damaged, kinds, sessions
from talonschema import schemas
from talonschema.export import Target, export

# With pytest-xdist one worker runs them all, so that there is one process of Node.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("node")]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "schemas.md"
FILES = [(edition, model) for edition in schemas.EDITIONS for model in schemas.models(edition)]
TARGETS: tuple[Target, ...] = ("2020-12", "draft-07", "draft-04")

every_target = pytest.mark.parametrize("target", TARGETS)


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


@cache
def original(edition: str, model: str) -> Any:
    """Return the validator of the schema file itself; it checks no formats."""
    return jsonschema.Draft202012Validator(
        schemas.load(edition, model), registry=schemas.registry()
    )


@every_target
@pytest.mark.parametrize(("edition", "model"), FILES)
def test_ajv_compiles_each_export(target: Target, edition: str, model: str, ajv: Ajv) -> None:
    validate = ajv.validator(target, edition, model, formats=True)
    source = schemas.load(edition, model)
    assert all(map(validate, source["examples"]))
    assert not validate(7)
    assert not validate({}) or not source.get("required")


@every_target
def test_ajv_agrees_on_the_corpus(target: Target, ajv: Ajv) -> None:
    for item in corpus():
        verdict = original(item.edition, item.model).is_valid(item.value)
        assert ajv.validator(target, item.edition, item.model)(item.value) == verdict, item


@every_target
@given(data=st.data())
def test_ajv_agrees_on_any_payload(target: Target, ajv: Ajv, data: st.DataObject) -> None:
    edition, model = data.draw(kinds)
    payloads = sessions(edition, model)
    value = data.draw(payloads | damaged(payloads))
    verdict = original(edition, model).is_valid(value)
    assert ajv.validator(target, edition, model)(value) == verdict


@every_target
@pytest.mark.parametrize(
    ("place", "value", "valid"),
    [
        ("created", "2022-05-10T09:05:27.993483Z", True),
        ("created", "2022-05-10", False),
        ("created", "2022-02-30T09:05:27Z", False),
    ],
)
def test_ajv_knows_the_formats(
    target: Target, ajv: Ajv, place: str, value: str, *, valid: bool
) -> None:
    session = schemas.load("2022-06", "CustomerSessionV2")["examples"][0]
    validate = ajv.validator(target, "2022-06", "CustomerSessionV2", formats=True)
    assert validate({**session, place: value}) == valid


def test_the_example_of_the_page_prints_what_is_shown(ajv: Ajv, tmp_path: Path) -> None:
    found = re.search(
        r"^```js\n(.*?)^```\n\n```text\n(.*?)^```$",
        PAGE.read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    assert found
    bundle = export("2022-06", "IntegrationRequest", "2020-12").text
    (tmp_path / "IntegrationRequest.json").write_text(bundle, "utf-8")
    (tmp_path / "node_modules").symlink_to(ajv.folder / "node_modules")
    done = subprocess.run(
        ["node", "-"], cwd=tmp_path, input=found[1], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (found[2], "")
