"""A guard whose store can be made to fail, and a shorthand to send it requests and answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from support.gateway.states import states_of
from talonschema.gateway import Guard, Request, Response, Settings, Verdict
from talonschema.gateway.decision import Decision
from talonschema.gateway.store import Admission, Ending, Intent, Key, RequestOutcome, StoreError
from talonschema.gateway.store.memory import MemoryStore

SESSION = "/v2/customer_sessions/cart-1"
KEY = Key("default", "cart-1")
JSON = ("content-type", "application/json")
HIDDEN = "s3cret"
"""It must not show up anywhere."""


def put_request(session: Mapping[str, Any] | None = None, *headers: tuple[str, str]) -> Request:
    body = json.dumps({"customerSession": session or {}}).encode()
    return Request("PUT", SESSION, (JSON, *headers), body)


def answer(status: int = 200, session: Mapping[str, Any] | None = None) -> Response:
    body = {} if session is None else {"customerSession": session}
    return Response(status, (JSON,), json.dumps(body).encode())


class Failing(MemoryStore):
    """A real store that can be made to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = False
        self.calls = 0

    async def _fail_if_failing(self) -> None:
        self.calls += 1
        if self.failing:
            raise StoreError("the disk is full", "full")

    async def begin(self, key: Key, intent: Intent) -> Admission:
        await self._fail_if_failing()
        return await super().begin(key, intent)

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> Ending:
        await self._fail_if_failing()
        return await super().finish(key, token, outcome)

    async def ready(self) -> None:
        await self._fail_if_failing()


class Counting:
    """A meter that keeps its calls."""

    def __init__(self) -> None:
        self.decisions: list[tuple[str, bool, int]] = []
        self.outcomes: list[str] = []
        self.failures: list[str] = []
        self.lookups: list[str] = []

    def count_decision(
        self, decision: Decision, seconds: float, size: int, *, enforced: bool
    ) -> None:
        assert seconds >= 0
        self.decisions.append((decision.label, enforced, size))

    def count_outcome(self, outcome: str) -> None:
        self.outcomes.append(outcome)

    def count_store_failure(self, call: str, kind: str) -> None:  # noqa: ARG002 - as `Meter` has it
        self.failures.append(call)

    def count_lookup(self, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.lookups.append(outcome)


class Bench:
    """A guard, and a shorthand to send it requests and answers."""

    def __init__(self, **options: Any) -> None:
        options = {"edition": "2026-06", "store": "memory:", "store_timeout": 0.05, **options}
        self.store = Failing()
        self.meter = Counting()
        self.guard = Guard(Settings(**options), self.store, self.meter)
        self.runner = asyncio.Runner()

    def begin(self, request: Request) -> Verdict:
        return self.runner.run(self.guard.begin(request))

    def finish(self, verdict: Verdict, response: Response | None, request: Request) -> None:
        assert verdict.token is not None
        self.runner.run(self.guard.finish(verdict.token, request.method, request.target, response))

    def exchange(self, request: Request, response: Response | None = None) -> Verdict:
        verdict = self.begin(request)
        self.finish(verdict, response or answer(), request)
        return verdict

    def states(self) -> set[str]:
        return set(self.runner.run(states_of(self.store, KEY)))
