"""What a check prints: findings in text and in JSON, and its exit status."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

import talonschema
from support.cli import CLEAN, GUEST, UNKNOWN_KEY, WRONG_TYPE, Run, Write
from talonschema import cli, output
from talonschema.checking.report import Report
from talonschema.display.terminal import Style
from talonschema.files.results import FileResults, PayloadResult
from talonschema.findings.code import Severity
from talonschema.findings.finding import Finding

# What is found


def test_clean_files_are_not_reported(run: Run, write: Write) -> None:
    assert run("check", write(CLEAN)) == (0, "", "")


@pytest.mark.parametrize(
    ("payload", "status", "reported"),
    [
        (CLEAN, 0, "ok"),
        (WRONG_TYPE, 1, "1 error"),
        (UNKNOWN_KEY, 0, "ok with 1 warning"),
        (
            GUEST.replace("}}", ', "x": 1, "cartItems": [{"name": "a", "sku": "b", "price": -1, ')
            + '"quantity": 1}]}}',
            0,
            "ok with 1 warning, 2 infos",
        ),
    ],
)
def test_verbose_reports_what_came_of_each_file(
    run: Run, write: Write, payload: str, status: int, reported: str
) -> None:
    got, out, err = run("check", "--verbose", write(payload))
    assert (got, err) == (status, "")
    assert out.splitlines()[-1] == f"a.json: {reported} (IntegrationRequest, edition 2022-06)"


def test_errors(run: Run, write: Write) -> None:
    status, out, err = run("check", write(WRONG_TYPE))
    assert (status, err) == (1, "")
    assert out.startswith("a.json:1:35: error[schema/type] ")


def test_warnings_alone_are_ok(run: Run, write: Write) -> None:
    status, out, _ = run("check", write(UNKNOWN_KEY))
    assert status == 0
    assert out.startswith("a.json:1:40: warning[payload/unknown-property] ")


def test_warnings_can_be_made_to_fail(run: Run, write: Write) -> None:
    assert run("check", "--fail-on", "warning", write(UNKNOWN_KEY))[0] == 1
    assert run("check", "--fail-on", "warning", write(CLEAN))[0] == 0


def test_parameters_are_named(run: Run, write: Write) -> None:
    status, out, _ = run("check", "--dry", "--now", "soon", write(CLEAN))
    assert status == 1
    assert out.startswith("a.json: (parameter now): error[request/malformed-now] ")


@pytest.mark.parametrize(
    ("omitted", "reported"),
    [
        (1, "1 more finding not shown"),
        (23, "23 more findings not shown"),
        (None, "there are more findings than counted"),
    ],
)
@pytest.mark.parametrize("form", ["text", "concise"])
def test_omitted_findings_are_reported(form: str, omitted: int | None, reported: str) -> None:
    finding = Finding("a/b", Severity.ERROR, "/c", "message", "")
    report = Report(ok=False, findings=(finding,), model="M", edition="2022-06", omitted=omitted)
    style = Style(verbose=True)
    lines = "".join(
        output.form(form)([FileResults("p", [PayloadResult(report, b"")])], style)
    ).splitlines()
    assert lines[-2:] == [f"p: {reported}", "p: at least 1 error (M, edition 2022-06)"]


def test_nothing_breaks_a_line_or_commands_the_terminal(run: Run, write: Write) -> None:
    key = "a\\n\\u001b[31m\\u202e"
    path = write(f'{{"customerSession": {{"profileId": "a", "{key}": "\x7f\u202e"}}}}', "a\n.json")
    for form in output.FOR_PEOPLE:
        _, out, _ = run("check", "--format", form, path)
        assert "/customerSession/a\\n\\x1b[31m\\u202e" in out
        assert all(line.isprintable() for line in out.splitlines())


def test_output_in_an_encoding_that_lacks_a_character(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    path = write('{"customerSession": {"profileId": "a", "größe": 1}}')
    assert cli.main(["check", path]) == 0
    output.seek(0)
    assert "/customerSession/gr\\xf6\\xdfe" in output.read()


# What is found, as JSON


def test_json_of_reports(run: Run, write: Write) -> None:
    status, out, err = run("check", "--format", "json", write(WRONG_TYPE), write(CLEAN, "b.json"))
    reported = json.loads(out)
    assert (status, err) == (1, "")
    assert reported == {
        "version": 1,
        "files": [
            {
                "path": "a.json",
                **talonschema.check(WRONG_TYPE).located(WRONG_TYPE).to_dict(skipped=True),
            },
            {"path": "b.json", **talonschema.check(CLEAN).to_dict(skipped=True)},
        ],
        "silenced": 0,
        "unrecognised": 0,
        "ok": False,
    }


def test_json_of_clean_files(run: Run, write: Write) -> None:
    status, out, _ = run("check", "--format", "json", write(CLEAN))
    assert status == 0
    assert json.loads(out)["ok"] is True


def test_json_of_unreadable_files(run: Run, write: Write) -> None:
    status, out, err = run("check", "--format", "json", "missing", write(CLEAN))
    reported = json.loads(out)
    assert status == 3
    assert reported["files"][0] == {
        "path": "missing",
        "error": "can't be read: No such file or directory",
    }
    assert reported["files"][1]["ok"] is True
    assert reported["ok"] is False
    assert err.count("\n") == 1


def test_json_is_valid_whatever_the_payload_held(run: Run, write: Write) -> None:
    payload = (
        '{"customerSession": {"profileId": "a", "\\ud83d": 1, "attributes": {"x": NaN, "y": 1e999,'
        f' "z": {"9" * 5000}}}}}}}'
    )
    status, out, _ = run("check", "--format", "json", write(payload))

    def refuse(token: str) -> None:
        pytest.fail(f"{token} is no JSON")

    assert status == 1
    assert out.isascii()
    assert json.loads(out, parse_constant=refuse)["ok"] is False


def test_json_of_what_json_has_no_form_for() -> None:
    params: dict[Any, Any] = {"a": float("nan"), "b": {1}, "c": 10**5000, 5: None}
    params["d"] = ("\ud83d", Severity.INFO)
    finding = Finding("a/b", Severity.ERROR, "", "", "", params=params)
    report = Report(ok=False, findings=(finding,), model="M", edition="2022-06")
    reported = "".join(output.form("json")([FileResults("p", [PayloadResult(report, b"")])]))
    assert json.loads(reported)["files"][0]["findings"][0]["params"] == {
        "a": "nan",
        "b": [1],
        "c": "a number of thousands of digits",
        "d": ["\ud83d", "info"],
        "5": None,
    }
