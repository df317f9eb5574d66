"""The command line: each command and option, its output and its exit status."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import talonschema
from talonschema import cli, output, schemas
from talonschema.checking.registry import CODES, GROUPS
from talonschema.checking.report import Report
from talonschema.cli import pages
from talonschema.cli.explanation import Explanation
from talonschema.display.terminal import Style
from talonschema.files.results import FileResults, PayloadResult
from talonschema.findings.code import Code, Example, Severity
from talonschema.findings.finding import Finding
from talonschema.model.states import MOVES
from talonschema.reading import document

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
GOOD = sorted((EXAMPLES / "good").glob("*.json"))
BAD = sorted((EXAMPLES / "bad").glob("*.json"))

CLEAN = '{"customerSession": {"profileId": "a"}}'
SNAKE = '{"customer_session": {"profile_id": "a"}}'
GUEST = '{"customerSession": {"profileId": ""}}'
UNKNOWN_KEY = '{"customerSession": {"profileId": "a", "extra": 1}}'
WRONG_TYPE = '{"customerSession": {"profileId": 88}}'
CLOSING = '{"customerSession": {"profileId": "a", "state": "closed"}}'
NO_COUPON = '{"customerSession": {"profileId": "a", "state": "closed", "couponCodes": []}}'
RETURN = '{"return": {"returnedCartItems": [{"position": 7}]}}'
NOT_JSON = '{\n  "state": "open",\n}'

Run = Callable[..., tuple[int, str, str]]
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file into the working directory and returns its name."""
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes, name: str = "a.json") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write


def start(code: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start Python with `code`; its output is buffered, as it is by default."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, env=kept, stderr=subprocess.PIPE, **options)


def codes(output: str) -> list[str]:
    """Return the codes in the JSON output of a check of one file."""
    (file,) = json.loads(output)["files"]
    return [each["code"] for each in file["findings"]]


MAIN = "import sys; from talonschema.cli import main; sys.exit(main())"


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
        (None, "there are more findings than were counted"),
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


# What can be given as a file


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CLEAN.encode())))
    expected = "<stdin>: ok (IntegrationRequest, edition 2022-06)\n"
    assert run("check", "--verbose", "-")[:2] == (0, expected)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input_of_a_process(name: str) -> None:
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with start(MAIN, "check", "--format", "json", name, **pipes) as process:
        out, err = process.communicate(WRONG_TYPE.encode())
    assert (process.returncode, err) == (1, b"")
    assert json.loads(out)["files"][0]["path"] == name
    assert codes(out.decode()) == ["schema/type"]


def test_standard_input_only_once(run: Run) -> None:
    status, out, err = run("check", "-", "-")
    assert (status, out) == (2, "")
    assert "only once" in err


def test_closed_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    message = "talonschema: error: -: can't be read: standard input is closed\n"
    assert run("check", "-") == (3, "", message)


