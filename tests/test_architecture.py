"""How the package is put together: imports run one way, and no more is loaded than is needed."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import talonschema
from talonschema import schemas

PACKAGE = "talonschema"
FOLDER = Path(talonschema.__file__).parent
SCHEMAS = Path(schemas.__file__).parent
PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"

PACKAGES = (
    *("schemas", "types", "findings", "reading", "display", "model"),
    *("structure", "rules"),
    *("checking", "config", "library", "testing", "export", "files", "output", "gateway", "cli"),
)
"""The packages from the ground up; a module imports from its own and those below it."""
LIBRARY = frozenset({"api", "history", "validator"})
"""The modules that lie directly in the package, and what they are together."""


def modules() -> dict[str, Path]:
    found = {}
    for path in FOLDER.rglob("*.py"):
        parts = path.relative_to(FOLDER).with_suffix("").parts
        if parts[0] != "schemas" and parts != ("__init__",):
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path
    return found


MODULES = modules()


def top_package(module: str) -> str:
    return module.partition(".")[0]


def imports_of(name: str, path: Path, *, lazy: bool = True) -> Iterator[str]:
    """Yield the modules of the package that a module imports.

    `lazy` adds those imported within functions and for annotations.
    """
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in nodes(tree, lazy=lazy):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if top_package(alias.name) == PACKAGE:
                    yield from resolve(alias.name.partition(".")[2])
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0 and top_package(node.module or "") != PACKAGE:
                continue
            base = package[: len(package) - node.level + 1] if node.level else []
            module = (node.module or "") if node.level else (node.module or "").partition(".")[2]
            where = ".".join([*base, *([module] if module else [])])
            for alias in node.names:
                inner = f"{where}.{alias.name}" if where else alias.name
                yield from resolve(inner if inner in MODULES or inner == "schemas" else where)


def nodes(tree: ast.AST, *, lazy: bool) -> Iterator[ast.AST]:
    """Yield the nodes that run at all or, not `lazy`, when a module is imported."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and not lazy:
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not lazy:
            continue
        yield node
        yield from nodes(node, lazy=lazy)


def resolve(name: str) -> Iterator[str]:
    if name:
        assert name in MODULES or top_package(name) == "schemas", name
        yield name


GRAPH = {name: set(imports_of(name, path)) - {name} for name, path in MODULES.items()}
EAGER = {name: set(imports_of(name, path, lazy=False)) - {name} for name, path in MODULES.items()}


def level(module: str) -> int:
    name = top_package(module)
    if name in LIBRARY:
        name = "library"
    return len(PACKAGES) if name == "__main__" else PACKAGES.index(name)


def test_the_graph_is_really_read() -> None:
    assert "validator" in GRAPH["api"]
    assert "rules.rule" in GRAPH["rules.cart"]
    assert "structure.engine" in GRAPH["structure.reference"]
    assert "schemas" in GRAPH["model.schema_tree"]


def test_each_package_has_its_place() -> None:
    assert {level(name) for name in MODULES} == {*range(1, len(PACKAGES) + 1)}


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_imports_run_one_way(module: str) -> None:
    upward = {other for other in GRAPH[module] if level(other) > level(module)}
    assert upward == set()


def package(module: str) -> str:
    return "library" if top_package(module) in LIBRARY else top_package(module)


def test_the_picture_has_the_imports() -> None:
    picture = PAGE.read_text("utf-8").partition("```mermaid")[2].partition("```")[0]
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)", picture, re.MULTILINE))
    edges = {
        (package(other), package(name))
        for name, others in GRAPH.items()
        for other in others
        if name != "__main__" and package(other) != package(name)
    }
    above: dict[str, set[str]] = {name: set() for name in PACKAGES}
    for name in reversed(PACKAGES):
        for _, user in (edge for edge in edges if edge[0] == name):
            above[name] |= {user, *above[user]}
    assert drawn == {
        (name, user) for name, user in edges if not any(user in above[each] for each in above[name])
    }


