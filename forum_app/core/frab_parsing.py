"""schedule.xml and schedule.json into a Schedule: every value checked, with where it stands."""

import re
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from forum_app.core.errors import Invalid
from forum_app.core.frab_model import (
    ConferenceDay,
    Link,
    Person,
    Schedule,
    ScheduleItem,
    at_clock,
    conference_date,
    conference_day,
    legal,
    sort_items,
    zone_info,
)
from forum_app.core.frab_reading import MAX_ITEMS, read, too_many_items
from forum_app.core.text import N_

_FIRST_YEAR, _LAST_YEAR = 1990, 2100
_MAX_DAYS, _MAX_ROOMS, _MAX_PERSONS = 400, 500, 300
_DAY = timedelta(days=1)


# --- Texts ---------------------------------------------------------------------------------------
_SCHEME = re.compile("([a-zA-Z][a-zA-Z0-9+.-]*):")


def _string(raw: dict[str, Any], key: str, limit: int, where: str, *, lines: bool = False) -> str:
    """The text under a key, cleaned; one line unless `lines`. Numbers are taken as text."""
    value = raw.get(key)
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise Invalid(N_("%(where)s: “%(key)s” is not text."), where=where, key=key)
    value = legal(value)
    value = value.strip() if lines else " ".join(value.split())
    if len(value) > limit:
        raise Invalid(
            N_("%(where)s: “%(key)s” is longer than %(limit)s characters."),
            where=where,
            key=key,
            limit=limit,
        )
    return value


def _web_address(raw: dict[str, Any], key: str, where: str) -> str:
    """An address to follow; one that would run something when followed is left out."""
    address = "".join(_string(raw, key, 2000, where).split())
    scheme = _SCHEME.match(address)
    return "" if scheme and scheme[1].lower() not in ("http", "https", "mailto") else address


def _list(raw: dict[str, Any], key: str, limit: int, where: str) -> list[Any]:
    value = raw.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Invalid(N_("%(where)s: “%(key)s” is not a list."), where=where, key=key)
    if len(value) > limit:
        raise Invalid(
            N_("%(where)s: “%(key)s” has more than %(limit)s entries."),
            where=where,
            key=key,
            limit=limit,
        )
    return value


# --- Times ---------------------------------------------------------------------------------------
def _wrong_time(where: str, text: str) -> Invalid:
    return Invalid(
        N_("%(where)s: “%(text)s” is not a date or time of the years 1990 to 2100."),
        where=where,
        text=text[:60],
    )


def _instant(text: str, where: str) -> datetime:
    """An ISO 8601 instant, aware if it gives an offset, to the second."""
    try:
        value = datetime.fromisoformat(text).replace(microsecond=0)
    except ValueError:
        raise _wrong_time(where, text) from None
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise _wrong_time(where, text)
    return value


def _date(text: str, where: str) -> date:
    return _instant(text, where).date()


def _clock(text: str, where: str) -> time:
    match = re.fullmatch("([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?", text)
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise _wrong_time(where, text)
    return time(int(match[1]), int(match[2]))


def _duration(text: str, where: str) -> timedelta:
    """HH:MM or D:HH:MM; more than nothing, at most a day."""
    match = re.fullmatch("(?:([0-9]{1,2}):)?([0-9]{1,4}):([0-5][0-9])", text)
    length = timedelta()
    if match:
        length = timedelta(days=int(match[1] or 0), hours=int(match[2]), minutes=int(match[3]))
    if not timedelta() < length <= _DAY:
        raise Invalid(
            N_("%(where)s: “%(text)s” is not a duration between one minute and 24 hours."),
            where=where,
            text=text[:60],
        )
    return length


_ODD_OFFSETS = {
    -570: "Pacific/Marquesas", 210: "Asia/Tehran", 270: "Asia/Kabul", 330: "Asia/Kolkata",
    345: "Asia/Kathmandu", 390: "Asia/Yangon", 525: "Australia/Eucla", 570: "Australia/Darwin",
}  # fmt: skip


def _zone_of_offset(offset: timedelta) -> str:
    """A zone that always has this offset; Etc names count westwards. UTC if there is none."""
    minutes = int(offset.total_seconds()) // 60
    if minutes % 60:
        return _ODD_OFFSETS.get(minutes, "UTC")
    return f"Etc/GMT{-minutes // 60:+d}" if minutes and -720 <= minutes <= 840 else "UTC"


# --- Reading -------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _RawDay:
    date: date
    start: datetime | None
    end: datetime | None
    rooms: list[str]
    items: list[tuple[str, dict[str, Any]]]


