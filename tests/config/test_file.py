"""Settings files: what they take, and the line of what is wrong."""

from __future__ import annotations

import inspect
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import talonschema
from talonschema.config.discovery import at, find
from talonschema.config.file import Config
from talonschema.config.settings import DEFAULTS, SettingsResolver
from talonschema.findings.code import FAIL_ON
from talonschema.reading.toml_reader import Toml, TomlError

Run = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]


BAD: list[tuple[str, int, str]] = [
    ('editon = "2026-06"', 1, "has no key 'editon' (did you mean 'edition'?)"),
    ('\nedition = "2026-6"', 2, "edition is '2026-6' (did you mean '2026-06'?); expected one of"),
    ("edition = 2026-06-01", 1, "edition is 2026-06-01; expected one of 2022-06, 2026-06"),
    ('naming = "snak"', 1, "(did you mean 'snake'?)"),
    ('operation = "reopn"', 1, "expected one of update, return, reopen"),
    ('model = "IntegrationRequset"', 1, "(did you mean 'IntegrationRequest'?)"),
    ('at = "request"', 1, "at is 'request'; expected a JSON Pointer, which begins with a slash"),
    ('at = "/a~2"', 1, "at is '/a~2'; expected a JSON Pointer"),
    ('at = ""', 1, "at is ''; expected a JSON Pointer"),
    ("exclude = ['a', '*.{json,yaml}']", 1, "exclude[1] is '*.{json,yaml}'"),
    ("[[files]]\nglob = '*'\nexclude = 'a'", 3, "files[0] has no key 'exclude'"),
    ("model = []", 1, "model is an empty list; expected one of"),
    ('dry = "yes"', 1, "dry is 'yes'; expected true or false"),
    ('previous = "opn"', 1, "(did you mean 'open'?); expected new, one of open, closed"),
    ("previous = true", 1, "previous is true; expected new"),
    ('fail_on = "info"', 1, "fail_on is 'info'; expected one of error, warning"),
    ("catalog = {}", 1, "catalog is a table; expected a non-empty string"),
    ('catalog = ""', 1, "catalog is ''; expected a non-empty string"),
    ("policy = 1", 1, "policy: the policy is not a table"),
    ("[policy]\n\ncoupon_budget = 1", 3, "policy: coupon_budget is 1; expected true or false"),
    ("[policy]\ncoupon_budgets = true", 2, "(did you mean 'coupon_budget'?)"),
    (
        '[policy.catalog.attributes.CartItem]\na = "string"\nb = { type = "strin" }',
        3,
        "policy: catalog.attributes.CartItem.b.type is 'strin' (did you mean 'string'?)",
    ),
    ('ignore = "cart"', 1, "ignore is 'cart'; expected a non-empty list"),
    ("select = []", 1, "select is an empty list; expected a non-empty list"),
    ("ignore = [\n  'cart',\n  'crt',\n]", 3, "ignore[1]: 'crt' is neither a code nor a group"),
    ("select = [1]", 1, "select[0] is 1; expected a non-empty string"),
    ("severity = 'error'", 1, "severity is 'error'; expected a table of codes"),
    ("[severity]\n'cart/quantity-sun' = 'error'", 2, "(did you mean 'cart/quantity-sum'?)"),
    ("[severity]\ncart = 'eror'", 2, "(did you mean 'error'?); expected one of error, warning"),
    ("[severity]\ncart = ['error']", 2, "severity.'cart' is a list"),
    ("[files]\nglob = '*'", 1, "files is a table; expected tables, each under [[files]]"),
    ("files = [1]", 1, "files[0] is 1; expected a table"),
    ("[[files]]\nmodel = 'CartItem'", 1, "files[0] has no glob"),
    ("[[files]]\nglob = '*'\n\n[[files]]\nglob = 1", 5, "files[1].glob is 1; expected a non-empty"),
    ("[[files]]\nglob = []", 2, "files[0].glob is an empty list"),
    ("[[files]]\nglob = [\n  'a',\n  1]", 4, "files[0].glob[1] is 1; expected a non-empty string"),
    ("[[files]]\nglob = 'a\\b'", 2, "separate folders with /"),
    ("[[files]]\nglob = '*.{json,yaml}'", 2, "write alternatives as a list"),
    ("[[files]]\nglob = '../a/*.json'", 2, "match files outside their folder"),
    ("[[files]]\nglob = '*'\nglobs = 'x'", 3, "files[0] has no key 'globs' (did you mean 'glob'?)"),
    ("[[files]]\nglob = '*'\nfail_on = 'error'", 3, "files[0] has no key 'fail_on'"),
    ("[[files]]\nglob = '*'\nselect = ['cart']", 3, "files[0] has no key 'select'"),
    ("[[files]]\nglob = '*'\nignore = ['cart']", 3, "files[0] has no reason"),
    ("[[files]]\nglob = '*'\nignore = ['cart']\nreason = ''", 4, "files[0].reason is ''"),
    ("[[files]]\nglob = '*'\nreason = 'so'", 3, "files[0] has no ignore"),
    ("reason = 'so'", 1, "has no key 'reason'"),
    ("[tool.talonschema]\ndry = true", 1, "has no key 'tool'"),
    ("dry = true\nedition = ", 2, "is not TOML"),
]


@pytest.mark.parametrize(("content", "line", "reported"), BAD, ids=[each for each, _, _ in BAD])
def test_what_is_wrong_is_reported_with_its_line(
    run: Run, write: Write, content: str, line: int, reported: str
) -> None:
    write("talonschema.toml", content)
    write("a.json", '{"customerSession": {"profileId": "a"}}')
    with pytest.raises(TomlError) as caught:
        find()
    assert (caught.value.path, caught.value.line) == ("talonschema.toml", line)
    assert reported in caught.value.message
    for command in ("check", "config"):
        status, out, err = run(command, "a.json")
        assert (status, out) == (2, "")
        assert err == f"talonschema: error: {caught.value}\n"
        assert run(command, "--no-config", "a.json")[0] == 0


