"""Tracing: spans of decisions, answers and calls on the store, by the SDK of OpenTelemetry.

The module is imported only if the setting ``tracing`` is on. Sampling and export are configured by
the environment variables of the SDK. No span has a path, the id of a session or a value of a
payload.

A span that starts while another one is current becomes its child: see `Tracing.span`.

Sources: OpenTelemetry's semantic conventions for HTTP, databases and errors; its specification of
environment variables.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeAlias

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode, TraceFlags

from ..decision import Decision
from ..guard import Guard, Meter, Verdict
from ..lookup import Subject
from ..messages import Headers, Request, Response
from ..settings import Settings
from ..store import Admission, Ending, Intent, Key, RequestOutcome, Store, StoreError
from .decision_log import MOST_CODES
from .metrics import Metrics
from .trace_context import TRACEPARENT, TraceContext, mark, trace_context, unmark

if TYPE_CHECKING:
    from ..lookup.lookup import Lookup

SERVICE: Final = "talonschema-gateway"
"""The name of the service, unless the environment sets another."""
LAST_SPANS: Final = 3.0
"""Seconds that the end of the process waits for the last spans to be exported."""

_EXPORTERS: Final = "OTEL_TRACES_EXPORTER"
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

_Attributes: TypeAlias = Mapping[str, str | int | bool]
_log = logging.getLogger(__name__)


class Tracing:
    """A recorder of spans, which exports them from a thread of its own."""

    def __init__(self) -> None:
        """Start; raises `ValueError` if the environment selects something unsupported."""
        from ... import __version__

        exports = _select([_EXPORTERS], ["otlp", "none"]) == "otlp"
        _select(_PROTOCOLS, ["http/protobuf"])
        self._provider = TracerProvider(resource=_resource(__version__), shutdown_on_exit=False)
        self._exporter = OTLPSpanExporter()
        if exports:
            self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("talonschema", __version__)

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: _Attributes,
        parent: TraceContext | None = None,
    ) -> Iterator[Span]:
        """Make a span the current one for the block; `parent` is a remote span.

        Of an exception, only the type is recorded, or the kind if it is a `StoreError`, since its
        text may hold values. The exception propagates.
        """
        with self._tracer.start_as_current_span(
            name,
            None if parent is None else trace.set_span_in_context(_remote(parent)),
            kind,
            attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                fault = error.kind if isinstance(error, StoreError) else type(error).__name__
                span.set_attribute("error.type", fault)
                span.set_status(StatusCode.ERROR)
                raise

    async def close(self) -> None:
        """Export the remaining spans within `LAST_SPANS` seconds."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def end() -> None:
            self._provider.shutdown()
            # The loop may be closed by now.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

        # A daemon, so that the process can exit without a reply of the collector.
        Thread(target=end, name="spans", daemon=True).start()
        try:
            await asyncio.wait_for(done.wait(), LAST_SPANS)
        except TimeoutError:
            # This ends the retries.
            self._exporter.shutdown()  # type: ignore[no-untyped-call]
            text = "the last spans were not exported in time"
            _log.warning(text, extra={"fields": {"event": "spans-lost"}})


class TracedGuard(Guard):
    """A guard with a span for each decision and each answer."""

    def __init__(self, settings: Settings, tracing: Tracing, meter: Meter | None = None) -> None:
        """Initialise as `Guard` does."""
        super().__init__(settings, meter=meter)
        self._tracing = tracing
        self.store = _TracedStore(self.store, tracing, settings.store.partition(":")[0])

    async def begin(self, request: Request) -> Verdict:
        """Judge a request; its token, if any, carries the span for that of the answer."""
        attributes = {"http.request.method": request.method}
        parent = trace_context(request.headers)
        with self._tracing.span(
            "talonschema.decision", SpanKind.SERVER, attributes, parent
        ) as span:
            context = _context(span)
            verdict = await super().begin(_with_parent(request, context))
            if verdict.refusal is not None:
                span.set_attribute("http.response.status_code", verdict.refusal.status)
        if verdict.token is None or context is None:
            return verdict
        return verdict._replace(token=mark(verdict.token, context))

    async def finish(
        self, verdict_token: str, method: str, target: str, response: Response | None
    ) -> None:
        """Learn from an answer."""
        _, parent = unmark(verdict_token)
        attributes: dict[str, str | int] = {"http.request.method": method}
        if response is not None:
            attributes["http.response.status_code"] = response.status
        with self._tracing.span("talonschema.answer", SpanKind.SERVER, attributes, parent):
            await super().finish(verdict_token, method, target, response)

    async def _look_up(
        self, lookup: Lookup, subject: Subject, headers: Headers, started: float
    ) -> str:
        with self._tracing.span("talonschema.lookup", SpanKind.CLIENT, {}) as span:
            outcome = await super()._look_up(lookup, subject, headers, started)
            span.set_attribute("talonschema.lookup.outcome", outcome)
            return outcome

    async def close(self) -> None:
        """Close the store, and export the last spans."""
        await super().close()
        await self._tracing.close()


