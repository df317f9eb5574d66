"""Validators with the settings of a project."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from talonschema import Policy, Severity, Validator

Write = Callable[..., Path]
Run = Callable[..., tuple[int, str, str]]

SETTINGS = """\
edition = "2026-06"
naming = "snake"
policy = "rules/policy.toml"
ignore = ["payload"]
select = ["schema", "payload", "budget"]
severity = { "schema/enum" = "warning" }
fail_on = "warning"
model = "IntegrationRequest"

[[files]]
glob = "*.json"
edition = "2022-06"

[gateway]
"""
EXPECTED = Validator(
    edition="2026-06",
    naming="snake",
    policy=Policy(coupon_budget=True),
    ignore=("payload",),
    select=("schema", "payload", "budget"),
    severity={"schema/enum": "warning"},
)


@pytest.fixture
def project(write: Write) -> Path:
    write("rules/policy.toml", "coupon_budget = true\n")
    write("a/b/c.json")
    return write("talonschema.toml", SETTINGS).parent


@pytest.mark.parametrize("folder", ["", "a/b"])
def test_the_settings_are_found_from_the_working_directory_upwards(
    project: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(project / folder)
    assert repr(Validator.from_config()) == repr(EXPECTED)


@pytest.mark.parametrize("place", ["talonschema.toml", "", "a/b"])
@pytest.mark.parametrize("form", [str, Path])
def test_a_file_or_a_folder_can_be_given(
    project: Path, monkeypatch: pytest.MonkeyPatch, place: str, form: Callable[[Path], str | Path]
) -> None:
    monkeypatch.chdir("/")
    validator = Validator.from_config(form(project / place))
    assert repr(validator) == repr(EXPECTED)
    (finding,) = validator.check({"state": "opn", "cart_itemz": []}).findings
    assert (finding.code, finding.severity) == ("schema/enum", Severity.WARNING)


def test_a_relative_folder_is_one_below_the_working_directory(project: Path) -> None:
    (project / "a" / "pyproject.toml").write_text("[tool.talonschema]\ndry = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"^a/b/\.\./pyproject\.toml:2: "):
        Validator.from_config("a/b")


def test_without_settings_the_defaults_hold(tmp_path: Path) -> None:
    assert repr(Validator.from_config(tmp_path)) == "Validator()"


def test_a_validator_of_a_project_can_be_pickled(project: Path) -> None:
    validator = Validator.from_config(project)
    assert repr(pickle.loads(pickle.dumps(validator))) == repr(EXPECTED)  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("edition = 2026\n", "talonschema.toml:1: edition is 2026; expected one of"),
        ("\nediton = '2026-06'\n", "talonschema.toml:2: the file has no key 'editon' (did you"),
        ("policy = 'no.toml'\n", "talonschema.toml:1: policy: there is no file"),
        ("[policy]\ncoupon_bugdet = true\n", "talonschema.toml:2: policy: "),
        ("catalog = 'bad.json'\n", "bad.json"),
        (
            "[[files]]\nglob = 1\n",
            "talonschema.toml:2: files[0].glob is 1; expected a non-empty list",
        ),
        ("edition = '2022-06'\nmodel = 'ReopenResponse'\n", "edition 2022-06 has no model"),
        ("edition\n", "talonschema.toml:1: is not TOML"),
    ],
)
def test_a_mistake_is_an_error_that_names_its_place(
    write: Write, settings: str, message: str
) -> None:
    write("bad.json", json.dumps({"priced": []}))
    write("talonschema.toml", settings)
    with pytest.raises(ValueError, match=re.escape(message)):
        Validator.from_config()


def test_a_path_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"other\.toml: can't be read: No such file"):
        Validator.from_config(tmp_path / "other.toml")
    (tmp_path / "pyproject.toml").write_text("[tool.other]\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"has no table \[tool\.talonschema\]"):
        Validator.from_config(tmp_path / "pyproject.toml")
    with pytest.raises(TypeError, match="path must be a string or a path, not bytes"):
        Validator.from_config(b"talonschema.toml")  # type: ignore[arg-type]  # on purpose


def test_the_command_finds_the_same(project: Path, run: Run) -> None:
    payload = {"state": "opn", "coupon_codes": [7], "cart_itemz": []}
    (project / "session.txt").write_text(json.dumps(payload), encoding="utf-8")
    call = ("--model", "NewCustomerSessionV2", "session.txt")
    status, output, _ = run("check", "--format", "json", *call)
    assert status == 1
    (file,) = json.loads(output)["files"]
    codes = [each["code"] for each in file["findings"]]
    report = Validator.from_config().check(payload, model="NewCustomerSessionV2")
    assert codes == [each.code for each in report.findings] != []
