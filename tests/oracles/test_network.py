"""Network: no check opens a socket, whatever is checked and by what way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CAUGHT = 97
WATCHED = f"""
import os, sys

def hook(event, arguments):
    if event.startswith("socket."):
        os.write(2, event.encode())
        os._exit({CAUGHT})

sys.addaudithook(hook)
"""
LIBRARY = """
import json, sys
from pathlib import Path
import talonschema
from talonschema.export import export

for engine in ("jsonschema", "jsonschema-rs"):
    for edition in ("2022-06", "2026-06"):
        validator = talonschema.Validator(engine=engine, edition=edition)
        for path in sorted(Path("tests/payloads").glob("*.json")):
            str(validator.check(path.read_bytes()))
        export(edition, "IntegrationStateV2", "draft-07")
talonschema.is_valid({"state": "opn"})
list(talonschema.replay([{}, {"state": "closed"}, {"state": "open"}]))
"""
COMMAND = """
from talonschema import cli

sys.exit(max(cli.main(arguments.split()) for arguments in sys.argv[1:]))
"""


def watched(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program that ends with `CAUGHT` once it reaches for a socket."""
    return subprocess.run(
        [sys.executable, "-c", WATCHED + program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_library_opens_no_socket() -> None:
    done = watched(LIBRARY)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_opens_no_socket() -> None:
    done = watched(
        COMMAND,
        "check examples/bad --format sarif",
        "check examples/good --format gitlab",
        "check --sequence examples/sequence",
        "check tests/files/captures --format json",
        "explain schema/enum",
        "schema IntegrationRequest --bundle",
        "states",
    )
    assert done.returncode == 1, done.stderr


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import urllib.request; urllib.request.urlopen('https://talonschema.example/a.json')",
    ],
)
def test_a_socket_would_be_seen(attempt: str) -> None:
    assert watched(attempt).returncode == CAUGHT
