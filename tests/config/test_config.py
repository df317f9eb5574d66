"""Settings of a project: where they are found, what they take, and which of them are in force."""

from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import talonschema
from talonschema import PolicyError, cli
from talonschema.config.discovery import at, find
from talonschema.config.file import Config
from talonschema.config.globs import below, matches
from talonschema.config.settings import DEFAULTS, EffectiveSettings, SettingsResolver
from talonschema.findings.code import FAIL_ON
from talonschema.reading.toml_reader import Toml, TomlError

Run = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]

CLEAN = '{"customerSession": {"profileId": "a"}}'
GUEST = '{"customerSession": {"profileId": ""}}'
UNKNOWN_KEY = '{"customerSession": {"profileId": "a", "extra": 1}}'
WRONG_TYPE = '{"customerSession": {"profileId": 88}}'
SNAKE = '{"customer_session": {"profile_id": 88}}'
NEW_IN_2026 = '{"customerSession": {"storeIntegrationId": ""}}'
NO_COUPON = '{"customerSession": {"profileId": "a", "state": "closed", "couponCodes": []}}'
CITY = '{"customerSession": {"profileId": "a", "attributes": {"City": "Metz"}}}'


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the command in this process: exit status, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(arguments)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function that writes a file below the working directory."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: str = "") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    return write


def codes(output: str) -> dict[str, list[str]]:
    """Return the codes that the JSON output of a check has for each file."""
    found: dict[str, list[str]] = {}
    for file in json.loads(output)["files"]:
        results = file.get("results", [file])
        found[file["path"]] = [each["code"] for one in results for each in one["findings"]]
    return found


# Where settings are found.


@pytest.mark.parametrize(
    ("files", "folder", "path"),
    [
        ([], "", None),
        (["talonschema.toml"], "", "talonschema.toml"),
        (["talonschema.toml"], "a/b", "../../talonschema.toml"),
        (["pyproject.toml"], "a", "../pyproject.toml"),
        (["talonschema.toml", "pyproject.toml"], "a", "../talonschema.toml"),
        (["a/pyproject.toml", "talonschema.toml"], "a", "pyproject.toml"),
        (["a/other.toml", "talonschema.toml"], "a/b", "../../talonschema.toml"),
        (["a/b/c/talonschema.toml"], "a/b", None),
    ],
)
def test_the_nearest_settings_are_taken(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    files: list[str],
    folder: str,
    path: str | None,
) -> None:
    tmp_path = Path.cwd()
    for name in files:
        head = "[tool.talonschema]\n" if name.endswith("pyproject.toml") else ""
        write(name, f'{head}naming = "snake"\n')
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / folder)
    found = find()
    assert (found and found.path) == path
    assert found is None or found.top == {"naming": "snake"}


