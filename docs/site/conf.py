"""Configuration of the documentation site: see `make site`."""

import tomllib
from os.path import normpath
from pathlib import Path
from shutil import copyfile
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

project = PROJECT["name"]
release = version = PROJECT["version"]
html_title = f"{project} {release}"
html_show_copyright = False

root_doc = "README"
include_patterns = [
    "*.md",
    "docs/*.md",
    "docs/gateway/*.md",
    "tests/cases/README.md",
    "tests/mutation/README.md",
]
extensions = ["myst_parser", "sphinx_copybutton", "sphinxcontrib.mermaid"]
# The anchors that the pages' links have, which are those of GitHub.
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

html_theme = "furo"
# Nothing is loaded from elsewhere: the diagrams are drawn by a script of the site.
html_static_path = [str(ROOT / "build" / "site" / "static")]
mermaid_use_local = "mermaid.esm.min.mjs"
mermaid_fullscreen = False
copybutton_prompt_text = "$ "

PATHS = {
    "Application developer": ["library", "testing", "report", "policy", "catalog", "rules"],
    "Platform engineer": ["hook", "cli", "configuration", "scale", "schemas", "editors"],
    "Operator": [
        f"gateway/{name}"
        for name in (
            "README",
            "envoy",
            "nginx",
            "haproxy",
            "caddy",
            "kong",
            "asgi",
            "stores",
            "lookup",
            "operations",
            "deployment",
            "monitoring",
            "performance",
        )
    ],
    "Contributor": [
        "../CONTRIBUTING",
        "architecture",
        "../tests/cases/README",
        "../tests/mutation/README",
        "performance",
    ],
    "Reference": [
        "editions",
        "differences",
        "limits",
        "compatibility",
        "../SECURITY",
        "../CHANGELOG",
    ],
}
"""The pages for each reader, as in docs/README.md."""


def add_contents(_app: Any, page: str, text: list[str]) -> None:
    """Add the tree of pages to the front page, which GitHub shows without one."""
    if page == root_doc:
        text[0] += _tree("All documents", ["docs/README"])
        for reader, names in PATHS.items():
            text[0] += _tree(reader, [normpath(f"docs/{name}") for name in names])


def _tree(caption: str, pages: list[str]) -> str:
    return "\n".join(
        ["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]
    )


def add_index(app: Any, fault: Exception | None) -> None:
    """Give the front page the name that servers look for."""
    if fault is None:
        copyfile(Path(app.outdir, f"{root_doc}.html"), Path(app.outdir, "index.html"))


def setup(app: Any) -> None:
    """Connect the handlers."""
    app.connect("source-read", add_contents)
    app.connect("build-finished", add_index)