def test_the_table_has_the_packages_in_their_order() -> None:
    table = PAGE.read_text("utf-8").partition("| Package |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)(?:/|\.py)", table, re.MULTILINE)
    assert [package(row) for row in rows] == list(PACKAGES)


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of a cycle, nothing if there is none."""
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> list[str]:
        if module in way:
            return way[way.index(module) :]
        if module in done:
            return []
        for other in sorted(graph.get(module, ())):
            found = visit(other, [*way, module])
            if found:
                return found
        done.add(module)
        return []

    for module in sorted(graph):
        found = visit(module, [])
        if found:
            return found
    return []


def test_cycles_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert cycle({"a": {"b"}, "b": {"c"}}) == []


def test_no_module_imports_itself_by_a_detour() -> None:
    # A package imports its modules, and they import from beside it, so packages are left out.
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    graph = {name: others - packages for name, others in GRAPH.items() if name not in packages}
    assert cycle(graph) == []
    assert cycle(EAGER) == []


def test_rules_do_not_know_each_other_nor_the_engines() -> None:
    shared = {"rules.amounts", "rules.context", "rules.rule"}
    for module, others in GRAPH.items():
        if module.startswith("rules.") and module not in shared:
            assert {other for other in others if other.startswith("rules.")} <= shared, module
            assert not {other for other in others if top_package(other) == "structure"}, module


# What the package offers.


def test_all_is_sorted_and_can_be_imported() -> None:
    names = list(talonschema.__all__)
    # As isort has it: constants, then classes, then functions.
    assert names == sorted(names, key=lambda name: (not name.isupper(), name.islower(), name))
    assert len(names) == len(set(names))
    for name in names:
        value = getattr(talonschema, name)
        assert value is not None
        assert not isinstance(value, type(sys)), f"{name} is a module"
    assert dir(talonschema) == sorted([*names, "__version__"])
    assert isinstance(talonschema.__version__, str)


def test_all_is_what_has_a_home() -> None:
    assert set(talonschema.__all__) == set(talonschema._HOMES)  # noqa: SLF001 - shows nowhere else
    for name, home in talonschema._HOMES.items():  # noqa: SLF001 - shows nowhere else
        module = importlib.import_module(f"{PACKAGE}.{home}")
        assert getattr(talonschema, name) is getattr(module, name)


def test_names_that_type_checkers_see_are_those_that_are_offered() -> None:
    tree = ast.parse((FOLDER / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        (alias.name, node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert seen == set(talonschema._HOMES.items())  # noqa: SLF001 - shows nowhere else


def test_other_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Validater'"):
        _ = talonschema.Validater  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(talonschema.__all__))
@pytest.mark.parametrize("first", ["", "Update", "Validator", "check", "replay"])
def test_names_are_the_same_in_whatever_order_they_are_imported(name: str, first: str) -> None:
    script = f"""
import talonschema
{f"talonschema.{first}" if first else ""}
value = talonschema.{name}
assert not isinstance(value, type(talonschema)), value
from talonschema import {name}
assert {name} is value
"""
    if first in ("", name) or first in ("Update", "replay"):
        run(script)


# What is loaded.


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_modules(script: str) -> set[str]:
    """Return the modules that a script loads beyond those of the bare interpreter."""
    code = "import sys, json; before = set(sys.modules)\n" + script
    return set(json.loads(run(f"{code}\nprint(json.dumps(sorted(set(sys.modules) - before)))")))


SLOW = {
    *("jsonschema", "referencing", "attr", "attrs", "rpds", "jsonschema_rs", "jiter"),
    *(
        "re",
        "json",
        "decimal",
        "datetime",
        "dataclasses",
        "inspect",
        "difflib",
        "importlib.metadata",
    ),
    *("asyncio", "argparse", "pathlib", "tomllib", "typing"),
}


def test_importing_the_package_loads_next_to_nothing() -> None:
    modules = loaded_modules("import talonschema")
    assert {name for name in modules if top_package(name) == PACKAGE} == {PACKAGE}
    assert modules & (SLOW - {"typing"}) == set()


def test_the_types_need_nothing_but_typing() -> None:
    modules = loaded_modules("import typing; before = set(sys.modules)\nimport talonschema.types")
    own = {PACKAGE, f"{PACKAGE}.types", f"{PACKAGE}.types.v2022_06"}
    assert {name for name in modules if top_package(name) == PACKAGE} == own
    assert modules & (SLOW - {"typing"}) == set()


needs_accelerator = pytest.mark.skipif(
    find_spec("jsonschema_rs") is None, reason="the accelerator is not installed"
)


@needs_accelerator
@pytest.mark.parametrize("payload", ["{}", '{"cartItems": [{}], "coupon": 1, "state": "x"}'])
def test_a_check_by_the_accelerator_loads_no_reference(payload: str) -> None:
    modules = loaded_modules(f"import talonschema\ntalonschema.check({payload!r})")
    assert "jsonschema_rs" in modules
    slow = {
        "jsonschema",
        "referencing",
        "attr",
        "attrs",
        "asyncio",
        "pathlib",
        "tomllib",
        "argparse",
    }
    assert modules & slow == set()
    assert "importlib.metadata" not in modules


def test_a_check_by_the_reference_loads_no_accelerator() -> None:
    modules = loaded_modules('import talonschema\ntalonschema.check("{}", engine="jsonschema")')
    assert "jsonschema" in modules
    assert "jsonschema_rs" not in modules


def test_without_the_accelerator_the_reference_is_taken() -> None:
    script = """