@pytest.mark.parametrize(
    "shared",
    [
        "",
        "[tool.ruff]\n",
        "# talonschema\n",
        'dependencies = ["talonschema"]\n',
        "tool = 'talonschema'\n",
        "[talonschema]\nedition = 1\n",
        "this is no TOML, and says nothing of it\n",
    ],
)
def test_a_pyproject_without_the_table_is_passed_over(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    write("talonschema.toml", "")
    write("a/pyproject.toml", shared)
    monkeypatch.chdir(tmp_path / "a")
    found = find()
    assert found is not None
    assert found.path == "../talonschema.toml"


def test_a_folder_of_that_name_is_passed_over(write: Write, tmp_path: Path) -> None:
    write("pyproject.toml", "[tool.talonschema]\n")
    (tmp_path / "talonschema.toml").mkdir()
    found = find()
    assert found is not None
    assert found.path == "pyproject.toml"


def test_a_file_that_is_named_has_to_have_settings(write: Write) -> None:
    write("pyproject.toml", "[tool.other]\n")
    with pytest.raises(TomlError, match=r"has no table \[tool.talonschema\]"):
        at("pyproject.toml")
    with pytest.raises(TomlError, match="can't be read"):
        at("missing.toml")
    write("any.toml", "dry = true\n")
    assert at("any.toml").top == {"dry": True}


def test_in_a_folder_that_is_gone_there_are_no_settings(
    run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("a.json", WRONG_TYPE)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert find() is None
    assert run("config")[0] == 0
    assert run("check", str(path))[0] == 1


# What they take.

BAD: list[tuple[str, int, str]] = [
    ('editon = "2026-06"', 1, "has no key 'editon' (did you mean 'edition'?)"),
    ('\nedition = "2026-6"', 2, "edition is '2026-6' (did you mean '2026-06'?); it takes one of"),
    ("edition = 2026-06-01", 1, "edition is 2026-06-01; it takes one of 2022-06, 2026-06"),
    ('naming = "snak"', 1, "(did you mean 'snake'?)"),
    ('operation = "reopn"', 1, "it takes one of update, return, reopen"),
    ('model = "IntegrationRequset"', 1, "(did you mean 'IntegrationRequest'?)"),
    ("model = []", 1, "model is an empty list; it takes one of"),
    ('dry = "yes"', 1, "dry is 'yes'; it takes true or false"),
    ('previous = "opn"', 1, "(did you mean 'open'?); it takes new, one of open, closed"),
    ("previous = true", 1, "previous is true; it takes new"),
    ('fail_on = "info"', 1, "fail_on is 'info'; it takes one of error, warning"),
    ("catalog = {}", 1, "catalog is a table; it takes a text"),
    ('catalog = ""', 1, "catalog is ''; it takes a text"),
    ("policy = 1", 1, "policy: the policy is not a table"),
    ("[policy]\n\ncoupon_budget = 1", 3, "policy: coupon_budget is 1; it takes true or false"),
    ("[policy]\ncoupon_budgets = true", 2, "(did you mean 'coupon_budget'?)"),
    (
        '[policy.catalog.attributes.CartItem]\na = "string"\nb = { type = "strin" }',
        3,
        "policy: catalog.attributes.CartItem.b.type is 'strin' (did you mean 'string'?)",
    ),
    ('ignore = "cart"', 1, "ignore is 'cart'; it takes a list of one or more"),
    ("select = []", 1, "select is an empty list; it takes a list of one or more"),
    ("ignore = [\n  'cart',\n  'crt',\n]", 3, "ignore[1]: 'crt' is neither a code nor a group"),
    ("select = [1]", 1, "select[0] is 1; it takes a text"),
    ("severity = 'error'", 1, "severity is 'error'; it takes a table of codes"),
    ("[severity]\n'cart/quantity-sun' = 'error'", 2, "(did you mean 'cart/quantity-sum'?)"),
    ("[severity]\ncart = 'eror'", 2, "(did you mean 'error'?); it takes one of error, warning"),
    ("[severity]\ncart = ['error']", 2, "severity.'cart' is a list"),
    ("[files]\nglob = '*'", 1, "files is a table; it takes tables, each headed [[files]]"),
    ("files = [1]", 1, "files[0] is 1; it takes a table"),
    ("[[files]]\nmodel = 'CartItem'", 1, "files[0] has no glob"),
    ("[[files]]\nglob = '*'\n\n[[files]]\nglob = 1", 5, "files[1].glob is 1; it takes a list"),
    ("[[files]]\nglob = []", 2, "files[0].glob is an empty list"),
    ("[[files]]\nglob = [\n  'a',\n  1]", 4, "files[0].glob[1] is 1; it takes a text"),
    ("[[files]]\nglob = 'a\\b'", 2, "folders are parted by /"),
    ("[[files]]\nglob = '*.{json,yaml}'", 2, "alternatives are a list"),
    ("[[files]]\nglob = '../a/*.json'", 2, "files below the folder of this file"),
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
def test_what_is_wrong_is_told_with_its_line(
    run: Run, write: Write, content: str, line: int, reported: str
) -> None:
    write("talonschema.toml", content)
    write("a.json", CLEAN)
    with pytest.raises(TomlError) as caught:
        find()
    assert (caught.value.path, caught.value.line) == ("talonschema.toml", line)
    assert reported in caught.value.message
    for command in ("check", "config"):
        status, out, err = run(command, "a.json")
        assert (status, out) == (2, "")
        assert err == f"talonschema: error: {caught.value}\n"
        assert run(command, "--no-config", "a.json")[0] == 0


def test_settings_in_a_pyproject_are_told_with_their_place(write: Write) -> None:
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
    with pytest.raises(TomlError, match=r"pyproject.toml:2: tool.talonschema is 1; it takes a tab"):
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
    assert DEFAULTS.keys() - library.keys() == {"catalog", "fail_on"}
    assert DEFAULTS["fail_on"] == FAIL_ON[0]


# Which files a glob is for.


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("a.json", "a.json", True),
        ("a.json", "deep/down/a.json", True),
        ("*.json", "deep/a.json", True),
        ("a?.json", "ab.json", True),
        ("a[bc].json", "ac.json", True),
        ("a[!bc].json", "ac.json", False),
        ("*.json", "a.jsonl", False),
        ("*.JSON", "a.json", False),
        ("./a.json", "a.json", True),
        ("./a.json", "deep/a.json", False),
        ("/a.json", "a.json", True),
        ("/a.json", "deep/a.json", False),
        ("deep/*.json", "deep/a.json", True),
        ("deep/*.json", "deep/down/a.json", False),
        ("deep/*.json", "other/deep/a.json", False),
        ("deep//*.json", "deep/a.json", True),
        ("*/a.json", "a.json", False),
        ("*/a.json", "deep/a.json", True),
        ("**/a.json", "a.json", True),
        ("**/a.json", "deep/down/a.json", True),
        ("deep/**", "deep/down/a.json", True),
        ("deep/**", "deeper/a.json", False),
        ("deep/**/a.json", "deep/a.json", True),
        ("deep/**/a.json", "deep/down/under/a.json", True),
        ("**/down/**/*.json", "deep/down/a.json", True),
        ("**/down/**/*.json", "deep/up/a.json", False),
        ("deep/", "deep/a.json", False),
        ("deep/**/up/**/a.json", "deep/up/a.json", True),
        ("deep/*/**", "deep/a.json", True),
        ("other/**", "deep/a.json", False),
        ("**/" * 40 + "*/" * 9 + "a.json", "x/" * 9 + "a.json", True),
        ("**/*/" * 40 + "a.json", "x/" * 40 + "b.json", False),
        (".*", ".hidden.json", True),
        ("*", ".hidden.json", True),
    ],
)
def test_globs(tmp_path: Path, glob: str, path: str, expected: bool) -> None:
    names = below(str(tmp_path / path), str(tmp_path))
    assert names == path.split("/")
    assert matches(glob, names) is expected


def test_files_outside_of_the_folder_are_not_meant(tmp_path: Path) -> None:
    assert below(str(tmp_path.parent / "a.json"), str(tmp_path)) is None
    assert below(str(tmp_path) + "-2/a.json", str(tmp_path)) is None
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert below(str(tmp_path / "link" / "a.json"), str(tmp_path / "real")) == ["a.json"]
    assert below(str(tmp_path / "real" / "a.json"), str(tmp_path / "link")) == ["a.json"]
    assert below(str(tmp_path / "link" / "a.json"), str(tmp_path)) == ["link", "a.json"]


STEPS = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=6)


