"""Alerts and the dashboard beside gateways that really are in each state that there is one for.

``make test-monitoring`` runs these: they start and end a good many processes.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest

from support.gateway.log_lines import parse_log
from support.gateway.ports import free_ports
from support.gateway.processes import NO_TLS, eventually, refusal, stop
from support.gateway.prometheus import (
    DASHBOARD,
    RULES,
    Growth,
    Series,
    Server,
    prometheus_running,
    promtool,
    samples,
    scenario,
)
from support.gateway.server import command, serving, write_config

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("monitoring"),
    pytest.mark.skipif(
        "TALONSCHEMA_MONITORING" not in os.environ, reason="make test-monitoring runs it"
    ),
]

GOOD: Final = b'{"customerSession": {"profileId": "cust-1"}}'
BAD: Final = json.dumps({"customerSession": {"state": 1}}).encode()
SLOW: Final = (
    b'{"customerSession":{"attributes":{'
    + b",".join(b'"a%d":' % number + b"[" * 60 + b"]" * 60 for number in range(15_000))
    + b"}}}"
)
"""Takes long to judge, for a body."""
_RUN: Final = 20
"""Requests of a state."""
_SOME_LINES: Final = 500
_CROWD: Final = 48

ALERT_OF: Final = {
    "silent": "TalonschemaObserverSilent",
    "refused": "TalonschemaRefusalsJump",
    "lag": "TalonschemaEventLoopLag",
    "queue": "TalonschemaQueueFull",
    "log": "TalonschemaLogLinesDropped",
    "restarts": "TalonschemaWorkerRestarts",
    "store": "TalonschemaStoreDown",
}
"""The alert that is for each state."""


class Observations(NamedTuple):
    """What the states looked like."""

    growths: dict[str, Growth]
    prometheus: Server
    """It has asked the gateways all the while."""


class Asker:
    """A client of the HTTP face of one worker."""

    def __init__(self, port: int) -> None:
        self._port = port

    def put(self, body: bytes, target: str = "/check/v2/customer_sessions/a", **more: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with closing(connection):
            headers = {name.replace("_", "-"): value for name, value in more.items()}
            connection.request("PUT", target, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer

    def exchange(self) -> None:
        """Send an update, and report its answer."""
        token = self.put(GOOD).headers["x-talonschema-token"]
        headers = {"x_talonschema_method": "PUT", "x_talonschema_status": "200"}
        target = "/observe/v2/customer_sessions/a"
        assert self.put(b"{}", target, x_talonschema_token=token, **headers).status == 204

    def refuse_many(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with closing(connection):
            for _ in range(_SOME_LINES):
                headers = {"X-Request-Id": "x" * 128}
                connection.request("PUT", "/check/v2/customer_sessions/a", BAD, headers)
                connection.getresponse().read()


def figures(port: int) -> dict[Series, float]:
    url = f"http://127.0.0.1:{port}/metrics"
    return samples(httpx.get(url, trust_env=False, verify=NO_TLS, timeout=30).text)


def total(found: dict[Series, float], name: str) -> float:
    return sum(value for series, value in found.items() if series[0] == name)


def worker_pids(source: int, count: int) -> dict[int, int]:
    """Return the process ids of the workers, read from a log of which no more is read."""
    text = ""
    while text.count('"event": "listening"') < count or not text.endswith("\n"):
        piece = os.read(source, 4096)
        assert piece, text
        text += piece.decode()
    return {each["worker"]: each["pid"] for each in parse_log(text) if "worker" in each}


@pytest.fixture(scope="module")
def observations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observations]:
    folder = tmp_path_factory.mktemp("monitoring")
    first = free_ports(3)
    admin = first + 2
    text = f'http = "127.0.0.1:{first}"\ngrpc = "off"\nworkers = 2\nadmin = "127.0.0.1:{admin}"\n'
    config = write_config(folder, text)
    broken = folder / "broken"
    broken.mkdir()
    source, target = os.pipe()
    with ExitStack() as stack:
        stack.callback(os.close, source)
        process = subprocess.Popen(command("--config", config), stderr=target, cwd=folder)
        os.close(target)
        stack.callback(stop, process)
        pids = worker_pids(source, 3)
        nowhere = stack.enter_context(refusal())
        store = f'store = "redis://127.0.0.1:{nowhere}/0"'
        alone, _ = stack.enter_context(serving(broken, store))
        jobs = {"talonschema": [admin], "broken": [alone]}
        prometheus = stack.enter_context(prometheus_running(folder, jobs))
        # What grows before the first scrape shows in no rate.
        prometheus.answer("talonschema_gateway_decisions_total")
        growths = dict(states(first, admin, pids))
        growths["store"] = growth_during(
            alone, lambda: [Asker(alone).put(GOOD) for _ in range(_RUN)]
        )
        yield Observations(growths, prometheus)


def growth_during(port: int, do: Callable[[], Any]) -> Growth:
    before = figures(port)
    do()
    return Growth(before, figures(port))


def states(first: int, admin: int, pids: dict[int, int]) -> Iterator[tuple[str, Growth]]:
    """Bring the workers from one state into the next; yield what each looks like."""
    workers = Asker(first), Asker(first + 1)

    def repeat(do: Callable[[Asker], Any]) -> Callable[[], Any]:
        return lambda: [do(worker) for _ in range(_RUN // 2) for worker in workers]

    yield "calm", growth_during(admin, repeat(Asker.exchange))
    yield "silent", growth_during(admin, repeat(lambda worker: worker.put(GOOD)))
    yield "refused", growth_during(admin, repeat(lambda worker: worker.put(BAD)))
    yield "lag", growth_during(admin, lambda: halt(pids[0]))
    yield "queue", growth_during(admin, lambda: crowd(workers[0]))
    yield "log", growth_during(admin, lambda: overflow(workers[0], admin))
    yield "restarts", growth_during(admin, lambda: kill(pids[1], admin))


def halt(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(pid, signal.SIGCONT)
    time.sleep(0.2)


def crowd(worker: Asker) -> None:
    """Send bodies together until the turn of one comes too late, whatever the machine."""
    with ThreadPoolExecutor(_CROWD) as pool:

        def has_refusals() -> bool:
            return 429 in {each.status for each in pool.map(worker.put, [SLOW] * _CROWD)}

        eventually(has_refusals, "the queue is never full")


def overflow(worker: Asker, admin: int) -> None:
    name = "talonschema_gateway_log_lines_dropped_total"
    while not total(figures(admin), name):
        worker.refuse_many()


def kill(pid: int, admin: int) -> None:
    os.kill(pid, signal.SIGKILL)
    up, restarts = "talonschema_gateway_worker_up", "talonschema_gateway_worker_restarts_total"

    def back() -> bool:
        found = figures(admin)
        return (total(found, up), total(found, restarts)) == (2, 1)

    eventually(back, "the worker does not come back", 60)


def test_each_state_has_its_alert_and_calm_has_none(
    observations: Observations, tmp_path: Path
) -> None:
    calm = observations.growths["calm"]
    # Whether the event loop is late while nothing happens is up to the machine.
    none = 'alertname!="TalonschemaEventLoopLag"'
    tests = [scenario("calm", calm, calm, ("59m", none, False), ("85m", none, False))]
    for state, alert in ALERT_OF.items():
        selector = f'alertname="{alert}"'
        before = Growth({}, {}) if state == "store" else calm
        tests.append(scenario(state, before, observations.growths[state], ("85m", selector, True)))
    path = tmp_path / "states.json"
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    path.write_text(json.dumps(document), "utf-8")
    promtool("test", "rules", path)


def test_each_query_of_the_dashboard_has_an_answer(observations: Observations) -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert found is not None
            assert observations.prometheus.values(found[2], fill_variables(found[1])), variable[
                "name"
            ]
    for panel in board["panels"]:
        for query in panel.get("targets", ()):
            expression = fill_variables(query["expr"])
            answer = observations.prometheus.answer(expression)
            labels = {name for series in answer for name in series["metric"]}
            assert set(re.findall(r"\{\{(\w+)\}\}", query["legendFormat"])) <= labels, expression


def test_each_rule_records(observations: Observations) -> None:
    for record in re.findall(r"record: (\S+)", RULES.read_text("utf-8")):
        observations.prometheus.answer(record)


def fill_variables(expression: str) -> str:
    """Return an expression as Grafana asks it with all values chosen."""
    values = {"$__rate_interval": "1m", "$job": ".*", "$instance": ".*"}
    for name, value in values.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression
