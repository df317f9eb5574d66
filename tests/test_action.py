"""The GitHub action: its form, and its scripts as a runner starts them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_packaging import copy_sources

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sys.executable).parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
BAD = '{"customerSession": {"profileId": "a", "state": "opn"}}'


def validate(schema: str, path: Path) -> None:
    """Validate a file against a schema that check-jsonschema brings along."""
    done = subprocess.run(
        [SCRIPTS / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def documented_workflows() -> list[tuple[str, str]]:
    """Return the kind and text of each workflow and pipeline in the documentation."""
    page = (ROOT / "docs" / "hook.md").read_text("utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    kinds = {"name:": "github-workflows", "# .gitlab-ci.yml": "gitlab-ci"}
    return [
        (kind, text) for text in blocks for start, kind in kinds.items() if text.startswith(start)
    ]


def test_the_form_of_the_action() -> None:
    validate("github-actions", ROOT / "action.yml")


@pytest.mark.parametrize(("kind", "text"), documented_workflows())
def test_the_workflows_that_the_documentation_shows(kind: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "shown.yml"
    path.write_text(text, "utf-8")
    validate(kind, path)
    inputs = [
        name
        for step in yaml.safe_load(text).get("jobs", {}).get("payloads", {}).get("steps", ())
        if "/talonschema@" in step.get("uses", "")
        for name in step["with"]
    ]
    assert set(inputs) <= set(ACTION["inputs"])


def test_the_documentation_shows_each_input() -> None:
    page = (ROOT / "docs" / "hook.md").read_text("utf-8")
    assert {kind for kind, _ in documented_workflows()} == {"github-workflows", "gitlab-ci"}
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) >= set(ACTION["inputs"])


def step(name: str) -> dict[str, Any]:
    """Return a step of the action."""
    (found,) = [each for each in ACTION["runs"]["steps"] if each.get("name") == name]
    return dict(found)


def value(text: str, inputs: dict[str, str], context: dict[str, str]) -> str:
    """Return what an expression of a workflow stands for, which has to be an input or a path."""
    match = re.fullmatch(r"\$\{\{ ([\w.-]+) \}\}", text)
    assert match is not None
    if (name := match[1].removeprefix("inputs.")) in ACTION["inputs"]:
        return str(inputs.get(name, ACTION["inputs"][name]["default"]))
    return context[match[1]]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment of a runner that has the action installed."""
    folder = tmp_path_factory.mktemp("runner")
    context = {
        "github.action_path": str(copy_sources(folder / "action")),
        "steps.python.outputs.python-path": sys.executable,
    }
    (folder / "temp").mkdir()
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    env = {**kept, "RUNNER_TEMP": str(folder / "temp")}
    install = step("Install talonschema")
    env |= {name: value(text, {}, context) for name, text in install["env"].items()}
    subprocess.run(["bash", "-eo", "pipefail", "-c", install["run"]], env=env, check=True)
    return env


@pytest.mark.slow
@pytest.mark.xdist_group("action")
@pytest.mark.parametrize(
    ("inputs", "status", "reported"),
    [
        ({"paths": "bad\ngood"}, 1, ["schema/enum"]),
        ({"paths": "good"}, 0, []),
        ({"paths": "bad", "arguments": "--ignore\nschema\n\n--fail-on=warning"}, 0, []),
        ({"paths": "; touch pwned\n$(touch pwned)\n--help"}, 3, None),
        ({"arguments": "--no-such"}, 2, None),
        ({"sarif-file": "reports/a b.sarif"}, 1, ["schema/enum"]),
    ],
)
def test_the_check(
    runner: dict[str, str],
    tmp_path: Path,
    inputs: dict[str, str],
    status: int,
    reported: list[str] | None,
) -> None:
    for name, text in {"good": "{}", "bad": BAD}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.json").write_text(text, "utf-8")
    outputs = tmp_path / "outputs"
    check = step("Check payloads")
    env = runner | {name: value(text, inputs, {}) for name, text in check["env"].items()}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", check["run"]],
        cwd=tmp_path,
        env={**env, "GITHUB_OUTPUT": str(outputs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert not (tmp_path / "pwned").exists()
    if status in {2, 3} and reported is None:
        return
    written = outputs.read_text("utf-8").partition("=")[2].rstrip("\n")
    assert written == inputs.get("sarif-file", "talonschema.sarif")
    results = json.loads((tmp_path / written).read_text("utf-8"))["runs"][0]["results"]
    assert [each["ruleId"] for each in results] == reported
    assert done.stdout.count("::error") == len(reported or ())