@given(STEPS, st.data())
def test_any_path_is_matched_by_globs_made_of_it(path: list[str], data: st.DataObject) -> None:
    glob: list[str] = []
    for step in path:
        glob += data.draw(
            st.sampled_from([[step], ["*"], [step[0] + "*"], ["**", step], ["?" * len(step)]])
        )
    start = data.draw(st.integers(0, len(glob)))
    assert matches("/" + "/".join(glob), path)
    assert matches("**/" + "/".join(glob), ["z", *path])
    assert matches("/".join([*glob[:start], "**", *glob[start:]]), path)
    assert not matches("/" + "/".join([*glob, "z"]), path)


# What is in force.


def choice(write: Write, content: str, **flags: Any) -> SettingsResolver:
    write("talonschema.toml", content)
    return SettingsResolver(find(), flags)


def of(chosen: SettingsResolver, path: str | None) -> EffectiveSettings:
    settings = chosen.settings(chosen.group(path))
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - just made
    return settings


def ignored(chosen: SettingsResolver, path: str | None) -> list[tuple[str, str, str | None]]:
    return [(name, chosen.describe(origin), why) for name, origin, why in of(chosen, path).ignored]


def severity(chosen: SettingsResolver, path: str | None) -> dict[str, tuple[str, str]]:
    return {
        name: (level, chosen.describe(origin))
        for name, (level, origin) in of(chosen, path).severity.items()
    }


