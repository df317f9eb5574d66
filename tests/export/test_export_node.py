"""The exports in ajv, the validator of the JavaScript world."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.ajv import Ajv
from support.corpus import corpus
from support.strategies import kinds, maybe_damage, sessions
from talonschema import schemas
from talonschema.export import Target, export

# With pytest-xdist one worker runs them all, so that there is one process of Node.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("node")]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "schemas.md"
FILES = [(edition, model) for edition in schemas.EDITIONS for model in schemas.models(edition)]
TARGETS: tuple[Target, ...] = ("2020-12", "draft-07", "draft-04")

every_target = pytest.mark.parametrize("target", TARGETS)


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
    value = data.draw(maybe_damage(payloads))
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
