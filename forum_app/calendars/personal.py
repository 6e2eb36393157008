"""What one person's feed may show: access is settled here, before an entry is built."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from forum_app.accounts.models import User
from forum_app.agenda.permissions import Reader, reader_with, visible_to
from forum_app.agenda.queries import current_agendas, events_of_programme
from forum_app.agenda.snapshot import PublishedAgenda
from forum_app.calendars.contents import (
    Attendance,
    AttendancePart,
    Contents,
    MeetingPart,
    Part,
    contents,
    item_part,
)
from forum_app.calendars.queries import (
    facts_of,
    list_bookmarked_ids,
    list_events,
    list_own_meeting_facts,
)
from forum_app.events.models import Event
from forum_app.events.permissions import can_know_event, can_manage_event
from forum_app.registration.models import ACTIVE, Registration, RegistrationState
from forum_app.registration.queries import list_registrations_of

NOWHERE: frozenset[int] = frozenset()


@lru_cache(maxsize=16)
def _speaking(agenda: PublishedAgenda) -> Mapping[int, frozenset[int]]:
    """Ids of the items at which each login speaks."""
    found: dict[int, set[int]] = {}
    for item in agenda.items:
        for speaker in item.speakers:
            if speaker.user_id is not None:
                found.setdefault(speaker.user_id, set()).add(item.id)
    return {user_id: frozenset(ids) for user_id, ids in found.items()}


def personal_contents(user: User, *, year: int) -> Contents:
    """What user's own feed shows now.

    A constant number of statements, whatever the number of entries (closed events need one more
    each). An event that no longer exists for the person is left out with its agenda; their meetings
    stay theirs.
    """
    registrations = list_registrations_of(user)
    meetings = list_own_meeting_facts(user.id)
    bookmarked = list_bookmarked_ids(user.id)
    events = {event.id: event for event in events_of_programme(user.id)}
    programme_ids = tuple(events)
    wanted = {r.event_id for r in registrations} | {m.event_id for m in meetings}
    events |= {event.id: event for event in list_events(wanted - events.keys())}
    known = {id_: event for id_, event in events.items() if can_know_event(user, event)}
    facts = {id_: facts_of(event) for id_, event in events.items()}
    by_event: dict[int, list[Registration]] = {}
    for registration in registrations:
        by_event.setdefault(registration.event_id, []).append(registration)

    parts: list[Part] = []
    open_keys: list[str] = []
    for event_id, own in sorted(by_event.items()):
        if event_id in known and any(r.state != RegistrationState.INVITED for r in own):
            parts.append(AttendancePart(facts[event_id], _attendance(user, own)))
    agendas = current_agendas(programme_ids)
    for event_id in programme_ids:
        agenda = agendas.get(event_id)
        if agenda is None or event_id not in known:
            continue
        own = by_event.get(event_id, [])
        reader = reader_of(user, known[event_id], own)
        settled_at = max((r.state_changed_at for r in own), default=None)
        speaking = _speaking(agenda).get(user.id, NOWHERE)
        shown = facts[event_id]
        for item in agenda.items:
            speaks = item.id in speaking
            if speaks or item.id in bookmarked:
                hidden = not visible_to(item, reader)
                parts.append(item_part(shown, item, hidden=hidden, settled_at=settled_at, chosen=not speaks))
            elif visible_to(item, reader):
                open_keys.append(f"item:{item.id}")
    parts += [MeetingPart(facts[meeting.event_id], meeting) for meeting in meetings]
    made_of = {f"user:{user.id}", f"mail:{user.email_key}", *(f"event:{event_id}" for event_id in events)}
    for registration in registrations:
        made_of |= {f"company:{registration.id}", f"organization:{registration.organization_id}"}
        made_of.add(f"registration:{registration.id}")
    made_of.update(f"meeting:{meeting.id}" for meeting in meetings)
    people = [person for meeting in meetings for person in meeting.others]
    made_of.update(f"registration:{id_}" for id_ in {person.registration_id for person in people})
    made_of.update(f"organization:{id_}" for id_ in {person.organization_id for person in people})
    return contents(
        parts, zone=user.timezone, year=year, open_keys=open_keys, color="steelblue", made_of=made_of
    )


def reader_of(user: User, event: Event, registrations: Sequence[Registration]) -> Reader:
    """As agenda.permissions.reader_at, from rows that are already read."""
    if can_manage_event(user, event):
        return Reader(user_id=user.id, staff=True)
    active = [r for r in registrations if r.state in ACTIVE]
    return reader_with(user, active[-1] if active else None)


def _attendance(user: User, registrations: Sequence[Registration]) -> Attendance:
    active = [r for r in registrations if r.state in ACTIVE]
    latest = (active or registrations)[-1]
    return Attendance(
        user.id,
        latest.state,
        min(r.created_at for r in registrations),
        max(r.state_changed_at for r in registrations),
    )
