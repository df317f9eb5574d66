"""Show the gateway plugin at work: a real Envoy, talonschema beside it, a stand-in API behind it.

Run it with ``make demo-gateway`` in a checkout. It takes free ports, and ends by itself.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from support.gateway.envoy import PAIR, Behind, envoy_running
from support.gateway.processes import gateway_running, upstream_running

PATH = "/v2/customer_sessions/order-1"
CLOSED = {"customerSession": {"profileId": "cust-88120", "state": "closed"}}
OPEN = {"customerSession": {"profileId": "cust-88120", "state": "open"}}
GRINDER = {"name": "Burr grinder", "sku": "GRD-7", "quantity": 0, "price": 129}
BAD = {"customerSession": {"profileId": "cust-88120", "cartItems": [GRINDER]}}


class Step(NamedTuple):
    """A request, and the status that is expected."""

    about: str
    method: str
    path: str
    payload: dict[str, Any] | None
    status: int


STEPS = (
    Step("An update that closes a session passes.", "PUT", PATH, CLOSED, 200),
    Step("The schema refuses a quantity of 0.", "PUT", PATH, BAD, 400),
    Step("A closed session can't be opened by an update.", "PUT", PATH, OPEN, 400),
    Step("It has to be reopened ...", "PUT", f"{PATH}/reopen", None, 200),
    Step("... and then the same update passes.", "PUT", PATH, OPEN, 200),
)


def main() -> int:
    """Take the steps; return 0 if all went as they should."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as programs:
        api = programs.enter_context(upstream_running())
        plugin = programs.enter_context(gateway_running(Path(folder)))
        behind = Behind(api.port, plugin.http, plugin.grpc)
        envoy = programs.enter_context(envoy_running(PAIR, behind))
        right = [run_step(envoy.url, step) for step in STEPS]
        print(f"Of {len(STEPS)} requests, {len(api.requests())} reached the API.")
        # At their end the programs print what they logged, which is not for here.
        with redirect_stdout(io.StringIO()):
            programs.close()
    return 0 if all(right) else 1


def run_step(url: str, step: Step) -> bool:
    """Take a step and show it; return whether it went as it should."""
    body = "" if step.payload is None else json.dumps(step.payload)
    print(f"== {step.about}")
    print(f"{step.method} {step.path} {body}".rstrip())
    headers = {"Content-Type": "application/json"} if body else {}
    answer = httpx.request(
        step.method, url + step.path, content=body, headers=headers, trust_env=False
    )
    print(f"{answer.status_code} {answer.text.strip()}\n")
    return answer.status_code == step.status


if __name__ == "__main__":
    sys.exit(main())
