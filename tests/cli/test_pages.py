"""Text for people: findings with their lines of the source, and a line for each finding."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talonschema import check
from talonschema.cli import main
from talonschema.display.excerpt import Excerpts, Mark
from talonschema.display.terminal import Style, wants_colours
from talonschema.files.results import FileResults, PayloadResult
from talonschema.findings.finding import Finding, Span
from talonschema.output import form

DUPLICATE = """{
  "customerSession": {
    "profileId": "cust-88120",
    "state": "open",
    "attributes": {},
    "cartItems": [],
    "state": "opn"
  }
}
"""


def render(source: str | bytes, name: str = "text", style: Style | None = None, **more: Any) -> str:
    """Return the output of a form for a payload in a file called a.json."""
    data = source if isinstance(source, bytes) else source.encode()
    result = PayloadResult(check(data, **more).located(data), data)
    return "".join(form(name)([FileResults("a.json", [result])], style or Style()))


def test_findings_with_their_lines() -> None:
    assert render(DUPLICATE) == (
        """\
a.json:7:5: error[json/duplicate-key] this object already has the key "state"
 4 |     "state": "open",
   |     ------- related
   ...
 7 |     "state": "opn"
   |     ^^^^^^^
   = at: /customerSession/state
   = see: talonschema explain json/duplicate-key

a.json:7:14: error[schema/enum] "opn" is not one of the allowed values
 7 |     "state": "opn"
   |              ^^^^^
   = at: /customerSession/state
   = hint: use one of: "open", "closed", "cancelled"
   = see: talonschema explain schema/enum
"""
    )


def test_one_line_each() -> None:
    assert render(DUPLICATE, "concise") == (
        "a.json:7:5: error[json/duplicate-key] /customerSession/state:"
        ' this object already has the key "state"\n'
        "a.json:7:14: error[schema/enum] /customerSession/state:"
        ' "opn" is not one of the allowed values\n'
    )


def test_where_to_read_more_is_reported_once_of_each_code() -> None:
    found = [
        FileResults(name, [PayloadResult(check(b"[]").located(b"[]"), b"[]")]) for name in "ab"
    ]
    assert "".join(form("text")(found)).count("= see: talonschema explain schema/type") == 1


def test_findings_are_in_order_of_their_lines() -> None:
    text = '{"referralCode": 1,\n"profileId": 2, "couponCodes": 3}'
    lines = render(text, "concise").splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        *("a.json:1:18:", "a.json:2:14:", "a.json:2:32:"),
    ]


def test_without_the_source() -> None:
    assert "|" not in render(DUPLICATE, style=Style(quoting=False))


def test_redacted_output_has_no_lines_of_the_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"state": "secret"}', "utf-8")
    assert main(["check", "--redact", str(path)]) == 1
    assert "secret" not in capsys.readouterr().out


def excerpt(text: str, span: Span, style: Style | None = None) -> list[str]:
    marks = [Mark(span, "^", "error")]
    return list(Excerpts(text.encode(), 1, style or Style()).lines(marks, 2))


@pytest.mark.parametrize(
    ("text", "span", "shown"),
    [
        ("\ta\tb", Span(1, 4, 1, 5), ["    a    b", "         ^"]),
        ("日本 x", Span(1, 4, 1, 5), ["日本 x", "     ^"]),
        ("日本 x", Span(1, 1, 1, 3), ["日本 x", "^^^^"]),
        ("e\u0301 x", Span(1, 4, 1, 5), ["e\u0301 x", "  ^"]),
        ("\x1b x", Span(1, 3, 1, 4), ["\\x1b x", "     ^"]),
        ("a\u202e x", Span(1, 4, 1, 5), ["a\\u202e x", "        ^"]),
        ("{\r\n}", Span(1, 1, 2, 2), ["{", "^"]),
        ("a {  \n}", Span(1, 3, 2, 2), ["a {", "  ^"]),
        ("a b\n", Span(1, 4, 1, 4), ["a b", "   ^"]),
        ("", Span(1, 1, 1, 1), ["", "^"]),
    ],
)
def test_marks_are_below_what_they_mark(text: str, span: Span, shown: list[str]) -> None:
    line, marks = excerpt(text, span)
    assert [line[5:], marks[5:]] == shown
    assert (line[:5].rstrip(), marks[:5]) == (" 1 |", "   | ")


def test_a_long_line_is_shown_around_what_is_marked() -> None:
    text = "a" * 500 + "MARKED" + "b" * 500
    line, marks = excerpt(text, Span(1, 501, 1, 507), Style(width=45))
    assert (len(line), line[5:8], line[-3:]) == (45, "...", "...")
    assert line[marks.index("^") : marks.rindex("^") + 1] == "MARKED"


def test_what_is_marked_is_cut_where_it_is_huge() -> None:
    line, marks = excerpt("x" * 10_000_000, Span(1, 1, 1, 10_000_001), Style(width=50))
    assert line.endswith("...")
    assert max(len(line), len(marks)) <= 50


def cells(text: str) -> int:
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=80),
    st.data(),
    st.integers(40, 60),
)
def test_any_line_fits_and_keeps_its_mark(text: str, data: st.DataObject, width: int) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    span = Span(1, start + 1, 1, end + 1)
    for line in excerpt(text, span, Style(width=width)):
        assert line.isprintable()
        # A last character that is wide, or shown as an escape, may stand over.
        assert cells(line) <= width + 10
    marks = excerpt(text, span, Style(width=width))[-1]
    assert marks.strip(" |").strip("^") == ""
    assert "^" in marks


def test_lines_of_a_payload_that_begins_further_down() -> None:
    report = check(b'{"state": 1}').located(b'{"state": 1}', line=1234)
    result = PayloadResult(report, b'{"state": 1}', 1234)
    out = "".join(form("text")([FileResults("a.ndjson", [result], lines=True)]))
    assert out.startswith("a.ndjson:1234:11: error[schema/")
    assert '\n1234 | {"state": 1}\n     |           ^\n     = at: /state\n' in out


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert ' 1 | {"a": "K\N{REPLACEMENT CHARACTER}ln"}\n   |         ^\n' in render(
        b'{"a": "K\xf6ln"}'
    )


def test_what_has_no_place() -> None:
    finding = check("{}", now="soon", dry=True).findings[0]
    assert isinstance(finding, Finding)
    assert render("{}", now="soon", dry=True).startswith("a.json: (parameter now): error[request/")


# Colours


def test_colours_change_nothing_but_the_colour() -> None:
    plain = render(DUPLICATE)
    painted = render(DUPLICATE, style=Style(coloured=True))
    assert painted != plain
    for mark in ("0", "1", "2", "34", "1;31", "1;33", "1;36"):
        painted = painted.replace(f"\x1b[{mark}m", "")
    assert painted == plain


@pytest.mark.parametrize(
    ("choice", "terminal", "environment", "expected"),
    [
        ("auto", False, {}, False),
        ("auto", True, {}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"FORCE_COLOR": "0"}, True),
        ("auto", False, {"FORCE_COLOR": ""}, False),
        ("auto", True, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_when_there_are_colours(
    choice: str,
    terminal: bool,
    environment: dict[str, str],
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert wants_colours(choice) is expected


def test_the_option_colours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.json"
    path.write_text("[]", "utf-8")
    main(["check", str(path), "--color", "always"])
    assert "\x1b[1;31merror" in capsys.readouterr().out
    main(["check", str(path), "--color", "always", "--format", "concise"])
    assert "\x1b[1;31merror" in capsys.readouterr().out
    main(["check", str(path), "--color", "always", "--format", "json"])
    assert "\x1b" not in capsys.readouterr().out
