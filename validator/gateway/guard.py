"""Guard: the judge of each request by core and store, which reports outcomes to the store.

It is the only interface of the faces (HTTP, gRPC, middleware, Kong), and works in any event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from secrets import token_hex
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeVar, Unpack

from ..config.fields import InvalidValue
from ..model.routes import Route
from ..model.states import STATES
from . import answer
from .body import inflate
from .decision import Decision, DecisionCore, StateQuestion
from .heavy import Busy, HeavyQueue
from .lookup import LookupMeter, Subject
from .messages import Headers, Request, Response
from .missed import ANY, MissedChanges
from .outcome import outcome as outcome_of
from .repetition import digest
from .settings import Options, Settings
from .store import (
    Admission,
    Ending,
    Intent,
    Key,
    Learned,
    RequestOutcome,
    Store,
    Uncertain,
    open_store,
)
from .store_health import StoreHealth, StoreMeter
from .telemetry.decision_log import MOST_CODES, REQUEST_ID, given_id, log_admitted, log_refused
from .telemetry.trace_context import unmark

if TYPE_CHECKING:
    from .lookup.lookup import Lookup

WARNINGS: Final = "x-talonschema-warnings"

_HEAVY: Final = 16 * 1024
"""Bytes of a decompressed body beyond which it is judged outside the event loop: a faulty one can
take a second."""
_MOST_PARTS: Final = 1000
"""The most commas of a light body: each faulty item or property takes some microseconds."""
_SWELLING: Final = 50
"""The assumed expansion ratio of a compressed body, which determines its place in the queue."""
_LATEST: Final = 0.4
"""Seconds within which a request has to be judged: gateways give up after 0.5 to 1, and those that
fail open then let the request pass."""
_RETRY_AFTER: Final = 1
"""Seconds after which a request that was not judged may be retried."""
_UNJUDGED: Final = "unjudged."
"""The prefix of the token of a request that passed while the store failed; its state follows."""

OUTCOMES: Final = ("learned", "refused", "uncertain", "late", "unknown", "failed")
"""The effects of an answer on the knowledge of the store."""

_T = TypeVar("_T")


class Verdict(NamedTuple):
    """The treatment of a request."""

    refusal: Response | None
    """The answer to send in place of the API's; None if the request passes unchanged."""
    token: str | None
    """The handle for `Guard.finish`; None if there is nothing to learn from the answer."""
    headers: Headers
    """Headers to be added to the answer, whether it is the API's or a refusal."""
    decision: str
    """The label of the decision; see `Decision`."""


class Meter(StoreMeter, LookupMeter, Protocol):
    """A counter of decisions."""

    def count_decision(
        self, decision: Decision, seconds: float, size: int, *, enforced: bool
    ) -> None:
        """Count a decision on a request whose body has `size` bytes."""

    def count_outcome(self, outcome: str) -> None:
        """Count the outcome of an admitted request; see `OUTCOMES`."""


class _Turn(NamedTuple):
    """A request that is being judged."""

    core: DecisionCore
    request: Request
    started: float
    """The time of `perf_counter` at which this began."""
    weight: int
    """The size of its body, as returned by `_weight`."""


