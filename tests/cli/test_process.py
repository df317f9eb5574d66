"""The command as a process: what it imports, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.cli import BAD, CLEAN, MAIN, WRONG_TYPE, Write, start


def loaded_modules(code: str) -> set[str]:
    """Return the names of the modules that are loaded once `code` has run."""
    code = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    with start(code, stdout=subprocess.DEVNULL) as process:
        _, err = process.communicate()
    assert process.returncode == 0, err
    return set(err.decode().split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_little_is_imported_for_help_and_version(option: str) -> None:
    modules = loaded_modules(f"from talonschema.cli import main; assert main([{option!r}]) == 0")
    own = {name for name in modules if name.startswith("talonschema.")}
    assert own == {f"talonschema.cli{module}" for module in ("", ".console", ".parser")}
    assert not modules & {"jsonschema", "jsonschema_rs", "jiter", "referencing", "asyncio"}


def test_accelerated_check_does_without_the_reference() -> None:
    pytest.importorskip("jsonschema_rs")
    arguments = ["check", *map(str, BAD)]
    modules = loaded_modules(f"from talonschema.cli import main; assert main({arguments!r}) == 1")
    assert "jsonschema_rs" in modules
    assert not modules & {"jsonschema", "referencing", "attr", "attrs", "yaml", "asyncio"}


def test_module_can_be_run() -> None:
    command = [sys.executable, "-m", "talonschema", "check", str(BAD[0])]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


def test_closed_pipe_ends_it_quietly(write: Write) -> None:
    path = write(WRONG_TYPE)
    reader, writer = os.pipe()
    os.close(reader)
    with start(MAIN, "check", path, stdout=writer) as process:
        os.close(writer)
        _, err = process.communicate()
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk_is_reported(write: Write) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        start(MAIN, "check", write(WRONG_TYPE), stdout=full) as process,
    ):
        _, err = process.communicate()
    assert process.returncode == 3
    assert err.startswith(b"talonschema: error: ")
    assert err.count(b"\n") == 1


def test_interrupt_ends_it_quietly(write: Write) -> None:
    # Tests that run in the background of a shell inherit that interrupts are ignored.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "sys.stdout.reconfigure(line_buffering=True);"
        "from talonschema.cli import main; sys.exit(main())"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with start(code, "check", "--verbose", write(CLEAN), "-", **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"a.json: ok ")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err) == (130, b"")
