"""Whatever the text, it reads back the same in each form."""

from __future__ import annotations

import json
import os
import re

from hypothesis import given
from hypothesis import strategies as st

from support import page, valid
from support.outputs import read_github, read_junit, read_sarif, render
from talonschema.checking.registry import CODES
from talonschema.checking.report import Report
from talonschema.files.results import FileResults, PayloadResult
from talonschema.findings.code import Severity
from talonschema.findings.finding import Finding, Span
from talonschema.output.repository import from_root
from talonschema.output.sarif import LEVELS

NASTY = st.sampled_from(
    [
        *("]]>", "--", "%0A", "%", "::", ":,=", "\r\n", "\t", "\0", "\x1b[31m", "\ud800", "\ufffe"),
        *("\x85", "\u2028", "&amp;", "<!--", '"', "\\", "{0}", "[a](b)", "::error::", "\U0001f600"),
    ]
)
TEXTS = st.lists(NASTY | st.text(st.characters(), max_size=3), max_size=4).map("".join)
# As the file system gives them: what is no UTF-8 is in surrogates.
PATHS = TEXTS.filter(lambda text: "\0" not in text and text not in {"", "-"}).map(
    lambda text: os.fsdecode(text.encode("utf-8", "surrogatepass"))
)
POINTERS = TEXTS.map(lambda text: f"/{text}" if text else "")
SPANS = st.builds(lambda a, b, c, d: Span(a, b, a + c, b + d), *[st.integers(1, 9)] * 4)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    code = draw(st.sampled_from(list(CODES.values())))
    span = draw(st.none() | SPANS)
    related = tuple(draw(st.lists(POINTERS, max_size=2)))
    return Finding(
        code=code.name,
        severity=draw(st.sampled_from(list(Severity))),
        pointer=draw(POINTERS),
        message=draw(TEXTS),
        hint=draw(TEXTS),
        params={draw(TEXTS): draw(TEXTS)},
        related=related,
        parameter=draw(st.none() | TEXTS.filter(bool)) if span is None else None,
        places=() if span is None else tuple(draw(st.none() | SPANS) for _ in related),
        **({} if span is None else span._asdict()),
    )


@st.composite
def results(draw: st.DrawFn) -> PayloadResult:
    found = tuple(draw(st.lists(findings(), max_size=3)))
    ok = all(each.severity != "error" for each in found)
    omitted = draw(st.none() | st.integers(0, 2))
    report = Report(ok=ok, findings=found, model="M", edition="2022-06", omitted=omitted)
    return PayloadResult(report, b"", draw(st.none() | st.integers(1, 99)))


def message_with_hint(finding: Finding) -> str:
    return finding.message + (f"\nhint: {finding.hint}" if finding.hint else "")


@given(PATHS, results())
def test_any_text_is_the_same_in_json(path: str, result: PayloadResult) -> None:
    (file,) = valid.output(render("json", [FileResults(path, [result])]))["files"]
    assert file == {"path": path, **json.loads(json.dumps(result.report.to_dict(skipped=True)))}


@given(PATHS, results())
def test_any_text_is_the_same_in_sarif(path: str, result: PayloadResult) -> None:
    run = read_sarif(render("sarif", [FileResults(path, [result])]))
    for finding, entry in zip(result.report.findings, run["results"], strict=True):
        assert entry["ruleId"] == finding.code
        assert entry["level"] == LEVELS[finding.severity]
        assert entry["message"]["text"] == message_with_hint(finding)
        (location,) = entry["locations"]
        if finding.span:
            at = location["physicalLocation"]["region"]
            assert tuple(at.values()) == finding.span
        if finding.parameter is None and finding.pointer:
            assert location["logicalLocations"] == [
                {"fullyQualifiedName": finding.pointer, "kind": "value"}
            ]
        assert len(entry.get("relatedLocations", ())) == sum(map(bool, finding.places))
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert bool(notes) == (result.report.omitted != 0)


@given(PATHS, results())
def test_any_text_is_the_same_in_commands_for_github(path: str, result: PayloadResult) -> None:
    commands = read_github(render("github", [FileResults(path, [result])]))
    assert len(commands) == len(result.report.findings) + (result.report.omitted != 0)
    file = from_root()(path)
    for finding, command in zip(result.report.findings, commands, strict=False):
        assert command["data"].startswith(path)
        assert command["data"].endswith(f": {message_with_hint(finding)}")
        assert command["title"] == f"talonschema {finding.code}"
        assert command["file"] == file
        if finding.span:
            assert command["line"] == str(finding.span.line)
            assert ("col" in command) == (finding.span.line == finding.span.end_line)


_LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape_illegal(text: str) -> str:
    return "".join(
        each if _LEGAL.match(each) else each.encode("unicode_escape").decode() for each in text
    )


@given(PATHS, results())
def test_any_text_is_the_same_in_junit(path: str, result: PayloadResult) -> None:
    suites = read_junit(render("junit", [FileResults(path, [result])]))
    ((case,),) = suites
    assert suites[0].attrib["name"] == escape_illegal(path)
    name = f"{path}:{result.line}" if result.line else path
    assert case.attrib["name"] == escape_illegal(name)
    failure = case.find("failure")
    assert (failure is None) == result.report.ok
    if failure is not None:
        first, *others = result.report.errors
        more = f" (and {len(others)} more)" if others else ""
        assert failure.attrib == {
            "type": first.code,
            "message": escape_illegal(first.message) + more,
        }
    text = "".join(each.text or "" for each in case)
    hints = sum(bool(each.hint) for each in result.report.findings)
    lines = len(result.report.findings) + hints + (result.report.omitted != 0)
    assert len(text.split("\n")) == max(1, lines)


@given(PATHS, results())
def test_any_text_is_shown_in_html(path: str, result: PayloadResult) -> None:
    root = page.read(render("html", [FileResults(path, [result])]))
    entries = page.elements_of_class(root, "finding")
    for finding, entry in zip(findings_by_position(result), entries, strict=True):
        assert entry.attrib["data-severity"] == finding.severity
        assert entry.attrib["data-code"] == finding.code
        assert (
            "".join(entry[0].itertext())
            == f"{finding.severity} {escape_unprintable(finding.message)}"
        )
        hints = page.elements_of_class(entry, "hint")
        assert ["".join(each.itertext()) for each in hints] == [
            f"Hint {escape_unprintable(each)}" for each in [finding.hint] if each
        ]
    names = {"".join(each.itertext()) for each in page.elements_of_class(root, "name")}
    assert not entries or escape_unprintable(path) in names


def findings_by_position(result: PayloadResult) -> list[Finding]:
    return sorted(result.report.findings, key=lambda each: (each.line or 0, each.column or 0))


def escape_unprintable(text: str) -> str:
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


@given(PATHS, TEXTS.filter(bool))
def test_any_error_is_the_same(path: str, error: str) -> None:
    (file,) = valid.output(render("json", [FileResults(path, error=error)]))["files"]
    assert file == {"path": path, "error": error}
    (invocation,) = read_sarif(render("sarif", [FileResults(path, error=error)]))["invocations"]
    assert not invocation["executionSuccessful"]
    (note,) = invocation["toolExecutionNotifications"]
    assert (note["level"], note["message"]["text"]) == ("error", error)
    (command,) = read_github(render("github", [FileResults(path, error=error)]))
    assert (command["command"], command["data"]) == ("error", f"{path}: {error}")
    ((case,),) = read_junit(render("junit", [FileResults(path, error=error)]))
    assert case[0].attrib["message"] == escape_illegal(error)
