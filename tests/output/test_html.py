"""The report in HTML: what stands in it, whatever comes from payloads and names of files."""

from __future__ import annotations

import re
import tracemalloc
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

import talonschema
from support.page import content, elements_of_class, read
from talonschema.checking.registry import CODES
from talonschema.checking.report import Report
from talonschema.display.terminal import Style
from talonschema.files.results import FileResults, PayloadResult
from talonschema.findings.code import Severity
from talonschema.findings.finding import Finding, Span
from talonschema.output import form
from talonschema.output.html import page
from talonschema.output.html.density import BINS, Density
from talonschema.output.html.ranking import RANKED

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&lt;\u202e\0\ud800\r\n</title>"
SHOWN = r"</script><img src=x onerror=alert(1)>" + "\"'&lt;" + r"\u202e\x00\ud800\r\n</title>"
BAD = b'{"customerSession": {"profileId": 1, "state": "opn"}}'


class Lines:
    """Results of a file of lines, most of them without findings."""

    def __init__(self, results: list[PayloadResult], payloads: int) -> None:
        self._results = results
        self.payloads = payloads

    def __iter__(self) -> Iterator[PayloadResult]:
        return iter(self._results)


def result_with(
    code: str = "schema/type",
    severity: Severity = Severity.ERROR,
    message: str = "m",
    line: int | None = None,
) -> PayloadResult:
    finding = Finding(code, severity, "", message, "")
    ok = severity is not Severity.ERROR
    return PayloadResult(
        Report(ok=ok, findings=(finding,), model="M", edition="2022-06"), b"", line
    )


def check_payload(payload: bytes, line: int | None = None, **options: Any) -> PayloadResult:
    report = talonschema.check(payload, **options)
    return PayloadResult(report.located(payload, line=line or 1), payload, line)


def render(*outcomes: FileResults, quoting: bool = True) -> str:
    return "".join(form("html")(outcomes, style=Style(quoting=quoting)))


