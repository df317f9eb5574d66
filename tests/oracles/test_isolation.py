"""Isolation: whatever is checked, nothing opens a socket, starts a program or executes data."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import talonschema
from talonschema import schemas

ROOT = Path(__file__).parents[2]
CAUGHT = 97
HOOK = f"""
import os, sys

CAUGHT = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "pickle."
)

def hook(event, arguments):
    # The standard library executes what it generates, such as named tuples.
    own = event in ("exec", "compile") and sys._getframe(1).f_globals.get("__name__", "")
    if event.startswith(CAUGHT) or own and own.startswith("talonschema"):
        os.write(2, event.encode())
        os._exit({CAUGHT})

sys.addaudithook(hook)
"""
LIBRARY = """
import json, sys
from pathlib import Path
import talonschema
from talonschema.export import export
from talonschema.files import check_lines
from talonschema.testing import assert_valid_request

for engine in ("jsonschema", "jsonschema-rs"):
    for edition in ("2022-06", "2026-06"):
        validator = talonschema.Validator(engine=engine, edition=edition)
        for path in sorted(Path("tests/payloads").glob("*.json")):
            str(validator.check(path.read_bytes()))
        export(edition, "IntegrationStateV2", "draft-07")
talonschema.is_valid({"state": "opn"})
list(talonschema.replay([{}, {"state": "closed"}, {"state": "open"}]))
list(check_lines(['{"state": "opn"}', "{"]))
talonschema.Validator.from_config("examples/project")
assert_valid_request("PUT", "https://shop.example/v2/customer_sessions/a", {"customerSession": {}})
"""
COMMAND = """
from talonschema import cli

sys.exit(max(cli.main(arguments.split()) for arguments in sys.argv[1:]))
"""
LOOP = """
import asyncio

runner = asyncio.Runner()
runner.get_loop()  # has a pair of sockets to wake itself up
"""
GUARD = """
from talonschema.gateway import Guard, Request, Response, Settings

async def run():
    guard = Guard(Settings(store=f"sqlite:{sys.argv[1]}"))
    bodies = [b'{"customerSession": {"state": "closed"}}', b"{", b"[" * 20_000]
    for body in bodies:
        request = Request("PUT", "/v2/customer_sessions/a", body=body)
        verdict = await guard.begin(request)
        if verdict.token:
            await guard.finish(verdict.token, "PUT", request.target, Response(200))
    await guard.close()

runner.run(run())
"""


def run_with_hook(
    program: str, *arguments: str, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program that ends with `CAUGHT` once it does what no check does."""
    return subprocess.run(
        [sys.executable, "-c", before + HOOK + program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_library_is_isolated() -> None:
    done = run_with_hook(LIBRARY)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_is_isolated(tmp_path: Path) -> None:
    done = run_with_hook(
        COMMAND,
        "check examples/bad --format sarif",
        f"check examples/good --format gitlab --output-file html={tmp_path}/report.html",
        "check --sequence examples/sequence",
        "check tests/files/captures --format json",
        "config --config examples/project/talonschema.toml",
        "explain schema/enum",
        "schema IntegrationRequest --bundle",
        "states",
    )
    assert done.returncode == 1, done.stderr


def test_the_core_of_the_gateway_is_isolated(tmp_path: Path) -> None:
    done = run_with_hook(GUARD, f"{tmp_path}/sessions.db", before=LOOP)
    assert (done.returncode, done.stderr) == (0, "refused: json/syntax\nrefused: json/too-deep\n")


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import urllib.request; urllib.request.urlopen('https://talonschema.example/a.json')",
        "import subprocess; subprocess.run(['true'])",
        "import pickle; pickle.loads(pickle.dumps(sys.exit))",
        "__name__ = 'talonschema.rules'; eval('1')",
    ],
)
def test_an_attempt_would_be_seen(attempt: str) -> None:
    assert run_with_hook(attempt).returncode == CAUGHT


def test_no_source_executes_data() -> None:
    folders = (Path(talonschema.__file__).parent, Path(schemas.__file__).parent)
    paths = {path for folder in folders for path in folder.rglob("*.py")}
    assert len(paths) > 100
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = {alias.name for alias in getattr(node, "names", ()) if hasattr(alias, "name")}
            names |= {str(getattr(node, "module", ""))}
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                names.add(node.func.id)
            found = names & {"__import__", "compile", "eval", "exec", "marshal", "pickle", "shelve"}
            assert not found, f"{path}:{getattr(node, 'lineno', 0)}"
