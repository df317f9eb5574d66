"""``talonschema init``: writes initial settings and a pre-commit hook."""

from __future__ import annotations

import argparse
import json
import os
import re
from importlib import metadata

from .. import schemas
from ..config import discovery
from .console import OK, PROG, UsageError, print_note, write

HOOKS = ".pre-commit-config.yaml"
SETTINGS = f"""\
# Settings of talonschema for this folder and those below it. `talonschema config` prints the
# effective settings and their origins.

# The edition of the API: {", ".join(schemas.EDITIONS)}.
edition = "{schemas.EDITIONS[-1]}"

# Files and folders to skip, in addition to those in .gitignore.
# exclude = ["generated/"]

# Let warnings make the exit status 1, too.
# fail_on = "warning"

# Codes or groups of codes that are not reported. `talonschema rules` lists all of them.
# ignore = ["identity/anonymous-profile"]

# The attributes and additional costs of the account: `talonschema catalog build` writes this file.
# catalog = "catalog.json"

# Further properties of the Application.
# [policy]
# coupon_budget = true

# Severities by code or group.
# [severity]
# "cart/missing-price" = "error"

# Settings for some of the files.
# [[files]]
# glob = "fixtures/returns/*.json"
# operation = "return"
"""
FILES = (
    r"(?i)(^|/)(customer[-_.]?sessions?/.+|[^/]*customer[-_.]?sessions?[^/]*|[^/]+\.sessions?"
    r"|talon([-_.]?one)?/(.+/)?[^/]*(session|payload|request|return)[^/]*(/.+)?"
    r"|talon([-_.]?one)?[-_.](sessions?|payloads?|requests?|returns?)([-_.][^/]*)?)"
    r"\.(json|ndjson|jsonl|ya?ml)$"
)
"""The names of payload files, as in the hook of this repository."""
EXCLUDE = (
    r"(?i)(sequence|history|histories|scenario)|(^|/)(schemas?|openapi|swagger|postman)/"
    r"|(^|[/._-])(schema|openapi|swagger|postman[-_]collection)\.(json|ya?ml)$"
)
_LAST_LIST = re.compile(r"^repos:[ ]*(?:#.*)?\n(?:(?:[ \t#-].*)?\n)*\Z", re.MULTILINE)
"""The list of hooks at the end of a file, in block style."""
_ENTRY = re.compile(r"^( *)- repo:", re.MULTILINE)


def configure(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no options."""


def run(_args: argparse.Namespace) -> int:
    """Write the missing files to the working directory."""
    try:
        config = discovery.find()
    except ValueError as error:
        raise UsageError(str(error)) from None
    if config is None:
        _create(discovery.OWN, SETTINGS)
    else:
        print_note(f"{config.path} already has settings; it was left unchanged")
    _add_hook()
    return OK


def _create(path: str, text: str) -> None:
    with open(path, "x", encoding="utf-8") as file:
        file.write(text)
    write(f"{path} written\n")


def _add_hook() -> None:
    if not os.path.exists(HOOKS):
        _create(HOOKS, "repos:\n" + _hook("  "))
        return
    with open(HOOKS, encoding="utf-8") as file:
        text = file.read()
    if PROG in text:
        print_note(f"{HOOKS} already has a hook of {PROG}; it was left unchanged")
        return
    text = text.rstrip("\n") + "\n"
    entries = _LAST_LIST.search(text)
    indent = _ENTRY.search(entries[0]) if entries else None
    if indent is None:
        print_note(f"add this to the repos of {HOOKS}, which init can't edit because of its layout")
        write(_hook(""))
        return
    with open(HOOKS, "w", encoding="utf-8") as file:
        file.write(text + _hook(indent[1]))
    write(f"hook added to {HOOKS}\n")


def _hook(indent: str) -> str:
    """Return the entry of the hook, from the Git repository if its address is known.

    Packages that were installed from a Git repository record its address (PEP 610).
    """
    origin = json.loads(metadata.distribution(PROG).read_text("direct_url.json") or "{}")
    if origin.get("vcs_info", {}).get("vcs") == "git":
        lines = [
            f"- repo: {origin['url']}",
            f"  rev: {origin['vcs_info']['commit_id']}",
            "  hooks:",
            f"    - id: {PROG}",
        ]
    else:
        lines = [
            "# The talonschema that is installed where you commit. The documentation on hooks has",
            "# a hook that installs its own.",
            "- repo: local",
            "  hooks:",
            f"    - id: {PROG}",
            "      name: check Talon.One payloads",
            f"      entry: {PROG} check",
            "      language: system",
            f"      files: '{FILES}'",
            f"      exclude: '{EXCLUDE}'",
        ]
    return "".join(f"{indent}{line}\n" for line in lines)
