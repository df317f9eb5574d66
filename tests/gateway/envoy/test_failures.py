"""What fails beside Envoy, and how."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from support.gateway.envoy import GRPC, GRPC_PAIR, SINGLE, Behind, envoy_running
from support.gateway.envoy_stands import (
    ENDPOINT,
    SETTINGS,
    each_file,
    each_pair,
    is_error,
    open_stand,
)
from support.gateway.ports import free_port
from support.gateway.processes import Upstream, eventually, gateway_running, refusal
from support.gateway.promises import BAD, CLOSED, OPEN, Front, new_id, path

FAIL_OPEN = {"failure_mode_allow: false": "failure_mode_allow: true"}
ENDPOINTS = f"          - lb_endpoints:\n{ENDPOINT}"


@each_file
def test_without_the_gate_nothing_passes(config: str, tmp_path: Path, upstream: Upstream) -> None:
    port, grpc = free_port(), free_port()
    with envoy_running(config, Behind(upstream.port, port, grpc)) as envoy:
        front, name = Front(envoy.port, upstream), new_id()
        answer = front.ask("PUT", path(name), OPEN)
        assert is_error(answer, 503)
        assert "can't be asked" in answer.text
        assert front.requests_about(name) == []
        with gateway_running(tmp_path, SETTINGS, http=port, grpc=grpc):
            # Envoy tries a connection that failed again after a moment of its own choice.
            eventually(lambda: front.ask("PUT", path(name), OPEN).status_code == 200, "no recovery")
            assert front.ask("PUT", path(name), BAD).status_code == 400
        assert front.ask("PUT", path(name), OPEN).status_code == 503


@each_file
def test_without_the_gate_all_passes_if_that_is_asked_for(config: str, upstream: Upstream) -> None:
    with (
        refusal() as port,
        envoy_running(config, Behind(upstream.port, port, port), edits=FAIL_OPEN) as envoy,
    ):
        front, name = Front(envoy.port, upstream), new_id()
        assert front.ask("PUT", path(name), OPEN).status_code == 200
        assert front.ask("GET", path(name)).json()["customerSession"]["state"] == "open"


@contextmanager
def silent_port() -> Iterator[int]:
    """Listen on a port, and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        yield port


@pytest.mark.slow
@each_file
def test_a_gate_that_does_not_answer_is_given_up_on(config: str, upstream: Upstream) -> None:
    with silent_port() as port:
        behind = Behind(upstream.port, port, port)
        with envoy_running(config, behind, patient=False) as envoy:
            front, name = Front(envoy.port, upstream), new_id()
            # Envoy has a status of its own for an ext_proc service that is late.
            status = 504 if config == SINGLE else 503
            assert is_error(front.ask("PUT", path(name), OPEN), status)
            assert front.requests_about(name) == []
        with envoy_running(config, behind, patient=False, edits=FAIL_OPEN) as envoy:
            assert Front(envoy.port, upstream).ask("PUT", path(name), OPEN).status_code == 200


def observer_edits(config: str, port: int) -> dict[str, str]:
    """Return the edits by which a pair has its observer at another port."""
    if config == GRPC_PAIR:
        return {ENDPOINT.format(GRPC): ENDPOINT.format(port)}
    return {"endpoints: *talonschema\n": f"endpoints:\n{ENDPOINTS.format(port)}"}


@pytest.mark.slow
@each_pair
@pytest.mark.parametrize("silent", [False, True])
def test_without_the_observer_traffic_goes_on_and_states_become_uncertain(
    config: str, tmp_path: Path, upstream: Upstream, *, silent: bool
) -> None:
    name = new_id()
    with ExitStack() as stack:
        plugin = stack.enter_context(gateway_running(tmp_path, SETTINGS))
        nobody = stack.enter_context(silent_port() if silent else refusal())
        behind = Behind(upstream.port, plugin.http, plugin.grpc)
        watched = Front(stack.enter_context(envoy_running(config, behind)).port, upstream)
        unseen = envoy_running(config, behind, patient=False, edits=observer_edits(config, nobody))
        blind = Front(stack.enter_context(unseen).port, upstream)
        assert watched.ask("PUT", path(name), CLOSED).status_code == 200
        assert watched.ask("PUT", path(name), OPEN).status_code == 400
        assert blind.ask("PUT", path(name, "/reopen")).status_code == 200
        # The session may be open or closed, and an update that fits one of them passes.
        assert watched.ask("PUT", path(name), OPEN).status_code == 200
        # It has been learned again, so there is no more doubt.
        returned = b'{"return": {"returnedCartItems": [{"position": 0}]}}'
        assert watched.ask("POST", path(name, "/returns"), returned).status_code == 400
    assert [each["method"] for each in upstream.requests()] == ["PUT", "PUT", "PUT"]


@each_file
def test_a_crash_between_request_and_answer(
    config: str, tmp_path: Path, upstream: Upstream
) -> None:
    name = new_id()
    with (
        open_stand(config, tmp_path, upstream) as stand,
        ThreadPoolExecutor(1) as pool,
    ):
        upstream.fault(delay_after="1")
        answer = pool.submit(stand.put, name, CLOSED)
        eventually(lambda: stand.front.requests_about(name), "the request did not arrive")
        stand.plugin.program.process.kill()
        # The API has carried it out. With the pair the client learns that; with one filter that
        # fails closed it does not.
        assert answer.result().status_code == (503 if config == SINGLE else 200)
    assert upstream.state(name) == "closed"


@each_file
def test_a_reload_drops_no_request(config: str, tmp_path: Path, upstream: Upstream) -> None:
    with open_stand(config, tmp_path, upstream, 'mode = "report"') as stand:
        file = tmp_path / "talonschema.toml"
        statuses = []

        def is_refused() -> bool:
            statuses.append(stand.put(new_id(), BAD).status_code)
            return statuses[-1] == 400

        assert not any(is_refused() for _ in range(5))
        file.write_text(file.read_text().replace('"report"', '"enforce"'))
        stand.plugin.program.process.send_signal(signal.SIGHUP)
        eventually(is_refused, "the reload has no effect")
        assert all(is_refused() for _ in range(5))
    assert statuses == sorted(statuses)
    assert set(statuses) == {200, 400}