def _raw_days(conference: dict[str, Any]) -> list[_RawDay]:
    days: list[_RawDay] = []
    count = 0
    for number, raw in enumerate(_list(conference, "days", _MAX_DAYS, "conference"), 1):
        where = f"day {number}"
        if not isinstance(raw, dict):
            raise Invalid(N_("%(where)s: this is not a set of named values."), where=where)
        rooms = raw.get("rooms") or {}
        if not isinstance(rooms, dict):
            raise Invalid(N_("%(where)s: this is not a set of named values."), where=f"{where}, rooms")
        items: list[tuple[str, dict[str, Any]]] = []
        names: list[str] = []
        for name in rooms:
            room = _string({"room": name}, "room", 200, where)
            names.append(room)
            for item in _list(rooms, name, MAX_ITEMS, f"{where}, {room[:80]}"):
                if not isinstance(item, dict):
                    raise Invalid(
                        N_("%(where)s: this is not a set of named values."),
                        where=f"{where}, {room[:80]}",
                    )
                items.append((room, item))
        count += len(items)
        if count > MAX_ITEMS:
            raise too_many_items()
        start, end = (_string(raw, key, 60, where) for key in ("day_start", "day_end"))
        days.append(
            _RawDay(
                _date(_string(raw, "date", 60, where), where),
                _instant(start, where) if start else None,
                _instant(end, where) if end else None,
                names,
                items,
            )
        )
    return days


def _aware(value: datetime, zone: tzinfo) -> datetime:
    return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)


def _day(raw: _RawDay, zone: str) -> ConferenceDay:
    usual = conference_day(raw.date, zone)
    tz = zone_info(zone)
    start = _aware(raw.start, tz) if raw.start else usual.starts_at
    end = _aware(raw.end, tz) if raw.end else usual.ends_at
    return ConferenceDay(raw.date, start, end) if start < end else usual


def _start(raw: dict[str, Any], day: ConferenceDay, zone: ZoneInfo, where: str) -> datetime:
    text = _string(raw, "date", 60, where)
    if text:
        return _aware(_instant(text, where), zone)
    # Only an hour: after midnight when that is what the day's own hours say.
    clock = _clock(_string(raw, "start", 60, where), where)
    start = at_clock(day.date, clock, zone)
    following = at_clock(day.date + _DAY, clock, zone)
    return following if start < day.starts_at and following < day.ends_at else start


def _persons(raw: dict[str, Any], where: str) -> tuple[Person, ...]:
    persons: list[Person] = []
    for entry in _list(raw, "persons", _MAX_PERSONS, where):
        person = entry if isinstance(entry, dict) else {"name": entry}
        names = (_string(person, key, 300, where) for key in ("public_name", "name", "full_public_name"))
        if name := next(filter(None, names), ""):
            persons.append(Person(_string(person, "id", 200, where), name))
    return tuple(persons)


def _links(raw: dict[str, Any], where: str) -> tuple[Link, ...]:
    links: list[Link] = []
    for entry in _list(raw, "links", _MAX_PERSONS, where):
        link = entry if isinstance(entry, dict) else {"url": entry}
        if href := _web_address(link, "url", where) or _web_address(link, "href", where):
            links.append(Link(href, _string(link, "title", 500, where)))
    return tuple(links)


def _item(
    raw: dict[str, Any], room: str, day: ConferenceDay, zone: ZoneInfo, acronym: str, place: str
) -> ScheduleItem:
    identifier = _string(raw, "id", 200, place)
    guid = _string(raw, "guid", 200, place)
    if not identifier and not guid:
        raise Invalid(N_("%(where)s: an item has neither an id nor a guid."), where=place)
    where = f"item {(identifier or guid)[:60]}"
    title = _string(raw, "title", 500, where)
    if not title:
        raise Invalid(N_("%(where)s: the title is missing."), where=where)
    return ScheduleItem(
        guid=guid or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{acronym}/{identifier}")),
        id=identifier or guid,
        starts_at=_start(raw, day, zone, where),
        duration=_duration(_string(raw, "duration", 60, where), where),
        room=room or _string(raw, "room", 200, where),
        title=title,
        subtitle=_string(raw, "subtitle", 1000, where),
        track=_string(raw, "track", 200, where),
        type=_string(raw, "type", 200, where),
        language=_string(raw, "language", 100, where),
        abstract=_string(raw, "abstract", 100_000, where, lines=True),
        description=_string(raw, "description", 100_000, where, lines=True),
        persons=_persons(raw, where),
        links=_links(raw, where),
        slug=_string(raw, "slug", 1000, where),
        recording_license=_string(raw, "recording_license", 500, where),
        optout=raw.get("do_not_record") is True,
        url=_web_address(raw, "url", where),
        logo=_web_address(raw, "logo", where),
    )


