"""JUnit: a test suite for each file, and a test case for each payload, for CI systems.

In a file with one payload per line, all payloads without findings are a single case.

Source: `junit-10.xsd` of Jenkins' xUnit plugin, and Extensible Markup Language (XML) 1.0, Fifth
Edition, section 2.2. Characters that XML excludes become escapes. The text is ASCII, which is valid
for any output.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Literal, NamedTuple

from ..display.terminal import printable
from ..files.results import FileResults, PayloadResult
from .summary import by_line, count, omission, position

_IN_MEMORY = 1 << 20
_PIECE = 1 << 16

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Parsers read white space in attributes as blanks, and carriage returns as line feeds.
_MARKUP = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
    | {each: f"&#{ord(each)};" for each in "\t\n\r"}
)
_TEXT = {key: value for key, value in _MARKUP.items() if chr(key) not in '"\t\n'}


class Case(NamedTuple):
    """The result of a payload, or of a file."""

    kind: Literal["passed", "failure", "error"]
    text: str


def report(outcomes: Iterable[FileResults]) -> Iterator[str]:
    """Yield the document, one test suite at a time."""
    yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="talonschema">\n'
    for outcome in outcomes:
        if not outcome.passed_over:
            yield from _suite(outcome)
    yield "</testsuites>\n"


def _suite(outcome: FileResults) -> Iterator[str]:
    """Yield a suite; its cases are spooled until their number is known for its start tag."""
    counts = {"passed": 0, "failure": 0, "error": 0}
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="ascii", newline="") as cases:
        for case in _cases(outcome):
            counts[case.kind] += 1
            cases.write(case.text)
        name = _attribute(outcome.name)
        yield (
            f'  <testsuite name="{name}" tests="{sum(counts.values())}"'
            f' failures="{counts["failure"]}" errors="{counts["error"]}">\n'
        )
        cases.seek(0)
        while piece := cases.read(_PIECE):
            yield piece
    yield "  </testsuite>\n"


def _cases(outcome: FileResults) -> Iterator[Case]:
    if outcome.error:
        yield _case(outcome.name, "error", "file/unreadable", outcome.error, outcome.error)
    shown = 0
    for result in outcome:
        shown += 1
        yield _case_of(outcome.name, result)
    rest = outcome.payloads - shown
    if outcome.lines and rest:
        others = count(rest, "payload", "payloads")
        yield _case(f"{outcome.name}: {others} without findings", "passed")


def _case_of(name: str, result: PayloadResult) -> Case:
    report = result.report
    text = "\n".join(_lines(name, result))
    case = f"{name}:{result.line}" if result.line else name
    if report.ok:
        return _case(case, "passed", text=text)
    first, *others = report.errors
    message = f"{first.message} (and {len(others)} more)" if others else first.message
    return _case(case, "error" if report.unreadable else "failure", first.code, message, text)


def _lines(name: str, result: PayloadResult) -> Iterator[str]:
    for each in by_line(result.report):
        text = f"{each.severity}[{each.code}] {each.message}"
        at = f" ({each.pointer})" if each.pointer else ""
        yield printable(f"{position(name, result, each)}: {text}{at}")
        if each.hint:
            yield printable(f"    hint: {each.hint}")
    if result.report.omitted != 0:
        yield omission(result.report.omitted)


def _case(
    name: str,
    kind: Literal["passed", "failure", "error"],
    code: str = "",
    message: str = "",
    text: str = "",
) -> Case:
    start = f'    <testcase classname="talonschema" name="{_attribute(name)}"'
    if kind != "passed":
        inside = f'<{kind} type="{_attribute(code)}" message="{_attribute(message)}">'
        inside += f"{_text(text)}</{kind}>"
    elif text:
        inside = f"<system-out>{_text(text)}</system-out>"
    else:
        return Case(kind, f"{start}/>\n")
    return Case(kind, f"{start}>\n      {inside}\n    </testcase>\n")


def _attribute(text: str) -> str:
    return _legal(text).translate(_MARKUP).encode("ascii", "xmlcharrefreplace").decode()


def _text(text: str) -> str:
    return _legal(text).translate(_TEXT).encode("ascii", "xmlcharrefreplace").decode()


def _legal(text: str) -> str:
    return _ILLEGAL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
