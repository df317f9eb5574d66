"""What tests of all stores share: one of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gateway.stands import KINDS, Stand, open_stand
from support.gateway.valkey import Valkey


@pytest.fixture(params=KINDS)
def stand(request: pytest.FixtureRequest, tmp_path: Path, valkey: Valkey) -> Iterator[Stand]:
    with open_stand(request.param, tmp_path, valkey) as made:
        yield made
