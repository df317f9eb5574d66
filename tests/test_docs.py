"""The documentation is true: what is generated is current, examples run, links lead somewhere."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from talonschema import Policy, schemas
from talonschema.checking.registry import CODES
from talonschema.config import discovery
from talonschema.config.settings import DEFAULTS
from talonschema.model.catalog_builder import ManagementExport, build
from talonschema.model.schema_tree import SchemaNode, schema_tree

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
WRITTEN = [page for page in PAGES if page.name != "rules.md"]
"""The pages that people write; the examples of the generated one are not code to run."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
_ROW = re.compile(r"^\| `(\w+)(?:\.(\w+))?` \|", re.MULTILINE)


class Block(NamedTuple):
    language: str
    text: str
    line: int


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start()) + 1)
        for match in _BLOCK.finditer(text)
    ]


def prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text("utf-8"))


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def test_the_generated_parts_are_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_code_has_a_section() -> None:
    anchors = _ANCHOR.findall((ROOT / "docs" / "rules.md").read_text("utf-8"))
    assert sorted(anchors) == sorted(code.replace("/", "-").lower() for code in CODES)


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_python_examples_print_what_is_shown(page: Path) -> None:
    shared: dict[str, Any] = {"__file__": str(page)}
    found = blocks(page)
    for block, after in zip_longest(found, found[1:]):
        if block.language != "python":
            continue
        # Blank lines put the block where it is on the page, so that tracebacks have its lines.
        code = compile("\n" * block.line + block.text, name(page), "exec", dont_inherit=True)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, shared)  # noqa: S102 - the documentation is as trusted as the tests
        shown = after.text if after and after.language in {"text", "json"} else ""
        assert printed.getvalue() == (shown if printed.getvalue() else ""), block.line


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_commands_print_what_is_shown(page: Path) -> None:
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    for block in blocks(page):
        if block.language != "console":
            continue
        for call in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = call.partition("\n")
            if "talonschema" not in command:
                continue
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.stdout == shown.rstrip("\n") + "\n", command


def test_settings_and_policies_are_valid(tmp_path: Path) -> None:
    # Catalogs that examples name.
    (tmp_path / "catalog.json").write_text('{"priced_skus": []}', encoding="utf-8")
    read = set()
    for page in WRITTEN:
        for block in blocks(page):
            if block.language != "toml":
                continue
            named = re.match(r"# (\S+\.toml)\n", block.text)
            path = tmp_path / (named[1] if named else "policy.toml")
            path.write_text(block.text, encoding="utf-8")
            if path.name in {"talonschema.toml", "pyproject.toml"}:
                discovery.at(str(path))
            else:
                Policy.load(path)
            read.add(path.name)
    assert read >= {"talonschema.toml", "pyproject.toml", "policy.toml"}


def test_the_example_project_is_what_the_pages_show() -> None:
    project = ROOT / "examples" / "project"
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert (project / "talonschema.toml").read_text("utf-8") in page
    exports = [
        ManagementExport(each.name, json.loads(each.read_text("utf-8")))
        for each in sorted((project / "exports").iterdir())
    ]
    assert build(exports).catalog == json.loads((project / "catalog.json").read_text("utf-8"))


def test_the_page_on_configuration_has_each_key() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert listed == {
        *DEFAULTS,
        "exclude",
        "ignore",
        "severity",
        "files",
        "glob",
        "pointer",
        "reason",
    }


def test_commands_of_make_are_targets() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for page in WRITTEN:
        for target in re.findall(r"(?:^\$ |`)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{name(page)}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if fragment:
            text = prose(target)
            anchors = {*_ANCHOR.findall(text), *map(slug, _HEADING.findall(text))}
            assert fragment in anchors, link


def differences() -> set[str]:
    """Return each property that differs between the editions, and each model of one only."""
    found = set()
    one, other = (set(schemas.models(edition)) for edition in schemas.EDITIONS)
    found |= one ^ other
    for model in one & other:
        old, new = (schema_tree(edition, model) for edition in schemas.EDITIONS)
        for key in old.properties.keys() | new.properties.keys():
            if about(old, key) != about(new, key):
                found.add(f"{model}.{key}")
    return found


def about(model: SchemaNode, key: str) -> Any:
    """Return what a model says of a property itself; another model has its own."""
    place = model.properties.get(key)
    if place is None:
        return None
    return (key in model.required, shape(place, model.model))


def shape(place: SchemaNode | None, model: str) -> Any:
    if place is None:
        return None
    if place.model != model:
        return (place.model, place.read_only)
    return (
        place.assertions,
        place.read_only,
        place.required,
        {key: shape(below, model) for key, below in place.properties.items()},
        shape(place.items, model),
        shape(place.values, model),
    )


def test_the_page_on_editions_lists_each_difference() -> None:
    page = (ROOT / "docs" / "editions.md").read_text("utf-8")
    listed = {".".join(filter(None, row)) for row in _ROW.findall(page)}
    assert listed == differences()


def test_the_page_on_editions_lists_each_rule_of_one_edition() -> None:
    page = (ROOT / "docs" / "editions.md").read_text("utf-8")
    listed = dict(
        re.findall(r"^\| \[`([\w/-]+)`\]\([^)]*\) \| (\d{4}-\d\d) \|", page, re.MULTILINE)
    )
    expected = {code.name: code.editions for code in CODES.values() if len(code.editions) == 1}
    assert {code: (edition,) for code, edition in listed.items()} == expected


def test_the_changelog_has_the_released_version() -> None:
    from talonschema import __version__

    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(
        rf"^## \[{re.escape(__version__)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE
    )


def test_each_endpoint_of_the_sdk_is_listed_as_covered_or_not() -> None:
    from talon_one.api import integration_api

    source = Path(integration_api.__file__).read_text("utf-8")
    paths = set(re.findall(r"resource_path='(/v\d/[^']*)'", source))
    assert len(paths) > 30
    page = (ROOT / "docs/limits.md").read_text("utf-8")
    covered, _, others = page.partition("The other endpoints of the Integration API are not.")
    sessions = {path for path in paths if path.startswith("/v2/customer_sessions/")}
    assert sessions == set(re.findall(r"`[A-Z]+ (/v2/[^`]*)`", covered))
    listed = set(re.findall(r"`(/v\d/\w+)`", others))
    assert {"/".join(path.split("/")[:3]) for path in paths - sessions} == listed
