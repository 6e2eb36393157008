"""What one person's feed may show: access is settled here, before an entry is built."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from forum_app.accounts.models import User
from forum_app.agenda.permissions import Reader, reader_with, visible_to
from forum_app.agenda.queries import current_agendas, events_of_programme
from forum_app.agenda.snapshot import PublishedItem
from forum_app.calendars.queries import (
    EventFacts,
    MeetingFacts,
    facts_of,
    list_bookmarked_ids,
    list_events,
    list_meeting_facts,
)
from forum_app.events.models import Event
from forum_app.events.permissions import can_know_event, can_manage_event
from forum_app.registration.models import ACTIVE, Registration, RegistrationState
from forum_app.registration.queries import list_registrations_of

# Raised when the same rows come out as other bytes, so that no calendar keeps the old ones.
RENDERING = 1


@dataclass(frozen=True, slots=True)
class Programme:
    """A person's items of one published agenda. hidden: in the programme, no longer to be read.

    settled_at: when their registration last changed, on which access hangs.
    """

    event: EventFacts
    visible: tuple[PublishedItem, ...]
    hidden: tuple[PublishedItem, ...]
    settled_at: datetime | None


class Attendance(NamedTuple):
    """A person's latest registration at one event. sequence rises with any change of it or the event."""

    event: EventFacts
    state: RegistrationState
    sequence: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class PersonalCalendar:
    """All that a personal feed shows, access settled. fingerprint: equal if and only if all this is."""

    programmes: tuple[Programme, ...]
    meetings: tuple[tuple[EventFacts, MeetingFacts], ...]
    attendances: tuple[Attendance, ...]
    fingerprint: str


def personal_calendar(user: User) -> PersonalCalendar:
    """What user's own feed shows now.

    A constant number of statements, whatever the number of entries (closed events need one more
    each). An event that no longer exists for the person is left out with its agenda; their meetings
    stay theirs.
    """
    registrations = list_registrations_of(user)
    meetings = list_meeting_facts(user.id)
    bookmarked = list_bookmarked_ids(user.id)
    events = {event.id: event for event in events_of_programme(user.id)}
    programme_ids = tuple(events)
    wanted = {r.event_id for r in registrations} | {m.event_id for m in meetings}
    events |= {event.id: event for event in list_events(wanted - events.keys())}
    known = {id_: event for id_, event in events.items() if can_know_event(user, event)}
    by_event: dict[int, list[Registration]] = {}
    for registration in registrations:
        by_event.setdefault(registration.event_id, []).append(registration)

    programmes = []
    agendas = current_agendas(programme_ids)
    for event_id in programme_ids:
        agenda = agendas.get(event_id)
        if agenda is None or event_id not in known:
            continue
        own = by_event.get(event_id, [])
        reader = _reader(user, known[event_id], own)
        items = [i for i in agenda.items if i.id in bookmarked or i.is_speaker(user.id)]
        visible = tuple(item for item in items if visible_to(item, reader))
        programmes.append(
            Programme(
                facts_of(known[event_id]),
                visible,
                tuple(item for item in items if item not in visible),
                max((r.state_changed_at for r in own), default=None),
            )
        )
    attendances = tuple(
        _attendance(known[event_id], own)
        for event_id, own in sorted(by_event.items())
        if event_id in known and any(r.state != RegistrationState.INVITED for r in own)
    )
    facts = {id_: facts_of(event) for id_, event in events.items()}
    placed = tuple((facts[meeting.event_id], meeting) for meeting in meetings)
    return PersonalCalendar(
        tuple(programmes), placed, attendances, _fingerprint(programmes, placed, attendances)
    )


def _reader(user: User, event: Event, registrations: Sequence[Registration]) -> Reader:
    """As agenda.permissions.reader_at, from rows that are already read."""
    if can_manage_event(user, event):
        return Reader(user_id=user.id, staff=True)
    active = [r for r in registrations if r.state in ACTIVE]
    return reader_with(user, active[-1] if active else None)


def _attendance(event: Event, registrations: Sequence[Registration]) -> Attendance:
    active = [r for r in registrations if r.state in ACTIVE]
    latest = (active or registrations)[-1]
    return Attendance(
        facts_of(event),
        latest.state,
        event.version + sum(r.version for r in registrations) - 2,
        min(r.created_at for r in registrations),
        max(r.state_changed_at for r in registrations),
    )


def _fingerprint(
    programmes: Sequence[Programme], meetings: Sequence[Any], attendances: Sequence[Attendance]
) -> str:
    items = [
        # a publication that leaves an item as it was leaves its changed_at
        (p.event, p.settled_at, [[(i.id, i.changed_at) for i in part] for part in (p.visible, p.hidden)])
        for p in programmes
    ]
    text = repr((RENDERING, items, meetings, attendances))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
