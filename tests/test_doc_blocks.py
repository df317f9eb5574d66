"""Blocks of code in the documentation: each is run, or read by what it is written for."""

from __future__ import annotations

import ast
import configparser
import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from support.pages import GENERATED, PAGES, ROOT, WRITTEN, blocks, blocks_in, name
from talonschema import Policy
from talonschema.cli import COMMANDS
from talonschema.cli.parser import Parser
from talonschema.config import discovery
from talonschema.gateway.settings import load_settings

ELSEWHERE = {
    ("docs/cli.md", "text"): "tests/cli/test_summary.py",
    ("docs/gateway/deployment.md", "text"): "tests/test_deploy.py",
    ("docs/gateway/haproxy.md", "lua"): "tests/gateway/test_haproxy.py",
    ("docs/gateway/nginx.md", "nginx"): "tests/gateway/test_nginx.py",
    ("docs/gateway/stores.md", "sql"): "tests/gateway/store/test_store_sqlite.py",
    ("docs/gateway/stores.md", "text"): "tests/gateway/store/test_store_redis.py",
    ("docs/scale.md", "sql"): "tests/scale/test_duckdb.py",
    ("docs/schemas.md", "js"): "tests/export/test_export_node.py",
}
"""The tests that run the blocks of a page in a language; `make site` reads the diagrams."""
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]


def test_every_block_is_run_or_read() -> None:
    here = {"console", "mermaid", "py", "python", "toml", *READERS}
    for page in PAGES:
        for above, block in zip((None, *blocks(page)), blocks(page), strict=False):
            shown = block.language == "text" and above and above.language in {"js", "python"}
            if block.language in here or shown or page == GENERATED:
                continue
            test = ROOT / ELSEWHERE[name(page), block.language]
            assert page.name in test.read_text("utf-8"), block.place


# Blocks that are run.


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_python_examples_print_what_is_shown(page: Path) -> None:
    shared: dict[str, Any] = {"__file__": str(page)}
    for block, after in zip_longest(blocks(page), blocks(page)[1:]):
        if block.language != "python":
            continue
        # Blank lines put the block where it is on the page, so that tracebacks have its lines.
        code = compile("\n" * block.line + block.text, name(page), "exec", dont_inherit=True)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, shared)  # noqa: S102 - the documentation is as trusted as the tests
        shown = after.text if after and after.language in {"text", "json"} else ""
        assert printed.getvalue() == (shown if printed.getvalue() else ""), block.place


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_commands_print_what_is_shown(page: Path) -> None:
    for block in blocks(page):
        if block.language != "console":
            continue
        for call in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = call.partition("\n")
            # What make does takes long; that there are such targets is tested beside.
            if not command.startswith("make "):
                assert shell(command) == shown, f"{block.place}: {command}"


def shell(command: str) -> str:
    """Return what a command prints in the root of the repository."""
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


RULE = """
import talonschema.rules.cart as module

exec(block, vars(module))

from talonschema import check, codes

(code,) = (each for each in codes() if each.name == "cart/negative-weight")
for example in code.bad:
    assert code.name in {each.code for each in check(example.data).findings}
for example in code.good:
    assert code.name not in {each.code for each in check(example.data).findings}
"""
FASTAPI = """
exec(block)
app.build_middleware_stack()
"""
DJANGO = """
from django.conf import settings
from django.core.asgi import get_asgi_application
from talonschema.gateway import SessionGuard

settings.configure()
exec(block)
assert application.guard.settings.store == "sqlite:sessions.db"
"""


def test_excerpts_of_programs_run(tmp_path: Path) -> None:
    excerpts = blocks_in("py")
    assert [name(each.page) for each in excerpts] == [
        *("CONTRIBUTING.md", "docs/gateway/asgi.md", "docs/gateway/asgi.md"),
    ]
    for block, program in zip(excerpts, (RULE, FASTAPI, DJANGO), strict=True):
        done = subprocess.run(
            [sys.executable, "-c", f"block = {block.text!r}\n{program}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), block.place


def test_settings_and_policies_are_valid(tmp_path: Path) -> None:
    # Catalogs that examples name.
    (tmp_path / "catalog.json").write_text('{"priced_skus": []}', encoding="utf-8")
    read = set()
    for block in blocks_in("toml"):
        named = re.match(r"# (\S+\.toml)\n", block.text)
        path = tmp_path / (named[1] if named else "policy.toml")
        path.write_text(block.text, encoding="utf-8")
        if path.name in {"talonschema.toml", "pyproject.toml"}:
            discovery.at(str(path))
        else:
            Policy.load(path)
        if path.name == "talonschema.toml":
            load_settings(str(path))
        read.add(path.name)
    assert read == {"talonschema.toml", "pyproject.toml", "policy.toml"}


# Blocks that are read.


def json_text(text: str) -> None:
    # The first line may be a comment with the name of the file.
    json.loads(re.sub(r"\A//.*\n", "", text))


def ini_text(text: str) -> None:
    # Kong's file has no sections.
    configparser.ConfigParser(interpolation=None).read_string(f"[kong]\n{text}")


def shell_text(text: str) -> None:
    """Read a script with bash, and the commands in it with what they call."""
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    for command in commands(text):
        match command:
            case ["talonschema", subcommand, *arguments]:
                assert subcommand in COMMANDS, command
                parser = Parser(subcommand)
                import_module(f"talonschema.cli.{subcommand}").configure(parser)
                parser.parse_args(arguments)
            case ["pip", "install", *requirements]:
                extras = re.findall(r"\[([\w,-]+)\]", " ".join(requirements))
                assert {each for found in extras for each in found.split(",")} <= EXTRAS.keys()
            case ["python" | "spark-submit", script, *_]:
                assert (ROOT / script).is_file(), command


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of a script, without where its output goes."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        ends = [index for index, word in enumerate(words) if re.fullmatch(r"[|&;<>]+", word)]
        for begin, end in zip((-1, *ends), (*ends, None), strict=True):
            yield words[begin + 1 : end]


READERS: Mapping[str, Callable[[str], object]] = {
    "ini": ini_text,
    "json": json_text,
    "sh": shell_text,
    "xml": ET.fromstring,
    "yaml": yaml.safe_load,
}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_blocks_can_be_read(page: Path) -> None:
    readers: dict[str, Callable[[str], object]] = {**READERS}
    if page == GENERATED:
        readers["python"] = ast.parse
    for block in blocks(page):
        if block.language in readers:
            try:
                readers[block.language](block.text)
            except Exception as error:
                error.add_note(block.place)
                raise