LAYERS = """\
edition = "2026-06"
ignore = ["cart"]

[[files]]
glob = "a/**"
edition = "2022-06"
dry = true

[[files]]
glob = ["*.txt", "a/b/*.json"]
edition = "2026-06"
naming = "snake"
ignore = ["schema/type",
  "cart"]
reason = "it is so"
"""


def test_later_tables_win_and_flags_win_over_all(write: Write) -> None:
    chosen = choice(write, LAYERS, naming="wire", ignore=["payload"])
    for path, edition, dry in (
        (None, ("2026-06", "talonschema.toml:1"), (False, "default")),
        ("x.json", ("2026-06", "talonschema.toml:1"), (False, "default")),
        ("a/x.json", ("2022-06", "talonschema.toml:6"), (True, "talonschema.toml:7")),
        ("a/b/x.json", ("2026-06", "talonschema.toml:11"), (True, "talonschema.toml:7")),
        ("deep/x.txt", ("2026-06", "talonschema.toml:11"), (False, "default")),
    ):
        values = of(chosen, path).values
        reported = {
            name: (value, chosen.describe(origin)) for name, (value, origin) in values.items()
        }
        assert reported.keys() == DEFAULTS.keys()
        assert (reported["edition"], reported["dry"]) == (edition, dry)
        assert reported["naming"] == ("wire", "--naming")
        assert reported["operation"] == (None, "default")


def test_ignores_add_up(write: Write) -> None:
    chosen = choice(write, LAYERS, ignore=["payload"])
    top = ("cart", "talonschema.toml:2", None)
    flag = ("payload", "--ignore", None)
    assert ignored(chosen, "x.json") == [top, flag]
    assert ignored(chosen, "a/b/x.json") == [
        top,
        ("schema/type", "talonschema.toml:13", "it is so"),
        ("cart", "talonschema.toml:14", "it is so"),
        flag,
    ]


def test_severities_are_merged_and_later_groups_win_over_earlier_codes(write: Write) -> None:
    content = """\
[severity]
cart = "info"
"cart/quantity-sum" = "error"
schema = "warning"
[[files]]
glob = "a.json"
[files.severity]
"cart/quantity-sum" = "info"
[[files]]
glob = "b.json"
[files.severity]
cart = "warning"
"""
    chosen = choice(write, content)
    top = {
        "cart": ("info", "talonschema.toml:2"),
        "cart/quantity-sum": ("error", "talonschema.toml:3"),
        "schema": ("warning", "talonschema.toml:4"),
    }
    assert severity(chosen, None) == top
    assert severity(chosen, "a.json") == {
        **top,
        "cart/quantity-sum": ("info", "talonschema.toml:8"),
    }
    assert severity(chosen, "b.json") == {
        "cart": ("warning", "talonschema.toml:12"),
        "schema": top["schema"],
    }
    flags = choice(write, content, severity={"cart": "error"})
    assert severity(flags, "a.json") == {"cart": ("error", "--severity"), "schema": top["schema"]}


def test_files_with_the_same_tables_share_their_settings(write: Write) -> None:
    chosen = choice(write, LAYERS)
    groups = [chosen.group(path) for path in ("a/x.json", "a/y/z.json", "a/b/x.json", None)]
    assert groups == [(0,), (0,), (0, 1), ()]


def test_a_model_of_another_edition_is_told_with_its_line(write: Write) -> None:
    chosen = choice(write, "edition = '2022-06'\n[[files]]\nglob = '*'\nmodel = 'ReopenResponse'")
    assert of(chosen, None).value("model") is None
    with pytest.raises(TomlError) as caught:
        of(chosen, "a.json")
    assert str(caught.value) == "talonschema.toml:4: edition 2022-06 has no model 'ReopenResponse'"
    newer = choice(write, "model = 'ReopenResponse'", edition="2026-06")
    assert of(newer, None).value("model") == "ReopenResponse"


