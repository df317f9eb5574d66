"""Two workers on Unix sockets behind Envoy, as docs/gateway/envoy.md describes them."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from support.gateway.endings import CLIENTS, count_lost_with_workers
from support.gateway.envoy import GRPC, HTTP, PAIR, SINGLE, Behind, envoy_running
from support.gateway.envoy_stands import ENDPOINT, SETTINGS, Stand, block, each_file, each_pair
from support.gateway.processes import Gateway, Upstream, running
from support.gateway.promises import CLOSED, OPEN, Front, new_id


@contextmanager
def two_workers(config: str, folder: Path, api: Upstream) -> Iterator[Stand]:
    """Run two workers on Unix sockets, with Envoy as the page describes it."""
    text = f'edition = "2026-06"\n[gateway]\nworkers = 2\n{SETTINGS}'
    faces = {"http": HTTP} if config == PAIR else {"http": HTTP, "grpc": GRPC}
    for face in faces:
        text += f'{face} = "unix:{folder}/{face}.sock"\n'
    settings = folder / "talonschema.toml"
    settings.write_text(text)
    edits = {
        ENDPOINT.format(port): block(f"/run/talonschema/{face}.sock").replace(
            "/run/talonschema", str(folder)
        )
        for face, port in faces.items()
        if config != SINGLE or face == "grpc"
    }
    sockets = [folder / f"{face}.sock.{index}" for face in faces for index in (0, 1)]
    script = Path(sys.executable).with_name("talonschema")
    command = [str(script), "gateway", "--config", str(settings)]
    with (
        running(command, ready=lambda: all(map(serves, sockets))) as program,
        envoy_running(config, Behind(api.port, 0, 0), edits=edits) as envoy,
    ):
        yield Stand(config, envoy, Gateway(0, 0, program), Front(envoy.port, api))


def serves(path: Path) -> bool:
    """Return True if something listens on a Unix socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(path))
        return True
    return False


def request_counts(stand: Stand) -> dict[str, int]:
    """Return how many requests each endpoint of the plugin got, by its cluster and path."""
    answer = httpx.get(
        f"http://127.0.0.1:{stand.envoy.admin}/clusters?format=json", trust_env=False
    )
    found = {}
    for cluster in answer.json()["cluster_statuses"]:
        if cluster["name"].startswith("talonschema"):
            for host in cluster["host_statuses"]:
                stats = {each["name"]: int(each.get("value", 0)) for each in host["stats"]}
                path = host["address"]["pipe"]["path"]
                found[f"{cluster['name']} {path}"] = stats["rq_total"]
    return found


@pytest.mark.slow
@each_pair
def test_two_workers_share_the_work_and_what_they_know(config: str, upstream: Upstream) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        two_workers(config, Path(folder), upstream) as stand,
    ):
        for _ in range(20):
            name = new_id()
            assert stand.put(name, CLOSED).status_code == 200
            assert stand.put(name, OPEN).status_code == 400
        shares = request_counts(stand)
        assert len(shares) == 4
        assert all(share >= 5 for share in shares.values()), shares


@pytest.mark.slow
@each_file
@pytest.mark.parametrize(
    ("number", "most"),
    # With one filter, what a killed worker has in hand can't be asked again.
    [(signal.SIGTERM, 0), (signal.SIGKILL, 2)],
)
def test_workers_that_end_cost_no_more_than_documented(
    upstream: Upstream, config: str, number: signal.Signals, most: int
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        two_workers(config, Path(folder), upstream) as stand,
    ):
        front = Front(stand.envoy.port, upstream)
        lost = count_lost_with_workers(front, stand.plugin.program, number)
        assert lost <= (most * CLIENTS if config == SINGLE else most)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_ends_costs_no_report(upstream: Upstream, number: signal.Signals) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        two_workers(PAIR, Path(folder), upstream) as stand,
    ):
        reported = [json.loads(line) for line in stand.plugin.program.output().splitlines()]
        pids = [each["pid"] for each in reported if each.get("event") == "listening"]

        def one(count: int) -> tuple[int, int, int]:
            if count == 40:
                os.kill(pids[0], number)
            name = new_id()
            closed = stand.put(name, CLOSED).status_code
            opened = stand.put(name, OPEN).status_code
            return closed, opened, len(stand.front.requests_about(name))

        with ThreadPoolExecutor(8) as pool:
            outcomes = set(pool.map(one, range(120)))
    assert outcomes == {(200, 400, 1)}
