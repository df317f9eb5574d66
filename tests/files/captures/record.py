"""Record the captures in this folder: `python record.py MITMDUMP NODE_MODULES CHROMIUM`.

MITMDUMP is mitmproxy's program (``pip install mitmproxy``), NODE_MODULES a folder with
playwright-core and postman-collection (``npm install``), CHROMIUM the browser. A small server
answers as the Integration API does.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

HERE = Path(__file__).parent
CART = [{"name": "Wool socks", "sku": "WS-M", "quantity": 3, "price": 7.5}]
CALLS = (
    ("PUT", "order-1?dry=false", {"customerSession": {"profileId": "a", "cartItems": CART}}),
    ("PUT", "order-1", {"customerSession": {"profileId": "a", "state": "closed"}}),
    ("PUT", "order-1", {"customerSession": {"profileId": "a", "state": "open"}}),
    ("PUT", "order-1?now=2020-01-01T00:00:00Z", {"customerSession": {"state": "opn \u00e9"}}),
    (
        "POST",
        "order-1/returns",
        {"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}},
    ),
    ("PUT", "order-1", {"customerSession": {"state": "cancelled"}}),
)
"""The third and the fourth are refused."""
NODE = """
const {chromium} = require('playwright-core');
const [, , browserPath, base, path, calls] = process.argv;
(async () => {
  const browser = await chromium.launch({executablePath: browserPath, args: ['--no-sandbox']});
  const context = await browser.newContext({recordHar: {path, content: 'embed'}});
  const page = await context.newPage();
  await page.goto(base + '/');
  for (const [method, target, body] of JSON.parse(calls)) {
    await page.evaluate(([method, url, body]) => fetch(url, {method, body, headers: {
      'Content-Type': 'application/json', Authorization: 'ApiKey-v1 secret-of-the-shop'}})
      .then(answer => answer.text()), [method, base + '/v2/customer_sessions/' + target,
      JSON.stringify(body)]);
  }
  await context.close();
  await browser.close();
})();
"""
POSTMAN = """
const {Collection} = require('postman-collection');
const body = (raw) => ({mode: 'raw', raw, options: {raw: {language: 'json'}}});
const header = [{key: 'Authorization', value: 'ApiKey-v1 secret-of-the-shop'}];
const collection = new Collection({info: {name: 'Sessions', _postman_id: 'sessions'}, item: [
  {name: 'Carts', item: [{name: 'Update', request: {method: 'PUT', header,
    url: '{{baseUrl}}/v2/customer_sessions/:customerSessionId?dry={{dry}}', body: body(
    '{\\n  "customerSession": {\\n    "state": "opn",\\n    "cartItems": [{"name": "Socks", ' +
    '"sku": "{{sku}}", "quantity": {{quantity}}, "price": 7.5}]\\n  }\\n}')}}]},
  {name: 'Return', request: {method: 'POST', header,
    url: 'https://demo.example/v2/customer_sessions/{{id}}/returns',
    body: body('{"return": {"returnedCartItems": []}}')}},
  {name: 'Profile', request: {method: 'PUT', url: '{{baseUrl}}/v2/customer_profiles/a'}},
]});
const found = collection.toJSON();
found.info.schema = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json';
console.log(JSON.stringify(found, null, '\\t'));
"""


class Api(BaseHTTPRequestHandler):
    """Answers calls on sessions by their state."""

    states: dict[str, str] = {}  # noqa: RUF012 - one server, one memory

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        """Answer with a page, from which the browser calls the API."""
        self._answer(200, b"<!doctype html><title>Shop</title>", "text/html")

    def do_PUT(self) -> None:
        """Answer an update or a return."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        wanted = json.loads(body).get("customerSession", {}).get("state")
        path = self.path.partition("?")[0]
        name = path.split("/")[3]
        wanted = "partially_returned" if path.endswith("/returns") else wanted or "open"
        known = self.states.get(name)
        if (known == "closed" and wanted == "open") or wanted.startswith("opn"):
            message = f'Cannot move session to state "{wanted}" from state "{known}"'
            self._answer(400, json.dumps({"message": message}).encode())
            return
        self.states[name] = wanted
        done: dict[str, list[object]] = {
            "effects": [],
            "createdCoupons": [],
            "createdReferrals": [],
        }
        self._answer(200, json.dumps(done).encode())

    do_POST = do_PUT  # noqa: N815 - the name that http.server calls

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main(mitmdump: str, modules: str, chromium: str) -> None:
    """Record all captures."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    by_mitmproxy(mitmdump, base)
    env = {**os.environ, "NODE_PATH": str(Path(modules).resolve())}
    written = subprocess.run(["node", "-e", POSTMAN], env=env, check=True, capture_output=True)
    (HERE / "postman-collection.json").write_bytes(written.stdout)
    Api.states.clear()
    arguments = [chromium, base, str(HERE / "chromium.har"), json.dumps(CALLS)]
    script = HERE / "record.tmp.cjs"
    script.write_text(NODE, "utf-8")
    subprocess.run(["node", script, *arguments], env=env, check=True)
    script.unlink()


def by_mitmproxy(mitmdump: str, base: str) -> None:
    """Send the calls through mitmproxy, the last one compressed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [mitmdump, "-q", "--mode", f"reverse:{base}", "--listen-host", "127.0.0.1"]
    command += ["-p", str(port), "--set", f"hardump={HERE / 'mitmproxy.har'}"]
    proxy = subprocess.Popen(command)
    for _ in range(100):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                break
        time.sleep(0.1)
    for index, (method, target, payload) in enumerate(CALLS):
        headers = {"Content-Type": "application/json", "Cookie": "sid=secret-of-the-shop"}
        headers["Authorization"] = "ApiKey-v1 secret-of-the-shop"
        body = json.dumps(payload).encode()
        if index == len(CALLS) - 1:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body)
        url = f"http://127.0.0.1:{port}/v2/customer_sessions/{target}"
        try:
            urlopen(Request(url, body, headers, method=method)).read()
        except HTTPError as error:
            error.read()
    proxy.terminate()
    proxy.wait(20)


if __name__ == "__main__":
    main(*sys.argv[1:])
