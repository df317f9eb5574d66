"""The settings for editors in docs/editors.md, in the language services of VS Code."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from talonschema.export import export

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "editors.md").read_text("utf-8")
SCHEMA = "schemas/talonone/IntegrationRequest.json"
JSON = '{"customerSession": {"state": "opn", "cartItems": [{"quantity": "1", }]}}'
YAML = 'customerSession:\n  state: opn\n  cartItems:\n    - quantity: "1"\n      \n'


def block(language: str) -> str:
    """Return the block of code in a language; the page has one of each."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with the schema where the page puts it."""
    assert f"    > {SCHEMA}" in block("sh")
    (tmp_path / SCHEMA).parent.mkdir(parents=True)
    text = export("2026-06", "IntegrationRequest", "draft-07").text
    (tmp_path / SCHEMA).write_text(text, "utf-8")
    return tmp_path


def ask(node: Path, project: Path, file: str, text: str, after: str) -> Any:
    """Return the problems of a file, and the completions after a text in it."""
    settings = json.loads(block("json").partition("\n")[2])
    order = {"folder": str(project), "settings": settings, "file": file, "text": text}
    done = subprocess.run(
        ["node", "editor.js"],
        cwd=node,
        input=json.dumps({**order, "at": text.index(after) + len(after)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.xdist_group("node")
@pytest.mark.parametrize(
    ("file", "text", "after"),
    [
        ("shop/customer-sessions/a.json", JSON, '"1", '),
        ("a.session.json", JSON, '"1", '),
        ("shop/customer-sessions/a.yaml", YAML, '"1"\n      '),
        ("a.session.yaml", YAML, '"1"\n      '),
    ],
)
def test_vs_code(node: Path, project: Path, file: str, text: str, after: str) -> None:
    answer = ask(node, project, file, text, after)
    problems = " ".join(answer["problems"])
    assert '"open", "closed"' in problems
    assert 'Expected "integer"' in problems
    assert {"sku", "price", "remainingQuantity"} <= set(answer["completions"])


@pytest.mark.slow
@pytest.mark.xdist_group("node")
def test_other_files_have_no_schema(node: Path, project: Path) -> None:
    answer = ask(node, project, "package.json", JSON.replace(", }", "}"), '"1"')
    assert answer["problems"] == []


def test_jetbrains(project: Path) -> None:
    root = ET.fromstring(block("xml"))  # noqa: S314 -- from our own page
    options = {each.get("name"): each.get("value") for each in root.iter("option")}
    assert (project / str(options["relativePathToSchema"])).is_file()
    patterns = [
        {option.get("name"): option.get("value") for option in item} for item in root.iter("Item")
    ]
    assert {each["mappingKind"] for each in patterns} == {"Pattern", "Directory"}
