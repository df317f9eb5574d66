"""Prometheus: its tool for rules, a real server, and what expressions name."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from support.gateway.installed import need
from support.gateway.ports import free_port
from support.gateway.processes import NO_TLS, eventually, running

DOCS: Final = Path(__file__).resolve().parents[3] / "docs" / "gateway"
RULES: Final = DOCS / "prometheus" / "rules.yml"
RULE_TESTS: Final = DOCS / "prometheus" / "rules.test.yml"
DASHBOARD: Final = DOCS / "grafana" / "dashboard.json"

Series = tuple[str, frozenset[tuple[str, str]]]
"""A name, and labels with their values."""

_SELECTOR = re.compile(r"(?<![:\w])(talonschema_gateway_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


def promtool(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Return what promtool prints; fail if it finds a fault."""
    command = [need("promtool", "prometheus"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def samples(text: str) -> dict[Series, float]:
    """Return the samples of /metrics, but for the times at which series began."""
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if not each.name.endswith("_created")
    }


class Names(NamedTuple):
    """The names and labels that an expression is about."""

    matchers: list[tuple[str, str, str]]
    """A metric, a label of it and a value; an empty label and value for the metric itself."""
    labels: set[str]
    """The labels that are grouped by."""


def names(expression: str) -> Names:
    """Return what an expression names; patterns are taken for alternatives."""
    found = []
    for metric, selector in _SELECTOR.findall(expression):
        found.append((metric, "", ""))
        for label, _, values in _MATCHER.findall(selector):
            found += [(metric, label, value) for value in values.split("|")]
    labels = {name.strip() for group in _GROUPING.findall(expression) for name in group.split(",")}
    return Names(found, labels - {""})


class Growth(NamedTuple):
    """What /metrics had at two moments."""

    before: dict[Series, float]
    after: dict[Series, float]

    def increase(self, series: Series) -> float:
        """Return how much a counter has grown; one that began again has grown from 0."""
        now, then = self.after.get(series, 0.0), self.before.get(series, 0.0)
        return now - then if now >= then else now


def scenario(name: str, calm: Growth, trouble: Growth, *expected: tuple[str, str, bool]) -> Any:
    """Return a test for promtool: an hour of `calm`, and then half an hour of `trouble`.

    What is `expected` is a time, a selector of alerts, and whether some of them fire.
    """
    names_of_all = sorted(
        {*calm.after, *trouble.after}, key=lambda each: (each[0], sorted(each[1]))
    )
    return {
        "name": name,
        "interval": f"{_STEP}s",
        "input_series": [
            {"series": _format_series(series), "values": _values(series, calm, trouble)}
            for series in names_of_all
        ],
        "promql_expr_test": [
            {
                "expr": f'group(ALERTS{{alertstate="firing", {selector}}})',
                "eval_time": time,
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
            for time, selector, fires in expected
        ],
    }


_STEP = 15
"""Seconds between two scrapes."""
_CALM, _TROUBLE = 240, 120
"""Steps of each part: in each, counters grow as they did between the two moments."""


def _values(series: Series, calm: Growth, trouble: Growth) -> str:
    if series[0].endswith(("_info", "_up")):
        value = trouble.after.get(series, calm.after.get(series, 0.0))
        return f"{value:g}x{_CALM + _TROUBLE}"
    slow, fast = calm.increase(series), trouble.increase(series)
    reached = slow * _CALM + fast
    return f"0+{slow:g}x{_CALM} {reached:.12g}+{fast:g}x{_TROUBLE - 1}"


def _format_series(series: Series) -> str:
    labels = {"job": "talonschema", "instance": "gate:9902", **dict(series[1])}
    pairs = (f"{name}={json.dumps(value)}" for name, value in sorted(labels.items()))
    return f"{series[0]}{{{', '.join(pairs)}}}"


class Server(NamedTuple):
    """A Prometheus that runs."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series that an expression has now; fail if it is none."""
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def answer(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an expression once it has some."""
        found: list[dict[str, Any]] = eventually(lambda: self.query(expression), expression)
        return found

    def values(self, label: str, selector: str) -> list[str]:
        """Return the values of a label on the series that a selector matches."""
        parameters = {"match[]": selector}
        found: list[str] = self._get(f"label/{label}/values", **parameters)
        return found

    def _get(self, what: str, **parameters: str) -> Any:
        answer = httpx.get(
            f"{self.url}/api/v1/{what}", params=parameters, trust_env=False, verify=NO_TLS
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextmanager
def prometheus_running(folder: Path, jobs: Mapping[str, Iterable[int]]) -> Iterator[Server]:
    """Run Prometheus with the rules as long as the block; it asks the ports of each job."""
    program, port = need("prometheus", "prometheus"), free_port()
    config = folder / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "500ms", "evaluation_interval": "1s"},
                "rule_files": [str(RULES)],
                "scrape_configs": [
                    {
                        "job_name": job,
                        "static_configs": [{"targets": [f"127.0.0.1:{each}" for each in ports]}],
                    }
                    for job, ports in jobs.items()
                ],
            }
        ),
        "utf-8",
    )
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    server = Server(f"http://127.0.0.1:{port}")

    def ready() -> bool:
        try:
            answer = httpx.get(f"{server.url}/-/ready", trust_env=False, verify=NO_TLS)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    with running(command, ready=ready, cwd=folder):
        yield server
