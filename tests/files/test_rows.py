"""Lines as rows of plain data, as engines that spread them over processes take them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from talonschema import NEW, Validator
from talonschema.cli import main
from talonschema.files import Row, check_lines, check_sequence

GOOD = b'{"customerSession": {"state": "open"}}'
BAD = b'{"customerSession": {"state": "ajar"}}'
SLIP = b'{"customerSession": {"State": "open"}}'
BROKEN = b'{"customerSession": '
TWICE = b'{"customerSession": {"state": "open", "state": "open"}}'
LATIN = '{"customerSession": {"profileId": "Zoë", "state": "open"}}'.encode("latin-1")
LINES = [GOOD, BAD, b"", SLIP, b" \t", BROKEN, TWICE, LATIN, b"[]", b"7", GOOD]

CALLS = [
    b'{"integrationId": "a", "payload": {"customerSession": {"state": "closed"}}}',
    b'{"integrationId": "b", "payload": {"customerSession": {"state": "open"}}}',
    b'{"integrationId": "a", "payload": {"customerSession": {"state": "open"}}}',
    b'{"integrationId": "b", "operation": "return", "payload": {}}',
    b'{"integrationId": "b", "payload": {"customerSession": {"state": "closed"}}, "dry": 1}',
    BROKEN,
]

COLUMNS = ("code", "severity", "pointer", "parameter", "line", "column", "message", "hint")


def by_command(
    lines: Iterable[bytes], folder: Path, capsys: pytest.CaptureFixture[str], *options: str
) -> list[dict[str, Any]]:
    """Return the results that the command prints for lines."""
    path = folder / "log.ndjson"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    main(["check", "--format", "json", *options, str(path)])
    results: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["files"][0]["results"]
    return [
        {
            "key": each["line"],
            "ok": each["ok"],
            "model": each["model"],
            "findings": [
                {name: finding.get(name, "" if name == "hint" else None) for name in COLUMNS}
                for finding in each["findings"]
            ],
            "omitted": each["omitted"],
        }
        for each in results
    ]


def faulty_rows(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["findings"]]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_rows_have_the_findings_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], end: bytes
) -> None:
    expected = by_command(LINES, tmp_path, capsys)
    assert len(expected) == 7
    rows = list(check_lines(line + end for line in LINES))
    assert faulty_rows(rows) == expected
    assert [row["key"] for row in rows] == [1, 2, 4, 6, 7, 8, 9, 10, 11]


def test_sequences_have_the_findings_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = by_command(CALLS, tmp_path, capsys, "--sequence")
    assert len(expected) == len(CALLS)
    codes = [each["code"] for each in expected[2]["findings"]]
    assert "lifecycle/state-transition" in codes
    rows = list(check_sequence(CALLS))
    assert faulty_rows(rows) == expected
    assert [row["key"] for row in rows] == [1, 2, 3, 4, 5, 6]


def test_sessions_are_told_apart_by_their_key() -> None:
    lines = ['{"cart": "a", "state": "closed"}', '{"cart": "b", "state": "open"}']
    apart = Validator(select=["lifecycle"])
    assert [row["ok"] for row in check_sequence(lines, apart, session_key="/cart")] == [True, True]
    assert [row["ok"] for row in check_sequence(lines, apart)] == [True, False]


def test_keys_stand_for_line_numbers() -> None:
    lines: list[tuple[Any, str | bytes]] = [
        ("a", GOOD.decode()),
        ("b", BAD.decode() + "\n"),
        (7, BAD),
    ]
    rows = list(check_lines(lines))
    assert [row["key"] for row in rows] == ["a", "b", 7]
    assert [each["line"] for row in rows for each in row["findings"]] == [1, 1]
    assert rows[1]["findings"] == rows[2]["findings"]
    assert [row["key"] for row in check_sequence(lines)] == ["a", "b", 7]


def test_rows_are_plain_json() -> None:
    for row in (*check_lines(LINES), *check_sequence(CALLS)):
        assert json.loads(json.dumps(row)) == row
        assert all(tuple(finding) == COLUMNS for finding in row["findings"])
        assert all(type(finding["severity"]) is str for finding in row["findings"])


def test_the_configuration_counts() -> None:
    validator = Validator(edition="2026-06", max_findings=1, redact=True)
    line = '{"cartItems": [{"name": "x", "sku": "s", "quantity": "zwei", "price": "drei"}]}'
    (row,) = check_lines([line], validator, operation="update", previous="closed")
    assert len(row["findings"]) == 1
    assert row["omitted"]
    assert "zwei" not in json.dumps(row)
    (row,) = check_lines(['{"state": "open"}'], previous="cancelled")
    assert [each["code"] for each in row["findings"]] == ["lifecycle/state-transition"]
    (row,) = check_sequence(['{"state": "open"}'], previous="cancelled")
    assert [each["code"] for each in row["findings"]] == ["lifecycle/state-transition"]


def rows_of(check: Any, lines: list[bytes]) -> list[Row]:
    return list(check(lines))


@pytest.mark.parametrize("check", [check_lines, check_sequence])
def test_the_configuration_pickles(check: Any) -> None:
    configured = partial(check, validator=Validator(ignore=["schema/enum"]), previous=NEW)
    assert rows_of(configured, [GOOD])  # it pickles after its first check as before it
    expected = rows_of(pickle.loads(pickle.dumps(configured)), LINES)  # noqa: S301 - made here
    assert "schema/enum" not in json.dumps(expected)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as workers:
        assert workers.submit(_in_worker, configured, LINES).result() == expected


def _in_worker(check: Any, lines: list[bytes]) -> list[Row]:
    return rows_of(check, lines)


def test_lines_are_taken_as_rows_are() -> None:
    def endless() -> Iterable[bytes]:
        while True:
            yield BAD

    assert next(iter(check_lines(endless())))["key"] == 1


@pytest.mark.parametrize("check", [check_lines, check_sequence])
def test_faults_of_arguments_show_at_once(check: Any) -> None:
    with pytest.raises(ValueError, match="previous is 'opne'"):
        check([], previous="opne")
    with pytest.raises(TypeError, match="lines must be an iterable of lines, not one str"):
        check("{}")
    with pytest.raises(TypeError, match="line 2 is NoneType; expected str or bytes"):
        list(check([GOOD, (9, None)]))


def test_a_session_key_is_a_pointer() -> None:
    with pytest.raises(ValueError, match="session_key is 'cart'; expected a JSON Pointer"):
        check_sequence([], session_key="cart")


def test_only_public_names_are_attributes() -> None:
    from talonschema import files

    assert dir(files) == ["Row", "check_lines", "check_sequence"]
    with pytest.raises(AttributeError, match="no attribute 'check_line'"):
        _ = files.check_line
