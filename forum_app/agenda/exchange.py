"""The agenda in the conference world's exchange format: out for a reader, in from a file."""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from forum_app.agenda.days import agenda_days, exchange_days
from forum_app.agenda.importing import ImportReport, apply_schedule
from forum_app.agenda.models import ItemStatus
from forum_app.agenda.permissions import can_edit_agenda
from forum_app.agenda.publication import publish_agenda
from forum_app.agenda.snapshot import PublishedAgenda, PublishedItem
from forum_app.audit.services import record
from forum_app.core.errors import Invalid, NotFound, PermissionDenied
from forum_app.core.frab import Link, Person, Schedule, ScheduleItem, parse_schedule, sort_items
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, Visibility
from forum_app.events.queries import find_event

SLUG = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")
MAX_EVENT_DAYS = 60
NEAR = timedelta(days=7)


class EventFacts(NamedTuple):
    """What an export says of the event; by value, so that a change there makes a new export."""

    slug: str
    title_en: str
    title_ja: str
    starts_on: date
    ends_on: date
    timezone: str


# --- Out -----------------------------------------------------------------------------------------
def schedule_of(
    event: Event | EventFacts, agenda: PublishedAgenda, items: Iterable[PublishedItem], base_url: str
) -> Schedule:
    """The given items (those that the reader may know of) as an exchanged agenda.

    Rooms and days are only those of the items, so that nothing else shows through; what is cancelled
    is left out, since the format has no word for it. base_url: of the site, without a slash at its end.
    """
    shown = [item for item in items if item.status != ItemStatus.CANCELLED]
    rooms = {item.room.id: item.room for item in shown if item.room is not None}
    names = [
        room.name_en or room.name_ja
        for room in sorted(rooms.values(), key=lambda room: (room.position, room.id))
    ]
    page = f"{base_url}/events/{event.slug}/agenda"
    return Schedule(
        title=event.title_en or event.title_ja,
        acronym=event.slug,
        version=f"{agenda.number} {agenda.name}".strip(),
        start=event.starts_on,
        end=event.ends_on,
        zone=event.timezone,
        items=sort_items([_exported(item, event.slug, page) for item in shown], names),
        rooms=tuple(dict.fromkeys(names)),
        days=exchange_days(agenda_days(shown, event.timezone), event.timezone),
        base_url=page,
    )


def _exported(item: PublishedItem, slug: str, page: str) -> ScheduleItem:
    japanese = item.language == "ja"
    return ScheduleItem(
        guid=item.guid,
        id=str(item.number),
        starts_at=item.starts_at,
        duration=item.ends_at - item.starts_at,
        room=(item.room.name_en or item.room.name_ja) if item.room else "",
        title=one_text(item, "title", japanese),
        subtitle=one_text(item, "subtitle", japanese),
        track=(item.track.name_en or item.track.name_ja) if item.track else "",
        type=item.kind_text or item.kind.value,
        language=item.language,
        abstract=item.abstract,
        description=one_text(item, "text", japanese),
        persons=tuple(
            Person(speaker.external_id or str(speaker.id), speaker.name) for speaker in item.speakers
        ),
        links=tuple(Link(href, title) for href, title in item.links),
        slug=f"{slug}-{item.number}-{item.code}",
        url=f"{page}/{item.code}",
    )


def one_text(row: Any, name: str, japanese: bool) -> str:
    """The one text that the format has room for: the item's language first."""
    first, second = ("ja", "en") if japanese else ("en", "ja")
    return getattr(row, f"{name}_{first}") or getattr(row, f"{name}_{second}") or ""


# --- In ------------------------------------------------------------------------------------------
def import_schedule(
    *, actor: Any, event: Event, schedule: Schedule, now: datetime, publish: bool = True
) -> ImportReport:
    """Take an exchanged agenda into the draft, and publish it.

    Rooms, tracks, speakers and items are matched by what they are called or numbered in the file, so
    that repeating an import updates and never doubles; an equal file changes no row and makes no
    version. Imported items that are gone from the file are cancelled. actor: None for the system.
    """
    if actor is not None and not can_edit_agenda(actor, event):
        raise PermissionDenied(N_("Only organizers may import an agenda."))
    for item in schedule.items:
        day = item.starts_at.date()
        if not event.starts_on - NEAR <= day <= event.ends_on + NEAR:
            raise Invalid(
                N_("“%(title)s” is on %(day)s, which is not near the days of this event."),
                title=item.title[:80],
                day=day.isoformat(),
            )
    report = apply_schedule(event, schedule, now)
    if report.changed:
        record(
            actor=actor,
            action="agenda.imported",
            subject=event,
            event_id=event.id,
            now=now,
            detail=report.counts(),
        )
    if publish:
        version = publish_agenda(actor=actor, event=event, now=now, name=schedule.version[:200])
        report.version = version.number if version else None
    return report


def import_schedule_file(
    *, data: bytes, slug: str, create: bool, now: datetime, filename: str | None = None
) -> ImportReport:
    """What `forum import schedule` does, inside the caller's transaction.

    create: make the event from the file when there is none with that slug. Raises a DomainError with
    one sentence for any file that cannot be taken; then nothing must be committed.
    """
    event = find_event(slug)
    if event is None and not create:
        raise NotFound(N_("There is no event “%(slug)s”. Add --create to make it from the file."), slug=slug)
    schedule = parse_schedule(data, filename, zone=event.timezone if event else None)
    if event is None:
        event = event_from_schedule(slug=slug, schedule=schedule, now=now)
    return import_schedule(actor=None, event=event, schedule=schedule, now=now)


def event_from_schedule(*, slug: str, schedule: Schedule, now: datetime) -> Event:
    """A published, public event with the title, days and zone of a file."""
    if not SLUG.fullmatch(slug) or len(slug) > 80:
        raise Invalid(
            N_("A short name has lower-case letters, digits and hyphens, at most 80."), field="slug"
        )
    days = {item.starts_at.date() for item in schedule.items}
    first = min([schedule.start, *days])
    last = max([schedule.start, schedule.end, *days])
    if (last - first).days > MAX_EVENT_DAYS:
        raise Invalid(
            N_("The file reaches from %(first)s to %(last)s, which is too long for one event."),
            first=first.isoformat(),
            last=last.isoformat(),
        )
    event = Event(
        slug=slug,
        title_en=schedule.title or schedule.acronym or slug,
        timezone=schedule.zone,
        starts_on=schedule.start,
        ends_on=max(schedule.start, schedule.end),
        visibility=Visibility.PUBLIC,
        published_at=now,
        created_at=now,
    )
    db.session.add(event)
    db.session.flush()
    record(actor=None, action="event.created", subject=event, event_id=event.id, now=now)
    return event