def test_closed_output(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.main(["check", write(WRONG_TYPE)]) == 3
    assert cli.main(["check", "missing"]) == 3
    assert cli.main(["check", write(CLEAN)]) == 0
    for command in (["rules"], ["states"], ["--version"], ["schema", "CartItem"], ["config"]):
        assert cli.main(command) == 3
    assert cli.main(["check", "--format", "sarif", write(CLEAN)]) == 3


def test_fifo(write: Write) -> None:
    os.mkfifo(Path(write(CLEAN)).with_name("fifo"))
    with start(MAIN, "check", "--verbose", "fifo", stdout=subprocess.PIPE) as process:
        Path("fifo").write_text(CLEAN, "utf-8")
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert out == b"fifo: ok (IntegrationRequest, edition 2022-06)\n"


def test_directory(run: Run, write: Write) -> None:
    for name in (
        *("d/b.json", "d/a/z.json", "d/a/c.json", "d/notes.txt", "d/e.jsonl"),
        *("d/.hidden.json", "d/.git/x.json"),
    ):
        write(CLEAN, name)
    status, out, _ = run("check", "--verbose", "d")
    assert status == 0
    assert [line.partition(":")[0] for line in out.splitlines()] == [
        "d/a/c.json",
        "d/a/z.json",
        "d/b.json",
        "d/e.jsonl",
    ]


def test_directory_without_json(run: Run, write: Write) -> None:
    write("", "d/notes.txt")
    message = (
        "no files to check (*.json, *.ndjson, *.jsonl, *.yaml, *.yml, *.har) in this directory"
    )
    message = f"talonschema: error: d: {message}\n"
    assert run("check", "d") == (3, "", message)


def test_directory_that_cannot_be_listed(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(CLEAN, "d/a.json")

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    message = "talonschema: error: d: can't be read: Permission denied\n"
    assert run("check", "d") == (3, "", message)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.json", "No such file or directory"),
        ("a.json/below", "Not a directory"),
        ("nul\0.json", "embedded null byte"),
    ],
)
def test_other_files_are_checked_though_one_cannot_be_read(
    run: Run, write: Write, name: str, reason: str
) -> None:
    bad = write(WRONG_TYPE)
    status, out, err = run("check", name, bad)
    shown = name.replace("\0", "\\x00")
    assert status == 3
    assert err == f"talonschema: error: {shown}: can't be read: {reason}\n"
    assert out.startswith("a.json:1:35: error[schema/type] ")


def test_file_that_is_not_json(run: Run, write: Write) -> None:
    status, out, err = run("check", "--verbose", write(NOT_JSON), write(CLEAN, "b.json"))
    first, *_, not_json, clean = out.splitlines()
    assert (status, err) == (3, "")
    assert first.startswith("a.json:2:18: error[json/syntax] ")
    assert not_json == "a.json: 1 error (not readable)"
    assert clean.startswith("b.json: ok ")


def test_fault_of_the_text_in_json_that_can_be_read(run: Run, write: Write) -> None:
    status, out, _ = run("check", write('{"customerSession": {"profileId": "a"},\n"a": 1, "a": 2}'))
    assert status == 1
    assert "a.json:2:9: error[json/duplicate-key] " in out


def test_file_that_is_too_large(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_BYTES", 50)
    status, out, _ = run("check", "--format", "json", write(b" " * 60))
    assert status == 3
    assert codes(out) == ["json/too-large"]


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
            "IntegrationRequest is not the request of the operation 'return'",
        ),
        (["check", "--select", "carts", "a.json"], "did you mean 'cart'?"),
        (["check", "--ignore", "cart,", "a.json"], "'' is neither a code nor a group"),
        (["check", "--severity", "cart", "a.json"], "'cart' is not of the form CODE=LEVEL"),
        (["check", "--severity", "cart=bad", "a.json"], "'bad' is no severity"),
        (["check", "--max-findings", "many", "a.json"], "invalid int value: 'many'"),
        (["check", "--max-findings", "0", "a.json"], "it takes an integer, 1 or more"),
        (["check", "--previous", "opn", "a.json"], "did you mean 'open'?"),
        (["check", "--previous", "missing.json", "a.json"], "can't be read: No such file"),
        (["check", "--previous", "broken.json", "a.json"], "broken.json is not valid JSON"),
        (["check", "--previous", "list.json", "a.json"], "list.json holds no JSON object"),
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
    def missing(_edition: str, _name: str | None) -> None:
        message = "jsonschema-rs is not installed"
        raise ImportError(message)

    monkeypatch.setattr("talonschema.validator.make_engine", missing)
    status, _, err = run("check", "--engine", "jsonschema-rs", write(CLEAN))
    assert (status, err) == (2, "talonschema: error: jsonschema-rs is not installed\n")


def test_no_command(run: Run) -> None:
    status, out, err = run()
    assert (status, out) == (2, "")
    assert err.startswith("usage: talonschema ")


# The other commands


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"talonschema {talonschema.__version__}\n", "")


