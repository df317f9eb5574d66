"""A gateway that is missing is reported, and can't be missed in CI."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from support.gateway.installed import REQUIRE, need

pytest_plugins = ["pytester"]

REASON = "no-such-gateway is not installed: apt-get install some-package"


def test_tests_of_a_missing_gateway_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(REQUIRE, raising=False)
    with pytest.raises(pytest.skip.Exception, match=REASON):
        need("no-such-gateway", "some-package")
    with pytest.raises(pytest.skip.Exception, match="no-such-module is not installed"):
        need(Path(sys.executable).name, "some-package", Path("/no-such-module"))


def test_where_gateways_are_required_they_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRE, "1")
    with pytest.raises(pytest.fail.Exception, match=REASON):
        need("no-such-gateway", "some-package")


def test_what_is_there_is_found() -> None:
    assert need("sh", "dash").endswith("/sh")


def test_the_end_of_a_run_reports_what_was_skipped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(3))
        def test_it(n):
            if n:
                pytest.skip("nginx is not installed: apt-get install nginx")
        """
    )
    reported = pytester.runpytest_subprocess("-p", "support.skipped", "-p", "no:randomly")
    reported.stdout.fnmatch_lines(
        ["not tested: 2 tests: nginx is not installed: apt-get install nginx"]
    )
