"""What all tests share: how hypothesis searches, the command, and the report at the end.

TALONSCHEMA_EFFORT makes it search longer (see `support.search`); with CI set, the steps are the
same each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import settings

from support import valid
from support.ajv import ajv
from support.node import node_folder
from support.search import draws
from support.skipped import pytest_terminal_summary
from talonschema import cli

__all__ = ["ajv", "node_folder", "pytest_terminal_summary"]

Run = Callable[..., tuple[int, str, str]]

# No deadline: how long one example takes depends on the machine more than on the code.
settings.register_profile(
    "tests",
    deadline=None,
    derandomize="CI" in os.environ,
    max_examples=draws(100),
    print_blob=True,
)
settings.load_profile("tests")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command in this process: exit status, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(arguments)
        captured = capsys.readouterr()
        if captured.out and arguments[0] == "check" and "json" in arguments:
            valid.output(captured.out)
        return status, captured.out, captured.err

    return run
