"""What each gateway does while the plugin or the API is down, as its page describes it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from support.gateway.ports import free_port
from support.gateway.processes import Upstream, eventually, gateway_running, refusal
from support.gateway.promises import BAD, OPEN, Front, new_id, path

Change: TypeAlias = tuple[str, str]
"""A text of a configuration, and what takes its place."""


class Start(Protocol):
    """Runs a gateway in front of an API, with the plugin on a port."""

    def __call__(
        self, folder: Path, api: Upstream, plugin: int, *changes: Change
    ) -> AbstractContextManager[Front]:
        """Run it with the configuration that its page shows, but for `changes`."""


class Gateway(NamedTuple):
    """A gateway, and what differs between gateways."""

    start: Start
    fail_open: Change
    """Has calls pass that the plugin was not there to judge."""
    without_api: int
    """The status of its own answer where the API is down."""


Failure: TypeAlias = Callable[[Gateway, Path, Upstream], None]


def apply_changes(text: str, *changes: Change) -> str:
    """Return a configuration with other texts in it, each of which has to be there."""
    for old, new_text in changes:
        assert old in text, old
        text = text.replace(old, new_text)
    return text


def without_the_plugin_calls_on_sessions_are_refused(
    gateway: Gateway, folder: Path, api: Upstream
) -> None:
    name = new_id()
    with refusal() as port, gateway.start(folder, api, port) as front:
        assert front.ask("PUT", path(name), OPEN).status_code == 503
        assert front.ask("GET", "/v1/other").status_code == 200
    assert front.requests_about(name) == []


def without_the_plugin_calls_pass_if_that_is_asked_for(
    gateway: Gateway, folder: Path, api: Upstream
) -> None:
    name = new_id()
    with (
        gateway_running(folder) as plugin,
        gateway.start(folder, api, plugin.http, gateway.fail_open) as front,
    ):
        assert front.ask("PUT", path(name), BAD).status_code == 400
        plugin.program.process.terminate()
        plugin.program.process.wait()
        assert front.ask("PUT", path(name), OPEN).status_code == 200
    (seen,) = front.requests_about(name)
    assert seen["body"] == OPEN.decode()


def a_plugin_that_comes_back_is_asked_again(gateway: Gateway, folder: Path, api: Upstream) -> None:
    port = free_port()
    with gateway.start(folder, api, port) as front:
        assert front.ask("PUT", path(new_id()), OPEN).status_code == 503
        with gateway_running(folder, http=port):
            assert front.ask("PUT", path(new_id()), OPEN).status_code == 200


def without_the_api_it_is_the_gateway_that_answers(
    gateway: Gateway, folder: Path, _: Upstream
) -> None:
    with (
        gateway_running(folder) as plugin,
        refusal() as port,
        gateway.start(folder, Upstream(port), plugin.http) as front,
    ):
        assert front.ask("PUT", path(new_id()), OPEN).status_code == gateway.without_api


def a_plugin_that_ends_between_the_legs_does_not_spoil_the_answer(
    gateway: Gateway, folder: Path, api: Upstream
) -> None:
    name = new_id()
    with (
        gateway_running(folder) as plugin,
        gateway.start(folder, api, plugin.http) as front,
    ):
        api.fault(delay="1")
        with front.client() as client, ThreadPoolExecutor() as pool:
            answer = pool.submit(client.put, path(name), content=OPEN)
            # The answer of the API is still on its way when the plugin is killed.
            eventually(lambda: front.requests_about(name), "the API was not asked")
            plugin.program.process.kill()
            assert answer.result().status_code == 200
        assert api.state(name) == "open"


OF_THE_GATE: tuple[Failure, ...] = (
    without_the_plugin_calls_on_sessions_are_refused,
    without_the_plugin_calls_pass_if_that_is_asked_for,
    a_plugin_that_comes_back_is_asked_again,
    without_the_api_it_is_the_gateway_that_answers,
)
OF_BOTH_LEGS: tuple[Failure, ...] = (
    *OF_THE_GATE,
    a_plugin_that_ends_between_the_legs_does_not_spoil_the_answer,
)
