"""The recipes of docs/testing.md, run by pytest with the real clients."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
FILES = re.findall(
    r"^```python\n# (tests/\w+\.py)\n(.*?)^```$",
    PAGE.read_text("utf-8"),
    re.MULTILINE | re.DOTALL,
)
ALONE = ("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider")

HTTPX = """
import httpx

def send(method, path, body):
    return httpx.request(method, f"https://demo.europe-west1.talon.one{path}", json=body)
"""
REQUESTS = """
import requests

def send(method, path, body):
    return requests.request(method, f"https://demo.europe-west1.talon.one{path}", json=body)
"""
CALLS = """
SESSION = "/v2/customer_sessions/order-1"

def test_good():
    assert send("PUT", SESSION, {"customerSession": {"state": "open"}}).status_code == 200
    assert send("PUT", f"{SESSION}/reopen", None).status_code == 200

def test_bad():
    assert send("PUT", SESSION, {"customerSession": {"state": "opn"}}).status_code == 200

def test_bad_return():
    assert send("POST", f"{SESSION}/returns", {"return": {}}).status_code == 200
"""
SDK = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from talon_one import ApiClient, Configuration, IntegrationApi
from talon_one import CartItem, IntegrationRequest, NewCustomerSessionV2


class Handler(BaseHTTPRequestHandler):
    def do_PUT(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


@pytest.fixture
def api():
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with ApiClient(Configuration(host=f"http://127.0.0.1:{server.server_port}")) as client:
            yield IntegrationApi(client)
            client.rest_client.pool_manager.clear()
        server.shutdown()


def update(api, **session):
    request = IntegrationRequest(customer_session=NewCustomerSessionV2(**session))
    api.update_customer_session_v2_without_preload_content("order-1", request)


def test_good(api):
    update(api, state="open")


def test_bad(api):
    beans = CartItem(name="Espresso beans", sku="ESP-1000", quantity=6000, price=18)
    update(api, cart_items=[beans, beans])
"""


def recipe(pytester: pytest.Pytester, word: str) -> None:
    """Write the file of the page that has a word in it."""
    ((name, text),) = [each for each in FILES if word in each[1]]
    path = pytester.path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    pytester.makeini("[pytest]\nfilterwarnings = error\n")


def test_each_file_of_the_page_is_run() -> None:
    words = ("Validator(", "FOLDER", "respx.mock", "responses.RequestsMock", "ApiClient.call_api")
    assert [sum(word in text for _, text in FILES) for word in words] == [1] * len(words)
    assert len(FILES) == len(words)


def test_a_fixture_of_the_project(pytester: pytest.Pytester) -> None:
    recipe(pytester, "Validator(")
    (pytester.path / "tests" / "test_a.py").write_text(
        "from talonschema.testing import assert_valid_payload\n\n"
        "def test_a(talonschema_validator):\n"
        "    assert talonschema_validator.edition == '2026-06'\n"
        "    assert_valid_payload({'state': 'open', 'sku': 1}, validator=talonschema_validator)\n",
        encoding="utf-8",
    )
    done = pytester.runpytest_inprocess(*ALONE)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["E *error[[]payload/unknown-property[]]*"])


def test_a_folder_of_payloads(pytester: pytest.Pytester) -> None:
    recipe(pytester, "FOLDER")
    payloads = {"good": {"state": "open"}, "deep/bad": {"state": "opn"}, "warned": {"stat": "open"}}
    for name, payload in payloads.items():
        path = pytester.path / "tests" / "payloads" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(payload), encoding="utf-8")
    done = pytester.runpytest_inprocess(*ALONE, "-v")
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines(["*test_payload[[]good[]] PASSED*"])


@pytest.mark.parametrize(
    ("word", "client"), [("respx.mock", HTTPX), ("responses.RequestsMock", REQUESTS)]
)
def test_calls_of_clients_are_checked(pytester: pytest.Pytester, word: str, client: str) -> None:
    recipe(pytester, word)
    pytester.makefile(".toml", talonschema='edition = "2026-06"\n')
    (pytester.path / "tests" / "test_a.py").write_text(client + CALLS, encoding="utf-8")
    done = pytester.runpytest_inprocess(*ALONE)
    done.assert_outcomes(passed=3, errors=2)
    done.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_bad *",
            "E *AssertionError: PUT https://demo.*/v2/customer_sessions/order-1",
            "E *IntegrationRequest (edition 2026-06): 1 error",
            "E *: error[[]schema/enum[]] *",
            "*ERROR at teardown of test_bad_return *",
            "E *AssertionError: POST https://demo.*/order-1/returns",
            "E *ReturnIntegrationRequest (edition 2026-06): 1 error",
        ]
    )


def test_calls_of_the_sdk_are_checked(pytester: pytest.Pytester) -> None:
    recipe(pytester, "ApiClient.call_api")
    pytester.makefile(".toml", talonschema='edition = "2026-06"\n')
    (pytester.path / "tests" / "test_a.py").write_text(SDK, encoding="utf-8")
    done = pytester.runpytest_inprocess(*ALONE)
    done.assert_outcomes(passed=2, errors=1)
    done.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_bad *",
            "E *AssertionError: PUT http://127.0.0.1:*/v2/customer_sessions/order-1",
            "E *error[[]cart/quantity-sum[]] *",
        ]
    )
