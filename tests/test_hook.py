"""The pre-commit hooks: which files they take, and what they do in a real repository.

The slow tests install the hooks from a clone of this repository, as a user's machine would, into
environments that last for the run of the tests. They need a package index, as `make install` does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pre_commit.clientlib import load_manifest
from test_packaging import copy_sources

from talonschema.cli import check

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ROOT / ".pre-commit-hooks.yaml"
HOOKS: dict[str, dict[str, Any]] = {hook["id"]: hook for hook in load_manifest(MANIFEST)}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]
SCRIPTS = Path(sys.executable).parent

TAKEN = (
    "customer-session.json",
    "customer_sessions.ndjson",
    "customerSession.json",
    "CustomerSession.json",
    "closed-customer-session.json",
    "createCustomerSession.json",
    "customer-session.closed.json",
    "customer-session-2024.jsonl",
    "customer-sessions/closing.json",
    "customer_session/2024/a.JSON",
    "src/test/resources/customersessions/a b.json",
    "fixtures/guest.session.json",
    "fixtures/day.sessions.ndjson",
    "talonone/sessions/guest.json",
    "talon.one/session-closing.json",
    "talon-one/fixtures/payloads/eu/guest.json",
    "packages/talon/returns/partly.json",
    "e2e/talon_one/update-request.json",
    "talonone-payload.json",
    "talon_one_session.json",
    "talon-session-closing.json",
    "customer-sessions/closing.yaml",
    "guest.session.yml",
)
SEQUENCES = (
    "customer-session-history.ndjson",
    "customer_sessions/scenarios/closing.json",
    "scenarios/talonone/closing/01-open.json",
    "talon-one/histories/eu.yaml",
    "e2e/talon_one.sequence.jsonl",
)
LEFT = (
    ".pre-commit-config.yaml",
    "package.json",
    "sessions.json",
    "user-session.json",
    "session/login.json",
    "talonone/package.json",
    "packages/talon/tsconfig.json",
    "talonone/campaigns/spring.json",
    "talonone-attributes.json",
    "customer-session.md",
    "customer-session.json.bak",
    "customer-sessions/README.md",
    "customer-session.schema.json",
    "customer-session.schema.yaml",
    "schemas/customer-session.json",
    "openapi/customer-sessions.json",
    "customer-session.postman_collection.json",
    "mytalon/sessions.csv",
    "order-history.json",
    "scenarios/login.json",
    "talonone/schemas/history.schema.json",
)


def test_the_manifest_is_valid() -> None:
    run(SCRIPTS / "pre-commit", "validate-manifest", MANIFEST, cwd=ROOT)
    run(SCRIPTS / "prek", "validate-manifest", MANIFEST, cwd=ROOT)


def test_what_the_hooks_are() -> None:
    assert list(HOOKS) == ["talonschema", "talonschema-sequence"]
    for hook in HOOKS.values():
        assert hook["language"] == "python"
        assert hook["types"] == ["file"]
        assert not hook["types_or"]
        assert hook["additional_dependencies"] == EXTRAS["yaml"]
    assert HOOKS["talonschema"]["entry"] == "talonschema check"
    assert not HOOKS["talonschema"]["require_serial"]
    assert HOOKS["talonschema-sequence"]["entry"] == (
        "talonschema check --sequence --session-key file"
    )
    assert HOOKS["talonschema-sequence"]["require_serial"]


def hooks_for(name: str) -> list[str]:
    """Return the hooks that take a file."""
    return [
        each
        for each, hook in HOOKS.items()
        if re.search(hook["files"], name) and not re.search(hook["exclude"], name)
    ]


@pytest.mark.parametrize("name", TAKEN)
def test_names_of_payloads_are_taken(name: str) -> None:
    assert hooks_for(name) == ["talonschema"]


@pytest.mark.parametrize("name", SEQUENCES)
def test_names_of_sequences_are_taken(name: str) -> None:
    assert hooks_for(name) == ["talonschema-sequence"]


@pytest.mark.parametrize("name", LEFT)
def test_other_names_are_left_alone(name: str) -> None:
    assert hooks_for(name) == []


def test_files_of_this_repository_are_left_alone() -> None:
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).stdout.splitlines()
    assert listed
    assert [name for name in listed if hooks_for(name)] == []


def configurations() -> Iterator[tuple[str, str]]:
    """Yield the page and the text of each configuration that the documentation shows."""
    for name in ("README.md", "docs/hook.md"):
        page = (ROOT / name).read_text("utf-8")
        for text in re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
            assert yaml.safe_load(text)
            if text.startswith("repos:"):
                yield name, text


def test_configurations_in_the_documentation_are_valid(tmp_path: Path) -> None:
    pages = set()
    for page, text in configurations():
        pages.add(page)
        path = tmp_path / ".pre-commit-config.yaml"
        path.write_text(text, "utf-8")
        for tool in ("pre-commit", "prek"):
            run(SCRIPTS / tool, "validate-config", path, cwd=tmp_path)
        for repo in yaml.safe_load(text)["repos"]:
            for hook in repo["hooks"]:
                entry: str = hook.get("entry") or HOOKS[hook["id"]]["entry"]
                options = [*entry.split()[2:], *hook.get("args", ()), "a.json"]
                parser = argparse.ArgumentParser(exit_on_error=False)
                check.configure(parser)
                parser.parse_args(options)
    assert pages == {"README.md", "docs/hook.md"}


# For real


def environment(home: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COV_", "GIT_", "PRE_COMMIT", "PREK", "PYTEST_", "PYTHON"))
        and name not in {"VIRTUAL_ENV", "SKIP", "NO_COLOR", "FORCE_COLOR"}
    }
    return kept | {
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{f"GIT_{who}_NAME": "Tester" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "tester@shop.example" for who in ("AUTHOR", "COMMITTER")},
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "PREK_HOME": str(home / "prek"),
    }


def run(
    *command: str | Path, cwd: Path, env: dict[str, str] | None = None, status: int = 0
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == status, f"{command}\n{done.stdout}"
    return done


@dataclass(frozen=True)
class Source:
    """A clone of this repository, to install hooks from."""

    folder: Path
    revision: str
    env: dict[str, str]


@dataclass(frozen=True)
class Project:
    """A user's repository."""

    folder: Path
    tool: str
    source: Source

    def run(self, *command: str | Path, status: int = 0) -> str:
        return run(*command, cwd=self.folder, env=self.source.env, status=status).stdout

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        self.run("git", "add", "--all")

    def configure(self, *hooks: dict[str, Any]) -> None:
        repo = {
            "repo": str(self.source.folder),
            "rev": self.source.revision,
            "hooks": list(hooks) or [{"id": "talonschema"}],
        }
        self.write({".pre-commit-config.yaml": yaml.safe_dump({"repos": [repo]})})

    def check(self, status: int) -> str:
        return self.run(self.tool, "run", "--all-files", status=status)

    def documents(self, status: int) -> list[dict[str, Any]]:
        """Return the documents that processes of the hook printed in the form json."""
        printed = self.check(status)
        found, at = [], 0
        # prek indents what a hook prints.
        while start := re.compile(r"^ *(\{)$", re.MULTILINE).search(printed, at):
            document, at = json.JSONDecoder().raw_decode(printed, start.start(1))
            found.append(document)
        return found