def test_settings_in_a_pyproject_are_reported_with_their_place(write: Write) -> None:
    write("pyproject.toml", "[project]\nname = 'a'\n[tool.talonschema]\n[[tool.talonschema.files]]")
    with pytest.raises(TomlError) as caught:
        find()
    assert str(caught.value).startswith("pyproject.toml:4: files[0] has no glob")
    write("pyproject.toml", "[tool.talonschema]\ndri = true")
    with pytest.raises(TomlError) as caught:
        find()
    assert str(caught.value) == (
        "pyproject.toml:2: tool.talonschema has no key 'dri' (did you mean 'dry'?)"
    )
    write("pyproject.toml", "[tool]\ntalonschema = 1")
    with pytest.raises(TomlError, match=r"pyproject.toml:2: tool.talonschema is 1; expected a tab"):
        find()
    write("pyproject.toml", "[tool.talonschema.gateway]\nport = 1")
    with pytest.raises(TomlError, match="has no key 'gateway'"):
        find()


def test_settings_of_the_gateway_are_not_read(write: Write) -> None:
    write("talonschema.toml", "dry = true\n[gateway]\nport = 'any'\n")
    found = find()
    assert found is not None
    assert found.top == {"dry": True}


FULL = """
edition = "2026-06"
model = "IntegrationRequest"
operation = "update"
previous = "states/before.json"
dry = true
naming = "snake"
policy = "policy.toml"
catalog = "catalog.json"
select = ["cart", "schema/type"]
ignore = ["cart/quantity-sum"]
fail_on = "warning"

[severity]
cart = "error"

[[files]]
glob = "a.json"
edition = "2022-06"
model = "CartItem"
operation = "return"
previous = "closed"
dry = false
naming = "wire"
catalog = "other.json"
ignore = ["schema"]
reason = "they are old"

[files.policy]
coupon_budget = true
total_tolerance = 0.1
catalog = "third.toml"

[files.severity]
schema = "info"
"""


@pytest.mark.parametrize("folder", ["", "conf"])
def test_all_settings(write: Write, folder: str) -> None:
    prefix = f"{folder}/" if folder else ""
    write(f"{prefix}talonschema.toml", FULL)
    found = at(f"{prefix}talonschema.toml")
    assert found.top == {
        "edition": "2026-06",
        "model": "IntegrationRequest",
        "operation": "update",
        "previous": f"{prefix}states/before.json",
        "dry": True,
        "naming": "snake",
        "policy": f"{prefix}policy.toml",
        "catalog": f"{prefix}catalog.json",
        "select": ("cart", "schema/type"),
        "ignore": ("cart/quantity-sum",),
        "fail_on": "warning",
        "severity": {"cart": "error"},
    }
    policy = {
        "coupon_budget": True,
        "total_tolerance": 0.1,
        "catalog": f"{prefix}third.toml",
    }
    assert found.files == [
        {
            "glob": ("a.json",),
            "edition": "2022-06",
            "model": "CartItem",
            "operation": "return",
            "previous": "closed",
            "dry": False,
            "naming": "wire",
            "catalog": f"{prefix}other.json",
            "ignore": ("schema",),
            "reason": "they are old",
            "policy": policy,
            "severity": {"schema": "info"},
        }
    ]


def test_defaults_are_those_of_the_library_and_its_command() -> None:
    parameters = {
        **inspect.signature(talonschema.Validator).parameters,
        **inspect.signature(talonschema.Validator.check).parameters,
    }
    library = {name: DEFAULTS[name] for name in DEFAULTS.keys() & parameters.keys()}
    assert library == {name: parameters[name].default for name in library}
    assert DEFAULTS.keys() - library.keys() == {
        "at",
        "baseline",
        "catalog",
        "fail_on",
        "skip_unrecognised",
    }
    assert DEFAULTS["fail_on"] == FAIL_ON[0]


WORDS = st.sampled_from(
    ["cart", "schema/type", "error", "open", "new", "2026-06", "wire", "a.json", "**/b", "", "\0"]
)
ANY: st.SearchStrategy[Any] = st.recursive(
    WORDS | st.booleans() | st.integers(-1, 2) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.sampled_from(["catalog", "glob", "ignore"]), inner, max_size=3)
    ),
    max_leaves=5,
)
KEYS = st.sampled_from([*DEFAULTS, "ignore", "severity", "files", "glob", "reason", "gateway", "x"])
TABLE = st.dictionaries(KEYS, ANY, max_size=4)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(value[key])}" for key in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


@given(TABLE, st.lists(TABLE, max_size=2))
def test_any_file_has_settings_or_a_line_that_is_wrong(
    top: dict[str, Any], files: list[dict[str, Any]]
) -> None:
    top.pop("files", None)
    lines = [f"{key} = {toml(value)}" for key, value in top.items()]
    for table in files:
        lines += ["[[files]]", *(f"{key} = {toml(value)}" for key, value in table.items())]
    text = "\n".join(lines)
    line: int | None = 1
    try:
        found = Config(Toml("talonschema.toml", text, tomllib.loads(text)), ())
        settings = SettingsResolver(found, {}).settings(found.group("a.json"))
    except TomlError as error:
        line = error.line
    else:
        assert settings.values.keys() == DEFAULTS.keys()
    assert line is not None
    assert 1 <= line <= max(len(lines), 1)
