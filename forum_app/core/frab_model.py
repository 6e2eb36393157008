"""The dataclasses of an exchanged agenda, and how its items fall into days."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from forum_app.core.errors import Invalid
from forum_app.core.text import N_

# What starts before this hour of the night belongs to the conference day before.
DAY_BREAK = time(6)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Link:
    href: str
    title: str


@dataclass(frozen=True, slots=True)
class ScheduleItem:
    """One agenda item. guid: stable across versions of the file; starts_at: aware, UTC."""

    guid: str
    id: str
    starts_at: datetime
    duration: timedelta
    room: str
    title: str
    subtitle: str = ""
    track: str = ""
    type: str = ""
    language: str = ""
    abstract: str = ""
    description: str = ""
    persons: tuple[Person, ...] = ()
    links: tuple[Link, ...] = ()
    slug: str = ""
    recording_license: str = ""
    optout: bool = False
    url: str = ""
    logo: str = ""

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + self.duration


@dataclass(frozen=True, slots=True)
class ConferenceDay:
    """A day as people count it: it may end after midnight. Instants are aware, UTC."""

    date: date
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """An agenda. items: sorted by start, room, id; rooms: names in order; zone: IANA name."""

    title: str
    acronym: str
    version: str
    start: date
    end: date
    zone: str
    items: tuple[ScheduleItem, ...]
    rooms: tuple[str, ...] = ()
    days: tuple[ConferenceDay, ...] = ()
    timeslot_minutes: int = 5
    base_url: str = ""


# --- Texts ---------------------------------------------------------------------------------------
# What XML 1.0 cannot hold, and the delete character.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def legal(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold; line ends as line feeds."""
    if text.isprintable() or text.replace("\n", "").isprintable():
        return text
    return _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


# --- Days ----------------------------------------------------------------------------------------
@lru_cache(maxsize=64)
def zone_info(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(N_("“%(zone)s” is not a known time zone."), zone=name[:80]) from None


def at_clock(day: date, clock: time, zone: tzinfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def conference_date(instant: datetime, zone: str) -> date:
    """The conference day an instant belongs to: the night until DAY_BREAK to the day before."""
    local = instant.astimezone(zone_info(zone))
    return local.date() - _DAY if local.time() < DAY_BREAK else local.date()


def conference_day(day: date, zone: str) -> ConferenceDay:
    """The day from DAY_BREAK to DAY_BREAK."""
    tz = zone_info(zone)
    return ConferenceDay(day, at_clock(day, DAY_BREAK, tz), at_clock(day + _DAY, DAY_BREAK, tz))


def items_by_day(schedule: Schedule) -> list[tuple[ConferenceDay, list[ScheduleItem]]]:
    """The days in order, each with its items; days that the schedule lacks are added."""
    days = {day.date: day for day in schedule.days}
    items: dict[date, list[ScheduleItem]] = {day: [] for day in days}
    for item in schedule.items:
        at = item.starts_at
        found = next((d.date for d in schedule.days if d.starts_at <= at < d.ends_at), None)
        if found is None:
            found = conference_date(at, schedule.zone)
            if found not in days:
                days[found] = conference_day(found, schedule.zone)
                items[found] = []
        items[found].append(item)
    return [(days[day], items[day]) for day in sorted(days)]


def rooms_of(schedule: Schedule) -> list[str]:
    return list(dict.fromkeys([*schedule.rooms, *(item.room for item in schedule.items)]))


def sort_items(items: Iterable[ScheduleItem], rooms: list[str]) -> tuple[ScheduleItem, ...]:
    """By start, then room in the given order, then id."""
    order = {room: index for index, room in enumerate(rooms)}
    return tuple(sorted(items, key=lambda i: (i.starts_at, order.get(i.room, len(order)), i.id, i.guid)))