GROUP = pytest.mark.xdist_group("hook")


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("hook")
    env = environment(folder / "home")
    clone = copy_sources(folder / "talonschema")
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "Copy")):
        run("git", *command, cwd=clone, env=env)
    revision = run("git", "rev-parse", "HEAD", cwd=clone, env=env).stdout.strip()
    return Source(clone, revision, env)


@pytest.fixture(params=["pre-commit", "prek"])
def project(request: pytest.FixtureRequest, source: Source, tmp_path: Path) -> Project:
    made = Project(tmp_path, request.param, source)
    made.run("git", "init", "--quiet")
    made.configure()
    return made


CLEAN = '{"customerSession": {"profileId": "cust-88120"}}\n'
WRONG = '{\n  "customerSession": {"profileId": 88120}\n}\n'


@GROUP
@pytest.mark.slow
def test_a_commit_is_refused_and_another_passes(project: Project) -> None:
    project.run(project.tool, "install", "--install-hooks")
    project.write({"customer-sessions/guest.json": WRONG})
    refused = project.run("git", "commit", "-m", "Add a guest", status=1)
    assert "customer-sessions/guest.json:2:36: error" in refused
    assert "schema/type" in refused
    project.run("git", "rev-parse", "--verify", "--quiet", "HEAD", status=1)

    project.write({"customer-sessions/guest.json": CLEAN})
    passed = project.run("git", "commit", "-m", "Add a guest")
    assert re.search(r"check Talon\.One payloads\.+Passed", passed)
    assert project.run("git", "log", "--format=%s") == "Add a guest\n"