@pytest.mark.parametrize("name", ["policy", "catalog", "previous"])
def test_a_path_that_leads_nowhere_is_told_with_its_line(write: Write, name: str) -> None:
    chosen = choice(write, f"[[files]]\nglob = 'a.json'\n{name} = 'no/b.json'\n")
    assert of(chosen, "b.json").value(name) is None
    with pytest.raises(TomlError) as caught:
        of(chosen, "a.json")
    assert str(caught.value) == f"talonschema.toml:3: {name}: there is no file 'no/b.json'"
    write("no/b.json", "{}")
    assert of(chosen, "a.json").value(name) == "no/b.json"
    # What flags name is read, and reported, by whoever needs it.
    assert of(SettingsResolver(None, {name: "no/c.json"}), "a.json").value(name) == "no/c.json"


def test_a_catalog_wins_over_that_of_the_policy(write: Write) -> None:
    write("catalog.json", '{"additional_costs": {"tip": "item"}}')
    chosen = choice(
        write,
        """\
catalog = "catalog.json"
[policy]
total_tolerance = 0.1
[policy.catalog]
priced_skus = ["A"]
additional_costs = { ship = "both" }
""",
    )
    policy = of(chosen, None).policy()
    assert policy is not None
    assert policy.catalog is not None
    assert policy.total_tolerance == Decimal("0.1")
    assert policy.catalog.additional_costs == {"tip": "item"}
    assert policy.catalog.priced_skus == frozenset({"A"})
    alone = choice(write, 'catalog = "catalog.json"').settings().policy()
    assert alone == talonschema.Policy(
        catalog=talonschema.Catalog(additional_costs={"tip": "item"})
    )
    assert choice(write, "").settings().policy() is None


def test_no_settings(write: Write) -> None:
    write("a.json")
    assert find() is None
    settings = SettingsResolver(None, {"dry": True}).settings()
    assert settings.value("dry") is True
    assert {name: settings.value(name) for name in DEFAULTS} == {**DEFAULTS, "dry": True}


# The commands.


def test_check_takes_the_settings_of_each_file(run: Run, write: Write) -> None:
    write(
        "talonschema.toml",
        """\
fail_on = "warning"
[severity]
"identity/anonymous-profile" = "warning"
[[files]]
glob = "snake/**"
naming = "snake"
[[files]]
glob = "new/*"
edition = "2026-06"
[[files]]
glob = "closing.json"
policy = { coupon_budget = true }
previous = "open"
[[files]]
glob = "known/**"
ignore = ["schema/type"]
reason = "they are old"
""",
    )
    files = {
        "a/wrong.json": (WRONG_TYPE, ["schema/type"]),
        "closing.json": (NO_COUPON, ["budget/coupon-at-close"]),
        "known/wrong.json": (WRONG_TYPE, []),
        "new/store.json": (NEW_IN_2026, ["schema/minLength"]),
        "old/store.json": (NEW_IN_2026, ["payload/unknown-property"]),
        "other.json": (NO_COUPON, []),
        "snake/wrong.json": (SNAKE, ["schema/type"]),
    }
    for name, (content, _) in files.items():
        write(name, content)
    status, out, err = run("check", "--format", "json", ".")
    found = {name.removeprefix("./"): each for name, each in codes(out).items()}
    assert found == {name: each for name, (_, each) in files.items()}
    assert (status, err) == (1, "")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_lines_are_checked_by_the_settings_of_their_file(run: Run, write: Write, jobs: str) -> None:
    write(
        "talonschema.toml",
        "[[files]]\nglob = 'known/*'\nignore = ['schema/type']\nreason = 'old'\n"
        "[[files]]\nglob = 'bad/*'\npolicy = 'missing.toml'\n",
    )
    write("known/a.ndjson", f"{WRONG_TYPE}\n{WRONG_TYPE}\n")
    write("new/a.ndjson", f"{WRONG_TYPE}\n{CLEAN}\n")
    write("bad/a.ndjson", f"{CLEAN}\n")
    status, out, err = run(
        "check", "--jobs", jobs, "--format", "json", "known/a.ndjson", "new/a.ndjson"
    )
    assert (status, err) == (1, "")
    assert codes(out) == {"known/a.ndjson": [], "new/a.ndjson": ["schema/type"]}
    status, _, err = run("check", "--jobs", jobs, "bad/a.ndjson")
    assert (status, err) == (
        2,
        "talonschema: error: talonschema.toml:7: policy: there is no file 'missing.toml'\n",
    )