def test_the_policy_permits_the_own_script_and_styles_and_nothing_else() -> None:
    root = read(render(FileResults("a.json", [result_with()])))
    (policy,) = (m.attrib["content"] for m in root.iter("meta") if "http-equiv" in m.attrib)
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    hashes = {
        name: b64encode(sha256((each.text or "").encode()).digest()).decode()
        for name in ("script", "style")
        for each in root.iter(name)
    }
    assert parts == {
        "default-src": "'none'",
        "script-src": f"'sha256-{hashes['script']}'",
        "style-src": f"'sha256-{hashes['style']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_nothing_of_a_payload_or_a_name_is_markup() -> None:
    at = Span(1, 1, 1, 60)
    finding = Finding(
        *("schema/type", Severity.ERROR, f"/{HOSTILE}", HOSTILE, HOSTILE),
        related=("",),
        places=(at,),
        **at._asdict(),
    )
    source = HOSTILE.encode("utf-8", "surrogatepass")
    report = Report(ok=False, findings=(finding,), model="M", edition="2022-06")
    text = render(
        FileResults(f"{HOSTILE}.ndjson", [PayloadResult(report, source, 1)], lines=True),
        FileResults(HOSTILE, error=HOSTILE),
    )
    root = read(text)
    assert {each.tag for each in root.iter()}.isdisjoint({"img"})
    first, second = elements_of_class(root, "finding")
    assert content(first[0]) == f"error {SHOWN}"
    assert content(second[0]) == f"error {SHOWN}"
    assert content(elements_of_class(first, "place")[0]) == f"line 1, column 1 /{SHOWN} schema/type"
    assert content(elements_of_class(first, "hint")[0]) == f"Hint {SHOWN}"
    assert content(elements_of_class(first, "excerpt")[0]).startswith(
        "1 </script><img src=x onerror="
    )
    assert [content(h) for h in root.iter("h3")][:2] == [f"{SHOWN}.ndjson", SHOWN]


@pytest.mark.parametrize(
    ("payload", "pieces"),
    [
        (b'{"state": 1}', [[('{"state": ', ""), ("1", "error"), ("}", "")]]),
        (b'\t{"state":\t1\t}', [[('    {"state":    ', ""), ("1", "error"), ("    }", "")]]),
        (b'{"state": 1', [[('{"state": 1', ""), (" ", "error")]]),
        (
            b'{"a": {"b": 1, "b": 2}}',
            [[('{"a": {', ""), ('"b"', "related"), (": 1, ", ""), ('"b"', "error"), (": 2}}", "")]],
        ),
        (
            b'{"state": "open",\n "coupon": [\n],\n "state": "open"}',
            [
                [("{", ""), ('"state"', "related"), (': "open",', "")],
                [(" ", ""), ('"state"', "error"), (': "open"}', "")],
            ],
        ),
    ],
)
def test_an_excerpt_marks_what_a_finding_is_about(
    payload: bytes, pieces: list[list[tuple[str, str]]]
) -> None:
    result = check_payload(payload, model="NewCustomerSessionV2")
    root = read(render(FileResults("a.json", [result])))
    excerpts = elements_of_class(root, "excerpt")
    shown = [
        [
            (text or "", style)
            for code in excerpt.iter("code")
            for text, style in (
                (code.text, ""),
                *(
                    part
                    for mark in code
                    for part in ((mark.text, mark.attrib["class"]), (mark.tail, ""))
                ),
            )
            if text
        ]
        for excerpt in excerpts
    ]
    flat = [piece for line in pieces for piece in line]
    assert [piece for piece in shown if piece == flat], shown


def test_a_long_line_is_cut_around_each_mark() -> None:
    name = b'"' + b"x" * 5000 + b'"'
    payload = b'{"state": "open", "a": ' + name + b', "state": "open"}'
    root = read(render(FileResults("a.json", [check_payload(payload)])))
    (finding,) = (
        each
        for each in elements_of_class(root, "finding")
        if "json/dup" in each.attrib["data-code"]
    )
    rows = [content(code) for code in elements_of_class(finding, "excerpt")[0].iter("code")]
    assert len(rows) == 2
    assert rows[0].startswith('{"state": "open", "a": "xxx')
    assert rows[0].endswith("xxx...")
    (marked,) = elements_of_class(finding, "related")
    assert content(marked) == '"state"'
    assert rows[1].startswith("...xxx")
    assert rows[1].endswith('"state": "open"}')


def test_a_mark_ends_where_a_line_is_cut() -> None:
    root = read(render(FileResults("a.json", [check_payload(b'{"state": "%b"}' % (b"x" * 500))])))
    (mark,) = root.iter("mark")
    assert re.fullmatch('"x{60,}', mark.text or "")
    assert mark.tail == "..."


def test_no_line_of_a_file_is_shown_when_values_are_kept_out() -> None:
    result = check_payload(BAD.replace(b"opn", b"secret"), redact=True)
    root = read(render(FileResults("a.json", [result]), quoting=False))
    assert len(elements_of_class(root, "finding")) == 2
    assert elements_of_class(root, "excerpt") == []
    assert "secret" not in "".join(root.itertext())


def test_each_code_is_explained_once() -> None:
    results = [result_with(name, code.severity) for name, code in CODES.items()]
    root = read(render(FileResults("a.json", results * 2)))
    explained = {each.attrib["id"]: content(each) for each in elements_of_class(root, "code")}
    assert explained.keys() == CODES.keys()
    for name, code in CODES.items():
        for part in (code.summary, code.why, code.fix, code.source):
            assert part.replace("`", "") in explained[name]
    links = [link.attrib["href"] for link in elements_of_class(root, "why")]
    assert links == [f"#{name}" for name in CODES] * 2


def test_a_place_is_as_exact_as_it_is_known() -> None:
    parameter = Finding("schema/type", Severity.ERROR, "", "m", "", parameter="now")
    report = Report(ok=False, findings=(parameter,), model="M", edition="2022-06")
    results = [
        result_with(),
        result_with(line=7),
        PayloadResult(report, b"", None),
        PayloadResult(report, b"", 7),
        check_payload(b'{"state": 1}', 3, select=["schema/type"]),
    ]
    places = [
        content(each)
        for each in elements_of_class(read(render(FileResults("a", results))), "place")
    ]
    assert places == [
        "schema/type",
        "line 7 schema/type",
        "parameter now schema/type",
        "line 7, parameter now schema/type",
        "line 3, column 11 /state schema/type",
    ]


@pytest.mark.parametrize(
    ("outcomes", "verdict", "summary"),
    [
        ([], "Nothing found", "No findings in 0 files."),
        ([FileResults("a", [check_payload(b"{}")])], "Nothing found", "No findings in 1 file."),
        (
            [FileResults("a", [result_with(severity=Severity.WARNING)])],
            "No errors",
            "1 warning in 1 of 1 file.",
        ),
        ([FileResults("a", [result_with()])], "Errors found", "1 error in 1 of 1 file."),
        (
            [FileResults("a", error="gone")],
            "Errors found",
            "No findings in 1 file; 1 file unreadable.",
        ),
    ],
)
def test_the_head_has_the_outcome(outcomes: list[FileResults], verdict: str, summary: str) -> None:
    root = read(render(*outcomes))
    (header,) = root.iter("header")
    assert [content(each) for each in header] == ["talonschema", verdict, summary]
    (title,) = root.iter("title")
    assert content(title) == f"talonschema: {summary[0].lower()}{summary[1:-1]}"
    assert bool(list(root.iter("form"))) == (verdict != "Nothing found")


def test_findings_that_reports_omit_are_counted() -> None:
    few = check_payload(b'{"state": 1, "profileId": 1, "cartItems": 1}', max_findings=2)
    root = read(render(FileResults("a", [few, few]), FileResults("b", [result_with()])))
    assert [content(each[-1]) for each in elements_of_class(root, "file")] == [
        "4 more findings not shown",
        "error m schema/type",
    ]


def chart_rows(root: ET.Element, number: int) -> list[tuple[str, str, list[str]]]:
    """Return the rows of a chart: names, counts and widths."""
    chart = elements_of_class(root, "chart")[number]
    return [
        (
            content(elements_of_class(row, "name")[0]),
            content(elements_of_class(row, "count")[0]),
            [f"{rect.attrib['class']} {rect.attrib['width']}" for rect in row.iter("rect")],
        )
        for row in chart.iter("li")
    ]


def test_bars_of_codes_and_files() -> None:
    warning = result_with("cart/position", Severity.WARNING)
    root = read(
        render(
            FileResults("a", [result_with()] * 3 + [warning]),
            FileResults("b", [check_payload(b"{}")]),
            FileResults("c", [result_with()]),
        )
    )
    assert chart_rows(root, 0) == [
        ("schema/type", "4 errors", ["error 100.00%"]),
        ("cart/position", "1 warning", ["warning 25.00%"]),
    ]
    assert chart_rows(root, 1) == [
        ("a", "3 errors, 1 warning", ["error 75.00%", "warning 25.00%"]),
        ("c", "1 error", ["error 25.00%"]),
    ]


def test_of_many_files_the_worst_have_bars() -> None:
    outcomes = [FileResults(f"{n}", [result_with()] * n) for n in range(1, RANKED + 4)]
    root = read(render(*outcomes))
    assert [name for name, _, _ in chart_rows(root, 1)] == [
        f"{n}" for n in range(RANKED + 3, 3, -1)
    ]
    assert content(elements_of_class(root, "chart")[1][-1]) == "and 3 other files with 6 findings"


def test_of_many_findings_the_first_of_each_code_are_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page, "SHOWN", 3)
    warning = result_with("cart/position", Severity.WARNING)
    root = read(
        render(
            FileResults("a", [result_with()] * 5 + [warning] * 2),
            FileResults("b", [result_with()]),
            FileResults("c", [warning]),
        )
    )
    listed = [each.attrib["data-code"] for each in elements_of_class(root, "finding")]
    assert listed == ["schema/type"] * 3 + ["cart/position"] * 3
    (bound,) = elements_of_class(root, "bound")
    assert (
        content(bound)
        == "The first 3 findings of each code are listed; 3 further ones are only counted."
    )
    # What is not listed has a bar all the same, but no section that the bar could lead to.
    assert chart_rows(root, 0)[0] == ("schema/type", "6 errors", ["error 100.00%"])
    names = [name for each in elements_of_class(root, "file") for name in [content(each[0])]]
    assert names == ["a", "c"]
    assert [name for name, _, _ in chart_rows(root, 1)] == ["a", "b", "c"]
    options = [content(each) for each in root.iter("option")]
    assert options == ["all", "cart/position (3)", "schema/type (6)"]