class Guard:
    """Judges requests, and learns the state of each session from the answers."""

    def __init__(
        self, settings: Settings, store: Store | None = None, meter: Meter | None = None
    ) -> None:
        """Judge by `settings`; `store` replaces the one that they name.

        Raises `ValueError` or `TypeError` for invalid settings, and `StoreError` for a store that
        can't be used.
        """
        self.settings = settings
        # Validated before the store is opened, which may create a file.
        self._core = DecisionCore(settings)
        self._health = StoreHealth(meter)
        self._lookup = self._opened_lookup(meter)
        if store is None:
            lease, expiry, timeout = settings.lease, settings.expiry, settings.store_timeout
            report = self._health.report
            store = open_store(
                settings.store, lease=lease, expiry=expiry, timeout=timeout, report=report
            )
        self.store: Store = store
        self._missed = MissedChanges(self._health)
        self._meter = meter
        self._heavy = HeavyQueue()

    @classmethod
    def open(cls, **options: Unpack[Options]) -> Guard:
        """Return a guard with the settings in `options`; raises as the class does."""
        return cls(Settings(**options))

    def reload(self, settings: Settings) -> None:
        """Judge by other settings from the next request on; the store is kept.

        Raises `ValueError` or `TypeError` for invalid settings; the present ones are then kept.
        """
        core = DecisionCore(settings)
        core.warm()
        self._core, self.settings = core, settings

    def warm(self) -> None:
        """Load everything that the first request would otherwise wait for."""
        self._core.warm()

    def concerns(self, request: Request) -> bool:
        """Return True if a request can't be judged without its body."""
        return isinstance(self._core.route(request), Route)

    async def begin(self, request: Request) -> Verdict:
        """Judge a request on its way to the API."""
        core = self._core
        turn = _Turn(core, request, perf_counter(), _weight(request))
        enforced = core.settings.mode == "enforce"
        try:
            decision = await self._run(turn, core.examine, request)
        except Busy:
            decision = _busy(core)
        token = None
        if decision.question is not None and not (decision.refusal and enforced):
            decision, token = await self._admit_call(turn, decision, decision.question)
        seconds = perf_counter() - turn.started
        if self._meter is not None:
            self._meter.count_decision(decision, seconds, len(request.body), enforced=enforced)
        headers: Headers = ()
        if decision.warnings and core.settings.warnings_header:
            headers = ((WARNINGS, ", ".join(decision.warnings[:MOST_CODES])),)
        if decision.refusal is None:
            log_admitted(decision, request, seconds)
            return Verdict(None, token, headers, decision.label)
        status, headers_of_refusal, body = decision.refusal
        request_id = given_id(request) or token_hex(16)
        log_refused(
            decision, request, seconds, status=status, request_id=request_id, enforced=enforced
        )
        if not enforced:
            return Verdict(None, token, headers, decision.label)
        refusal = Response(status, (*headers_of_refusal, (REQUEST_ID, request_id), *headers), body)
        return Verdict(refusal, None, headers, decision.label)

    async def finish(
        self, verdict_token: str, method: str, target: str, response: Response | None
    ) -> None:
        """Learn from the API's answer to the request with the token; None if it was lost.

        Tokens that the store does not know are ignored.
        """
        core = self._core
        route = core.route(Request(method, target))
        if not verdict_token or not isinstance(route, Route) or route.dry:
            return
        key = Key(core.settings.application, route.session)
        outcome = outcome_of(response, route, target.partition("?")[2])
        verdict_token, _ = unmark(verdict_token)
        unjudged, mark, wanted = verdict_token.partition(_UNJUDGED)
        if not mark or unjudged:
            ending = await self._health.answer(
                "finish", self.store, lambda: self.store.finish(key, verdict_token, outcome)
            )
            effect = _effect(outcome, ending)
        else:
            effect = await self._make_up(key, wanted, outcome)
        if self._meter is not None:
            self._meter.count_outcome(effect)

    async def _make_up(self, key: Key, wanted: str, outcome: RequestOutcome) -> str:
        """Learn from the answer to a request that the store did not see; return the effect.

        To the store, the request begins only now, so its order among others is known only by the
        date of its answer; without a date, its result is a possible state once its lease ends.
        """
        state = wanted if wanted in STATES else None
        if not isinstance(outcome, Uncertain):
            self._missed.forget(key, state)
        if not isinstance(outcome, Learned):
            return _effect(outcome, Ending.TAKEN)
        admission = await self._begin(key, Intent(ANY, state))
        if admission is None or admission.token is None:
            self._missed.note(key, state)
            return _effect(outcome, None)
        token = admission.token
        if not outcome.updated:
            return _effect(Uncertain(), Ending.TAKEN)
        ending = await self._health.answer(
            "finish", self.store, lambda: self.store.finish(key, token, outcome)
        )
        return _effect(outcome, ending)

    async def ready(self) -> None:
        """Return if the store can be used; raises `StoreError` if not."""
        await self._health.ready(self.store)

    async def close(self) -> None:
        """Close the store."""
        self._heavy.close()
        if self._lookup is not None:
            await self._lookup.close()
        self._missed.close()
        await self.store.close()

    async def _admit_call(
        self, turn: _Turn, decision: Decision, question: StateQuestion
    ) -> tuple[Decision, str | None]:
        """Admit a request to its session; return the decision and, if it passes, the token."""
        core = turn.core
        intent = question.intent
        repeatable = digest(question.operation, turn.request.headers, question.payload)
        if repeatable:
            intent = intent._replace(digest=repeatable)
        enforced = core.settings.mode == "enforce"
        asked = intent if enforced else intent._replace(permitted=ANY)
        if self._lookup is not None and decision.refusal is None:
            asked = asked._replace(certain=intent.permitted)
        admission, looked = await self._admit(turn, question.key, asked)
        if looked:
            decision = decision._replace(lookup=looked)
        if admission is None:
            # The store learns of the change once it is available again.
            self._missed.note(question.key, intent.wanted)
            return decision, _UNJUDGED + (intent.wanted or "")
        if decision.refusal is not None:
            return decision, admission.token
        if admission.repeated:
            return decision._replace(label="repeated"), admission.token
        states = admission.states
        try:
            settled = await self._run(turn, core.settle, decision, question, states)
        except Busy:
            # Refused for its state: there is no time to render the finding.
            settled = decision if admission.token is not None else _busy(core)
        if enforced and admission.token is not None and settled.refusal is not None:
            return decision, admission.token
        return settled, admission.token

    async def _admit(self, turn: _Turn, key: Key, intent: Intent) -> tuple[Admission | None, str]:
        """Have the store admit a request, after a look-up if it is in doubt.

        Return the admission, None if the store failed, and the outcome of the look-up, empty if
        there was none.
        """
        admission = await self._begin(key, intent)
        if self._lookup is None or admission is None or not admission.doubtful:
            return admission, ""
        subject = Subject(self.store, key, intent.strict_new)
        looked = await self._look_up(self._lookup, subject, turn.request.headers, turn.started)
        return await self._begin(key, intent._replace(certain=frozenset())), looked

    async def _look_up(
        self, lookup: Lookup, subject: Subject, headers: Headers, started: float
    ) -> str:
        """Look a session up; return the outcome."""
        return await lookup.ask(subject, headers, started)

    async def _begin(self, key: Key, intent: Intent) -> Admission | None:
        """Have the store admit a request; return None if it failed."""
        return await self._health.answer(
            "begin", self.store, lambda: self._missed.begin(self.store, key, intent)
        )

    def _opened_lookup(self, meter: Meter | None) -> Lookup | None:
        """Return the look-up, if it is configured; raises `ValueError` if it can't be used."""
        settings = self.settings.lookup
        if settings is None:
            return None
        try:
            from .lookup.lookup import Lookup
        except ModuleNotFoundError as error:
            install = "pip install 'talonschema[gateway-lookup]'"
            message = f"lookup needs the package {error.name}: {install}"
            raise InvalidValue(message, "lookup") from None
        return Lookup(settings, self._health, meter)

    async def _run(self, turn: _Turn, judge: Callable[..., _T], *about: Any) -> _T:
        """Call `judge` inline, or outside the event loop if the body is heavy.

        Raises `Busy` if that takes too long, counted from the start of the turn.
        """
        if turn.weight <= _HEAVY:
            return judge(*about)
        try:
            async with asyncio.timeout(turn.started + _LATEST - perf_counter()):
                return await self._heavy.run(turn.weight, partial(judge, *about))
        except TimeoutError:
            raise Busy from None


def _weight(request: Request) -> int:
    """Return the decompressed size of a body, estimated if it is too large for the event loop."""
    size = len(request.body)
    encodings = [value for name, value in request.headers if name == "content-encoding"]
    if size > _HEAVY or not size:
        return size
    if not encodings:
        return _weight_of_text(request.body)
    text = inflate(request.body, ",".join(encodings), _HEAVY)
    return max(_HEAVY + 1, size * _SWELLING) if text is None else _weight_of_text(text)


def _weight_of_text(text: bytes) -> int:
    return len(text) if text.count(b",") <= _MOST_PARTS else _HEAVY + 1


def _busy(core: DecisionCore) -> Decision:
    refusal = answer.of_haste(_RETRY_AFTER, core.settings.errors)
    return Decision("busy", refusal, ("gateway/busy",))


def _effect(outcome: RequestOutcome, ending: Ending | None) -> str:
    """Return the effect of an answer, which is one of `OUTCOMES`."""
    if ending is None:
        return "failed"
    if ending is Ending.CROWDED:
        return "uncertain"
    return type(outcome).__name__.lower() if ending is Ending.TAKEN else ending.value
