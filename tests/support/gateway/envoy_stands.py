"""Envoy between a client and the stand-in API, with the plugin beside it."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

import talonschema
from support.gateway.envoy import CONFIGS, PAIRS, SINGLE, Behind, Envoy, binary, envoy_running
from support.gateway.processes import Gateway, Upstream, gateway_running
from support.gateway.promises import Front, path

SETTINGS = "store_timeout = 20\ndrain = 0.1\n"
ENDPOINT = """\
              - endpoint:
                  address:
                    socket_address: {{ address: 127.0.0.1, port_value: {} }}
"""


class Stand(NamedTuple):
    """Envoy between a client and the stand-in API, with the plugin beside it."""

    config: str
    envoy: Envoy
    plugin: Gateway
    front: Front

    def put(self, name: str, body: bytes | None, more: str = "", **headers: str) -> httpx.Response:
        return self.front.ask("PUT", path(name, more), body, **headers)


@contextmanager
def open_stand(
    config: str,
    folder: Path,
    api: Upstream,
    settings: str = "",
    edits: Mapping[str, str] | None = None,
) -> Iterator[Stand]:
    with (
        gateway_running(folder, SETTINGS + settings) as plugin,
        envoy_running(config, Behind(api.port, plugin.http, plugin.grpc), edits=edits) as envoy,
    ):
        yield Stand(config, envoy, plugin, Front(envoy.port, api, plugin.program))


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Run a server in this process; yield its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


each_file = pytest.mark.parametrize("config", [*PAIRS, SINGLE])
each_pair = pytest.mark.parametrize("config", PAIRS)


def validate(config: Path) -> tuple[int, str]:
    """Have Envoy validate a configuration; return its exit status and its complaints."""
    done = subprocess.run(
        [binary(), "--mode", "validate", "--config-path", config, "--log-level", "warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def is_error(answer: httpx.Response, status: int) -> bool:
    """Return True if an answer is of the form of the API's errors."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    return talonschema.is_valid(answer.content, model="ErrorResponse")


BLOCKS = re.findall(
    r"^```yaml\n(.*?)^```$", (CONFIGS / "envoy.md").read_text(), re.MULTILINE | re.DOTALL
)
"""What the page adds to the files."""


def block(part: str) -> str:
    """Return the one block of the page that has `part` in it."""
    (found,) = (each for each in BLOCKS if part in each)
    return str(found)
