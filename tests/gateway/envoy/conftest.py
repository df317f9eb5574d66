"""What tests of Envoy share: one with each of the files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.gateway.envoy import PAIRS, SINGLE
from support.gateway.envoy_stands import Stand, open_stand
from support.gateway.processes import Upstream


@pytest.fixture(scope="session", params=[*PAIRS, SINGLE])
def shared_stand(
    request: pytest.FixtureRequest, api: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stand]:
    """One for each worker of the test run and file."""
    with open_stand(request.param, tmp_path_factory.mktemp("envoy"), api) as made:
        yield made


@pytest.fixture
def stand(shared_stand: Stand, upstream: Upstream) -> Stand:
    """An Envoy with one of the files; take a session id of your own."""
    assert shared_stand.front.api is upstream
    return shared_stand