class TracedMetrics(Metrics):
    """Metrics that are also recorded on the current span."""

    def count_decision(
        self, decision: Decision, seconds: float, size: int, *, enforced: bool
    ) -> None:
        """Count a decision, and record it on the span."""
        super().count_decision(decision, seconds, size, enforced=enforced)
        trace.get_current_span().set_attributes(
            {
                "talonschema.decision": decision.label,
                "talonschema.codes": decision.codes[:MOST_CODES],
                "talonschema.warnings": decision.warnings[:MOST_CODES],
                "talonschema.enforced": enforced,
                "http.request.body.size": size,
            }
        )

    def count_outcome(self, outcome: str) -> None:
        """Count an answer, and record its effect on the span."""
        super().count_outcome(outcome)
        trace.get_current_span().set_attribute("talonschema.outcome", outcome)


class _TracedStore:
    """A wrapper of a store that records a span for each call of a request."""

    def __init__(self, store: Store, tracing: Tracing, system: str) -> None:
        self._store = store
        self._tracing = tracing
        self._attributes = {
            call: {"db.system.name": system, "db.operation.name": call}
            for call in ("begin", "finish")
        }

    async def begin(self, key: Key, intent: Intent) -> Admission:
        attributes = self._attributes["begin"]
        with self._tracing.span("talonschema.store.begin", SpanKind.CLIENT, attributes):
            return await self._store.begin(key, intent)

    async def finish(self, key: Key, token: str, outcome: RequestOutcome) -> Ending:
        attributes = self._attributes["finish"]
        with self._tracing.span("talonschema.store.finish", SpanKind.CLIENT, attributes):
            return await self._store.finish(key, token, outcome)

    async def ready(self) -> None:
        await self._store.ready()

    async def close(self) -> None:
        await self._store.close()


def _select(names: Sequence[str], known: Sequence[str]) -> str:
    """Return the value of the first variable that is set, or else the first known value."""
    for name in names:
        value = os.environ.get(name, "").strip()
        if value and value not in known:
            raise ValueError(f"{name} is {value!r}; expected {' or '.join(known)}")
        if value:
            return value
    return known[0]


def _resource(version: str) -> Resource:
    """Return the resource of this process, with default name and version."""
    found = Resource.create()
    own = {SERVICE_VERSION: version}
    if str(found.attributes[SERVICE_NAME]).startswith("unknown_service"):
        found = found.merge(Resource({SERVICE_NAME: SERVICE}))
    return Resource(own).merge(found)


def _remote(context: TraceContext) -> Span:
    return trace.NonRecordingSpan(
        SpanContext(
            int(context.trace_id, 16),
            int(context.span_id, 16),
            is_remote=True,
            trace_flags=TraceFlags(context.flags),
        )
    )


def _context(span: Span) -> TraceContext | None:
    """Return the context of a span; None if the SDK is disabled."""
    found = span.get_span_context()
    if not found.is_valid:
        return None
    trace_id, span_id = trace.format_trace_id(found.trace_id), trace.format_span_id(found.span_id)
    return TraceContext(trace_id, span_id, int(found.trace_flags))


def _with_parent(request: Request, context: TraceContext | None) -> Request:
    """Return a request whose ``traceparent`` is the span, for the log."""
    if context is None:
        return request
    others = tuple(each for each in request.headers if each[0] != TRACEPARENT)
    return request._replace(headers=(*others, (TRACEPARENT, str(context))))
