"""Values of iCalendar properties: dates, times, durations, offsets (RFC 5545 3.3)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

# [0-9], never \d, and never int() before it: the digits of other scripts are no digits here.
_MOMENT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:[Tt]([0-9]{2})([0-9]{2})([0-9]{2})([Zz])?)?")
_DURATION = re.compile(
    r"([+-])?[Pp](?:([0-9]+)[Ww])?(?:([0-9]+)[Dd])?"
    r"(?:[Tt](?:([0-9]+)[Hh])?(?:([0-9]+)[Mm])?(?:([0-9]+)[Ss])?)?"
)
_OFFSET = re.compile(r"([+-])([0-9]{2})([0-9]{2})([0-9]{2})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
MOST_DAYS = 100_000  # a duration of more makes no sense, and would leave the calendar
DAY = timedelta(days=1)


class BadValue(ValueError):
    """A value that RFC 5545 does not allow; the property, or its component, cannot be read."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A DATE or DATE-TIME as written. wall: without zone; of a DATE its midnight."""

    wall: datetime
    is_date: bool
    is_utc: bool


@dataclass(frozen=True, slots=True)
class Duration:
    """A DURATION: days are nominal (23 to 25 hours), rest is exact (3.3.6)."""

    days: int
    rest: timedelta


def parse_moment(text: str) -> Moment:
    """A DATE or a DATE-TIME by its form; second 60 is second 59 (3.3.5). Raises BadValue."""
    found = _MOMENT.fullmatch(text.strip(" \t"))
    if found is None:
        raise BadValue(text)
    year, month, day, hour, minute, second, utc = found.groups()
    try:
        if hour is None:
            return Moment(datetime(int(year), int(month), int(day)), True, False)  # noqa: DTZ001 (wall clock)
        seconds = int(second)
        wall = datetime(  # noqa: DTZ001 (wall clock)
            int(year), int(month), int(day), int(hour), int(minute), 59 if seconds == 60 else seconds
        )
    except ValueError as error:
        raise BadValue(text) from error
    return Moment(wall, False, utc is not None)


def parse_duration(text: str) -> Duration:
    """A DURATION; raises BadValue, for one below nothing too: nothing here lasts less than no time."""
    found = _DURATION.fullmatch(text.strip(" \t"))
    if found is None or found[0][-1] in "PpTt" or len(found[0]) > 60:
        raise BadValue(text)
    sign, *numbers = found.groups()
    weeks, days, hours, minutes, seconds = [int(number) if number else 0 for number in numbers]
    days += weeks * 7
    seconds += 60 * minutes + 3600 * hours
    if days > MOST_DAYS or seconds > MOST_DAYS * 86_400 or (sign == "-" and (days or seconds)):
        raise BadValue(text)
    return Duration(days, timedelta(seconds=seconds))


def parse_offset(text: str) -> timedelta:
    """A UTC-OFFSET, less than a day; -0000 is not allowed (3.3.14). Raises BadValue."""
    found = _OFFSET.fullmatch(text.strip(" \t"))
    if found is None:
        raise BadValue(text)
    sign, hours, minutes, seconds = found.groups()
    if int(hours) > 23 or int(minutes) > 59 or int(seconds or 0) > 59:
        raise BadValue(text)
    value = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds or 0))
    if sign == "-" and not value:
        raise BadValue(text)
    return -value if sign == "-" else value


def parse_integer(text: str) -> int:
    """An INTEGER of 32 bits; raises BadValue."""
    text = text.strip(" \t")
    if _INTEGER.fullmatch(text) is None or not -(2**31) <= int(text) < 2**31:
        raise BadValue(text)
    return int(text)