def test_flags_win(run: Run, write: Write) -> None:
    write("talonschema.toml", 'edition = "2026-06"\nselect = ["schema"]\nfail_on = "warning"\n')
    write("a.json", NEW_IN_2026)
    write("b.json", UNKNOWN_KEY)
    assert run("check", "a.json")[0] == 1
    assert run("check", "--edition", "2022-06", "a.json")[0] == 0
    assert run("check", "b.json")[0] == 0
    assert run("check", "--select", "payload", "b.json")[0] == 1
    assert run("check", "--select", "payload", "--fail-on", "error", "b.json")[0] == 0


@pytest.mark.parametrize(
    ("payload", "fail_on", "status"),
    [
        (CLEAN, "warning", 0),
        (GUEST, "warning", 0),
        (UNKNOWN_KEY, "error", 0),
        (UNKNOWN_KEY, "warning", 1),
        (WRONG_TYPE, "error", 1),
        (WRONG_TYPE, "warning", 1),
        ("{", "warning", 3),
    ],
)
def test_what_makes_a_check_fail(
    run: Run, write: Write, payload: str, fail_on: str, status: int
) -> None:
    write("a.json", payload)
    write("a.ndjson", f"{CLEAN}\n{payload}\n")
    for name in ("a.json", "a.ndjson"):
        assert run("check", "--fail-on", fail_on, name)[0] == status
        write("talonschema.toml", f"fail_on = '{fail_on}'")
        assert run("check", name)[0] == status
        assert run("check", "--fail-on", "error", "--max-findings", "1", name)[0] == (
            0 if fail_on == "warning" and payload == UNKNOWN_KEY else status
        )


