"""Settings in force for a file: of tables, groups and flags."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import talonschema
from talonschema.config.discovery import find
from talonschema.config.settings import DEFAULTS, EffectiveSettings, SettingsResolver
from talonschema.reading.toml_reader import TomlError

Write = Callable[..., Path]


def make_resolver(write: Write, content: str, **flags: Any) -> SettingsResolver:
    write("talonschema.toml", content)
    return SettingsResolver(find(), flags)


def settings_of(chosen: SettingsResolver, path: str | None) -> EffectiveSettings:
    settings = chosen.settings(chosen.group(path))
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - just made
    return settings


def ignored_settings(
    chosen: SettingsResolver, path: str | None
) -> list[tuple[str, str, str | None]]:
    return [
        (each.name, chosen.describe(each.origin), each.reason)
        for each in settings_of(chosen, path).ignored
    ]


def severity(chosen: SettingsResolver, path: str | None) -> dict[str, tuple[str, str]]:
    return {
        name: (level, chosen.describe(origin))
        for name, (level, origin) in settings_of(chosen, path).severity.items()
    }


def test_later_tables_win_and_flags_win_over_all(write: Write, layers: str) -> None:
    chosen = make_resolver(write, layers, naming="wire", ignore=["payload"])
    for path, edition, dry in (
        (None, ("2026-06", "talonschema.toml:1"), (False, "default")),
        ("x.json", ("2026-06", "talonschema.toml:1"), (False, "default")),
        ("a/x.json", ("2022-06", "talonschema.toml:6"), (True, "talonschema.toml:7")),
        ("a/b/x.json", ("2026-06", "talonschema.toml:11"), (True, "talonschema.toml:7")),
        ("deep/x.txt", ("2026-06", "talonschema.toml:11"), (False, "default")),
    ):
        values = settings_of(chosen, path).values
        reported = {
            name: (value, chosen.describe(origin)) for name, (value, origin) in values.items()
        }
        assert reported.keys() == DEFAULTS.keys()
        assert (reported["edition"], reported["dry"]) == (edition, dry)
        assert reported["naming"] == ("wire", "--naming")
        assert reported["operation"] == (None, "default")


def test_ignores_add_up(write: Write, layers: str) -> None:
    chosen = make_resolver(write, layers, ignore=["payload"])
    top = ("cart", "talonschema.toml:2", None)
    flag = ("payload", "--ignore", None)
    assert ignored_settings(chosen, "x.json") == [top, flag]
    assert ignored_settings(chosen, "a/b/x.json") == [
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
    chosen = make_resolver(write, content)
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
    flags = make_resolver(write, content, severity={"cart": "error"})
    assert severity(flags, "a.json") == {"cart": ("error", "--severity"), "schema": top["schema"]}


def test_files_with_the_same_tables_share_their_settings(write: Write, layers: str) -> None:
    chosen = make_resolver(write, layers)
    groups = [chosen.group(path) for path in ("a/x.json", "a/y/z.json", "a/b/x.json", None)]
    assert groups == [(0,), (0,), (0, 1), ()]


def test_a_model_of_another_edition_is_reported_with_its_line(write: Write) -> None:
    chosen = make_resolver(
        write, "edition = '2022-06'\n[[files]]\nglob = '*'\nmodel = 'ReopenResponse'"
    )
    assert settings_of(chosen, None).value("model") is None
    with pytest.raises(TomlError) as caught:
        settings_of(chosen, "a.json")
    assert str(caught.value) == "talonschema.toml:4: edition 2022-06 has no model 'ReopenResponse'"
    newer = make_resolver(write, "model = 'ReopenResponse'", edition="2026-06")
    assert settings_of(newer, None).value("model") == "ReopenResponse"


@pytest.mark.parametrize("name", ["policy", "catalog", "previous"])
def test_a_path_that_leads_nowhere_is_reported_with_its_line(write: Write, name: str) -> None:
    chosen = make_resolver(write, f"[[files]]\nglob = 'a.json'\n{name} = 'no/b.json'\n")
    assert settings_of(chosen, "b.json").value(name) is None
    with pytest.raises(TomlError) as caught:
        settings_of(chosen, "a.json")
    assert str(caught.value) == f"talonschema.toml:3: {name}: there is no file 'no/b.json'"
    write("no/b.json", "{}")
    assert settings_of(chosen, "a.json").value(name) == "no/b.json"
    # What flags name is read, and reported, by whoever needs it.
    assert (
        settings_of(SettingsResolver(None, {name: "no/c.json"}), "a.json").value(name)
        == "no/c.json"
    )


def test_a_catalog_wins_over_that_of_the_policy(write: Write) -> None:
    write("catalog.json", '{"additional_costs": {"tip": "item"}}')
    chosen = make_resolver(
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
    policy = settings_of(chosen, None).policy()
    assert policy is not None
    assert policy.catalog is not None
    assert policy.total_tolerance == Decimal("0.1")
    assert policy.catalog.additional_costs == {"tip": "item"}
    assert policy.catalog.priced_skus == frozenset({"A"})
    alone = make_resolver(write, 'catalog = "catalog.json"').settings().policy()
    assert alone == talonschema.Policy(
        catalog=talonschema.Catalog(additional_costs={"tip": "item"})
    )
    assert make_resolver(write, "").settings().policy() is None


def test_no_settings(write: Write) -> None:
    write("a.json")
    assert find() is None
    settings = SettingsResolver(None, {"dry": True}).settings()
    assert settings.value("dry") is True
    assert {name: settings.value(name) for name in DEFAULTS} == {**DEFAULTS, "dry": True}
