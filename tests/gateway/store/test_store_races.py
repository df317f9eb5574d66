"""No store refuses what the API would do, whatever the order of things; and none stays in doubt."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from support.gateway import racer
from support.gateway.racer import ASKS, EPOCH, Ask, Model, accepts, intent
from support.gateway.stands import KINDS, LEASE, Stand, open_stand
from support.gateway.states import states_of
from support.gateway.valkey import Valkey
from talonschema.gateway.lookup.lookup import READING
from talonschema.gateway.store import Key, Learned, Refused, RequestOutcome, Store, Uncertain
from talonschema.gateway.store.memory import MemoryStore
from talonschema.gateway.store.record import MOST_PENDINGS, MOST_REMEMBERED
from talonschema.gateway.store.redis import RedisStore
from talonschema.gateway.store.sqlite import SqliteStore
from talonschema.model.states import STATES, resulting_state

forms = st.sampled_from(["full", "undated", "bare"])


class Flight:
    """A request that was admitted, up to the end of its answer."""

    def __init__(self, ask: Ask, tokens: list[str], deadline: float, digest: str = "") -> None:
        self.ask = ask
        self.digest = digest
        """That of all its repetitions; empty if there are none."""
        self.tokens = tokens
        self.deadline = deadline
        self.answer: RequestOutcome | None = None
        """What the gateway will be answered; None as long as the API has not."""
        self.awaited = True
        """The gateway does not know yet."""
        self.dead = False
        """The API will not do it any more."""

    @property
    def pending(self) -> bool:
        """The API may still do it."""
        return self.answer is None and not self.dead


class Race(RuleBasedStateMachine):
    """An API with clients, step by step, through several stores that have to agree."""

    stands: ClassVar[list[Stand]]
    refusals: ClassVar[int]
    doubts: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.session = uuid4().hex
        self.flights: list[Flight] = []
        self.done_once: dict[str, RequestOutcome] = {}
        """What the API repeats for a request that it has done, by the digest."""
        self.clock = 0
        self.state: str | None = None

    @initialize(strict=st.booleans(), lenient=st.booleans(), state=st.sampled_from([None, *STATES]))
    def prepare(self, *, strict: bool, lenient: bool, state: str | None) -> None:
        self.strict = strict
        self.lenient = lenient
        # A store that counts unknown sessions as new has to have seen all there are.
        self.state = None if strict else state

    def accepts(self, before: str | None, ask: Ask) -> bool:
        return accepts(before, ask, lenient=self.lenient)

    def begin(
        self, ask: Ask, digest: str = "", certain: frozenset[str] = frozenset()
    ) -> Flight | None:
        asked = intent(ask, strict_new=self.strict)._replace(digest=digest, certain=certain)
        reported = [
            each.runner.run(each.store.begin(each.key(self.session), asked)) for each in self.stands
        ]
        alike = {(each.token is None, *each[1:]) for each in reported}
        assert len(alike) == 1, reported
        self.doubtful = reported[0].doubtful
        tokens = [each.token for each in reported if each.token is not None]
        if not reported[0].may_pass:
            return None
        flight = Flight(ask, tokens, self.stands[0].now + LEASE, digest)
        self.flights.append(flight)
        return flight

    def finish(self, flight: Flight, reported: RequestOutcome) -> None:
        flight.awaited = False
        for each, token in zip(self.stands, flight.tokens, strict=False):
            each.finish(token, reported, session=self.session)

    def carry_out(self, flight: Flight, form: str, tick: int) -> RequestOutcome:
        """Let the API do it, or refuse it; its answer has all, no date, or no session."""
        flight.answer = self.done_once.get(flight.digest, Refused())
        if flight.digest not in self.done_once and self.accepts(self.state, flight.ask):
            self.state = resulting_state(flight.ask.operation, flight.ask.state, self.state)
            self.clock += tick
            date = EPOCH + timedelta(seconds=self.clock)
            flight.answer = {
                "full": Learned(self.state, date),
                "undated": Learned(self.state),
                "bare": Learned(),
            }[form]
            if flight.digest:
                self.done_once[flight.digest] = flight.answer
        return flight.answer

    def reachable_states(self) -> set[str | None]:
        """Return the states that the session may get into by what is in flight."""
        pending = [
            each.ask for each in self.flights if each.pending and each.digest not in self.done_once
        ]
        found: set[str | None] = set()
        new: set[str | None] = {self.state}
        while new - found:
            found |= new
            new = {
                resulting_state(ask.operation, ask.state, before)
                for before in found
                for ask in pending
                if self.accepts(before, ask)
            }
        return found

    def draw_flight(self, data: st.DataObject, which: Callable[[Flight], bool]) -> Flight | None:
        found = [flight for flight in self.flights if which(flight)]
        return data.draw(st.sampled_from(found)) if found else None

    def start_likely(self, data: st.DataObject, digest: str = "") -> Flight | None:
        """Start what the API may well do; then it has to be admitted."""
        found = []
        for state in sorted(self.reachable_states(), key=str):
            for ask in ASKS:
                if self.accepts(state, ask):
                    # What changes the state is what can go wrong; but not much can afterwards.
                    after = resulting_state(ask.operation, ask.state, state)
                    found += [ask] * (5 if after in {"open", "closed"} - {state} else 1)
        if not found:
            return None
        flight = self.begin(data.draw(st.sampled_from(found)), digest)
        assert flight is not None
        return flight

    @precondition(lambda self: self.state in {"cancelled", "partially_returned"})
    @rule(state=st.sampled_from([None, "open", "closed"]))
    def renew(self, state: str | None) -> None:
        """Turn to another session: not much can happen to this one any more."""
        self.session = uuid4().hex
        self.flights = []
        self.state = None if self.strict else state

    @rule(ask=st.sampled_from(ASKS))
    def check(self, ask: Ask) -> None:
        """Start any request; if it is refused, the API must not be able to do it."""
        if self.begin(ask) is None:
            Race.refusals += 1
            wrongly = [state for state in self.reachable_states() if self.accepts(state, ask)]
            assert not wrongly, (ask, wrongly)

    @rule(ask=st.sampled_from(ASKS))
    def doubt(self, ask: Ask) -> None:
        """Start a request unless it is in doubt, which changes nothing."""
        (before,) = self.possible_states()
        certain = intent(ask).permitted
        flight = self.begin(ask, certain=certain)
        if flight is None and self.doubtful:
            Race.doubts += 1
            possible = before or {*STATES, "new"}
            assert self.possible_states() == {before}
            assert self.strict or (possible & certain and possible - certain)
        elif flight is None:
            assert not any(self.accepts(state, ask) for state in self.reachable_states())

    @rule(
        data=st.data(),
        form=forms,
        early=st.booleans(),
        reported=st.sampled_from(["before", "after", "never"]),
        dated=st.booleans(),
    )
    def look_up(
        self, data: st.DataObject, form: str, reported: str, *, early: bool, dated: bool
    ) -> None:
        """Read the state as the gateway does, while another request is under way."""
        other = self.start_likely(data)
        begun = [each.ask(READING, session=self.session) for each in self.stands]
        if other and early:
            self.carry_out(other, form, 1)
        outcome: RequestOutcome = Refused()
        if self.state is not None:
            date = EPOCH + timedelta(seconds=self.clock)
            outcome = Learned(self.state, date if dated else None)
        elif self.strict and not begun[0].states:
            outcome = Learned("new")
        if other and not early:
            self.carry_out(other, form, 1)
        if other and other.answer and reported == "before":
            self.finish(other, other.answer)
        for each, admission in zip(self.stands, begun, strict=True):
            assert admission.token is not None
            each.finish(admission.token, outcome, session=self.session)
        self.stores_agree_on_the_state()
        if other and other.answer and reported == "after":
            self.finish(other, other.answer)

    @rule(ask=st.sampled_from(ASKS))
    def start_with_a_key(self, ask: Ask) -> None:
        """Start what may be repeated; few enough that the stores remember them all."""
        known = {each.digest for each in self.flights if each.digest}
        if len(known) < MOST_REMEMBERED:
            self.begin(ask, uuid4().hex[:24])

    @rule(data=st.data(), form=forms, tick=st.integers(0, 2), whole=st.booleans())
    def repeat(self, data: st.DataObject, form: str, tick: int, *, whole: bool) -> None:
        """Send a request again, whatever came of it; and see it through, or not."""
        first = self.draw_flight(data, lambda each: bool(each.digest))
        if first is None:
            return
        again = self.begin(first.ask, first.digest)
        if again is None:
            assert first.digest not in self.done_once
        elif whole:
            self.finish(again, self.carry_out(again, form, tick))

    @rule(
        data=st.data(),
        form=st.lists(forms, min_size=3, max_size=3),
        fate=st.sampled_from(["done", "done and lost", "refused", "lost"]),
        pause=st.sampled_from([0.0, 0.6, 1.0]),
    )
    def repeat_later(self, data: st.DataObject, form: list[str], fate: str, pause: float) -> None:
        """Send a request, see others through meanwhile, and send it again."""
        first = self.start_likely(data, uuid4().hex[:24])
        if first is None:
            return
        if fate == "refused":
            first.answer = Refused()
        elif fate != "lost":
            self.carry_out(first, form[0], 1)
        self.wait(pause)
        for each in form[:2]:
            other = self.start_likely(data)
            if other:
                self.finish(other, self.carry_out(other, each, 1))
                self.stores_agree_on_the_state()
        again = self.begin(first.ask, first.digest)
        if fate in {"done", "refused"} and first.answer is not None:
            self.finish(first, first.answer)
            self.stores_agree_on_the_state()
        if again is not None:
            self.finish(again, self.carry_out(again, form[2], 1))
        else:
            assert first.digest not in self.done_once

    @rule(data=st.data(), many=st.integers(1, 3))
    def start(self, data: st.DataObject, many: int) -> None:
        for _ in range(many):
            self.start_likely(data)

    @rule(data=st.data(), form=forms, tick=st.integers(0, 2))
    def call(self, data: st.DataObject, form: str, tick: int) -> None:
        """Start a request, and see it through before anything else happens."""
        flight = self.start_likely(data)
        if flight:
            self.finish(flight, self.carry_out(flight, form, tick))

    @rule(
        data=st.data(),
        form=st.lists(forms, min_size=3, max_size=3),
        tick=st.integers(0, 2),
        done=st.permutations(range(3)),
        reported=st.permutations(range(3)),
    )
    def overlap(
        self, data: st.DataObject, form: list[str], tick: int, done: list[int], reported: list[int]
    ) -> None:
        """Start some requests, which are done in one order and answered in another."""
        flights = [self.start_likely(data) for _ in range(3)]
        answers: dict[int, RequestOutcome] = {}
        for number in done:
            flight = flights[number]
            if flight:
                answers[number] = self.carry_out(flight, form[number], tick)
        for number in reported:
            flight = flights[number]
            if flight:
                self.finish(flight, answers[number])
                self.stores_agree_on_the_state()

    @rule(data=st.data(), form=forms, tick=st.integers(0, 2), many=st.integers(1, 3))
    def commit(self, data: st.DataObject, form: str, tick: int, many: int) -> None:
        for _ in range(many):
            flight = self.draw_flight(data, lambda each: each.pending)
            if flight:
                self.carry_out(flight, form, tick)

    @rule(data=st.data(), many=st.integers(1, 3))
    def answer(self, data: st.DataObject, many: int) -> None:
        for _ in range(many):
            flight = self.draw_flight(data, lambda each: each.awaited and each.answer is not None)
            if flight and flight.answer is not None:
                self.finish(flight, flight.answer)

    @rule(data=st.data(), how=st.sampled_from(["fail", "lose", "forget"]))
    def drop(self, data: st.DataObject, how: str) -> None:
        flight = self.draw_flight(data, lambda each: each.awaited)
        if flight is None:
            return
        # Unless it fails, the API may have done it, or still do it.
        flight.dead = flight.dead or how == "fail"
        flight.awaited = False
        if how != "forget":
            self.finish(flight, Uncertain())

    @rule(part=st.sampled_from([0.01, 0.3, 0.6, 1.0]))
    def wait(self, part: float) -> None:
        for each in self.stands:
            each.now += LEASE * part
        for flight in self.flights:
            flight.dead = flight.dead or flight.deadline <= self.stands[0].now

    @precondition(lambda self: len(self.flights) < 3)
    @rule(some=st.lists(st.sampled_from(ASKS), min_size=1, max_size=3))
    def crowd(self, some: list[Ask]) -> None:
        for number in range(MOST_PENDINGS + 2):
            self.begin(some[number % len(some)])

    @rule(data=st.data(), form=forms, tick=st.integers(0, 1))
    def settle(self, data: st.DataObject, form: str, tick: int) -> None:
        """Let all requests come to an end, then do one alone."""
        self.wait(1.0)
        for flight in self.flights:
            flight.awaited = False
        possible = [ask for ask in ASKS if self.accepts(self.state, ask)]
        if not possible:
            return
        ask = data.draw(st.sampled_from(possible))
        alone = self.begin(ask)
        assert alone is not None
        self.finish(alone, self.carry_out(alone, form, tick))
        if form != "bare" or ask != Ask("update"):
            for each in self.stands:
                assert each.states(self.session, strict_new=self.strict) == {self.state}
            for other in ASKS:
                if not accepts(self.state, other, lenient=True):
                    assert self.begin(other) is None

    def possible_states(self) -> set[frozenset[str]]:
        return {each.states(self.session, strict_new=self.strict) for each in self.stands}

    @invariant()
    def stores_agree_on_the_state(self) -> None:
        reported = self.possible_states()
        assert len(reported) == 1, reported
        (possible,) = reported
        assert not possible or (self.state or "new") in possible, (self.state, possible)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kinds", "examples"), [(("memory",), 500), (KINDS, 50)], ids=["memory", "all alike"]
)
def test_no_store_refuses_what_the_api_would_do(
    kinds: tuple[str, ...], examples: int, tmp_path: Path, valkey: Valkey
) -> None:
    Race.refusals = Race.doubts = 0
    with ExitStack() as stack:
        stands = [stack.enter_context(open_stand(kind, tmp_path, valkey)) for kind in kinds]
        run_state_machine_as_test(
            type("Bound", (Race,), {"stands": stands}),
            settings=settings(max_examples=examples, stateful_step_count=30),
        )
    assert Race.refusals > 5
    assert Race.doubts > 5


# Clients that really run at once.


def store_after_leases(kind: str, folder: Path, valkey: Valkey) -> Store:
    """Return the store as it is when all leases have ended."""

    def now() -> float:
        return time.time() + racer.LEASE

    if kind == "sqlite":
        return SqliteStore(str(folder / "race.db"), lease=racer.LEASE, timeout=30, now=now)
    return RedisStore(valkey.url, lease=racer.LEASE, timeout=30, now=now)


async def count_learned_states(store: Store, application: str, model: Model) -> int:
    """Do one request alone on each session, and return how many states were learned so."""
    count = 0
    for session in list(model.history):
        key = Key(application, session)
        possible = await states_of(store, key)
        assert not possible or model.state(session) in possible
        for ask in ASKS:
            if accepts(model.state(session), ask) and ask != Ask("update"):
                admission = await store.begin(key, intent(ask))
                assert admission.token
                assert model.commit(session, ask)
                await store.finish(key, admission.token, Learned())
                assert await states_of(store, key) == {model.state(session)}
                count += 1
                break
    return count


@pytest.mark.parametrize("clients", [3, 8, 24])
def test_many_clients_of_one_process(clients: int) -> None:
    application = uuid4().hex

    async def race() -> racer.Tally:
        turned = 0.0
        store = MemoryStore(lease=racer.LEASE, now=lambda: turned)
        model = Model(random.Random(7))
        tasks = (
            racer.client(store, application, model, random.Random(number), calls=4800 // clients)
            for number in range(clients)
        )
        tally = racer.sum_tallies(list(await asyncio.gather(*tasks)))
        await asyncio.gather(*model.late)
        turned = racer.LEASE
        assert await count_learned_states(store, application, model) > 0
        return tally

    tally = asyncio.run(race())
    assert tally.wrongly == 0
    assert tally.refused > 10
    assert tally.admitted > 100


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_many_clients_of_several_processes(kind: str, tmp_path: Path, valkey: Valkey) -> None:
    application = uuid4().hex
    url = f"sqlite:{tmp_path / 'race.db'}" if kind == "sqlite" else valkey.url

    async def race() -> racer.Tally:
        model = Model(random.Random(7))
        server = await asyncio.start_server(partial(racer.serve, model), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        processes = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, racer.__file__, url, str(port), application, str(seed)),
                stdout=asyncio.subprocess.PIPE,
            )
            for seed in range(3)
        ]
        printed = await asyncio.gather(*(process.communicate() for process in processes))
        assert all(process.returncode == 0 for process in processes)
        await asyncio.gather(*model.late)
        server.close()
        await server.wait_closed()
        store = store_after_leases(kind, tmp_path, valkey)
        assert await count_learned_states(store, application, model) > 0
        await store.close()
        return racer.sum_tallies([racer.Tally(*json.loads(output)) for output, _ in printed])

    tally = asyncio.run(race())
    assert tally.wrongly == 0
    assert tally.refused > 10
    assert tally.admitted > 100
