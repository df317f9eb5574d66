"""Captures: HAR files and Postman collections, some written by real programs; see record.py."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from talonschema.cli import main
from talonschema.output import FORMATS

CAPTURES = Path(__file__).parent / "captures"
SECRET = "secret-of-the-shop"  # noqa: S105 - stands for one
OPEN = {"customerSession": {"profileId": "a", "state": "open"}}
CLOSE = {"customerSession": {"profileId": "a", "state": "closed"}}
DONE: dict[str, Any] = {"effects": [], "createdCoupons": [], "createdReferrals": []}
REFUSED = {"message": "no"}


def check(
    capsys: pytest.CaptureFixture[str], path: Path, *arguments: str
) -> tuple[int, list[tuple[str, str]]]:
    """Return the status, and the lines and codes of what is found."""
    status = main(["check", "--no-config", "--format", "json", *arguments, str(path)])
    (file,) = json.loads(capsys.readouterr().out)["files"]
    if "error" in file:
        return status, [("", file["error"])]
    results = file.get("results", [file])
    return status, [
        (f"{each.get('line', '')}:{each.get('column', '')}", each["code"])
        for result in results
        for each in result["findings"]
    ]


def entry(
    second: int,
    payload: Any,
    answer: Any = DONE,
    status: int = 200,
    *,
    method: str = "PUT",
    target: str = "s",
    length: float = 5,
    **data: Any,
) -> dict[str, Any]:
    content = {"mimeType": "application/json", "text": json.dumps(answer)}
    return {
        "startedDateTime": f"2026-06-10T10:00:{second:02}Z",
        "time": length,
        "request": {
            "method": method,
            "url": f"https://shop.example/v2/customer_sessions/{target}",
            "headers": [{"name": "Authorization", "value": SECRET}, *data.pop("headers", [])],
            "postData": {"text": json.dumps(payload), **data},
        },
        "response": {"status": status, "content": content if status else {}},
    }


def har(tmp_path: Path, *entries: dict[str, Any]) -> Path:
    path = tmp_path / "a.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), "utf-8")
    return path


def codes(found: tuple[int, list[tuple[str, str]]]) -> list[str]:
    return [code for _, code in found[1]]


@pytest.mark.parametrize("name", ["mitmproxy.har", "chromium.har"])
def test_recorded_traffic(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = CAPTURES / name
    status, found = check(capsys, path)
    assert status == 1
    assert [code for _, code in found] == [
        "lifecycle/state-transition",
        "request/now-not-future",
        "request/now-without-dry",
        "schema/enum",
    ]
    lines = path.read_text("utf-8").splitlines()
    for (place, _), value in ((found[0], r"\"open\""), (found[3], r"\"opn ")):
        line, column = map(int, place.split(":"))
        assert lines[line - 1][column - 1 :].startswith(value)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["mitmproxy.har", "chromium.har", "postman-collection.json"])
def test_what_stands_beside_bodies_is_never_printed(
    name: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert SECRET in (CAPTURES / name).read_text("utf-8")
    assert main(["check", "--no-config", "--format", form, str(CAPTURES / name)]) == 1
    out, err = capsys.readouterr()
    assert SECRET not in out + err
    assert "sid=" not in out + err


def test_a_recorded_collection_has_notes_for_its_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, found = check(capsys, CAPTURES / "postman-collection.json")
    assert [code for _, code in found] == [
        "capture/variable",
        "schema/enum",
        "return/empty",
    ]


@pytest.mark.parametrize("cut", [100, 700, -3])
def test_a_broken_capture_shows_nothing_of_itself(
    cut: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = har(tmp_path, entry(1, OPEN)).read_text("utf-8")
    path = tmp_path / "broken.har"
    path.write_text(text[:cut].replace(f'"{SECRET}"', SECRET), "utf-8")
    assert main(["check", "--no-config", str(path)]) == 3
    out, err = capsys.readouterr()
    assert "json/syntax" in out
    assert SECRET[:6] not in out + err


def test_the_order_is_that_of_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = har(tmp_path, entry(3, OPEN), entry(1, OPEN), entry(2, CLOSE))
    assert codes(check(capsys, path)) == ["lifecycle/state-transition"]
    path = har(tmp_path, entry(2, OPEN), entry(1, OPEN), entry(3, CLOSE))
    assert codes(check(capsys, path)) == []


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (entry(2, CLOSE, REFUSED, 400), []),
        (entry(2, CLOSE, REFUSED, 502), []),
        (entry(2, CLOSE, None, 0), []),
        (entry(2, CLOSE, target="s?dry=true"), []),
        (entry(2, CLOSE, target="another"), []),
        (entry(2, CLOSE, length=5000), []),
        (entry(2, CLOSE), ["lifecycle/state-transition"]),
        (
            entry(2, OPEN, {**DONE, "customerSession": {"state": "closed"}}),
            ["schema/required", "lifecycle/state-transition"],
        ),
    ],
)
def test_the_answers_of_the_api_are_believed(
    second: dict[str, Any],
    expected: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = har(tmp_path, entry(1, OPEN), second, entry(3, OPEN))
    assert list(dict.fromkeys(codes(check(capsys, path)))) == expected


def test_the_session_before_can_be_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = har(tmp_path, entry(1, OPEN))
    assert codes(check(capsys, path, "--previous", "closed")) == ["lifecycle/state-transition"]


def test_answers_are_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = har(tmp_path, entry(1, OPEN, {"effects": []}), entry(2, OPEN, {}, 400))
    assert codes(check(capsys, path)) == ["schema/required", "schema/required", "schema/required"]


def test_sessions_that_are_read_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = {"customerSession": {"state": "closed"}}
    path = har(tmp_path, entry(1, {}, answer, method="GET"), entry(2, OPEN))
    found = codes(check(capsys, path))
    assert set(found) == {"schema/required", "lifecycle/state-transition"}


@pytest.mark.parametrize("compressed", [False, True])
def test_bodies_in_base64_are_read(
    compressed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps({"customerSession": {"profileId": "a", "state": "opn"}}).encode()
    made = entry(1, {})
    if compressed:
        body = gzip.compress(body)
        made["request"]["headers"].append({"name": "Content-Encoding", "value": "gzip"})
    made["request"]["postData"] = {"text": base64.b64encode(body).decode(), "encoding": "base64"}
    path = har(tmp_path, made)
    _, found = check(capsys, path)
    column = path.read_text("utf-8").index('"text"') + len('"text": ') + 1
    assert found == [(f"1:{column}", "schema/enum")]


@pytest.mark.parametrize(
    ("data", "size", "encoding"),
    [({}, 10, ""), ({"text": "!", "encoding": "base64"}, 1, "gzip"), ({"text": "x"}, 1, "zstd")],
)
def test_bodies_that_can_not_be_read(
    data: dict[str, Any],
    size: int,
    encoding: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = entry(1, {}, headers=[{"name": "Content-Encoding", "value": encoding}])
    made["request"] |= {"postData": data, "bodySize": size}
    assert codes(check(capsys, har(tmp_path, made))) == ["capture/unreadable-body"]


def test_a_call_that_can_be_read_in_two_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = har(tmp_path, entry(1, OPEN, target="s?dry=true&dry=false"))
    assert codes(check(capsys, path)) == ["capture/request"]


def test_a_prefix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = entry(1, {"customerSession": {"profileId": "a", "state": "opn"}})
    made["request"]["url"] = "https://shop.example/talon/v2/customer_sessions/s"
    path = har(tmp_path, made)
    status, found = check(capsys, path)
    assert status == 3
    assert "--prefix" in found[0][1]
    assert codes(check(capsys, path, "--prefix", "/talon")) == ["schema/enum"]
    assert main(["check", "--prefix", "talon", str(path)]) == 2


@pytest.mark.parametrize(
    "value", [{}, [], {"log": 1}, {"log": {"entries": [1, {}, {"request": 2}]}}]
)
def test_what_is_no_archive_is_an_error(
    value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.har"
    path.write_text(json.dumps(value), "utf-8")
    status, found = check(capsys, path)
    assert status == 3
    assert found[0][0] == ""


def test_no_sequence_of_archives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = har(tmp_path, entry(1, OPEN))
    assert main(["check", "--no-config", "--sequence", str(path)]) == 3
    assert "without --sequence" in capsys.readouterr().err
