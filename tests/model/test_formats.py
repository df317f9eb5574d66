"""Points in time and UUIDs, by RFC 3339 and RFC 9562, on both engines."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.search import draws
from support.strategies import ENGINES
from talonschema import Validator
from talonschema.model.formats import is_date_time, is_uuid, moment

DATE_TIMES = [
    "2021-02-17T12:53:17Z",
    "2021-02-17T12:53:17.997934Z",
    "2021-02-17T12:53:17.1Z",
    "2021-02-17T12:53:17.123456789012345Z",
    "2021-02-17T12:53:17+00:00",
    "2021-02-17T12:53:17-00:00",
    "2021-02-17T12:53:17+14:00",
    "2021-02-17T12:53:17+23:59",
    "2021-02-17T12:53:17-23:59",
    "2021-02-17t12:53:17z",
    "2021-02-17T00:00:00Z",
    "2021-02-17T23:59:59Z",
    "2020-02-29T00:00:00Z",
    "2000-02-29T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0000-02-29T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    # A leap second is the last one of a day in UTC.
    "2016-12-31T23:59:60Z",
    "2016-12-31T23:59:60.5Z",
    "2017-01-01T00:59:60+01:00",
    "2016-12-31T15:59:60-08:00",
    "2017-01-01T05:29:60+05:30",
]
NO_DATE_TIMES = [
    "",
    "now",
    "2021-02-17",
    "12:53:17Z",
    "2021-02-17T12:53:17",
    "2021-02-17 12:53:17Z",
    "2021-02-17T12:53Z",
    "2021-02-17T12:53:17.Z",
    "2021-02-17T12:53:17,5Z",
    "2021-02-17T12:53:17+0100",
    "2021-02-17T12:53:17+01",
    "2021-02-17T12:53:17+24:00",
    "2021-02-17T12:53:17+01:60",
    "2022-01-02T15:04:05Z07:00",
    "2021-2-17T12:53:17Z",
    "21-02-17T12:53:17Z",
    "12021-02-17T12:53:17Z",
    "+2021-02-17T12:53:17Z",
    "-2021-02-17T12:53:17Z",
    "2021-00-17T12:53:17Z",
    "2021-13-17T12:53:17Z",
    "2021-02-00T12:53:17Z",
    "2021-02-29T12:53:17Z",
    "2100-02-29T12:53:17Z",
    "2021-04-31T12:53:17Z",
    "2021-01-32T12:53:17Z",
    "2021-02-17T24:00:00Z",
    "2021-02-17T12:60:17Z",
    "2021-02-17T12:53:61Z",
    "2021-02-17T12:53:60Z",
    "2016-12-31T22:59:60Z",
    "2016-12-31T23:59:60+01:00",
    "2017-01-01T00:00:60Z",
    "2021-02-17T12:53:17Z\n",
    "\n2021-02-17T12:53:17Z",
    " 2021-02-17T12:53:17Z",
    "2021-02-17T12:53:17Z ",
    "2021-02-17T12:53:17Z\0",
    "20\u06621-02-17T12:53:17Z",
    "2021-02-17T12:53:1\uff17Z",
    "2021-02-17T12:53:17+0\u0967:00",
    "2021\u201202\u201217T12:53:17Z",
    "2021-02-17T12:53:17\u2124",
    "2021-W07-3T12:53:17Z",
    "2021-048T12:53:17Z",
    "1613566397",
]
UUIDS = [
    "5a1f4d5e-0b7c-4c1e-9d3a-00000000abcd",
    "5A1F4D5E-0B7C-4C1E-9D3A-00000000ABCD",
    "5a1f4D5E-0b7c-4c1e-9d3a-00000000aBcD",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
]
NO_UUIDS = [
    "",
    "5a1f4d5e0b7c4c1e9d3a00000000abcd",
    "{5a1f4d5e-0b7c-4c1e-9d3a-00000000abcd}",
    "urn:uuid:5a1f4d5e-0b7c-4c1e-9d3a-00000000abcd",
    "5a1f4d5e-0b7c-4c1e-9d3a-00000000abc",
    "5a1f4d5e-0b7c-4c1e-9d3a-00000000abcde",
    "5a1f4d5-e0b7c-4c1e-9d3a-00000000abcd",
    "5a1f4d5g-0b7c-4c1e-9d3a-00000000abcd",
    "5a1f4d5e-0b7c-4c1e-9d3a-00000000abcd\n",
    " 5a1f4d5e-0b7c-4c1e-9d3a-00000000abcd",
    "5a1f4d5e-0b7c-4c1e-9d3a_00000000abcd",
    "5a1f4d5e-0b7c-4c1e-9d3a-0000000\u0660abcd",
    "5a1f4d5e\u20100b7c\u20104c1e\u20109d3a\u201000000000abcd",
]
each_engine = pytest.mark.parametrize("engine", ENGINES)


def refused_pointers(engine: Any, payload: dict[str, Any]) -> set[str]:
    report = Validator(engine=engine, edition="2026-06").check(payload, model="CustomerSessionV2")
    return {f.pointer for f in report.findings if f.code == "schema/format"}


@each_engine
@pytest.mark.parametrize("text", DATE_TIMES, ids=ascii)
def test_date_times(text: str, engine: str) -> None:
    assert is_date_time(text)
    assert refused_pointers(engine, {"created": text, "updated": text}) == set()


@each_engine
@pytest.mark.parametrize("text", NO_DATE_TIMES, ids=ascii)
def test_what_is_no_date_time(text: str, engine: str) -> None:
    assert not is_date_time(text)
    assert moment(text) is None
    assert refused_pointers(engine, {"created": text, "updated": text}) == {"/created", "/updated"}


@each_engine
@pytest.mark.parametrize("text", UUIDS)
def test_uuids(text: str, engine: str) -> None:
    assert is_uuid(text)
    assert refused_pointers(engine, {"cartItems": [{"adjustmentReferenceId": text}]}) == set()


@each_engine
@pytest.mark.parametrize("text", NO_UUIDS, ids=ascii)
def test_what_is_no_uuid(text: str, engine: str) -> None:
    assert not is_uuid(text)
    reported = refused_pointers(engine, {"cartItems": [{"adjustmentReferenceId": text}]})
    assert reported == {"/cartItems/0/adjustmentReferenceId"}


@each_engine
@pytest.mark.parametrize("value", [None, 1, True, [], {}])
def test_formats_are_asked_of_texts_only(value: object, engine: str) -> None:
    assert refused_pointers(engine, {"created": value}) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-02-17T12:53:17Z", dt.datetime(2021, 2, 17, 12, 53, 17, tzinfo=dt.UTC)),
        ("2021-02-17T12:53:17+01:30", dt.datetime(2021, 2, 17, 11, 23, 17, tzinfo=dt.UTC)),
        ("2021-02-17T12:53:17-01:30", dt.datetime(2021, 2, 17, 14, 23, 17, tzinfo=dt.UTC)),
        ("2021-02-17T12:53:17.5Z", dt.datetime(2021, 2, 17, 12, 53, 17, 500_000, tzinfo=dt.UTC)),
        (
            "2021-02-17T12:53:17.9999999Z",
            dt.datetime(2021, 2, 17, 12, 53, 17, 999_999, tzinfo=dt.UTC),
        ),
        ("2016-12-31T23:59:60Z", dt.datetime(2017, 1, 1, tzinfo=dt.UTC)),
        ("0000-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+00:01", None),
        ("9999-12-31T23:59:59-00:01", None),
    ],
)
def test_the_moment_of_a_date_time(text: str, expected: dt.datetime | None) -> None:
    assert moment(text) == expected


@settings(max_examples=draws(200))
@given(
    st.datetimes(timezones=st.just(dt.UTC)),
    st.integers(-1439, 1439),
)
def test_what_python_writes_is_read_back(when: dt.datetime, offset: int) -> None:
    zone = dt.timezone(dt.timedelta(minutes=offset))
    try:
        local = when.astimezone(zone)
    except OverflowError:
        return
    text = local.isoformat()
    assert is_date_time(text)
    assert moment(text) == when


@settings(max_examples=draws(200))
@given(st.text(alphabet="0123456789-+:.TtZz \n\u0660", max_size=30))
def test_engines_agree_on_any_text(text: str) -> None:
    payload = {"created": text}
    wanted = set() if is_date_time(text) else {"/created"}
    assert (
        refused_pointers("jsonschema", payload)
        == refused_pointers("jsonschema-rs", payload)
        == wanted
    )


@settings(max_examples=draws(100))
@given(st.uuids())
def test_what_python_writes_as_a_uuid(value: object) -> None:
    assert is_uuid(str(value))
    assert is_uuid(str(value).upper())
