"""``talonschema init``: what it writes works, and nothing is overwritten."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from talonschema.cli import init, main
from talonschema.config import discovery
from talonschema.schemas import EDITIONS

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent
BAD = '{"customerSession": {"profileId": "a", "state": "opn"}}'
OTHERS = """\
repos:
  - repo: https://git.example/other
    rev: v1
    hooks:
      - id: other
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def hooks(text: str) -> list[str]:
    """Return the names of the hooks in a configuration of pre-commit."""
    return [hook["id"] for repo in yaml.safe_load(text)["repos"] for hook in repo["hooks"]]


def test_what_it_writes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    assert capsys.readouterr().out == "talonschema.toml written\n.pre-commit-config.yaml written\n"
    config = discovery.find()
    assert config is not None
    assert hooks((project / init.HOOKS).read_text("utf-8")) == ["talonschema"]
    assert main(["config", "--format", "json"]) == 0
    in_force = json.loads(capsys.readouterr().out)
    assert in_force["settings"]["edition"]["value"] == EDITIONS[-1]


def test_every_commented_setting_is_one(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = re.sub(r"^# (?=\[|[a-z_\"/-]+ = )", "", init.SETTINGS, flags=re.MULTILINE)
    (project / discovery.OWN).write_text(text, "utf-8")
    (project / "catalog.json").write_text("{}", "utf-8")
    assert main(["config", "--format", "json"]) == 0
    shown = capsys.readouterr().out
    for key in ("warning", "identity/anonymous-profile", "catalog.json", "cart/missing-price"):
        assert key in shown


def test_nothing_is_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init"]) == 0
    before = {path: path.read_bytes() for path in project.iterdir()}
    capsys.readouterr()
    assert main(["init"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("was left unchanged") == 2
    assert {path: path.read_bytes() for path in project.iterdir()} == before


def test_settings_further_up_are_enough(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pyproject.toml").write_text("[tool.talonschema]\n", "utf-8")
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    assert main(["init"]) == 0
    assert not (project / "below" / discovery.OWN).exists()


@pytest.mark.parametrize(
    "text",
    [
        OTHERS,
        OTHERS.rstrip("\n"),
        OTHERS.replace("\n  ", "\n"),
        f"fail_fast: true\n{OTHERS}\n# the end\n\n",
    ],
)
def test_the_hook_is_added_to_others(project: Path, text: str) -> None:
    path = project / init.HOOKS
    path.write_text(text, "utf-8")
    assert main(["init"]) == 0
    written = path.read_text("utf-8")
    assert written.startswith(text.rstrip("\n"))
    assert hooks(written) == ["other", "talonschema"]


@pytest.mark.parametrize("text", ["repos: []\n", f"{OTHERS}fail_fast: true\n", "", "a: [\n"])
def test_other_forms_are_left_to_their_owner(
    project: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / init.HOOKS
    path.write_text(text, "utf-8")
    assert main(["init"]) == 0
    out, err = capsys.readouterr()
    assert path.read_text("utf-8") == text
    assert "add this to the repos of .pre-commit-config.yaml" in err
    (repo,) = yaml.safe_load(out.partition("\n")[2])
    assert repo["hooks"][0]["id"] == "talonschema"


def test_broken_settings_are_reported(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / discovery.OWN).write_text("edition = \n", "utf-8")
    assert main(["init"]) == 2
    assert "talonschema.toml:1" in capsys.readouterr().err
    assert not (project / init.HOOKS).exists()


def test_the_local_hook_takes_the_files_of_the_manifest() -> None:
    manifest = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    for key, own in (("files", init.FILES), ("exclude", init.EXCLUDE)):
        verbose = re.sub(r"^\s*#.*$", "", manifest[0][key], flags=re.MULTILINE)
        assert own == re.sub(r"\s+", "", verbose).replace("(?xi)", "(?i)")


def test_an_installation_from_git_names_its_repository(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Installed:
        def read_text(self, _name: str) -> str:
            vcs = {"vcs": "git", "commit_id": "abc"}
            return json.dumps({"url": "https://git.example/talonschema", "vcs_info": vcs})

    def distribution(_name: str) -> Any:
        return Installed()

    monkeypatch.setattr(metadata, "distribution", distribution)
    assert main(["init"]) == 0
    (repo,) = yaml.safe_load((project / init.HOOKS).read_text("utf-8"))["repos"]
    assert (repo["repo"], repo["rev"]) == ("https://git.example/talonschema", "abc")


def test_pre_commit_runs_the_hook(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{SCRIPTS}:/usr/bin:/bin")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(project / ".cache"))
    assert main(["init"]) == 0
    (project / "talonone").mkdir()
    (project / "talonone" / "request.json").write_text(BAD, "utf-8")
    for command in (["git", "init", "-q"], ["git", "add", "talonone", init.HOOKS]):
        subprocess.run(command, check=True)
    done = subprocess.run(
        ["pre-commit", "run", "--all-files"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "schema/enum" in done.stdout
