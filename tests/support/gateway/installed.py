"""Programs that pip can't install: tests that need one are skipped where it is missing.

With TALONSCHEMA_REQUIRE_GATEWAYS set, as .ci/run sets it, they fail instead.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

REQUIRE = "TALONSCHEMA_REQUIRE_GATEWAYS"


def need(program: str, packages: str, *files: Path) -> str:
    """Return the path of a program; skip, or fail, if it or one of its `files` is missing.

    `packages` are the packages of Debian and Ubuntu that have them.
    """
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found and all(file.exists() for file in files):
        return found
    missing = program if not found else ", ".join(str(file) for file in files)
    reason = f"{missing} is not installed: apt-get install {packages}"
    if os.environ.get(REQUIRE):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
