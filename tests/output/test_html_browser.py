"""The report in HTML, in a real browser: filters, explanations, phones, the dark, print, safety.

Where there is no Chromium, the tests are skipped; with TALONSCHEMA_REQUIRE_GATEWAYS they fail.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import goldens
from support.browser import Browser
from support.gateway.installed import need
from talonschema.cli import main

# One process starts the browser.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]

EVIL = (
    "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
)
RTL = "\u202egnp.exe\u0000"


@pytest.fixture(scope="module")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = need("chromium", "chromium")
    with Browser(program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: Browser) -> Browser:
    shared_browser.call("Emulation.setScriptExecutionDisabled", value=False)
    shared_browser.resize(1200)
    shared_browser.media()
    return shared_browser


def write(tmp_path: Path, *arguments: str) -> Path:
    """Return the path of a page about files in tests/golden/input and `tmp_path`."""
    page = tmp_path / "report.html"
    with goldens.inputs():
        main(["check", "--no-config", "--format", "html", "--output-file", str(page), *arguments])
    return page


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "log.ndjson").write_text('{"state": "opn"}\n{}\n' * 500, "utf-8")
    return write(tmp_path, "key-slips.json", "wrong-types.json", "related.json", str(tmp_path))


VISIBLE = """[...document.querySelectorAll(".finding")].filter((each) => each.checkVisibility())
.map((each) => each.dataset.%s)"""


def visible_values(browser: Browser, attribute: str = "severity") -> list[str]:
    found: list[str] = browser.evaluate(VISIBLE % attribute)
    return found


def select_code(browser: Browser, code: str) -> None:
    browser.evaluate(
        f"(() => {{ const select = document.querySelector('select');"
        f"select.value = {json.dumps(code)};"
        "select.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


def text(browser: Browser, selector: str) -> str:
    found: str = browser.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")
    return found


def assert_harmless(browser: Browser, page: Path) -> None:
    """Fail if the page has requested, broken or run anything."""
    requested = [
        each["request"]["url"] for each in browser.event_params("Network.requestWillBeSent")
    ]
    assert requested == [page.as_uri()]
    assert browser.evaluate("window.violations") == []
    assert browser.event_params("Runtime.exceptionThrown", "Log.entryAdded") == []
    assert browser.event_params("Page.javascriptDialogOpening") == []


def test_severities_are_filtered(browser: Browser, page: Path) -> None:
    browser.open(page)
    every = visible_values(browser)
    assert {"error", "warning"} == set(every)
    assert text(browser, "output") == f"{len(every)} of {len(every)} listed"
    browser.click("input[value=warning]")
    errors = visible_values(browser)
    assert errors == [each for each in every if each == "error"]
    assert text(browser, "output") == f"{len(errors)} of {len(every)} listed"
    browser.click("input[value=error]")
    assert visible_values(browser) == []
    files = "[...document.querySelectorAll('.file')].filter((each) => each.checkVisibility())"
    assert browser.evaluate(f"{files}.length") == 0
    browser.click("input[value=warning]")
    browser.click("input[value=error]")
    assert visible_values(browser) == every
    assert browser.evaluate(f"{files}.length") == 4
    assert_harmless(browser, page)


def test_codes_are_filtered(browser: Browser, page: Path) -> None:
    browser.open(page)
    codes = visible_values(browser, "code")
    select_code(browser, "schema/type")
    shown = visible_values(browser, "code")
    assert shown == ["schema/type"] * codes.count("schema/type")
    browser.click("input[value=error]")
    assert visible_values(browser) == []
    browser.click("input[value=error]")
    select_code(browser, "")
    assert visible_values(browser, "code") == codes


def test_filters_that_the_browser_restores_hold(browser: Browser, page: Path) -> None:
    page.with_name("another.html").touch()
    browser.open(page)
    browser.click("input[value=error]")
    browser.open(page.with_name("another.html"))
    browser.go_back()
    assert browser.evaluate("document.querySelector('input[value=error]').checked") is False
    assert set(visible_values(browser)) == {"warning"}


def test_an_explanation_opens_in_place(browser: Browser, page: Path) -> None:
    browser.open(page)
    state = "document.querySelector('.why').getAttribute('aria-expanded')"
    assert browser.evaluate(state) == "false"
    browser.click(".why")
    assert browser.evaluate(state) == "true"
    code = text(browser, ".why")
    inside = text(browser, ".finding .explanation")
    assert inside == text(browser, f"[id='{code}'] div")
    assert "Fix" in inside
    browser.click(".why")
    assert browser.evaluate(state) == "false"
    assert browser.evaluate("document.querySelector('.explanation')") is None
    assert browser.evaluate("location.hash") == ""


def test_bars_lead_to_codes_and_files(browser: Browser, page: Path) -> None:
    browser.open(page)
    for chart, target in ((1, "article.code"), (2, "details.file")):
        browser.click(f".chart:nth-of-type({chart}) a")
        assert browser.evaluate(f"document.querySelector(':target').matches('{target}')")
        place = browser.evaluate("document.querySelector(':target').getBoundingClientRect().y")
        assert 0 <= place < 800


def test_everything_shows_without_a_script(browser: Browser, page: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page)
    assert browser.evaluate("document.querySelector('#filters').checkVisibility()") is False
    assert len(visible_values(browser)) == browser.evaluate(
        "document.querySelectorAll('.finding').length"
    )
    browser.click(".why")
    code = text(browser, ".why")
    assert browser.evaluate("document.querySelector(':target').id") == code


@pytest.mark.parametrize("width", [320, 390, 768, 1200, 2560])
@pytest.mark.parametrize("case", ["page", "hostile_page"])
def test_no_window_is_too_narrow(
    width: int, case: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    browser.resize(width)
    browser.open(request.getfixturevalue(case))
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    wide = browser.evaluate(
        "[...document.querySelectorAll('body *')].filter((each) =>"
        f"each.checkVisibility() && each.getBoundingClientRect().right > {width})"
        ".map((each) => each.outerHTML.slice(0, 200))"
    )
    assert wide == []


COLOURS = """
(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour.slice(0, 3);
    }
    return null;
  };
  const found = [];
  for (const each of document.querySelectorAll("body *")) {
    const own = [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (own && each.checkVisibility() && each.localName !== "option") {
      const ink = channels(getComputedStyle(each).color).slice(0, 3);
      found.push([`${each.localName}.${each.className}`, ink, ground(each)]);
    }
  }
  return found;
})()
"""


def luminance(colour: list[float]) -> float:
    parts = [each / 255 for each in colour]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    """Return the ratio by which WCAG 2 measures whether a text is legible."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("medium", ["screen", "print"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_in_the_light_and_in_the_dark(
    medium: str, scheme: str, browser: Browser, page: Path
) -> None:
    browser.media(medium, scheme)
    browser.open(page)
    found = browser.evaluate(COLOURS)
    assert len(found) > 50
    faint = {name: (ink, ground) for name, ink, ground in found if contrast(ink, ground) < 4.5}
    assert faint == {}
    (ground,) = {tuple(ground) for name, _, ground in found if name == "h1."}
    assert (luminance(list(ground)) < 0.1) == ((medium, scheme) == ("screen", "dark"))