@GROUP
@pytest.mark.slow
def test_many_files_are_split_over_processes(project: Project) -> None:
    project.configure({"id": "talonschema", "args": ["--format", "json"]})
    names = [f"customer-sessions/{number:03}.json" for number in range(120)]
    wrong = set(names[::25])
    project.write({name: WRONG if name in wrong else CLEAN for name in names})
    documents = project.documents(status=1)
    files = [file for document in documents for file in document["files"]]
    assert sorted(file["path"] for file in files) == names
    assert {file["path"] for file in files if not file["ok"]} == wrong
    if len(os.sched_getaffinity(0)) > 1:
        assert len(documents) > 1


@GROUP
@pytest.mark.slow
def test_text_is_reported_once_for_each_file(project: Project) -> None:
    names = [f"customer-sessions/{number:03}.json" for number in range(60)]
    project.write(dict.fromkeys(names, WRONG))
    reported = re.findall(
        r"^ *(customer-sessions/\d+\.json):2:36: error", project.check(1), re.MULTILINE
    )
    assert sorted(reported) == names


@GROUP
@pytest.mark.slow
def test_both_tools_take_the_same_files(project: Project) -> None:
    project.configure({"id": "talonschema", "args": ["--format", "json"], "verbose": True})
    # On file systems that ignore case, two names may be one.
    project.write(dict.fromkeys((*TAKEN, *SEQUENCES, *LEFT[1:]), CLEAN))
    taken = {file["path"] for document in project.documents(status=0) for file in document["files"]}
    assert taken == {name for name in TAKEN if (project.folder / name).is_file()}


@GROUP
@pytest.mark.slow
def test_arguments_and_files_of_the_user_count(project: Project) -> None:
    project.configure(
        {
            "id": "talonschema",
            "files": r"^shop/.*\.json$",
            "args": ["--edition", "2026-06", "--previous", "closed", "--select", "lifecycle"],
        }
    )
    project.write({"shop/a.json": '{"state": "open"}', "customer-session.json": WRONG})
    reported = project.check(1)
    assert "lifecycle/state-transition" in reported
    assert "customer-session.json" not in reported


@GROUP
@pytest.mark.slow
def test_what_is_not_json_fails_with_its_own_status(project: Project) -> None:
    project.write({"customer-session.json": '{"state": "open",}'})
    assert re.search(r"^ *- exit code: 3$", project.check(1), re.MULTILINE)


@GROUP
@pytest.mark.slow
def test_the_hook_can_be_tried(source: Source, tmp_path: Path) -> None:
    project = Project(tmp_path, "pre-commit", source)
    project.run("git", "init", "--quiet")
    project.write({"customer-session.json": WRONG, "package.json": WRONG})
    reported = project.run(
        "pre-commit", "try-repo", source.folder, "talonschema", "--all-files", status=1
    )
    assert "customer-session.json:2:36: error" in reported
    assert "\npackage.json" not in reported


JSON = {"args": ["--format", "json"], "verbose": True}


@GROUP
@pytest.mark.slow
def test_each_sequence_is_on_its_own_and_all_go_to_one_process(project: Project) -> None:
    project.configure({"id": "talonschema", **JSON}, {"id": "talonschema-sequence", **JSON})
    names = [f"talonone/scenarios/{number:02}.json" for number in range(40)]
    calls = [{"state": "closed"}, {"state": "cancelled"}, {"state": "open"}]
    project.write({name: json.dumps(calls[: 1 + at % 3]) for at, name in enumerate(names)})
    (document,) = project.documents(status=1)
    assert sorted(file["path"] for file in document["files"]) == names
    wrong = sorted(file["path"] for file in document["files"] if not file["ok"])
    assert wrong == names[2::3]


@GROUP
@pytest.mark.slow
def test_a_folder_is_a_history_in_order(project: Project) -> None:
    project.configure(
        {
            "id": "talonschema-sequence",
            "args": ["--session-key", "/integrationId", "--format", "json", "shop/history"],
            "files": "^shop/history/",
            "pass_filenames": False,
        }
    )
    states = ["open"] * 30 + ["closed", "cancelled", "open"]
    names = [f"shop/history/{number:02}.json" for number in range(len(states))]
    files = {name: json.dumps({"state": state}) for name, state in zip(names, states, strict=True)}
    project.write(files)
    (document,) = project.documents(status=1)
    assert [file["path"] for file in document["files"]] == names
    assert [file["path"] for file in document["files"] if not file["ok"]] == names[-1:]


@GROUP
@pytest.mark.slow
def test_an_installed_command_can_be_a_local_hook(project: Project) -> None:
    (text,) = [text for _, text in configurations() if "repo: local" in text]
    project.write({".pre-commit-config.yaml": text, "fixtures/a.json": WRONG, "a.json": WRONG})
    reported = project.check(1)
    assert "fixtures/a.json:2:36: error" in reported
    assert "\na.json" not in reported
