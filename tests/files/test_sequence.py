"""Sequences: files that hold the calls on sessions, judged as `replay` judges them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

import talonschema
from talonschema import Policy, Update, replay
from talonschema.cli import main
from talonschema.model.schema_tree import schema_tree
from talonschema.rules.rule import REQUESTS, RETURNS
from talonschema.schemas import EDITIONS

OPEN = {"customerSession": {"profileId": "a", "state": "open", "couponCodes": ["BEANS"]}}
CLOSE = {"customerSession": {"profileId": "a", "state": "closed"}}
CANCEL = {"customerSession": {"profileId": "a", "state": "cancelled"}}
RETURN = {"return": {"returnedCartItems": [{"position": 0, "quantity": 2}]}}
CART = {
    "customerSession": {
        "profileId": "a",
        "cartItems": [{"name": "Socks", "sku": "WS-M", "quantity": 3, "price": 7.5}],
    }
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check(
    capsys: pytest.CaptureFixture[str], *arguments: str, status: int | None = None
) -> list[tuple[str, str]]:
    """Return the places and codes of what is found, sequence or not, without infos."""
    got = main(["check", "--sequence", "--format", "concise", *arguments])
    out, err = capsys.readouterr()
    assert err == ""
    assert status in (None, got)
    reported = [line.split(" ")[:2] for line in out.splitlines()]
    return [(where.rstrip(":"), what.split("[")[1].rstrip("]")) for where, what in reported]


def write(name: str, entries: Sequence[Any]) -> str:
    """Write entries in the form that the name asks for, one on each line."""
    lines = [json.dumps(each) for each in entries]
    if name.endswith(".ndjson"):
        text = "\n".join(lines) + "\n"
    elif name.endswith(".json"):
        text = "[" + ",\n".join(lines) + "]\n"
    elif name == "documents.yaml":
        text = "---\n".join(yaml.safe_dump(each) for each in entries)
    else:
        # Each on its own, or PyYAML writes aliases for entries that are the same.
        text = "".join(yaml.safe_dump([each]) for each in entries)
    Path(name).write_text(text, "utf-8")
    return name


forms = pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.yaml", "documents.yaml"])


@forms
def test_each_call_is_judged_on_those_before_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [OPEN, CLOSE, OPEN, CANCEL, CANCEL]
    found = check(capsys, write(name, entries), status=1)
    assert [code for _, code in found] == [
        *("lifecycle/state-transition", "lifecycle/repeated-state"),
    ]
    if "yaml" not in name:
        assert [place.split(":")[1] for place, _ in found] == ["3", "5"]


@forms
def test_it_is_what_replay_finds(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    calls: list[Any] = [
        CART,
        {"payload": CLOSE, "dry": True},
        CLOSE,
        {"payload": RETURN, "operation": "return", "description": "two of three"},
        RETURN,
        {"operation": "reopen"},
        {"payload": CANCEL, "now": "2999-01-01T00:00:00Z", "dry": True},
        CANCEL,
    ]
    updates = [
        Update(
            each.get("payload", each if "operation" not in each else None),
            each.get("operation"),
            each.get("dry", False),
            each.get("now"),
        )
        for each in calls
    ]
    expected = [each.code for report in replay(updates) for each in report.findings]
    assert "return/quantity-exceeds-remaining" in expected
    found = check(capsys, write(name, calls))
    assert sorted(code for _, code in found) == sorted(expected)


def test_several_files_are_one_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    for name, entry in (("1.json", OPEN), ("2.json", CLOSE), ("3.json", OPEN)):
        Path(name).write_text(json.dumps(entry), "utf-8")
    more = write("4.ndjson", [CANCEL, CANCEL])
    expected = [
        ("3.json:1:49", "lifecycle/state-transition"),
        (f"{more}:2:49", "lifecycle/repeated-state"),
    ]
    assert check(capsys, "1.json", "2.json", "3.json", more) == expected
    assert check(capsys, "3.json", "2.json") == []


@forms
def test_sessions_are_kept_apart(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    entries = [
        {"integrationId": "a", "payload": OPEN},
        {"integrationId": "b", "payload": OPEN},
        {"integrationId": "a", "payload": CLOSE},
        {"integrationId": "b", "payload": OPEN},
        {"integrationId": "a", "payload": OPEN},
    ]
    found = check(capsys, write(name, entries))
    assert [code for _, code in found] == ["lifecycle/state-transition"]


def with_identifier(session: str, call: Any, key: str) -> Any:
    """Return a payload with the identifier of its session in it."""
    return {"customerSession": {**call["customerSession"], key: session}}


def test_sessions_are_kept_apart_in_the_names_of_the_sdks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def snake_case_call(session: str, state: str) -> Any:
        return {"customer_session": {"integration_id": session, "state": state}}

    entries = [
        snake_case_call("a", "closed"),
        snake_case_call("b", "open"),
        snake_case_call("a", "open"),
    ]
    found = check(capsys, "--naming", "snake", "--ignore", "identity", write("a.json", entries))
    assert [code for _, code in found] == ["lifecycle/state-transition"]


@pytest.mark.parametrize("key", ["/integrationId", "/customerSession/integrationId"])
def test_the_key_of_a_session_is_no_fault_of_its_payload(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [
        {**with_identifier("a", OPEN, "integrationId"), "integrationId": "a"},
        {**with_identifier("b", CLOSE, "integrationId"), "integrationId": "b"},
        {**with_identifier("a", CLOSE, "integrationId"), "integrationId": "a"},
        {**with_identifier("b", OPEN, "integrationId"), "integrationId": "b"},
    ]
    found = check(capsys, "--session-key", key, write("a.json", entries))
    assert [code for _, code in found] == ["lifecycle/state-transition"]


@pytest.mark.parametrize("bare", [True, False])
def test_responses_among_the_calls_keep_their_identifier(
    bare: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (Path(__file__).parents[1] / "payloads/ct-resp-session-2021.json").read_text("utf-8")
    session = json.loads(text)["customerSession"]
    assert "integrationId" in session
    entry = session if bare else {"customerSession": session}
    expected = sorted(each.code for each in talonschema.check(entry).findings)
    assert sorted(code for _, code in check(capsys, write("a.json", [entry]))) == expected


def test_sessions_are_kept_apart_by_a_pointer(capsys: pytest.CaptureFixture[str]) -> None:
    def entry(cart: str, state: str) -> Any:
        attributes = {"cart/id": cart}
        return {"customerSession": {"profileId": "a", "state": state, "attributes": attributes}}

    entries = [entry("a", "closed"), entry("b", "open"), entry("b", "open"), entry("a", "open")]
    path = write("a.ndjson", entries)
    key = "/customerSession/attributes/cart~1id"
    found = check(capsys, "--session-key", key, "--ignore", "catalog", path)
    assert [place.split(":")[1] for place, _ in found] == ["4"]
    assert len(check(capsys, "--ignore", "catalog", path)) == 3


def test_files_can_be_kept_apart(capsys: pytest.CaptureFixture[str]) -> None:
    entries = [{"integrationId": "a", "payload": each} for each in (OPEN, CLOSE)]
    files = [write("1.json", entries), write("2.ndjson", entries), write("3.yaml", entries)]
    assert check(capsys, "--session-key", "file", *files) == []
    assert check(capsys, *files) != []
    both = [{"integrationId": "b", "payload": CLOSE}, *entries, entries[0]]
    found = check(capsys, "--session-key", "file", write("4.json", both))
    assert [code for _, code in found] == ["lifecycle/state-transition"]


def test_the_files_of_entries_can_be_distinguished(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write("a.ndjson", [OPEN, CLOSE]), write("b.json", [OPEN, CLOSE, OPEN])
    assert [place for place, _ in check(capsys, first, second)] == [
        *("b.json:1:50", "b.json:2:49", "b.json:3:49"),
    ]
    own = check(capsys, "--session-key", "file", first, second)
    assert [place for place, _ in own] == ["b.json:3:49"]


def test_settings_hold_for_what_entries_leave_out(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.toml").write_text("coupon_budget = true", "utf-8")
    path = write("a.json", [OPEN, {"payload": CLOSE}, {"payload": CANCEL}])
    assert check(capsys, "--policy", "policy.toml", path) == []
    path = write("a.json", [OPEN, {"customerSession": {"couponCodes": []}}, CLOSE])
    assert [code for _, code in check(capsys, "--policy", "policy.toml", path)] == [
        *("codes/discarded", "budget/coupon-at-close"),
    ]
    assert policy_finds([OPEN, {"customerSession": {"couponCodes": []}}, CLOSE]) == [
        *("codes/discarded", "budget/coupon-at-close"),
    ]
    found = check(capsys, "--previous", "cancelled", write("b.json", [OPEN]))
    assert [code for _, code in found] == ["lifecycle/state-transition"]


def policy_finds(entries: Sequence[Any]) -> list[str]:
    reports = replay(entries, policy=Policy(coupon_budget=True))
    return [each.code for report in reports for each in report.findings]


@pytest.mark.parametrize(
    ("entry", "code", "shown"),
    [
        ({"payload": OPEN, "Dry": True}, "unknown-key", '"Dry"'),
        ({"payload": OPEN, "dry": 1}, "entry", "1"),
        ({"payload": OPEN, "operation": "refund"}, "entry", '"refund"'),
        ({"operation": "return"}, "entry", '{"operation": "return"}'),
        ({"payload": OPEN, "now": 5}, "entry", "5"),
        ({"payload": OPEN, "integrationId": 5}, "entry", "5"),
    ],
)
def test_entries_that_make_no_sense(
    entry: Any, code: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("a.ndjson", [OPEN, entry, CLOSE, OPEN])
    found = check(capsys, path, status=1)
    assert [each for _, each in found] == [f"sequence/{code}", "lifecycle/state-transition"]
    line, column = found[0][0].split(":")[1:]
    assert line == "2"
    assert Path(path).read_text("utf-8").splitlines()[1][int(column) - 1 :].startswith(shown)


def test_a_model_that_is_not_for_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    path = write("a.ndjson", [OPEN, {"payload": RETURN, "operation": "return"}])
    assert main(["check", "--sequence", "--model", "IntegrationRequest", path]) == 2
    expected = "IntegrationRequest is not the request model of the operation 'return'"
    assert capsys.readouterr().err == f"talonschema: error: {expected}\n"


def test_settings_that_make_no_sense_for_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    text = '[[files]]\nglob = "*.json"\nprevious = "before.json"\n'
    Path("talonschema.toml").write_text(text, "utf-8")
    Path("before.json").write_text('{"state": "odd"}', "utf-8")
    for options in ((), ("--sequence",)):
        assert main(["check", *options, write("a.json", [OPEN])]) == 2
        assert "the state of previous is 'odd'" in capsys.readouterr().err


def test_faults_of_the_text_are_those_of_their_entry(capsys: pytest.CaptureFixture[str]) -> None:
    text = """[
  {"customerSession": {"profileId": "a", "state": "open"}},
  {"payload": {"customerSession": {"profileId": "a", "state": "open", "state": "closed"}}},
  {"payload": {}, "payload": {"customerSession": {"profileId": "a", "total": 1e999}}},
  {"customerSession": {"profileId": "a", "state": "closed"}}
]
"""
    Path("a.json").write_text(text, "utf-8")
    assert check(capsys, "a.json", status=1) == [
        ("a.json:3:71", "json/duplicate-key"),
        ("a.json:4:19", "json/duplicate-key"),
        ("a.json:4:69", "payload/read-only-property"),
        ("a.json:4:78", "json/number-range"),
    ]


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.yaml"])
def test_what_cannot_be_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(name, [OPEN, CLOSE])
    Path(path).write_text(Path(path).read_text("utf-8") + "}\n", "utf-8")
    found = check(capsys, path, status=3)
    assert {code for _, code in found} <= {"json/syntax", "yaml/syntax"}
    assert len(found) == 1


def test_a_reopening_without_a_body(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.json").write_text("", "utf-8")
    options = ("--operation", "reopen", "--previous", "closed", "--edition", "2026-06")
    assert check(capsys, *options, "a.json", status=0) == []


def test_the_output_shows_the_entry(capsys: pytest.CaptureFixture[str]) -> None:
    path = write("a.json", [CLOSE, {"payload": OPEN}])
    assert main(["check", "--sequence", path]) == 1
    assert capsys.readouterr().out.startswith(
        "a.json:2:61: error[lifecycle/state-transition] cannot move session to state"
    )
    assert main(["check", "--sequence", "--format", "json", path]) == 1
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["payloads"] == 2
    assert [each["line"] for each in file["results"]] == [2]
    assert file["results"][0]["findings"][0]["pointer"] == "/customerSession/state"


@pytest.mark.parametrize("model", [*REQUESTS, *RETURNS])
@pytest.mark.parametrize("edition", EDITIONS)
def test_no_payload_is_taken_for_an_entry(edition: str, model: str) -> None:
    assert not schema_tree(edition, model).properties.keys() & {"payload", "operation"}