def test_a_print_has_all_findings_and_no_controls(browser: Browser, page: Path) -> None:
    browser.open(page)
    count = len(visible_values(browser))
    browser.media("print")
    assert len(visible_values(browser)) == count
    assert not browser.evaluate("document.querySelector('#filters').checkVisibility()")
    printed = base64.b64decode(browser.call("Page.printToPDF", printBackground=True)["data"])
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 1


@pytest.fixture
def hostile_page(tmp_path: Path) -> Path:
    folder = tmp_path / "hostile"
    folder.mkdir()
    value = {EVIL: EVIL, RTL: 1, "state": EVIL + RTL, "long": "x" * 5000, "\u05d0\u05d1": "\u05d2"}
    source = json.dumps(value, ensure_ascii=False).encode()
    source = source.replace(b"}", b', "state": "\xed\xa0\x80", "y": "\\ud800"}')
    (folder / "a.json").write_bytes(source)
    name = "</title><script>document.title=1;<!--\u202e\x1b[31m&lt;\n".replace("/", "\u2044")
    (folder / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    Path(os.fsdecode(bytes(folder / "b") + b"\xff.ndjson")).write_bytes(source + b"\n{}\n")
    (folder / ("y" * 200 + ".json")).write_text("[", "utf-8")
    return write(tmp_path, str(folder), f"none{EVIL}.json")


def test_hostile_text_does_nothing(browser: Browser, hostile_page: Path) -> None:
    browser.open(hostile_page)
    assert_harmless(browser, hostile_page)
    assert browser.evaluate("document.title").startswith("talonschema: ")
    assert browser.evaluate("document.querySelectorAll('img, script').length") == 1
    body = text(browser, "main")
    assert EVIL in body
    assert r"\u202egnp.exe" in body
    assert [each for each in body if not each.isprintable() and each != "\n"] == []
    assert r"&lt;\n.json" in body
    assert r"b\udcff.ndjson" in body


def test_a_page_that_breaks_its_policy_would_be_noticed(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.html"
    added = '<p style="color: red" onclick="1"><img src="http://127.0.0.1:9/x.png"></p></body>'
    broken.write_text(page.read_text("utf-8").replace("</body>", added), "utf-8")
    browser.open(broken)
    violations = set(browser.evaluate("window.violations"))
    assert {"style-src-attr", "img-src"} <= violations
    with pytest.raises(AssertionError):
        assert_harmless(browser, broken)


@pytest.mark.parametrize("arguments", [["clean.json"], ["--select", "catalog", "clean.json"]])
def test_a_page_without_findings(arguments: list[str], browser: Browser, tmp_path: Path) -> None:
    page = write(tmp_path, *arguments)
    browser.open(page)
    assert_harmless(browser, page)
    assert "Nothing found" in text(browser, "header")


def test_kept_out_values_are_nowhere(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"state": "s3cret", "profileId": 1}', "utf-8")
    browser.open(write(tmp_path, "--redact", str(tmp_path / "a.json")))
    assert len(visible_values(browser)) == 2
    assert "s3cret" not in browser.evaluate("document.documentElement.outerHTML")


@pytest.mark.slow
def test_a_page_of_many_findings_stays_quick_enough_to_use(
    browser: Browser, tmp_path: Path
) -> None:
    bad: dict[str, Any] = {"state": "opn", "profileId": 1, "couponCodes": 1, "coupon": 1}
    (tmp_path / "log.ndjson").write_text(f"{json.dumps(bad)}\n" * 5_000, "utf-8")
    page = write(tmp_path, str(tmp_path))
    assert page.stat().st_size < 1_000_000
    browser.open(page)
    assert text(browser, "header p:last-child") == "15000 errors and 5000 warnings in 1 of 1 file."
    assert "The first 200 findings of each code are listed" in text(browser, ".bound")
    browser.click("input[value=warning]")
    assert set(visible_values(browser)) == {"error"}
