"""The query parameter now as a datetime of Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from talonschema import check

LATER = datetime.now(UTC) + timedelta(days=300)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (LATER, []),
        (LATER.replace(tzinfo=None), ["request/malformed-now"]),
        (LATER - timedelta(days=600), ["request/now-not-future"]),
        (LATER.isoformat(), []),
    ],
    ids=["aware", "naive", "past", "text"],
)
def test_datetimes(now: datetime | str, expected: list[str]) -> None:
    found = check({}, now=now, dry=True).findings
    assert [each.code for each in found] == expected
    assert {each.parameter for each in found} <= {"now"}


def test_a_naive_datetime_is_reported_as_text() -> None:
    (finding,) = check({}, now=datetime(2999, 1, 31, 9), dry=True).findings  # noqa: DTZ001
    assert finding.params["now"] == "2999-01-31 09:00:00"


class Noon(datetime):
    """A clock that stands still."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Noon:
        return cls(2026, 1, 31, 12, tzinfo=tz)


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2026-01-31T12:00:00Z", ["request/now-not-future"]), ("2026-01-31T12:00:00.000001Z", [])],
)
def test_the_moment_of_the_check_is_not_in_the_future(
    now: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talonschema.checking.checker.datetime", Noon)
    assert [each.code for each in check({}, now=now, dry=True).findings] == expected
