"""The plugin for Kong, in kong-pdk's own server, asked over its socket as Kong asks it.

There is no Kong here: `Kong` below stands for it. It speaks the protocol of Kong's side
(MessagePack-RPC on a Unix socket), answers the plugin's questions, and calls the API in between.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgpack
import pytest

from support.gateway import lookups, promises
from support.gateway.processes import NO_TLS, Program, Upstream, eventually, running
from support.gateway.promises import BAD, CLOSED, JSON, OPEN, RETURN, new_id, path

MULTI_MAPS = {"kong.request.get_headers", "kong.service.response.get_headers"}


class Exit(Exception):
    """The plugin has answered in the API's place."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer)
        self.answer = answer


class Kong:
    """Stands for Kong: carries a request through the phases of the plugin."""

    def __init__(self, socket_path: Path, settings: Path, api: Upstream) -> None:
        self.socket_path = socket_path
        self.settings = settings
        self.api = api
        self.instance: int = self.start()["Id"]

    def start(self, **config: Any) -> Any:
        config = {"settings": str(self.settings), **config}
        return self.call("StartInstance", {"Name": "talonschema", "Config": json.dumps(config)})

    def call(self, method: str, *args: Any) -> Any:
        with closing(socket.socket(socket.AF_UNIX)) as connection:
            connection.settimeout(20)
            connection.connect(str(self.socket_path))
            connection.sendall(msgpack.packb([0, 1, f"plugin.{method}", args]))
            unpacker = msgpack.Unpacker()
            while piece := connection.recv(4096):
                unpacker.feed(piece)
                for kind, number, error, result in unpacker:
                    assert (kind, number) == (1, 1)
                    if error is not None:
                        raise RuntimeError(error)
                    return result
        raise ConnectionError("no data")

    def phase(self, name: str, pdk: Mapping[str, Callable[..., Any]]) -> None:
        """Let the plugin do its part, and answer what it asks."""
        step = self.call("HandleEvent", {"InstanceId": self.instance, "EventName": name})
        while step["Data"] != "ret":
            asked = step["Data"]["Method"]
            found = pdk[asked](*step["Data"]["Args"])
            by = "StepMultiMap" if asked in MULTI_MAPS else "Step"
            step = self.call(by, {"EventId": step["EventId"], "Data": found})

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {**JSON, **named}
        shared: dict[str, Any] = {}
        added: dict[str, str] = {}

        def leave(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
            raise Exit(httpx.Response(status, content=body, headers=headers))

        pdk: dict[str, Callable[..., Any]] = {
            "kong.request.get_method": lambda: method,
            "kong.request.get_path_with_query": lambda: target,
            "kong.request.get_headers": lambda most: {
                name.lower(): [value] for name, value in list(sent.items())[:most]
            },
            "kong.request.get_raw_body": lambda: None if sent.get("in") == "file" else body or b"",
            "kong.ctx.shared.set": shared.__setitem__,
            "kong.ctx.shared.get": shared.get,
            "kong.response.set_header": added.__setitem__,
            "kong.response.exit": leave,
        }
        try:
            self.phase("access", pdk)
        except Exit as left:
            return left.answer
        answer = None
        with httpx.Client(base_url=self.api.url, trust_env=False, verify=NO_TLS) as client:
            try:
                answer = client.request(method, target, content=body, headers=sent)
            except httpx.RemoteProtocolError:
                answer = None
        heard = answer or httpx.Response(502)
        pdk |= {
            "kong.service.response.get_status": lambda: answer and answer.status_code,
            "kong.service.response.get_headers": lambda most: {
                name: [value] for name, value in list(heard.headers.items())[:most]
            },
            "kong.service.response.get_raw_body": lambda: heard.content,
        }
        # httpx has unpacked it, nginx would not have.
        heard.headers.pop("content-encoding", None)
        self.phase("response", pdk)
        heard.headers.update(added)
        return heard

    def requests_about(self, session: str) -> list[dict[str, Any]]:
        return [each for each in self.api.requests() if session in each["target"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kong")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Program]:
    (folder / "talonschema.toml").write_text(
        'edition = "2026-06"\n[gateway]\nwarnings_header = true\n'
    )
    command = [sys.executable, "-m", "talonschema.gateway.kong", "-p", str(folder)]
    sock = folder / "talonschema.sock"
    with running(command, ready=lambda: _answers(sock)) as program:
        yield program


def _answers(sock: Path) -> bool:
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        return connection.connect_ex(str(sock)) == 0


@pytest.fixture
def kong(folder: Path, server: Program, upstream: Upstream) -> Kong:
    assert server.process.poll() is None
    return Kong(folder / "talonschema.sock", folder / "talonschema.toml", upstream)


@pytest.mark.parametrize(
    "promise",
    [
        promises.a_good_update_passes_unchanged,
        promises.a_bad_update_is_answered_with_the_apis_error,
        promises.a_key_twice_is_refused,
        promises.other_types_and_no_body_are_refused,
        promises.hidden_calls_are_refused,
        promises.what_a_client_says_of_the_plugin_counts_for_nothing,
        promises.a_dry_update_is_not_learned,
        promises.what_the_answer_says_is_learned,
        promises.a_big_answer_passes_whole_and_is_learned,
        promises.a_refusal_of_the_api_teaches_nothing,
        promises.a_server_error_leaves_open_what_came_of_it,
        promises.a_lost_answer_leaves_open_what_came_of_it,
    ],
    ids=lambda promise: promise.__name__,
)
def test_the_plugin_keeps_the_promise(kong: Kong, promise: Callable[[Any], None]) -> None:
    promise(kong)


def test_states_are_learned(kong: Kong) -> None:
    name = new_id()

    def put(body: bytes | None, more: str = "") -> int:
        return kong.ask("PUT", path(name, more), body).status_code

    assert [put(OPEN), put(CLOSED), put(OPEN)] == [200, 200, 400]
    assert [put(None, "/reopen"), put(OPEN), put(CLOSED)] == [200, 200, 200]
    assert kong.ask("POST", path(name, "/returns"), RETURN).status_code == 200
    assert put(CLOSED) == 400
    assert len(kong.requests_about(name)) == 6


@pytest.mark.parametrize(
    "promise",
    [lookups.an_unknown_closed_session_is_not_reopened, lookups.an_unknown_open_session_passes],
    ids=lambda promise: promise.__name__,
)
def test_look_ups_find_states(kong: Kong, tmp_path: Path, promise: Callable[[Any], None]) -> None:
    settings = tmp_path / "talonschema.toml"
    table = lookups.lookup_settings(kong.api)
    settings.write_text(f'edition = "2026-06"\n[gateway]\nstore_timeout = 20\n{table}')
    promise(Kong(kong.socket_path, settings, kong.api))


def test_other_calls_are_not_asked_for_their_body(kong: Kong) -> None:
    assert kong.ask("PUT", "/v2/customer_profiles/x", b"\xff", **{"in": "file"}).status_code == 200


def test_a_body_that_kong_does_not_hand_over_is_refused(kong: Kong) -> None:
    name = new_id()
    assert kong.ask("PUT", path(name), OPEN, **{"in": "file"}).status_code == 413
    assert kong.requests_about(name) == []


def test_warnings_are_set_as_a_header(kong: Kong) -> None:
    body = b'{"customerSession": {"flavour": "sour"}}'
    answer = kong.ask("PUT", path(new_id()), body)
    assert "payload/unknown-property" in answer.headers["x-talonschema-warnings"]


def test_requests_are_judged_side_by_side(kong: Kong) -> None:
    names = [new_id() for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: kong.ask("PUT", path(name), CLOSED), names))
        answers = list(pool.map(lambda name: kong.ask("PUT", path(name), OPEN), names))
    assert {answer.status_code for answer in answers} == {400}
    assert len(kong.api.requests()) == 40


def test_what_goes_wrong_refuses_the_request_and_hangs_nothing(kong: Kong) -> None:
    never_given_by_kong: Any = 7
    assert kong.ask("PUT", never_given_by_kong, OPEN).status_code == 503
    assert kong.ask("PUT", path(new_id()), BAD).status_code == 400


def test_settings_are_read_anew_with_each_configuration(
    kong: Kong, folder: Path, server: Program
) -> None:
    other = folder / "other.toml"
    other.write_text('[gateway]\nmode = "report"\nlog_level = "error"\nstore = "memory:"\n')
    kong.settings = other
    kong.instance = kong.start()["Id"]
    assert kong.ask("PUT", path(new_id()), BAD).status_code != 503
    assert len(kong.api.requests()) == 1
    other.write_text('[gateway]\nmode = "enforce"\nstore = "memory:"\n')
    kong.instance = kong.start()["Id"]
    request = new_id()
    assert kong.ask("PUT", path(new_id()), BAD, x_request_id=request).status_code == 400
    assert len(kong.api.requests()) == 1
    eventually(lambda: request in server.output(), "it is not logged")
    assert "would-refuse" not in server.output()


def test_wrong_settings_are_reported_to_kong(kong: Kong, folder: Path) -> None:
    (folder / "wrong.toml").write_text('[gateway]\nmode = "enforced"\n')
    with pytest.raises(RuntimeError, match=r"wrong\.toml:2: .*enforced"):
        kong.start(settings=str(folder / "wrong.toml"))


def test_it_describes_itself_to_kong() -> None:
    command = [sys.executable, "-m", "talonschema.gateway.kong", "--dump"]
    (reported,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert reported["Name"] == "talonschema"
    assert reported["Phases"] == ["access", "response"]
    fields = reported["Schema"]["fields"][0]["config"]["fields"]
    assert fields == [{"settings": {"type": "string", "required": True}}]


@pytest.mark.parametrize("flag", ["-g", "--multiprocessing"])
def test_only_threads_will_do(flag: str) -> None:
    command = [sys.executable, "-m", "talonschema.gateway.kong", flag]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        f"talonschema: {flag} can't be used: the plugin needs threads\n",
    )
