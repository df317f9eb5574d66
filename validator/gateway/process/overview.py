"""Overview: the probes and metrics of all workers, at one address of their supervisor."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from ..address import Address
from ..answer import Form
from ..http import READ, STATUS_PATHS, path_of, plain
from ..incoming import Incoming
from ..messages import Response, header

_PATIENCE: Final = 2.0
"""Seconds within which a worker has to answer."""
_OK: Final = 200


class Overview:
    """An application with ``/livez``, ``/readyz`` and ``/metrics`` of `workers`."""

    def __init__(self, workers: Sequence[Address], form: Form, restarts: Sequence[int]) -> None:
        """Query the HTTP faces of the workers; `form` is that of refusals.

        `restarts` is a live list with the number of restarts of each worker.
        """
        self._workers = workers
        self._restarts = restarts
        self.form: Form = form
        self.read = READ
        self.draining = False

    def refused_connection(self, reason: str) -> None:
        """Do nothing: a supervisor has no metrics of its own."""

    async def respond(self, incoming: Incoming) -> Response:
        """Return the answer to a request."""
        path = path_of(incoming)
        if path not in STATUS_PATHS:
            return plain(404, "the paths are /livez, /readyz and /metrics")
        if incoming.method not in ("GET", "HEAD"):
            return plain(405, "only GET is allowed")
        answers = await asyncio.gather(*(_request(each, path) for each in self._workers))
        if path == b"/metrics":
            accept = header(incoming.headers, "accept") or ""
            texts = [text.decode() if status == _OK else None for status, text in answers]
            return combine(texts, self._restarts, accept)
        faults = {index: text for index, (status, text) in enumerate(answers) if status != _OK}
        # One live worker is enough, but all have to be ready, since gateways connect to each.
        if not faults or (path == b"/livez" and len(faults) < len(answers)):
            return plain(200, "ok")
        lines = (f"worker {index}: {text.decode().strip()}" for index, text in faults.items())
        return plain(503, "\n".join(lines))


async def _request(address: Address, path: bytes) -> tuple[int, bytes]:
    """Return the status and body of a worker's answer; the status is 0 if there is none."""
    try:
        async with asyncio.timeout(_PATIENCE):
            reader, writer = await _connect(address)
            try:
                writer.write(b"GET %b HTTP/1.0\r\n\r\n" % path)
                head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
            finally:
                writer.close()
            return int(head.split(None, 2)[1]), body
    except (OSError, TimeoutError, ValueError, IndexError):
        return 0, b"it does not answer"


async def _connect(address: Address) -> tuple[StreamReader, StreamWriter]:
    if address.path:
        return await asyncio.open_unix_connection(address.path)
    return await asyncio.open_connection(address.host, address.port)


class _Figures(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def combine(texts: Sequence[str | None], restarts: Sequence[int], accept: str) -> Response:
    """Return the metrics of all workers, each with the label ``worker``.

    A sum would fall when a worker restarts, and Prometheus would take that for a reset.
    """
    up = GaugeMetricFamily(
        "talonschema_gateway_worker_up", "1 if the worker answers, else 0.", labels=["worker"]
    )
    started = CounterMetricFamily(
        "talonschema_gateway_worker_restarts",
        "Times that a worker ended and was started again.",
        labels=["worker"],
    )
    for index, count in enumerate(restarts):
        started.add_metric([str(index)], count)
    families: dict[str, Metric] = {}
    for index, text in enumerate(texts):
        up.add_metric([str(index)], 0 if text is None else 1)
        for family in text_string_to_metric_families(text or ""):
            # The other series have no creation time, either.
            if not family.name.endswith("_created"):
                kept = Metric(family.name, family.documentation, family.type)
                _add(families.setdefault(family.name, kept), family, {"worker": str(index)})
    registry = CollectorRegistry()
    registry.register(_Figures([up, started, *families.values()]))
    encode, content_type = choose_encoder(accept)
    return Response(200, (("content-type", content_type),), encode(registry))


def _add(kept: Metric, family: Metric, labels: Mapping[str, str]) -> None:
    for sample in family.samples:
        kept.add_sample(sample.name, {**sample.labels, **labels}, sample.value)
