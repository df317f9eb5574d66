"""The official SDK as the client: through Envoy, with the plugin, to the stand-in API."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import talon_one as typed_sdk
from talon_one.exceptions import ApiException, BadRequestException

from support.gateway.envoy import PAIR, SINGLE, Behind, envoy_running
from support.gateway.processes import Upstream, gateway_running
from support.gateway.promises import new_id

# Its types know no arguments in snake case, which its documentation shows.
sdk: Any = typed_sdk

KEY = "a1b2c3"


class Shop:
    """A shop that keeps sessions by the SDK."""

    def __init__(self, url: str, key: str = KEY) -> None:
        configuration = sdk.Configuration(
            host=url, api_key={"api_key_v1": key}, api_key_prefix={"api_key_v1": "ApiKey-v1"}
        )
        self.client = sdk.ApiClient(configuration)
        self.api = sdk.IntegrationApi(self.client)

    def update(self, session: str, *, dry: bool | None = None, **content: Any) -> Any:
        request = sdk.IntegrationRequest(
            customer_session=sdk.NewCustomerSessionV2(profile_id="cust-88120", **content),
            response_content=["customerSession"],
        )
        return self.api.update_customer_session_v2(session, request, dry=dry).customer_session

    def state(self, session: str) -> str:
        found: str = self.api.get_customer_session(session).customer_session.state
        return found


@pytest.fixture(scope="module", params=[PAIR, SINGLE])
def shop(
    request: pytest.FixtureRequest, api: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    with (
        gateway_running(tmp_path_factory.mktemp("sdk"), "store_timeout = 20") as plugin,
        envoy_running(request.param, Behind(api.port, plugin.http, plugin.grpc)) as envoy,
    ):
        yield Shop(envoy.url)


def item(**more: Any) -> Any:
    return sdk.CartItem(
        **{"name": "Burr grinder", "sku": "GRD-7", "quantity": 2, "price": 129.0, **more}
    )


def refusal_errors(call: Callable[[], Any]) -> list[dict[str, Any]]:
    """Make a call that the plugin refuses; return the errors of its exception."""
    with pytest.raises(BadRequestException) as caught:
        call()
    error = caught.value
    assert isinstance(error, ApiException)
    headers: Any = error.headers
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"]
    body = json.loads(str(error.body))
    assert body["message"] == "The submitted data was invalid"
    errors: list[dict[str, Any]] = body["errors"]
    return errors


def test_a_session_lives_through_all_its_states(shop: Shop, upstream: Upstream) -> None:
    name = new_id()
    session = shop.update(name, state="open", cart_items=[item()])
    assert (session.state, session.total, session.cart_items[0].sku) == ("open", 258, "GRD-7")
    assert shop.update(name, coupon_codes=["BEANS-FOR-TWO"], state="open").state == "open"
    assert shop.update(name, state="closed").state == "closed"

    (error,) = refusal_errors(lambda: shop.update(name, state="open"))
    assert error["title"] == "state transition"
    assert error["source"]["pointer"] == "/customerSession/state"

    assert shop.api.reopen_customer_session(name).effects == []
    assert shop.state(name) == "open"
    assert shop.update(name, state="closed").state == "closed"

    request = sdk.ReturnIntegrationRequest(
        var_return=sdk.NewReturn(
            returned_cart_items=[sdk.ReturnedCartItem(position=0, quantity=1)]
        ),
        response_content=["customerSession"],
    )
    returned = shop.api.return_cart_items(name, request)
    assert returned.customer_session.state == "partially_returned"
    refusal_errors(lambda: shop.api.reopen_customer_session(name))
    refusal_errors(lambda: shop.update(name, state="closed"))

    assert shop.update(name, state="cancelled").state == "cancelled"
    refusal_errors(lambda: shop.update(name, state="open"))
    refusal_errors(lambda: shop.api.return_cart_items(name, request))
    assert upstream.state(name) == "cancelled"
    # Of what was refused nothing reached the API.
    statuses = [each["method"] for each in upstream.requests()]
    assert statuses == ["PUT", "PUT", "PUT", "PUT", "GET", "PUT", "POST", "PUT"]


def test_errors_have_the_place_and_hide_the_value(shop: Shop, upstream: Upstream) -> None:
    name = new_id()
    (error,) = refusal_errors(
        lambda: shop.update(name, cart_items=[item(quantity=10_001, sku="AB-1")])
    )
    assert error["source"]["pointer"].startswith("/customerSession/cartItems")
    assert "AB-1" not in json.dumps(error)
    assert upstream.requests() == []


def test_a_dry_update_changes_nothing(shop: Shop, upstream: Upstream) -> None:
    name = new_id()
    assert shop.update(name, dry=True, state="closed").state == "closed"
    assert upstream.state(name) is None
    assert shop.update(name, state="open").state == "open"


def test_a_preview_of_a_return_changes_nothing(shop: Shop, upstream: Upstream) -> None:
    name = new_id()
    shop.update(name, state="closed", cart_items=[item()])
    request = sdk.ReturnIntegrationRequest(
        var_return=sdk.NewReturn(
            returned_cart_items=[sdk.ReturnedCartItem(position=0, quantity=1)]
        ),
        response_content=["customerSession"],
    )
    preview = shop.api.return_cart_items(name, request, dry=True)
    assert preview.customer_session.state == "partially_returned"
    assert upstream.state(name) == "closed"
    shop.api.reopen_customer_session(name)
    assert shop.state(name) == "open"


def test_a_test_key_teaches_no_states(api: Upstream, upstream: Upstream, tmp_path: Path) -> None:
    name = new_id()
    with (
        gateway_running(tmp_path, "store_timeout = 20\ntest_key = true") as plugin,
        envoy_running(PAIR, Behind(api.port, plugin.http, plugin.grpc)) as envoy,
    ):
        tester = Shop(envoy.url, "test")
        assert tester.update(name, state="closed").state == "closed"
        assert upstream.state(name) is None
        assert tester.update(name, state="open").state == "open"
        refusal_errors(lambda: tester.update(name, cart_items=[item(quantity=10_001)]))


RECORDED: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("sdk_wire_forms.json").read_text("utf-8")
)
"""What SDKs in other languages put on the wire, with the code that does: the spellings of a boolean
in the query, the headers of calls with and without a body, and what follows the JSON of a body."""


@pytest.mark.parametrize("form", RECORDED, ids=[each["client"] for each in RECORDED])
def test_calls_of_sdks_in_other_languages_pass(
    shop: Shop, upstream: Upstream, form: dict[str, Any]
) -> None:
    dry, wet = form["dry"]
    path = f"/v2/customer_sessions/{new_id()}"
    returned = {"return": {"returnedCartItems": [{"position": 0, "quantity": 1}]}}
    sessions = [{"customerSession": {"state": state}} for state in ("open", "closed")]
    calls: list[tuple[str, str, Any]] = [
        ("PUT", f"{path}?dry={wet}", sessions[0]),
        ("PUT", f"{path}?dry={dry}", sessions[1]),
        ("PUT", f"{path}?dry={wet}", sessions[1]),
        ("POST", f"{path}/returns?dry={dry}", returned),
        ("PUT", f"{path}/reopen", None),
        ("PUT", path, sessions[1]),
        ("POST", f"{path}/returns?dry={wet}", returned),
    ]
    host = shop.client.configuration.host
    with httpx.Client(base_url=host, trust_env=False, timeout=20) as plain:
        for method, target, body in calls:
            headers = {**form["headers" if body else "headers_without_body"], "authorization": KEY}
            content = json.dumps(body) + form.get("end", "") if body else b""
            answer = plain.request(method, target, content=content, headers=headers)
            assert answer.status_code == 200, (method, target, answer.text)
    seen = upstream.requests()
    assert [each["target"] for each in seen] == [target for _, target, _ in calls]
    kinds = {each["headers"].get("content-type") for each in seen if each["size"]}
    assert kinds == {form["headers"]["content-type"]}
    assert upstream.state(path.rpartition("/")[2]) == "partially_returned"


def test_the_sdk_for_javascript_keeps_a_session(shop: Shop, upstream: Upstream, node: Path) -> None:
    name = new_id()
    command = ["node", "shop.js", shop.client.configuration.host, name]
    done = subprocess.run(
        command, cwd=node, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    *results, last = json.loads(done.stdout)
    refusal = results.pop(4)
    # What it makes of a reopening has no session.
    assert results == ["open", "closed", "closed", "partially_returned", None, "closed"]
    assert last == "partially_returned"
    assert refusal["status"] == 400
    assert refusal["body"]["errors"][0]["title"] == "state transition"
    agents = {each["headers"]["user-agent"] for each in upstream.requests()}
    assert all(agent.startswith("node-superagent/") for agent in agents)
    queries = [each["target"].partition("?")[2] for each in upstream.requests()]
    assert queries == ["dry=false", "dry=true", "", "dry=true", "", "", "dry=false"]


def test_ids_may_hold_more_than_letters(shop: Shop, upstream: Upstream) -> None:
    name = f"{new_id()} ü?#=+"
    assert shop.update(name, state="closed").integration_id == name
    refusal_errors(lambda: shop.update(name, state="open"))
    assert upstream.state(name) == "closed"


def test_ids_that_can_be_taken_for_a_path_are_refused(shop: Shop, upstream: Upstream) -> None:
    with pytest.raises(BadRequestException) as caught:
        shop.update(f"{new_id()}/reopen", state="closed")
    (error,) = json.loads(str(caught.value.body))["errors"]
    assert error["source"] == {"parameter": "customerSessionId"}
    assert upstream.requests() == []


def test_the_key_reaches_the_api(shop: Shop, upstream: Upstream) -> None:
    shop.update(new_id(), state="open")
    (seen,) = upstream.requests()
    assert seen["headers"]["authorization"] == f"ApiKey-v1 {KEY}"