@pytest.mark.parametrize("command", ["", "check", "rules", "explain", "states", "schema"])
def test_help(run: Run, command: str) -> None:
    status, out, err = run(*command.split(), "--help")
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: talonschema {command}".rstrip())
    assert ("exit status:" in out) == (command == "check")


def test_help_is_as_wide_as_the_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = []
    for columns in (60, 80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines.append(len(run("check", "--help")[1].splitlines()))
    assert lines == sorted(lines, reverse=True)
    assert len(set(lines)) == 3


def test_rules(run: Run) -> None:
    status, out, _ = run("rules")
    lines = out.splitlines()
    assert status == 0
    assert {line.partition(" ")[0] for line in lines[1:]} - {""} == set(CODES)
    assert max(map(len, lines)) <= 100
    column = lines[0].index("severity")
    reported = {
        line.partition(" ")[0]: line[column:].split()[0] for line in lines if line[0] != " "
    }
    assert reported.items() >= {name: str(code.severity) for name, code in CODES.items()}.items()


def test_rules_as_json(run: Run) -> None:
    status, out, _ = run("rules", "--format", "json")
    reported = json.loads(out)
    assert status == 0
    assert reported["version"] == 1
    assert [each["name"] for each in reported["rules"]] == list(CODES)
    wanted = ["name", "severity", "summary", "why", "fix", "source", "confidence", "refusal"]
    assert all(list(each) == [*wanted, "editions", "models"] for each in reported["rules"])


@pytest.mark.parametrize("name", CODES)
def test_explain(run: Run, name: str) -> None:
    code = CODES[name]
    status, out, _ = run("explain", name)
    lines = out.splitlines()
    words = " ".join(out.split())
    assert status == 0
    assert lines[0] == name
    for reported in (code.summary, code.why, code.fix, f"{code.source} ({code.confidence})"):
        assert " ".join(reported.split()) in words
    assert sum(line.startswith("Bad example") for line in lines) == len(code.bad)
    assert sum(line.startswith("Good example") for line in lines) == len(code.good)
    assert len(lines) < 200
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (Example({"a": 1}), 'Bad example\n    {\n      "a": 1\n    }\n'),
        (Example({"a": {1}}), "Bad example (Python)\n    {'a': {1}}\n"),
        (Example({1: 1}), "Bad example (Python)\n    {1: 1}\n"),
        (Example(float("inf")), "Bad example (Python)\n    inf\n"),
        (Example(b"a\xff"), "Bad example (bytes)\n    a\\xff\n"),
        (Example('{"a":'), 'Bad example (text)\n    {"a":\n'),
        (
            Example("x" * 500),
            f"Bad example (text)\n    {'x' * 40}... (and so on, 500 characters)\n",
        ),
        (Example(""), "Bad example (empty text)\n"),
        (Example(None, {"operation": "reopen"}), "Bad example (no body; operation: reopen)\n"),
        (
            Example("1", {"previous": talonschema.NEW, "dry": True}),
            "Bad example (text; previous: new; dry: true)\n    1\n",
        ),
        (
            Example("1", {"previous": {"state": "open"}}),
            'Bad example (text; previous: {"state": "open"})\n    1\n',
        ),
    ],
)
def test_examples_are_shown(example: Example, expected: str) -> None:
    code = Code(
        name="a/b",
        severity=Severity.INFO,
        summary="s",
        message="m",
        why="w",
        fix="f",
        source="s",
        bad=(example,),
        good=(),
    )
    assert str(Explanation(code, Style())).partition("\n\n")[2] == expected


def test_explain_a_group(run: Run) -> None:
    status, out, _ = run("explain", "cart")
    head, _, table = out.partition("\n\n")
    reported = {line.partition(" ")[0] for line in table.splitlines()[1:]} - {""}
    assert status == 0
    assert head == f"cart: {GROUPS['cart']}"
    assert reported == {name for name in CODES if name.startswith("cart/")}