def _told_apart(items: list[ScheduleItem]) -> list[ScheduleItem]:
    """Repeats of one item under the same guid get guids of their own, made of time and room.

    What stands twice word for word is taken once; two versions of one thing are refused.
    """
    seen: dict[str, ScheduleItem] = {}
    for item in items:
        first = seen.setdefault(item.guid, item)
        if first == item:
            continue
        name = f"{item.guid}/{item.id}/{item.starts_at.isoformat()}/{item.room}"
        repeat = replace(item, guid=str(uuid.uuid5(uuid.NAMESPACE_URL, name)))
        same_place = (first.id, first.starts_at, first.room) == (item.id, item.starts_at, item.room)
        if same_place or seen.setdefault(repeat.guid, repeat) != repeat:
            raise Invalid(
                N_("item %(item)s: it stands twice at the same time in the same room."),
                item=item.id[:60],
            )
    return list(seen.values())


def _zone_name(conference: dict[str, Any], zone: str | None, days: list[_RawDay]) -> str:
    named = _string(conference, "time_zone_name", 80, "conference") or zone
    if named:
        zone_info(named)
        return named
    instants = [instant for day in days for instant in (day.start, day.end) if instant]
    for day in days:
        for _, raw in day.items:
            if isinstance(raw.get("date"), str) and raw["date"].strip():
                instants.append(_instant(_string(raw, "date", 60, "item"), "item"))
                break
    offset = next((offset for i in instants if (offset := i.utcoffset()) is not None), None)
    if offset is not None:
        return _zone_of_offset(offset)
    if any(day.items for day in days):
        raise Invalid(N_("The file does not say in which time zone its times are."))
    return "UTC"


def parse_schedule(data: bytes, filename: str | None = None, *, zone: str | None = None) -> Schedule:
    """The agenda in a schedule.xml or schedule.json.

    zone: IANA name to use when the file names none; without it a zone of the offset found in the
    file. Raises Invalid with one sentence that says what is wrong and where.
    """
    raw = read(data, filename)
    conference: dict[str, Any] = raw["conference"]
    where = "conference"
    raw_days = _raw_days(conference)
    zone_name = _zone_name(conference, zone, raw_days)
    tz = zone_info(zone_name)
    acronym = _string(conference, "acronym", 200, where)
    rooms: dict[str, None] = {}
    for entry in _list(conference, "rooms", _MAX_ROOMS, where):
        if isinstance(entry, dict) and (name := _string(entry, "name", 200, where)):
            rooms[name] = None
    rooms |= dict.fromkeys(name for day in raw_days for name in day.rooms)
    days: dict[date, ConferenceDay] = {}
    items: list[ScheduleItem] = []
    for number, raw_day in enumerate(raw_days, 1):
        day = days.setdefault(raw_day.date, _day(raw_day, zone_name))
        for room, raw_item in raw_day.items:
            item = _item(raw_item, room, day, tz, acronym, f"day {number}, {room[:80]}")
            items.append(item)
            rooms[item.room] = None
    rooms.pop("", None)
    if len(rooms) > _MAX_ROOMS:
        raise Invalid(N_("The file holds more than %(limit)s rooms."), limit=_MAX_ROOMS)
    dates = sorted([*days, *(conference_date(item.starts_at, zone_name) for item in items)])
    start, end = (_string(conference, key, 60, where) for key in ("start", "end"))
    if not dates and not start:
        raise Invalid(N_("The file holds no days, no items and no dates."))
    slot = _string(conference, "timeslot_duration", 60, where)
    first = _date(start, where) if start else dates[0]
    return Schedule(
        title=_string(conference, "title", 500, where) or acronym,
        acronym=acronym,
        version=_string(raw, "version", 200, where),
        start=first,
        end=_date(end, where) if end else (dates[-1] if dates else first),
        zone=zone_name,
        items=sort_items(_told_apart(items), list(rooms)),
        rooms=tuple(rooms),
        days=tuple(days[day] for day in sorted(days)),
        timeslot_minutes=int(_duration(slot, where).total_seconds()) // 60 if slot else 5,
        base_url=_web_address(raw, "base_url", where) or _web_address(conference, "base_url", where),
    )