def log_page(lines: int) -> Iterator[str]:
    """Return the pieces of a page about a log, two findings a line."""
    report = check_payload(BAD).report
    results = (PayloadResult(report, BAD, number) for number in range(1, lines + 1))
    return form("html")([FileResults("a.ndjson", results, lines=True)])


def test_the_page_does_not_grow_with_the_findings() -> None:
    small, large = (sum(map(len, log_page(lines))) for lines in (400, 4000))
    assert large < 1.1 * small


@pytest.mark.slow
def test_memory_does_not_grow_with_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_IN_MEMORY", 1 << 12)
    monkeypatch.setattr(page, "SHOWN", 1_000_000)
    sum(map(len, log_page(2)))
    pieces = log_page(2000)
    tracemalloc.start()
    written = sum(map(len, pieces))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written > 1_000_000
    assert peak < written / 2


def strip(root: ET.Element) -> tuple[list[str], list[str]]:
    """Return the stretches of the only strip that have findings, and its axis."""
    (figure,) = root.iter("figure")
    titles = [content(each) for each in figure.iter("title")]
    return titles, [content(each) for each in elements_of_class(figure, "axis")[0]]


def test_findings_over_the_lines_of_a_log() -> None:
    results = [
        result_with(line=2),
        result_with(line=2, severity=Severity.INFO),
        result_with(line=7),
    ]
    root = read(render(FileResults("a.ndjson", Lines(results, 9), lines=True)))
    titles, axis = strip(root)
    assert titles == ["line 2: 1 error, 1 info", "line 7: 1 error"]
    assert axis == ["line 1", "at most 2 in a line", "line 9"]
    (svg,) = (each for each in root.iter("svg") if "role" in each.attrib)
    assert svg.attrib["aria-label"] == "2 errors, 1 info in 9 lines"
    places = [
        tuple(float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
        for rect in svg.iter("rect")
    ]
    assert places == [(1, 20, 1, 20), (1, 0, 1, 20), (6, 20, 1, 20)]


def test_findings_over_the_lines_of_a_long_log() -> None:
    results = [result_with(line=line) for line in (1, 60_000, 99_999)]
    root = read(render(FileResults("a.jsonl", Lines(results, 100_000), lines=True)))
    titles, axis = strip(root)
    assert titles == [
        "lines 1 to 1024: 1 error",
        "lines 59393 to 60416: 1 error",
        "lines 99329 to 100000: 1 error",
    ]
    assert axis == ["line 1", "at most 1 in 1024 lines", "line 100000"]


def test_only_logs_have_lines() -> None:
    # Of a capture, the payloads are known, but not the lines.
    for path, lines in (("a.json", False), ("a.har", True)):
        root = read(render(FileResults(path, Lines([result_with(line=2)], 3), lines=lines)))
        assert list(root.iter("figure")) == []
    root = read(render(FileResults("a.ndjson", Lines([], 3), lines=True)))
    assert list(root.iter("figure")) == []


@pytest.mark.parametrize("lines", [1, BINS - 1, BINS, BINS + 1, 2 * BINS + 1, 10_007])
def test_a_density_loses_nothing_as_it_grows(lines: int) -> None:
    density = Density()
    for line in range(1, lines + 1):
        density.add(line, Severity.ERROR if line % 3 else Severity.INFO)
    bins = density.bins()
    assert len(bins) <= BINS
    assert lines < BINS or len(bins) > BINS / 2
    sums = [sum(each.values()) for each in bins]
    assert sum(sums) == lines
    assert set(sums[:-1]) <= {density.width}
    assert sum(each.get(Severity.INFO, 0) for each in bins) == lines // 3


def test_a_pointer_may_have_any_length() -> None:
    key = b"k" * 100_000
    text = render(FileResults("a.json", [check_payload(b'{"%b": 1, "state": 1}' % key)]))
    assert len(re.findall("k{300,}", text)) >= 1
    assert max(map(len, re.findall("k+", text))) < 1000