def test_states(run: Run) -> None:
    status, out, _ = run("states")
    assert status == 0
    assert out.splitlines()[0].split() == ["from", "to", "operation", "edition", "by"]
    rows = [line.split() for line in out.splitlines()[1:] if "/v2/" in line]
    assert len(rows) == len({move for moves in MOVES.values() for move in moves})
    assert ["new", "open", "update", "all", "PUT", "/v2/customer_sessions/{id}"] in rows
    reopening = ["closed", "open", "reopen", "2026-06", "PUT", "/v2/customer_sessions/{id}/reopen"]
    assert reopening in rows
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("edition", MOVES)
def test_states_of_an_edition(run: Run, edition: str) -> None:
    status, out, _ = run("states", "--edition", edition)
    rows = [line.split()[:4] for line in out.splitlines() if "/v2/" in line]
    assert status == 0
    assert rows == [
        [move.start or "new", move.end, move.operation, edition] for move in MOVES[edition]
    ]


@pytest.mark.parametrize(
    ("arguments", "edition"), [((), "2022-06"), (("--edition", "2026-06"), "2026-06")]
)
def test_schema(run: Run, arguments: Sequence[str], edition: str) -> None:
    status, out, _ = run("schema", "IntegrationRequest", *arguments)
    assert (status, out) == (0, schemas.text(edition, "IntegrationRequest"))


# The process


def loaded(code: str) -> set[str]:
    """Return the names of the modules that are loaded once `code` has run."""
    code = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    with start(code, stdout=subprocess.DEVNULL) as process:
        _, err = process.communicate()
    assert process.returncode == 0, err
    return set(err.decode().split())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_little_is_imported_for_help_and_version(option: str) -> None:
    modules = loaded(f"from talonschema.cli import main; assert main([{option!r}]) == 0")
    own = {name for name in modules if name.startswith("talonschema.")}
    assert own == {f"talonschema.cli{module}" for module in ("", ".console", ".parser")}
    assert not modules & {"jsonschema", "jsonschema_rs", "jiter", "referencing", "asyncio"}


def test_accelerated_check_does_without_the_reference() -> None:
    pytest.importorskip("jsonschema_rs")
    arguments = ["check", *map(str, BAD)]
    modules = loaded(f"from talonschema.cli import main; assert main({arguments!r}) == 1")
    assert "jsonschema_rs" in modules
    assert not modules & {"jsonschema", "referencing", "attr", "attrs", "yaml", "asyncio"}


def test_module_can_be_run() -> None:
    command = [sys.executable, "-m", "talonschema", "check", str(BAD[0])]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


def test_closed_pipe_ends_it_quietly(write: Write) -> None:
    path = write(WRONG_TYPE)
    reader, writer = os.pipe()
    os.close(reader)
    with start(MAIN, "check", path, stdout=writer) as process:
        os.close(writer)
        _, err = process.communicate()
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_disk_is_reported(write: Write) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        start(MAIN, "check", write(WRONG_TYPE), stdout=full) as process,
    ):
        _, err = process.communicate()
    assert process.returncode == 3
    assert err.startswith(b"talonschema: error: ")
    assert err.count(b"\n") == 1


def test_interrupt_ends_it_quietly(write: Write) -> None:
    # Tests that run in the background of a shell inherit that interrupts are ignored.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "sys.stdout.reconfigure(line_buffering=True);"
        "from talonschema.cli import main; sys.exit(main())"
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with start(code, "check", "--verbose", write(CLEAN), "-", **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"a.json: ok ")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err) == (130, b"")


# The examples


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_examples_have_no_finding(path: Path) -> None:
    report = talonschema.check(path.read_bytes())
    assert report.findings == ()
    assert report.ok


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_examples_have_an_error(path: Path) -> None:
    report = talonschema.check(path.read_bytes())
    assert report.errors
    assert report.model is not None


def test_there_are_examples() -> None:
    assert len(GOOD) >= 5
    assert len(BAD) >= 7
