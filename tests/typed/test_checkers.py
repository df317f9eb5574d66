"""Type checkers take right payloads and refuse wrong ones, at the line that is wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

CONSUMER = """\
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from typing import Any

from hypothesis import given

import talonschema
from talonschema import check, is_valid, replay, validate
from talonschema.files import Row, check_lines, check_sequence
from talonschema.gateway import SessionGuard
from talonschema.testing import assert_valid_payload, assert_valid_request
from talonschema.testing.strategies import payloads
from talonschema.types import CartItem, NewCustomerSessionV2, ReturnIntegrationRequest, State
from talonschema.types import v2026_06 as later

shoe: CartItem = {"name": "Air Glide", "sku": "SKU-1", "quantity": 1, "price": 99}
session: NewCustomerSessionV2 = {"profileId": "cust-1", "state": "open", "cartItems": [shoe]}
session["couponCodes"] = ["BEANS-FOR-TWO"]
session.setdefault("attributes", {})["ShippingCity"] = "Berlin"
back: ReturnIntegrationRequest = {
    "return": {"returnedCartItems": [{"position": 0}]},
    "responseContent": ["customerSession"],
}
unnamed: later.CartItem = {"sku": "SKU-1", "quantity": 1, "product": {"name": "Air Glide"}}
by_sku: later.ReturnedCartItem = {"sku": "SKU-1"}
closing: State = "closed"
request: later.IntegrationRequest = {"customerSession": {"state": closing}}


def read(answer: later.CustomerSessionV2) -> float:
    return answer["total"] + answer["cartItems"][0].get("price", 0)


def checked(stored: later.CustomerSessionV2) -> list[Mapping[str, object]]:
    check(session)
    check(request, edition="2026-06", previous=stored)
    is_valid(session)
    validate(back, previous=session)
    talonschema.Validator().check(session, previous=session)
    list(replay([session, talonschema.Update(back, "return")], previous=session))
    return [session, back, stored]


session["state"] = "opn"  # wrong
session["cartitems"] = []  # wrong
session["cartItems"] = [{"sku": "SKU-1", "quantity": 1}]  # wrong
session["couponCodes"] = "BEANS-FOR-TWO"  # wrong
session["storeIntegrationId"] = "STORE-001"  # wrong
shoe["quantity"] = "1"  # wrong
shoe["quantity"] = 1.5  # wrong
bare: CartItem = {"name": "Air Glide", "sku": "SKU-1", "quantity": 1}  # wrong
nothing: ReturnIntegrationRequest = {}  # wrong
old: ReturnIntegrationRequest = {"return": {"returnedCartItems": [{"sku": "SKU-1"}]}}  # wrong
extra: later.IntegrationRequest = {"customerSession": {}, "responseContent": ["effects"]}  # wrong
envelope: later.IntegrationRequest = {"customerSession": {"customerSession": {}}}  # wrong


def misread(answer: later.CustomerSessionV2) -> object:
    return answer["totals"]  # wrong


def found(lines: list[tuple[str, str]]) -> Iterator[str]:
    row: Row
    for row in check_lines(lines, talonschema.Validator(), operation="update"):
        yield from (each["code"] for each in row["findings"])
    for row in check_sequence(lines, session_key="/id", previous=talonschema.NEW):
        yield row["code"]  # wrong
    check_lines(lines, operatoin="update")  # wrong


@given(payloads("CartItem", "2026-06"))
def test_items(item: dict[str, Any]) -> None:
    report = assert_valid_payload(item, model="CartItem", fail_on="warning")
    assert report.skipped == ()
    assert_valid_request("PUT", "/v2/customer_sessions/a", session, previous="open")
    assert_valid_payload(item, modle="CartItem")  # wrong
    assert_valid_request("PUT", "/v2/customer_sessions/a", session, redact=1)  # wrong


Message = MutableMapping[str, Any]


async def application(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})


guarded = SessionGuard(application, edition="2026-06", mode="report", lease=30, store="memory:")
serve: Callable[[Message, Any, Any], Awaitable[None]] = SessionGuard(guarded, store="memory:")
SessionGuard(application, mode="reporting")  # wrong
SessionGuard(application, workers=2)  # wrong
SessionGuard(found)  # wrong
payloads("CartItem", dry="no")  # wrong
check(session, naming="camel")  # wrong
version: str = talonschema.__version__
misspelt = talonschema.Validtor  # wrong
from talonschema import Reprot  # wrong
"""
WRONG = {number for number, line in enumerate(CONSUMER.split("\n"), 1) if line.endswith("# wrong")}


@pytest.fixture(scope="module")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay out the package under its import name, beside a file that uses it."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "talonschema").mkdir()
    for path in (*(ROOT / "validator").iterdir(), ROOT / "schemas"):
        (folder / "talonschema" / path.name).symlink_to(path)
    (folder / "consumer.py").write_text(CONSUMER, "utf-8")
    return folder


def test_mypy_finds_what_is_wrong_and_nothing_else(consumer: Path) -> None:
    assert len(WRONG) > 10
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"),
            *("--cache-dir", consumer / "cache", "--config-file", os.devnull, "consumer.py"),
        ],
        cwd=consumer,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {
        int(line): code
        for line, code in re.findall(
            r"^consumer\.py:(\d+): error: .*\[(.*)\]$", done.stdout, re.MULTILINE
        )
    }
    assert found.keys() == WRONG, done.stdout + done.stderr
    assert set(found.values()) == {
        *("arg-type", "attr-defined", "call-arg", "list-item", "typeddict-item"),
        "typeddict-unknown-key",
    }


@pytest.mark.xdist_group("node")
def test_pyright_finds_what_is_wrong_and_nothing_else(consumer: Path, node: Path) -> None:
    settings = {"typeCheckingMode": "strict", "include": ["consumer.py"]}
    (consumer / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    program = str(node / "node_modules" / "pyright" / "index.js")
    done = subprocess.run(
        ["node", program, "--outputjson", "--pythonpath", sys.executable],
        cwd=consumer,
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    assert {each["range"]["start"]["line"] + 1 for each in found} == WRONG, done.stdout
