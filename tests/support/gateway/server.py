"""The plugin's own process with a configuration of the test's, alone and with workers."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from support.gateway.log_lines import parse_log
from support.gateway.ports import free_port, free_ports
from support.gateway.processes import Program, listens, running, stop
from talonschema.gateway.process.server import USAGE

BAD = b'{"customerSession": {"cartItem": []}}'
STRICT = '[severity]\n"payload/unknown-property" = "error"\n'
TARGET = "/check/v2/customer_sessions/a?dry=true"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "talonschema", "gateway", *arguments]


def write_config(folder: Path, text: str, top: str = "") -> str:
    path = folder / "talonschema.toml"
    path.write_text(f'edition = "2026-06"\n{top}[gateway]\n{text}', encoding="utf-8")
    return str(path)


def put(port: int, body: bytes = BAD, target: str = TARGET) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with closing(connection):
        connection.request("PUT", target, body)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def events(program: Program) -> list[dict[str, Any]]:
    return parse_log(program.output())


def events_named(program: Program, event: str) -> list[dict[str, Any]]:
    return [each for each in events(program) if each.get("event") == event]


@contextmanager
def serving(
    folder: Path, text: str = "", top: str = "", more: Sequence[str] = ()
) -> Iterator[tuple[int, Program]]:
    port = free_port()
    config = write_config(folder, f'http = "127.0.0.1:{port}"\ngrpc = "off"\n{text}', top)
    with running(
        command("--config", config, *more), ready=lambda: listens(port), cwd=folder
    ) as program:
        yield port, program
        stop(program.process)
        events(program)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, check=False, cwd=folder, timeout=60
    )
    # What is wrong with the settings is for whoever starts it, and anything else for the log.
    if done.returncode != USAGE:
        parse_log(done.stderr)
    return done


@contextmanager
def workers(folder: Path, count: int = 2) -> Iterator[tuple[int, Program]]:
    first = free_ports(count)
    text = f'http = "127.0.0.1:{first}"\ngrpc = "off"\ndrain = 5'
    config = write_config(folder, text)

    def ready() -> bool:
        return all(listens(port) for port in range(first, first + count))

    program = command("--config", config, "--workers", str(count))
    with running(program, ready=ready, cwd=folder) as running_program:
        yield first, running_program
        stop(running_program.process)
        events(running_program)
