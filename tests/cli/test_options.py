"""The options of check, and wrong usage."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from support.cli import (
    CLEAN,
    CLOSING,
    GUEST,
    NO_COUPON,
    NOT_JSON,
    RETURN,
    SNAKE,
    WRONG_TYPE,
    Run,
    Write,
    codes,
)
from talonschema import output, schemas
from talonschema.cli import pages
from talonschema.model.states import MOVES

# The options of check


@pytest.mark.parametrize(
    ("options", "payload", "expected"),
    [
        ([], CLEAN, []),
        (["--model", "NewCustomerSessionV2"], '{"profileId": ""}', ["identity/anonymous-profile"]),
        (["--edition", "2026-06"], '{"customerSession": {"profileId": "a"}}', []),
        (
            ["--edition", "2022-06"],
            '{"customerSession": {"profileId": "a", "storeIntegrationId": "s"}}',
            ["payload/unknown-property"],
        ),
        (
            ["--edition", "2026-06"],
            '{"customerSession": {"profileId": "a", "storeIntegrationId": "s"}}',
            [],
        ),
        (["--naming", "snake"], SNAKE, []),
        (["--previous", "new"], CLOSING, []),
        (
            ["--previous", "new"],
            CLOSING.replace("closed", "cancelled"),
            ["lifecycle/initial-state"],
        ),
        (["--previous", "cancelled"], CLOSING, ["lifecycle/state-transition"]),
        (["--previous", "closed"], RETURN, []),
        (["--previous", "session.json"], RETURN, ["return/position-out-of-range"]),
        (["--previous", "./session"], RETURN, ["return/position-out-of-range"]),
        (["--operation", "return"], "{}", ["schema/required"]),
        (
            ["--operation", "reopen", "--previous", "open", "--edition", "2026-06"],
            "",
            ["lifecycle/state-transition"],
        ),
        (["--operation", "reopen", "--previous", "closed", "--edition", "2026-06"], "", []),
        (["--now", "2020-01-01T00:00:00Z", "--dry"], CLEAN, ["request/now-not-future"]),
        (["--now", "2999-01-01T00:00:00Z"], CLEAN, ["request/now-without-dry"]),
        (["--policy", "policy.toml"], NO_COUPON, ["budget/coupon-at-close"]),
        (["--policy", "policy.json"], NO_COUPON, ["budget/coupon-at-close"]),
        (["--select", "schema, payload"], GUEST, []),
        (["--select", "schema", "--select", "identity"], GUEST, ["identity/anonymous-profile"]),
        (["--ignore", "schema,identity"], GUEST, []),
        (["--ignore", "schema", "--ignore", "identity"], GUEST, []),
        (["--max-findings", "1"], '{"customerSession": {"x": 1, "state": "x"}}', ["schema/enum"]),
        (["--engine", "jsonschema"], WRONG_TYPE, ["schema/type"]),
        (["--engine", "jsonschema-rs"], WRONG_TYPE, ["schema/type"]),
    ],
)
def test_options(
    run: Run, write: Write, options: list[str], payload: str, expected: list[str]
) -> None:
    item = '{"name": "a", "sku": "b", "quantity": 1, "price": 1}'
    for name in ("session.json", "session"):
        write(f'{{"state": "closed", "cartItems": [{item}]}}', name)
    write("coupon_budget = true", "policy.toml")
    write('{"coupon_budget": true}', "policy.json")
    _, out, err = run("check", "--format", "json", *options, write(payload))
    assert codes(out) == expected
    assert not err


@pytest.mark.parametrize("level", ["identity/anonymous-profile=error", "identity=error, cart=info"])
def test_severity(run: Run, write: Write, level: str) -> None:
    assert run("check", write(GUEST))[0] == 0
    assert run("check", "--severity", level, write(GUEST))[0] == 1
    more = ("--severity", level, "--severity", "identity/anonymous-profile=warning")
    assert run("check", *more, write(GUEST))[0] == 0


def test_redact(run: Run, write: Write) -> None:
    payload = write('{"customerSession": {"profileId": "a", "state": "secret"}}')
    for form in output.FORMATS:
        assert "secret" in run("check", "--format", form, payload)[1]
        assert "secret" not in run("check", "--format", form, "--redact", payload)[1]


def test_the_command_knows_every_edition_and_form() -> None:
    assert tuple(MOVES) == schemas.EDITIONS
    assert set(pages.RULES) <= set(output.FORMATS)


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["chek", "a.json"], "'chek' is not a command (did you mean 'check'?)"),
        (["frobnicate"], "'frobnicate' is not a command; the commands are check, config"),
        (["a.json"], "to check it: talonschema check a.json"),
        (["check", "--slect", "cart", "a.json"], "--slect (did you mean '--select'?)"),
        (["check", "--format", "jsno", "a.json"], "'jsno' (did you mean 'json'?) (choose"),
        (["catalog", "biuld"], "'biuld' (did you mean 'build'?)"),
        (["check"], "the following arguments are required: FILE"),
        (["check", "--colour", "a.json"], "unrecognized arguments: --colour"),
        (["check", "--mod", "APIError", "a.json"], "unrecognized arguments: --mod"),
        (["check", "--edition", "2023-01", "a.json"], "invalid choice: '2023-01'"),
        (["check", "--format", "xml", "a.json"], "invalid choice: 'xml'"),
        (["check", "--model", "CartItm", "a.json"], "did you mean 'CartItem'?"),
        (
            ["check", "--model", "IntegrationRequest", "--operation", "return", "a.json"],
            "IntegrationRequest is not the request model of the operation 'return'",
        ),
        (["check", "--select", "carts", "a.json"], "did you mean 'cart'?"),
        (["check", "--ignore", "cart,", "a.json"], "'' is neither a code nor a group"),
        (["check", "--severity", "cart", "a.json"], "'cart' is not of the form CODE=LEVEL"),
        (["check", "--severity", "cart=bad", "a.json"], "'bad' is not a severity"),
        (["check", "--max-findings", "many", "a.json"], "invalid int value: 'many'"),
        (["check", "--max-findings", "0", "a.json"], "expected an integer of at least 1"),
        (["check", "--previous", "opn", "a.json"], "did you mean 'open'?"),
        (["check", "--previous", "missing.json", "a.json"], "can't be read: No such file"),
        (["check", "--previous", "broken.json", "a.json"], "broken.json is not valid JSON"),
        (["check", "--previous", "list.json", "a.json"], "list.json is not a JSON object"),
        (["check", "--previous", "odd.json", "a.json"], "the state of previous is 'odd'"),
        (["check", "--policy", "missing.toml", "a.json"], "missing.toml: can't be read"),
        (["check", "--policy", "a.json", "a.json"], "a.json: the policy has no key"),
        (["check", "--policy", "broken.json", "a.json"], "broken.json: is not JSON"),
        (["explain", "cart/quantity-sun"], "did you mean 'cart/quantity-sum'?"),
        (["schema", "Cart"], "its models: APIError, AdditionalCost, CartItem"),
        (["schema", "ReopenResponse"], "edition 2022-06 has no model 'ReopenResponse'"),
    ],
)
def test_wrong_usage(run: Run, write: Write, arguments: Sequence[str], reported: str) -> None:
    write(CLEAN)
    write(NOT_JSON, "broken.json")
    write("[]", "list.json")
    write('{"state": "odd"}', "odd.json")
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("talonschema: error: ")
    assert err.count("\n") == 1
    assert reported in err


def test_engine_that_is_not_installed(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_import(_edition: str, _name: str | None) -> None:
        message = "jsonschema-rs is not installed"
        raise ImportError(message)

    monkeypatch.setattr("talonschema.validator.make_engine", fail_import)
    status, _, err = run("check", "--engine", "jsonschema-rs", write(CLEAN))
    assert (status, err) == (2, "talonschema: error: jsonschema-rs is not installed\n")


def test_no_command(run: Run) -> None:
    status, out, err = run()
    assert (status, out) == (2, "")
    assert err.startswith("usage: talonschema ")
