"""Loop lag: what blocks the event loop shows, and what does not block it does not."""

from __future__ import annotations

import asyncio
import time

from talonschema.gateway.process.loop_lag import STEP, LoopLag


def test_what_blocks_the_loop_is_measured() -> None:
    async def run() -> list[float]:
        seen: list[float] = []
        lag = LoopLag(seen.append)
        await asyncio.sleep(2.5 * STEP)
        time.sleep(0.5)  # noqa: ASYNC251 - that is what is to be seen
        await asyncio.sleep(2.5 * STEP)
        lag.stop()
        count = len(seen)
        await asyncio.sleep(2 * STEP)
        assert len(seen) == count
        return seen

    seen = asyncio.run(run())
    assert len(seen) >= 3
    assert all(each >= 0 for each in seen)
    assert max(seen) > 0.5 - 2 * STEP
    assert min(seen) < 0.25
