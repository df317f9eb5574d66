"""The commands check and config by the settings of a project."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import talonschema
from talonschema import PolicyError
from talonschema.config.discovery import at
from talonschema.config.file import Config
from talonschema.config.settings import DEFAULTS, SettingsResolver

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


def codes(output: str) -> dict[str, list[str]]:
    """Return the codes that the JSON output of a check has for each file."""
    found: dict[str, list[str]] = {}
    for file in json.loads(output)["files"]:
        results = file.get("results", [file])
        found[file["path"]] = [each["code"] for one in results for each in one["findings"]]
    return found


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


def test_faults_of_a_policy_are_reported_with_their_line(run: Run, write: Write) -> None:
    write("a.json", CLEAN)
    write("catalog.toml", "\n[additional_costs]\ntip = 'items'\n")
    write("policy.toml", "coupon_budget = true\ncatalog = 'catalog.toml'\n")
    _, _, err = run("check", "--catalog", "catalog.toml", "a.json")
    fault = "catalog.toml:3: additional_costs.tip is 'items' (did you mean 'item'?); expected one"
    assert err.startswith(f"talonschema: error: {fault}")
    status, _, err = run("check", "--policy", "policy.toml", "a.json")
    assert status == 2
    assert err.startswith(f"talonschema: error: policy.toml:2: catalog: {fault}")


def test_config_reports_what_is_in_force(run: Run, write: Write, layers: str) -> None:
    write("talonschema.toml", layers)
    status, out, err = run("config", "a/b/new.json", "--select", "cart, schema", "--dry")
    assert (status, err) == (0, "")
    assert (
        out
        == """\
config             talonschema.toml
edition            2026-06           talonschema.toml:11
model              -                 default
operation          -                 default
previous           -                 default
dry                true              --dry
naming             snake             talonschema.toml:12
at                 -                 default
skip_unrecognised  false             default
policy             -                 default
catalog            -                 default
select             cart, schema      --select
fail_on            error             default
baseline           -                 default
ignore             cart              talonschema.toml:2
ignore             schema/type       talonschema.toml:13  it is so
ignore             cart              talonschema.toml:14  it is so
"""
    )


def test_config_reports_it_as_json(run: Run, write: Write) -> None:
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
    assert data["ignore"] == [
        {"code": "schema", "origin": "--ignore", "reason": None, "pointer": None}
    ]
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
