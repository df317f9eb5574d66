"""What tests of look-ups share: benches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from support.gateway.lookup_bench import Bench
from support.gateway.processes import Upstream


@pytest.fixture
def make(upstream: Upstream) -> Iterator[Callable[..., Bench]]:
    """Make benches of the stand-in API or another, and clear them away."""
    with ExitStack() as stack:

        def make_bench(url: str = upstream.url, **options: Any) -> Bench:
            bench = Bench(url, **options)
            stack.callback(bench.close)
            return bench

        yield make_bench
    upstream.faults()


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()