import sys
sys.modules["jsonschema_rs"] = None
import talonschema
report = talonschema.check({"state": "x"})
assert [f.code for f in report.findings] == ["schema/enum"]
assert "jsonschema" in sys.modules
try:
    talonschema.Validator(engine="jsonschema-rs")
except ImportError:
    print("refused")
"""
    assert run(script) == "refused\n"


# The script runs without site-packages of its own, which may load modules, too: as the interpreter
# of a hook does, but that there talonschema lies beside the packages that it needs.
START = f"""
import sys
sys.path += {[path for path in sys.path if path.endswith("-packages")]!r}
before = set(sys.modules)
files, imports = sys.modules["_frozen_importlib_external"], sys.modules["_frozen_importlib"]
spec = files.spec_from_file_location(
    "{PACKAGE}",
    {str(FOLDER / "__init__.py")!r},
    submodule_search_locations={[str(FOLDER), str(SCHEMAS.parent)]!r},
)
sys.modules["{PACKAGE}"] = package = imports.module_from_spec(spec)
spec.loader.exec_module(package)
from {PACKAGE}.cli import main
status = main(sys.argv[1:])
print(status, *sorted(set(sys.modules) - before), file=sys.stderr)
"""

HEAVY = {
    "json",
    *("jsonschema", "referencing", "attr", "attrs", "rpds", "yaml", "asyncio", "concurrent"),
    *("dataclasses", "difflib", "glob", "hashlib", "importlib.metadata", "inspect"),
    *("multiprocessing", "pathlib", "shutil", "subprocess", "tempfile", "textwrap", "tomllib"),
    *("unicodedata", "xml"),
}
IDLE = {
    *("cli.outputs", "cli.unused", "export", "files.capture", "files.documents", "files.ndjson"),
    *("files.progress", "files.rows", "files.screen", "files.sequence", "files.silence"),
    *("files.comments", "files.spool"),
    *("gateway", "history"),
    *("display.block", "display.excerpt", "output.baseline", "output.fingerprint", "output.github"),
    *("output.gitlab", "output.html", "output.json", "output.json_text"),
    *("output.junit", "output.repeats", "output.sarif", "output.statistics"),
    *("reading.json_scanner", "reading.lines"),
    *("reading.objects", "reading.unsupported"),
    *("reading.normalizer", "reading.parsers", "reading.positions", "reading.toml_reader"),
    *("reading.yaml_composer", "reading.yaml_places", "reading.yaml_reader"),
    *("reading.yaml_scalars", "structure.reference", "testing", "cli.pages", "types"),
}
"""Modules of the package that a clean file has no use for."""


def command_modules(*arguments: str, cwd: Path) -> set[str]:
    """Return the modules that a run of the command loads, which has to end with status 0."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", START, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    status, *modules = done.stderr.split()
    assert status == "0", done.stderr
    return set(modules)


@needs_accelerator
def test_checking_a_clean_file_starts_no_more_than_it_needs(tmp_path: Path) -> None:
    item = {"name": "Burr grinder", "sku": "GRD-7", "quantity": 1, "price": 129}
    payload = {"customerSession": {"profileId": "cust-88120", "cartItems": [item] * 10}}
    (tmp_path / "session.json").write_text(json.dumps(payload), "utf-8")
    modules = command_modules("check", "session.json", cwd=tmp_path)
    assert {"jsonschema_rs", "jiter", f"{PACKAGE}.cli.check"} <= modules
    # From Python 3.14 on, argparse needs some of them itself.
    assert modules & HEAVY <= command_modules("--version", cwd=tmp_path)
    assert modules & {f"{PACKAGE}.{name}" for name in IDLE} == set()
