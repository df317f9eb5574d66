"""The programs in tests/node, with the packages that they need."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1] / "node"


def install(cache_folder: Path) -> Path:
    """Return the folder with the programs and their packages; install it there if it is not yet.

    The packages come from the npm registry once. The folder appears under its name all at once, so
    that processes don't see each other's halves.
    """
    files = sorted(HERE.iterdir())
    version = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    folder = cache_folder / version
    if not folder.exists():
        cache_folder.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=cache_folder))
        for file in files:
            shutil.copy(file, made)
        npm = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(npm, cwd=made, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            assert folder.exists()
            shutil.rmtree(made)
    return folder


@pytest.fixture(scope="session", name="node")
def node_folder(pytestconfig: pytest.Config) -> Path:
    """Return the folder with the programs.

    Without Node the test is skipped, unless CI or TALONSCHEMA_REQUIRE_NODE demands one.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        why = "Node with npm is not installed: what runs in it was not tried"
        if {os.environ.get("TALONSCHEMA_REQUIRE_NODE"), os.environ.get("CI")} & {"1", "true"}:
            pytest.fail(why)
        pytest.skip(why)
    return install(Path(pytestconfig.rootpath) / ".pytest_cache" / "node")
