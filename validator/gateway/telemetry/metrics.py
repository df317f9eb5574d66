"""Metrics: the counters of the gateway, for Prometheus.

Their names and labels are public. Each worker has its own, and is scraped separately.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from ..decision import Decision
from ..guard import OUTCOMES
from ..lookup import OUTCOMES as LOOKUP_OUTCOMES
from ..store import KINDS

_LATENCIES = (
    *(0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
)
_LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
DECISIONS = (
    *("allowed", "dry", "repeated", "invalid", "transition", "unfit", "busy", "suspicious"),
    "other",
)
"""The labels of decisions."""
_CALLS = ("begin", "finish", "ready", "record", "upkeep")
_SIZES = (256, 1024, 4096, 16384, 65536, 262144, 1048576, 2097152)


class Metrics:
    """The metrics of a process, which are the `Meter` of its guard."""

    def __init__(self) -> None:
        """Start at zero, in a registry of its own."""
        self.registry = CollectorRegistry()
        self._decisions = Counter(
            "talonschema_gateway_decisions",
            "Requests by decision; enforced is false in mode report.",
            ("decision", "enforced"),
            registry=self.registry,
        )
        self._findings = Counter(
            "talonschema_gateway_findings",
            "Requests by code of their findings; a code counts once for a request.",
            ("code", "severity"),
            registry=self.registry,
        )
        self._latency = Histogram(
            "talonschema_gateway_decision_seconds",
            "Duration of decisions on calls, including the store.",
            registry=self.registry,
            buckets=_LATENCIES,
        )
        self._size = Histogram(
            "talonschema_gateway_body_bytes",
            "Sizes of the judged bodies, as received.",
            registry=self.registry,
            buckets=_SIZES,
        )
        self._outcomes = Counter(
            "talonschema_gateway_outcomes",
            "Responses of the API to admitted requests, by their effect on the store.",
            ("outcome",),
            registry=self.registry,
        )
        self._lookups = Counter(
            "talonschema_gateway_lookups",
            "Look-ups of sessions by their outcome.",
            ("outcome",),
            registry=self.registry,
        )
        self._lookup_seconds = Histogram(
            "talonschema_gateway_lookup_seconds",
            "Duration of look-ups by their outcome.",
            ("outcome",),
            registry=self.registry,
            buckets=_LATENCIES,
        )
        self._store_errors = Counter(
            "talonschema_gateway_store_errors",
            "Failed calls on the store, which left a change of state unchecked or unlearned.",
            ("call", "kind"),
            registry=self.registry,
        )
        self._reloads = Counter(
            "talonschema_gateway_reloads",
            "Reloads of the configuration on SIGHUP.",
            ("result",),
            registry=self.registry,
        )
        self._lag = Histogram(
            "talonschema_gateway_loop_lag_seconds",
            "Delay of the event loop, measured twenty times a second.",
            registry=self.registry,
            buckets=_LAGS,
        )
        self._connections = Counter(
            "talonschema_gateway_connections_refused",
            "Connections to the HTTP face that were closed before a complete request arrived.",
            ("reason",),
            registry=self.registry,
        )
        self._log_dropped = Counter(
            "talonschema_gateway_log_lines_dropped",
            "Lines that were dropped because standard error was not read.",
            registry=self.registry,
        )
        self._build = Gauge(
            "talonschema_gateway_info",
            "Always 1.",
            ("version", "edition", "mode"),
            registry=self.registry,
        )
        # Cached, since finding a series by its labels took 2 % of a request.
        self._decided = {
            (label, enforced): self._decisions.labels(label, str(enforced).lower())
            for label in DECISIONS
            for enforced in (True, False)
        }
        self._finished = {outcome: self._outcomes.labels(outcome) for outcome in OUTCOMES}
        self._begin_series()

    def _begin_series(self) -> None:
        """Create all series at 0: `increase` misses the first event of one that starts at 1."""
        for call in _CALLS:
            for kind in KINDS:
                self._store_errors.labels(call, kind)
        for outcome in LOOKUP_OUTCOMES:
            self._lookups.labels(outcome)
        for reason in ("crowded", "slow", "head"):
            self._connections.labels(reason)
        for result in ("done", "failed"):
            self._reloads.labels(result)

    def count_decision(
        self, decision: Decision, seconds: float, size: int, *, enforced: bool
    ) -> None:
        """Count a decision on a request whose body has `size` bytes."""
        self._decided[decision.label, enforced].inc()
        if decision.label == "other":
            return
        self._latency.observe(seconds)
        self._size.observe(size)
        for code in decision.codes:
            self._findings.labels(code, "error").inc()
        for code in decision.warnings:
            self._findings.labels(code, "warning").inc()

    def count_outcome(self, outcome: str) -> None:
        """Count the outcome of an admitted request."""
        self._finished[outcome].inc()

    def count_lookup(self, outcome: str, seconds: float) -> None:
        """Count a look-up and its duration."""
        self._lookups.labels(outcome).inc()
        self._lookup_seconds.labels(outcome).observe(seconds)

    def count_store_failure(self, call: str, kind: str) -> None:
        """Count a failed call on the store."""
        self._store_errors.labels(call, kind).inc()

    def count_reload(self, result: str) -> None:
        """Count a reload of the configuration."""
        self._reloads.labels(result).inc()

    def observe_lag(self, seconds: float) -> None:
        """Observe the delay of the event loop."""
        self._lag.observe(seconds)

    def refused_connection(self, reason: str) -> None:
        """Count a connection that was closed without a whole request."""
        self._connections.labels(reason).inc()

    def count_dropped_lines(self, lines: int) -> None:
        """Count dropped log lines."""
        self._log_dropped.inc(lines)

    def about(self, version: str, edition: str, mode: str) -> None:
        """Set the labels of the running version."""
        self._build.clear()
        self._build.labels(version, edition, mode).set(1)

    def exposition(self, accept: str) -> tuple[str, bytes]:
        """Return a content type for an Accept header, and all metrics in this format."""
        encode, content_type = choose_encoder(accept)
        return content_type, encode(self.registry)
