"""Formats: those that schemas assert, which are RFC 3339 date-times and UUIDs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

# Patterns are compiled on first use, since few checks need them.
_DATE_TIME = r"(?a:(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d))"
_UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_MAX_HOUR, _MAX_MINUTE, _LEAP_SECOND, _FEBRUARY = 23, 59, 60, 2
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_date_time(text: str) -> bool:
    """Return True if `text` is an RFC 3339 date-time.

    Leap seconds are accepted where they are possible, at 23:59:60 UTC, and so is the year 0000.
    """
    return _fields(text) is not None


def moment(text: str) -> datetime | None:
    """Return the point in time of an RFC 3339 date-time, None if it is invalid or out of range.

    Digits beyond microseconds are truncated; a leap second becomes the following second.
    """
    parts = _fields(text)
    if parts is None:
        return None
    year, month, day, hour, minute, second, micro, offset = parts
    try:
        local = datetime(year, month, day, hour, minute, 0, micro, tzinfo=UTC)
        return local + timedelta(seconds=second) - timedelta(minutes=offset)
    except (ValueError, OverflowError):  # the year 0000, or an offset past the last year
        return None


def _fields(text: str) -> tuple[int, int, int, int, int, int, int, int] | None:
    match = re.fullmatch(_DATE_TIME, text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, zone = match[7], match[8]
    offset = 0
    if zone not in "Zz":
        hours, minutes = int(zone[1:3]), int(zone[4:6])
        if hours > _MAX_HOUR or minutes > _MAX_MINUTE:
            return None
        offset = (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)
    if not 1 <= month <= len(_DAYS) or not 1 <= day <= _days(year, month):
        return None
    if hour > _MAX_HOUR or minute > _MAX_MINUTE or second > _LEAP_SECOND:
        return None
    if second == _LEAP_SECOND and (hour * 60 + minute - offset) % (24 * 60) != 24 * 60 - 1:
        return None
    micro = int((fraction or ".0")[1:7].ljust(6, "0"))
    return year, month, day, hour, minute, second, micro, offset


def _days(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _DAYS[month - 1] if leap or month != _FEBRUARY else 28


def is_uuid(text: str) -> bool:
    """Return True if `text` is a UUID in the form of RFC 9562."""
    return re.fullmatch(_UUID, text) is not None


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = {"date-time": is_date_time, "uuid": is_uuid}
"""The formats that schemas assert."""
