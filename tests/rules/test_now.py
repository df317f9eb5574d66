"""The query parameter now as a datetime of Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
