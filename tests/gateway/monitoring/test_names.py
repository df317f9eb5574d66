"""Rules, alerts and the dashboard: they name what /metrics has."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from support.gateway.prometheus import (
    DASHBOARD,
    DOCS,
    RULE_TESTS,
    RULES,
    names,
    promtool,
    samples,
)
from talonschema.gateway import Guard, Request, Settings
from talonschema.gateway.process.overview import combine
from talonschema.gateway.telemetry.metrics import Metrics

OF_PROMETHEUS = {"job", "instance", "le"}
"""Labels that its scrapes and histograms add."""


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [each for each in found if each["type"] != "row"]


def expressions() -> Iterator[str]:
    """Yield each expression, with variables of the dashboard in it."""
    for rule in rules():
        yield rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"]
    for variable in json.loads(DASHBOARD.read_text("utf-8"))["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def exposed_labels() -> dict[str, dict[str, set[str]]]:
    """Return the labels of each metric with their values, as two workers show them."""
    metrics = Metrics()
    guard = Guard(Settings(store="memory:"), meter=metrics)
    metrics.about("1.2.3", "2026-06", "enforce")
    asyncio.run(guard.begin(Request("PUT", "/v2/customer_sessions/a", (), b'{"state": 1}')))
    metrics.count_lookup("learned", 0.01)
    text = metrics.exposition("")[1].decode()
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, labels in samples(combine([text, None], [0, 1], "").body.decode()):
        found[name].update()
        for label, value in labels:
            found[name][label].add(value)
    return found


def test_each_metric_label_and_value_is_exposed() -> None:
    found = exposed_labels()
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    every = OF_PROMETHEUS.union(*found.values())
    for expression in expressions():
        about = names(expression)
        assert set(re.findall(r"\w+:\w+:\w+", expression)) <= recorded, expression
        assert about.labels <= every, expression
        for metric, label, value in about.matchers:
            assert metric in found, expression
            if label and not value.startswith("$"):
                assert value in found[metric][label], expression


def test_each_label_in_a_text_is_one_of_its_expression() -> None:
    every = OF_PROMETHEUS.union(*exposed_labels().values())
    texts = [
        *(note for rule in ALERTS.values() for note in rule["annotations"].values()),
        *(target["legendFormat"] for panel in panels() for target in panel["targets"]),
    ]
    used = {
        name for text in texts for name in re.findall(r"\{\{ ?(?:\$labels\.)?(\w+) ?\}\}", text)
    }
    assert {"instance", "worker", "kind", "decision"} <= used <= every


def test_alerts_fire_as_their_tests_say() -> None:
    promtool("check", "rules", RULES)
    promtool("test", "rules", RULE_TESTS.name, cwd=RULE_TESTS.parent)
    tested = yaml.safe_load(RULE_TESTS.read_text("utf-8"))["tests"]
    fired = {
        case["alertname"]
        for test in tested
        for case in test.get("alert_rule_test", ())
        if case["exp_alerts"]
    }
    assert fired == ALERTS.keys()


def test_the_page_has_each_alert_and_metric() -> None:
    page = (DOCS / "monitoring.md").read_text("utf-8")
    assert set(re.findall(r"^### (\w+)$", page, re.MULTILINE)) >= ALERTS.keys()
    listed = set(re.findall(r"^\| `(talonschema_gateway_\w+)`", page, re.MULTILINE))
    of_samples = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed_labels()}
    assert listed == of_samples


def test_the_dashboard_is_portable() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    # Nothing of the Grafana in which it was looked at, and no data source of its own.
    assert "id" not in board
    assert {each["datasource"]["uid"] for each in panels()} == {"${datasource}"}
    for panel in panels():
        assert panel["description"], panel["title"]
        assert {each["datasource"]["uid"] for each in panel["targets"]} == {"${datasource}"}
    ids = [each["id"] for each in board["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        across = range(place["x"], place["x"] + place["w"])
        cells = {(x, place["y"] + y) for x in across for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(across) < 24
        taken |= cells


@pytest.mark.parametrize(
    "expression",
    [
        'rate(talonschema_gateway_decisions_total{decision="bad"}[5m])',
        'rate(talonschema_gateway_decisions_total{decided="busy"}[5m])',
        "talonschema_gateway_decision_total",
    ],
)
def test_faults_would_be_found(expression: str) -> None:
    found = exposed_labels()
    assert any(
        metric not in found or (label and value not in found[metric][label])
        for metric, label, value in names(expression).matchers
    )
