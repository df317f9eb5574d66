"""The documentation is true: generated parts are current, tables complete, links lead somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.pages import GENERATED, PAGES, ROOT, WRITTEN, anchors, links, name
from talonschema import schemas
from talonschema.checking.registry import CODES
from talonschema.config.settings import DEFAULTS
from talonschema.model.catalog_builder import ManagementExport, build
from talonschema.model.schema_tree import SchemaNode, schema_tree

_ROW = re.compile(r"^\| `(\w+)(?:\.(\w+))?` \|", re.MULTILINE)


def test_the_generated_parts_are_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_code_has_a_section() -> None:
    assert {code.replace("/", "-").lower() for code in CODES} <= anchors(GENERATED)


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
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for page in WRITTEN:
        named = re.findall(r"(?:^\$ |`)make ([a-z-]+)", page.read_text("utf-8"), re.MULTILINE)
        assert set(named) <= targets, name(page)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            assert link.startswith("https://"), link
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        assert not fragment or fragment in anchors(target), link


def differences() -> set[str]:
    """Return each property that differs between the editions, and each model of one only."""
    found = set()
    one, other = (set(schemas.models(edition)) for edition in schemas.EDITIONS)
    found |= one ^ other
    for model in one & other:
        old, new = (schema_tree(edition, model) for edition in schemas.EDITIONS)
        for key in old.properties.keys() | new.properties.keys():
            if keywords_of(old, key) != keywords_of(new, key):
                found.add(f"{model}.{key}")
    return found


def keywords_of(model: SchemaNode, key: str) -> Any:
    """Return the keywords of a property in a model; another model has its own."""
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
