"""Question (d): how long the command takes from start to end.

Measured: whole processes, started with `posix_spawn` and awaited with `wait4`, one after the other
in an order that moves on each round: `talonschema check` on a valid file of 10 items, a bare
interpreter, and check-jsonschema on the same file and a schema of the same content. The package is
installed from its wheel. Wall time decides, since it is what a person waits for; processor time
(user and system) stands beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import harness
import payloads
import peers
from harness import Rounds

_SCRIPTS = Path(sys.executable).parent


def commands(folder: Path) -> dict[str, list[str]]:
    """Return the commands; their files are written to `folder`."""
    file, bad, schema = (folder / name for name in ("good.json", "bad.json", "schema.json"))
    file.write_bytes(payloads.text(payloads.request(10)))
    bad.write_bytes(payloads.text(payloads.faulty_request(10, 2)))
    schema.write_text(json.dumps(peers.bundle(peers.MODEL, peers.DRAFT_2020_12)), "utf-8")
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import jsonschema_rs'": [sys.executable, "-c", "import jsonschema_rs"],
        "talonschema check": [str(_SCRIPTS / "talonschema"), "check", str(file)],
        "talonschema check, 2 errors": [str(_SCRIPTS / "talonschema"), "check", str(bad)],
        "check-jsonschema": [
            str(_SCRIPTS / "check-jsonschema"),
            "--schemafile",
            str(schema),
            str(file),
        ],
    }


def spawn(command: list[str], environment: dict[str, str]) -> tuple[float, float, int]:
    """Run a command without output; return wall time, processor time and exit status."""
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0o600) for number in (0, 1, 2)]
    start = perf_counter()
    child = os.posix_spawn(command[0], command, environment, file_actions=nowhere)
    _, status, usage = os.wait4(child, 0)
    wall = perf_counter() - start
    return wall, usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status)


def main() -> None:
    """Measure, and save what was found."""
    chosen = harness.options(__doc__, rounds=25, quick_rounds=7)
    # With this variable on, modules would be compiled anew at each start.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    # As in a project without settings; those of this repository would be read, too.
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        lines = commands(Path(folder))
        names = list(lines)
        wall: Rounds = {name: [] for name in names}
        cpu: Rounds = {name: [] for name in names}
        for name, line in lines.items():
            _, _, status = spawn(line, environment)
            if status != ("errors" in name):
                raise AssertionError(f"{name} ends with {status}")
        for number in range(chosen.rounds):
            at = number % len(names)
            for name in names[at:] + names[:at]:
                waited, used, _ = spawn(lines[name], environment)
                wall[name].append(waited)
                cpu[name].append(used)
    harness.save("start", chosen, {"wall": wall, "processor": cpu})


if __name__ == "__main__":
    main()
