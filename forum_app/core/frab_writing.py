"""A Schedule as schedule.xml and schedule.json; the same input gives the same bytes."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from forum_app.core.frab_model import (
    ConferenceDay,
    Person,
    Schedule,
    ScheduleItem,
    items_by_day,
    legal,
    rooms_of,
    zone_info,
)

_GENERATOR = "forum-app"


def _length(value: timedelta) -> str:
    """HH:MM."""
    hours, minutes = divmod(int(value.total_seconds()) // 60, 60)
    return f"{hours:02}:{minutes:02}"


def _local(instant: datetime, zone: ZoneInfo) -> str:
    """ISO 8601 with the offset of the zone, to the second."""
    return instant.astimezone(zone).isoformat(timespec="seconds")


def _by_room(schedule: Schedule) -> Iterator[tuple[ConferenceDay, dict[str, list[ScheduleItem]]]]:
    """Each day with all rooms in order, so that the order of rooms survives; items in order."""
    rooms = rooms_of(schedule)
    for day, items in items_by_day(schedule):
        by_room: dict[str, list[ScheduleItem]] = {room: [] for room in rooms}
        for item in items:
            by_room[item.room].append(item)
        yield day, by_room


# --- JSON ----------------------------------------------------------------------------------------
def _number_or_text(identifier: str) -> int | str:
    """Readers expect a number where it is one; 007 stays text."""
    if identifier.isascii() and identifier.isdigit() and len(identifier) < 16:
        number = int(identifier)
        return number if str(number) == identifier else identifier
    return identifier


def _json_person(person: Person) -> dict[str, int | str]:
    # The C3VOC's schema takes either frab's form or pretalx's, and refuses a mixture.
    if person.id:
        return {"id": _number_or_text(legal(person.id)), "public_name": legal(person.name)}
    return {"name": legal(person.name)}


def _json_item(item: ScheduleItem, zone: ZoneInfo) -> dict[str, Any]:
    date = _local(item.starts_at, zone)
    optional = {"logo": legal(item.logo)} if item.logo else {}
    return {
        "guid": legal(item.guid),
        "id": _number_or_text(legal(item.id)),
        **optional,
        "date": date,
        "start": date[11:16],
        "duration": _length(item.duration),
        "room": legal(item.room),
        "slug": legal(item.slug),
        "url": legal(item.url),
        "title": legal(item.title),
        "subtitle": legal(item.subtitle),
        "track": legal(item.track),
        "type": legal(item.type),
        "language": legal(item.language),
        "abstract": legal(item.abstract),
        "description": legal(item.description),
        "recording_license": legal(item.recording_license),
        "do_not_record": item.optout,
        "persons": [_json_person(person) for person in item.persons],
        "links": [{"url": legal(link.href), "title": legal(link.title)} for link in item.links],
        "attachments": [],
    }


def _json_room(schedule: Schedule, room: str) -> dict[str, str]:
    guid = uuid.uuid5(uuid.NAMESPACE_URL, f"{legal(schedule.acronym)}/{legal(room)}")
    return {"guid": str(guid), "name": legal(room)}


def render_json(schedule: Schedule) -> bytes:
    """schedule.json in UTF-8, as the C3VOC's schema describes it."""
    zone = zone_info(schedule.zone)
    days = list(_by_room(schedule))
    base = {"base_url": legal(schedule.base_url)} if schedule.base_url else {}
    content = {
        "schedule": {
            "version": legal(schedule.version),
            **base,
            "conference": {
                "acronym": legal(schedule.acronym),
                "title": legal(schedule.title),
                "start": schedule.start.isoformat(),
                "end": schedule.end.isoformat(),
                "daysCount": len(days),
                "timeslot_duration": _length(timedelta(minutes=schedule.timeslot_minutes)),
                "time_zone_name": schedule.zone,
                "rooms": [_json_room(schedule, room) for room in rooms_of(schedule)],
                "days": [
                    {
                        "index": index,
                        "date": day.date.isoformat(),
                        "day_start": _local(day.starts_at, zone),
                        "day_end": _local(day.ends_at, zone),
                        "rooms": {
                            legal(room): [_json_item(item, zone) for item in items]
                            for room, items in rooms.items()
                        },
                    }
                    for index, (day, rooms) in enumerate(days, 1)
                ],
            },
        },
        "generator": {"name": _GENERATOR},
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


# --- XML -----------------------------------------------------------------------------------------
def _text(value: str) -> str:
    return legal(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(value: str) -> str:
    """The value between double quotes; white space in attributes reads back as spaces."""
    return _text(value).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def _xml_item(item: ScheduleItem, zone: ZoneInfo) -> Iterator[str]:
    date = _local(item.starts_at, zone)
    optout = "true" if item.optout else "false"
    yield (
        f'<event guid="{_attribute(item.guid)}" id="{_attribute(item.id)}">\n'
        f"<date>{date}</date>\n"
        f"<start>{date[11:16]}</start>\n"
        f"<duration>{_length(item.duration)}</duration>\n"
        f"<room>{_text(item.room)}</room>\n"
        f"<slug>{_text(item.slug)}</slug>\n"
        f"<recording>\n<license>{_text(item.recording_license)}</license>\n"
        f"<optout>{optout}</optout>\n</recording>\n"
        f"<title>{_text(item.title)}</title>\n"
        f"<subtitle>{_text(item.subtitle)}</subtitle>\n"
        f"<track>{_text(item.track)}</track>\n"
        f"<type>{_text(item.type)}</type>\n"
        f"<language>{_text(item.language)}</language>\n"
        f"<abstract>{_text(item.abstract)}</abstract>\n"
        f"<description>{_text(item.description)}</description>\n"
    )
    if item.url:
        yield f"<url>{_text(item.url)}</url>\n"
    if item.logo:
        yield f"<logo>{_text(item.logo)}</logo>\n"
    yield "<persons>\n"
    for person in item.persons:
        yield f'<person id="{_attribute(person.id)}">{_text(person.name)}</person>\n'
    yield "</persons>\n<links>\n"
    for link in item.links:
        yield f'<link href="{_attribute(link.href)}">{_text(link.title)}</link>\n'
    yield "</links>\n</event>\n"


def _xml(schedule: Schedule) -> Iterator[str]:
    base = f"<base_url>{_text(schedule.base_url)}</base_url>\n" if schedule.base_url else ""
    zone = zone_info(schedule.zone)
    days = list(_by_room(schedule))
    yield (
        "<?xml version='1.0' encoding='utf-8'?>\n<schedule>\n"
        f'<generator name="{_GENERATOR}"/>\n'
        f"<version>{_text(schedule.version)}</version>\n"
        "<conference>\n"
        f"<acronym>{_text(schedule.acronym)}</acronym>\n"
        f"<title>{_text(schedule.title)}</title>\n"
        f"<start>{schedule.start}</start>\n"
        f"<end>{schedule.end}</end>\n"
        f"<days>{len(days)}</days>\n"
        f"<timeslot_duration>{_length(timedelta(minutes=schedule.timeslot_minutes))}"
        "</timeslot_duration>\n"
        f"{base}"
        f"<time_zone_name>{_text(schedule.zone)}</time_zone_name>\n"
        "</conference>\n"
    )
    for index, (day, rooms) in enumerate(days, 1):
        yield (
            f'<day index="{index}" date="{day.date}" start="{_local(day.starts_at, zone)}"'
            f' end="{_local(day.ends_at, zone)}">\n'
        )
        for room, items in rooms.items():
            yield f'<room name="{_attribute(room)}">\n'
            for item in items:
                yield from _xml_item(item, zone)
            yield "</room>\n"
        yield "</day>\n"
    yield "</schedule>\n"


def render_xml(schedule: Schedule) -> bytes:
    """schedule.xml in UTF-8, as frab writes it."""
    return "".join(_xml(schedule)).encode()
