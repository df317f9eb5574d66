"""What the tests of the gateway share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.gateway.processes import Upstream, upstream_running
from support.gateway.valkey import Valkey


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
