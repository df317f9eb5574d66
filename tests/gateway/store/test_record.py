"""The record of a session: its stored form, which several releases share, and its expiry."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib.resources import files
from math import prod

import pytest

from support.gateway.stands import NOON
from talonschema.gateway.store import Intent, Learned
from talonschema.gateway.store import record as module
from talonschema.gateway.store.record import (
    MOST_PENDINGS,
    REMEMBERED,
    Pending,
    Record,
    microseconds,
)

NOW = 1_800_000_000_000
LEASE = 30_000
EXPIRY = 30 * 24 * 3600 * 1000
DIGEST = "x" * 24
KEYED = f"t={DIGEST}"
CLOSE = Intent(frozenset({"open"}), "closed")
KEEP = Intent(frozenset({"open"}), None, digest=DIGEST)


def test_the_server_has_the_same_numbers() -> None:
    script = files("talonschema.gateway.store").joinpath("redis.lua").read_text("utf-8")
    found = {
        name: value
        for names, values in re.findall(r"^local ([A-Z_, ]+) = (.+)$", script, re.MULTILINE)
        for name, value in zip(names.split(", "), values.split(", "), strict=True)
    }
    for number, name in enumerate(Pending._fields, 1):
        assert found.pop(name.upper()) == str(number)
    assert len(found) == 12
    for name, value in found.items():
        text = value.startswith("'")
        expected = value.strip("'") if text else prod(int(each) for each in value.split(" * "))
        assert getattr(module, name) == expected, name


@pytest.mark.parametrize(
    ("state", "bit"),
    [
        ("open", 1),
        ("closed", 2),
        ("partially_returned", 4),
        ("cancelled", 8),
        ("new", 16),
        ("archived", 32),
    ],
)
def test_a_state_is_stored_as_a_bit(state: str, bit: int) -> None:
    record = Record()
    record.begin(CLOSE, "t", NOW, LEASE)
    record.finish("t", Learned(state, NOON), NOW)
    assert record.write() == f"[{bit},1782302400000000,{{}}]"


def test_requests_are_stored_with_six_numbers() -> None:
    record = Record(1, 5)
    record.begin(CLOSE._replace(digest=DIGEST), KEYED, NOW, LEASE)
    record.begin(KEEP._replace(digest=""), "u", NOW, LEASE)
    pending = "1800000030000,5,0,0]"
    assert record.write() == f'[1,5,{{"{KEYED}":[2,false,{pending},"u":[0,true,{pending}}}]'
    record.finish(KEYED, Learned(), NOW)
    assert record.write() == (
        f'[2,5,{{"u":[0,true,1800000030000,5,2,2],"={DIGEST}":[0,false,1800082800000,0,0,0]}}]'
    )


def test_a_repetition_that_may_be_done_only_now_is_stored_without_its_digest() -> None:
    record = Record(1, 0, {f"?{DIGEST}": Pending(0, keeps=False, deadline=NOW + REMEMBERED)})
    for token in "tu":
        admission = record.begin(KEEP, f"{token}={DIGEST}", NOW, LEASE)
        assert (admission.token, admission.repeated) == (None, True)
    assert set(record.pendings) == {f"?{DIGEST}", "t", "u"}


def test_what_is_written_is_read_again() -> None:
    request = Pending(2, keeps=False, deadline=9)
    record = Record(3, 7, {"a": request, "b": Pending(0, keeps=True, deadline=9, undated=2)})
    again = Record.read(record.write())
    assert (again.states, again.updated, again.pendings) == (3, 7, record.pendings)
    assert Record.read('[0,0,{"a":[2,false,9]}]').pendings == {"a": request}


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "{}", "[1]", "[1,0]", "[2,0,[]]", "[2,0,null]", "[2,0,{},0]"),
        *('["open",0,{}]', "[1,null,{}]", "[1.5,0,{}]"),
        *('[1,0,{"a":1}]', '[1,0,{"a":[1]}]', '[1,0,{"a":[1,0,"9"]}]', '[1,0,{"a":[1,0,9,null]}]'),
        '[1,0,{"a":[1,0,9,0,0,0,0]}]',
        "[" * 100_000,
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is that of whatever found it
        Record.read(text)


@pytest.mark.parametrize(
    ("moment", "stored"),
    [
        (timedelta(0), 1),
        (timedelta(days=-1), 1),
        (timedelta(microseconds=2), 2),
        (timedelta(seconds=3), 3_000_000),
    ],
)
def test_any_date_is_told_from_none(moment: timedelta, stored: int) -> None:
    epoch = NOON.replace(year=1970, month=1, day=1, hour=0)
    assert microseconds(epoch + moment) == stored


# When it is forgotten.


def test_a_known_state_is_kept_from_its_last_use() -> None:
    assert Record(1).expires(NOW, EXPIRY) == NOW + EXPIRY


def test_an_unknown_session_is_kept_as_long_as_its_requests() -> None:
    record = Record()
    assert record.expires(NOW, EXPIRY) == NOW
    record.begin(CLOSE, "t", NOW, LEASE)
    record.begin(CLOSE, "u", NOW + 1, LEASE)
    record.begin(CLOSE, "v", NOW, LEASE)
    assert record.expires(NOW, EXPIRY) == NOW + 1 + LEASE
    assert record.expires(NOW, LEASE) == NOW + LEASE


def test_an_unknown_session_is_kept_as_long_as_a_request_may_be_repeated() -> None:
    record = Record()
    record.begin(KEEP, KEYED, NOW, LEASE)
    assert record.expires(NOW, EXPIRY) == NOW + LEASE + REMEMBERED
    record.finish(KEYED, Learned(), NOW)
    assert record.states == 0
    assert record.expires(NOW, EXPIRY) == NOW + REMEMBERED


def test_a_request_is_judged_anew_once_the_api_may_have_forgotten_it() -> None:
    for late in (False, True):
        record = Record(1)
        record.begin(CLOSE._replace(digest=DIGEST), KEYED, NOW, LEASE)
        record.states = 8
        again = CLOSE._replace(permitted=frozenset({"new"}), digest=DIGEST)
        admission = record.begin(again, f"u={DIGEST}", NOW + LEASE + REMEMBERED - 1 + late, LEASE)
        assert admission.may_pass is not late


def test_the_requests_beyond_those_that_are_tracked_share_one_entry() -> None:
    record = Record(1)
    for number in range(MOST_PENDINGS + 3):
        record.begin(CLOSE, str(number), NOW + number, LEASE)
    assert len(record.pendings) == MOST_PENDINGS + 1
    assert record.pendings[""].deadline == NOW + MOST_PENDINGS + 2 + LEASE
