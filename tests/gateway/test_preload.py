"""Preload: once a guard is warm, no request makes it load anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, gzip, json, sys, zlib
from talonschema.gateway import Guard, Request, Response

OK = b'{"customerSession": {"state": "open", "profileId": "a"}}'
PATH = "/v2/customer_sessions/a"
JSON = (("content-type", "application/json"),)
BODIES = [
    OK, b"", b"{", b"[1]", b'{"a": 1} x', b'{"a": NaN}',
    b"\\xff{}", b"\\xef\\xbb\\xbf{}", b"[" * 3000,
    b'{"customerSession": {"state": "open", "state": "open"}}',
    b'{"customerSession": {"State": "open", "cartItem": [], "x": 1}}',
    b'{"customerSession": {"additionalCosts": {"a": {"price": 1e400}}}}',
    b'{"customerSession": {"attributes": {"a": "\\\\ud800"}}}',
    b'{"customerSession": {"state": 1, "cartItems": {}}}',
    b'{"customerSession": {"cartItems": [{"sku": "a", "quantity": ' + b"9" * 5000 + b"}]}}",
    b'{"customerSession": {"cartItems": [' + b"{}," * 3000 + b"{}]}}",
    b'{"customerSession": {"cartItems": [' + b"{}," * 90000 + b"{]}}",
    *('{"a": 1}'.encode(f"utf-{each}") for each in ("16", "16-le", "16-be", "32", "32-be")),
]
ENCODED = [("gzip", gzip.compress(OK)), ("deflate", zlib.compress(OK)), ("br", b"x"), ("x", OK)]
QUERIES = ["?now=x", "?now=2020-01-01T00:00:00%2B0000", "?dry=x", "?dry=1", "?dry=1&dry=0", "%20%"]
TARGETS = [
    ("PUT", "http://x" + PATH), ("PUT", "/V2/Customer_sessions/a"), ("get", PATH), ("GET", "/v1"),
    ("PUT", PATH + "/reopen"), ("PUT", "/v2/customer_sessions/\\u00e9"), ("PUT", PATH + "%2e"),
]

async def use(guard):
    for body in BODIES:
        await guard.begin(Request("PUT", PATH, JSON, body))
        await guard.begin(Request("POST", PATH + "/returns", JSON, body))
    for encoding, body in ENCODED:
        await guard.begin(Request("PUT", PATH, (*JSON, ("content-encoding", encoding)), body))
    for query in QUERIES:
        await guard.begin(Request("PUT", PATH + query, JSON, OK))
    for method, target in TARGETS:
        await guard.begin(Request(method, target, JSON, OK))
    for number in range(300):
        await guard.begin(Request("PUT", f"{PATH}{number}", JSON, OK))
    closed = b'{"customerSession": {"state": "closed", "updated": "2026-01-01T00:00:00Z"}}'
    asked = b'{"customerSession": {"state": "closed"}}'
    verdict = await guard.begin(Request("PUT", PATH + "x", JSON, asked))
    answer = Response(200, (("content-encoding", "gzip"),), gzip.compress(closed))
    await guard.finish(verdict.token, "PUT", PATH + "x", answer)
    verdict = await guard.begin(Request("PUT", PATH + "x", JSON, OK))
    assert verdict.decision == "transition", verdict
    await guard.ready()

async def main():
    guard = Guard.open(edition="2026-06", store="sqlite:sessions.db", warnings_header=True)
    guard.warm()
    before = set(sys.modules)
    await use(guard)
    print(json.dumps(sorted(set(sys.modules) - before)))

asyncio.run(main())
"""


def test_no_request_loads_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "[]"
