"""What tests of the guard share: benches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.gateway.guard_bench import Bench


@pytest.fixture
def make() -> Iterator[Callable[..., Bench]]:
    """Make benches, and clear them away."""
    with contextlib.ExitStack() as stack:

        def make_bench(**options: Any) -> Bench:
            bench = Bench(**options)
            stack.enter_context(bench.runner)
            return bench

        yield make_bench


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()
