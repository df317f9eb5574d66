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
# Settings of talonschema for this folder and those below it. `talonschema config` prints what is in
# force, and where each value comes from.

# The edition of the API that payloads are for: {", ".join(schemas.EDITIONS)}.
edition = "{schemas.EDITIONS[-1]}"

# Files and folders that are passed over, besides those in .gitignore.
# exclude = ["generated/"]

# Warnings, too, make the exit status 1.
# fail_on = "warning"

# Codes, or groups of codes, that are not reported. `talonschema rules` lists them all.
# ignore = ["identity/anonymous-profile"]

# The attributes and additional costs of the account: `talonschema catalog build` writes this file.
# catalog = "catalog.json"

# What else the Application is like.
# [policy]
# coupon_budget = true

# Other severities, by code or group.
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
        print_note(f"{config.path} has settings already; it was left as it is")
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
        print_note(f"{HOOKS} has a hook of {PROG} already; it was left as it is")
        return
    text = text.rstrip("\n") + "\n"
    entries = _LAST_LIST.search(text)
    indent = _ENTRY.search(entries[0]) if entries else None
    if indent is None:
        print_note(f"add this to the repos of {HOOKS}, whose form is not one that init extends")
        write(_hook(""))
        return
    with open(HOOKS, "w", encoding="utf-8") as file:
        file.write(text + _hook(indent[1]))
    write(f"{HOOKS} has the hook now\n")


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
