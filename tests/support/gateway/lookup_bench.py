"""A guard that looks up sessions in the stand-in API, over real connections, and what it counts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import closing
from typing import Any

from support.gateway.processes import Upstream
from support.gateway.promises import new_id, path
from support.gateway.states import states_of
from talonschema.gateway import Guard, LookupSettings, Request, Response, Settings, Verdict
from talonschema.gateway.lookup import OUTCOMES
from talonschema.gateway.store import Key
from talonschema.gateway.store.memory import MemoryStore
from talonschema.gateway.telemetry.metrics import Metrics

KEY = "s3cret"
"""It must not show up anywhere but at the API."""
AUTHORIZATION = ("authorization", f"ApiKey-v1 {KEY}")
PATIENT = 20.0
"""Seconds that a busy machine may take."""


def update(session: str, state: str | None = None, *headers: tuple[str, str]) -> Request:
    body = {"customerSession": {} if state is None else {"state": state}}
    return Request("PUT", path(session), (AUTHORIZATION, *headers), json.dumps(body).encode())


class Bench:
    """A guard that looks up at an API, and what it counts."""

    def __init__(self, url: str, *, timeout: float = PATIENT, **options: Any) -> None:
        key_file = options.pop("key_file", None)
        self.store = options.pop("with_store", MemoryStore())
        lookup = LookupSettings(url=url, key_file=key_file, timeout=timeout)
        self.metrics = Metrics()
        settings = Settings(edition="2026-06", store="memory:", lookup=lookup, **options)
        self.guard = Guard(settings, self.store, self.metrics)
        self.runner = asyncio.Runner()

    def begin(self, request: Request) -> Verdict:
        return self.runner.run(self.guard.begin(request))

    def begin_all(self, *requests: Request) -> list[Verdict]:
        async def run() -> list[Verdict]:
            return await asyncio.gather(*(self.guard.begin(each) for each in requests))

        return self.runner.run(run())

    def finish(self, verdict: Verdict, request: Request, answer: Response | None) -> None:
        assert verdict.token is not None
        finish = self.guard.finish(verdict.token, request.method, request.target, answer)
        self.runner.run(finish)

    def states(self, session: str) -> set[str]:
        return set(self.runner.run(states_of(self.store, Key("default", session))))

    def outcomes(self) -> Counter[str]:
        """Return how many look-ups had which outcome."""
        # One may outlast the request that it was for.
        self.runner.run(asyncio.sleep(0.1))
        count = self.metrics.registry.get_sample_value
        name = "talonschema_gateway_lookups_total"
        found = Counter({each: int(count(name, {"outcome": each}) or 0) for each in OUTCOMES})
        timed = "talonschema_gateway_lookup_seconds_count"
        for each, number in found.items():
            assert (count(timed, {"outcome": each}) or 0) == number
        return +found

    def close(self) -> None:
        self.runner.run(self.guard.close())
        self.runner.close()


def lookup_targets(upstream: Upstream) -> list[str]:
    """Return the targets that were read."""
    return [each["target"] for each in upstream.requests() if each["method"] == "GET"]


def outcome(url: str) -> Counter[str]:
    with closing(Bench(url)) as bench:
        assert bench.begin(update(new_id(), "open")).refusal is None
        return bench.outcomes()