def test_settings_of_another_file_or_of_none(
    run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("talonschema.toml", 'ignore = ["schema"]\n')
    write("conf/strict.toml", '[[files]]\nglob = "*.json"\nmodel = "CartItem"\n')
    write("conf/a.json", WRONG_TYPE)
    write("a.json", WRONG_TYPE)
    assert run("check", "a.json")[0] == 0
    assert run("check", "--no-config", "a.json")[0] == 1
    _, out, _ = run("check", "--config", "conf/strict.toml", "--format", "json", "conf/a.json")
    assert "schema/required" in codes(out)["conf/a.json"]
    _, out, _ = run("check", "--config", "conf/strict.toml", "--format", "json", "a.json")
    assert codes(out) == {"a.json": ["schema/type"]}
    status, _, err = run("check", "--config", "a.toml", "--no-config", "a.json")
    assert status == 2
    assert "not allowed with argument" in err
    status, _, err = run("check", "--config", "a.toml", "a.json")
    assert (status, err) == (
        2,
        "talonschema: error: a.toml: can't be read: No such file or directory\n",
    )
    monkeypatch.chdir(tmp_path / "conf")
    assert run("check", "../a.json")[0] == 0


def test_paths_count_from_the_folder_of_the_file(
    run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        "talonschema.toml",
        'policy = "conf/policy.toml"\n[[files]]\nglob = "sub/b.json"\nprevious = "conf/new.json"\n',
    )
    write("conf/policy.toml", 'catalog = "../catalog.toml"\n')
    write("conf/new.json", '{"state": "cancelled"}')
    write("catalog.toml", "[attributes.CustomerSession]\nTown = 'string'\n")
    write("sub/a.json", CITY)
    write("sub/b.json", CITY)
    for folder, prefix in (("", "sub/"), ("sub", "")):
        monkeypatch.chdir(tmp_path / folder)
        _, out, err = run("check", "--format", "json", f"{prefix}a.json", f"{prefix}b.json")
        assert err == ""
        assert codes(out) == {
            f"{prefix}a.json": ["catalog/unknown-attribute"],
            f"{prefix}b.json": ["lifecycle/finished-session", "catalog/unknown-attribute"],
        }


def test_faults_of_a_policy_are_told_with_their_line(run: Run, write: Write) -> None:
    write("a.json", CLEAN)
    write("catalog.toml", "\n[additional_costs]\ntip = 'items'\n")
    write("policy.toml", "coupon_budget = true\ncatalog = 'catalog.toml'\n")
    _, _, err = run("check", "--catalog", "catalog.toml", "a.json")
    fault = "catalog.toml:3: additional_costs.tip is 'items' (did you mean 'item'?); it takes one"
    assert err.startswith(f"talonschema: error: {fault}")
    status, _, err = run("check", "--policy", "policy.toml", "a.json")
    assert status == 2
    assert err.startswith(f"talonschema: error: policy.toml:2: catalog: {fault}")


def test_config_tells_what_is_in_force(run: Run, write: Write) -> None:
    write("talonschema.toml", LAYERS)
    status, out, err = run("config", "a/b/new.json", "--select", "cart, schema", "--dry")
    assert (status, err) == (0, "")
    assert (
        out
        == """\
config     talonschema.toml
edition    2026-06           talonschema.toml:11
model      -                 default
operation  -                 default
previous   -                 default
dry        true              --dry
naming     snake             talonschema.toml:12
policy     -                 default
catalog    -                 default
select     cart, schema      --select
fail_on    error             default
ignore     cart              talonschema.toml:2
ignore     schema/type       talonschema.toml:13  it is so
ignore     cart              talonschema.toml:14  it is so
"""
    )


def test_config_tells_it_as_json(run: Run, write: Write) -> None:
    write("talonschema.toml", "[policy]\ntotal_tolerance = 0.1\n[severity]\ncart = 'info'\n")
    status, out, _ = run("config", "--format", "json", "--ignore", "schema", "--edition", "2026-06")
    data = json.loads(out)
    assert status == 0
    assert (data["version"], data["config"], data["file"]) == (1, "talonschema.toml", None)
    assert data["settings"].keys() == DEFAULTS.keys()
    assert data["settings"]["edition"] == {"value": "2026-06", "origin": "--edition"}
    assert data["settings"]["policy"] == {
        "value": {"total_tolerance": 0.1},
        "origin": "talonschema.toml:1",
    }
    assert data["ignore"] == [{"code": "schema", "origin": "--ignore", "reason": None}]
    assert data["severity"] == [
        {"code": "cart", "severity": "info", "origin": "talonschema.toml:4"}
    ]
    _, out, _ = run("config", "--format", "json", "--no-config")
    assert json.loads(out)["config"] is None


def test_wrong_flags_of_config(run: Run, write: Write) -> None:
    write("a.json")
    for arguments, reported in (
        (["--previous", "opn"], "--previous is 'opn' (did you mean 'open'?)"),
        (["--naming", "x"], "invalid choice"),
        (["--config", "b.toml"], "b.toml: can't be read"),
    ):
        status, out, err = run("config", *arguments)
        assert (status, out) == (2, "")
        assert reported in err


def test_the_policy_may_name_the_file_of_its_catalog(write: Write) -> None:
    write("catalog.json", '{"additional_costs": {"tip": "both"}}')
    expected = talonschema.Catalog(additional_costs={"tip": "both"})
    assert talonschema.Policy.from_mapping({"catalog": "catalog.json"}).catalog == expected
    assert talonschema.Catalog.load("catalog.json") == expected
    with pytest.raises(PolicyError, match=r"catalog: no\.json: can't be read"):
        talonschema.Policy.from_mapping({"catalog": "no.json"})
    write("export.json", '{"data": []}')
    with pytest.raises(PolicyError, match="'talonschema catalog build' makes a catalog of it"):
        talonschema.Catalog.load("export.json")


def test_settings_are_kept_as_they_were_read(write: Write) -> None:
    path = write("talonschema.toml", "dry = true\n")
    found = at("talonschema.toml")
    path.unlink()
    assert isinstance(found, Config)
    assert SettingsResolver(found, {}).settings().values["dry"].value is True


def test_without_a_settings_file_nothing_is_loaded_that_would_read_it(write: Write) -> None:
    write("a.json", CLEAN)
    script = """
import sys
from talonschema.cli import main
assert main(["check", "a.json"]) == 0
print(sorted(sys.modules.keys() & {
    "tomllib", "talonschema.config.fields", "talonschema.config.file",
    "talonschema.config.globs", "talonschema.reading.toml_reader",
}))
"""
    for found in (
        "[]",
        "['talonschema.config.fields', 'talonschema.config.file', 'talonschema.config.globs',",
    ):
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert done.stdout.startswith(found), done.stderr
        write("talonschema.toml")


# Any file.

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
