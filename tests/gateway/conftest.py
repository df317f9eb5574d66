"""What the tests of the gateway share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from support.gateway.log_lines import parse_log
from support.gateway.processes import Upstream, upstream_running
from support.gateway.valkey import Valkey
from talonschema.gateway.telemetry.log import JsonFormatter


class _Lines(logging.Handler):
    """Keeps the lines that a process would write."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(autouse=True)
def log_lines() -> Iterator[None]:
    """Fail on a line that is logged in the process of the tests and not as the schema has it."""
    handler = _Lines()
    logger = logging.getLogger("talonschema.gateway")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)
    parse_log("\n".join(handler.lines))


@pytest.fixture(scope="session")
def api() -> Iterator[Upstream]:
    """The stand-in API, one for each worker of the test run."""
    with upstream_running() as running:
        yield running


@pytest.fixture
def upstream(api: Upstream) -> Upstream:
    """The stand-in API, with nothing received so far; take a session id of your own."""
    api.forget()
    return api


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Valkey server, one for each worker of the test run; take an application of your own."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    with server.serving():
        yield server
