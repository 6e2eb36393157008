"""Of what a person may have an address, to choose from."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from forum_app.accounts.models import User
from forum_app.calendars.models import FeedScope
from forum_app.calendars.queries import list_interpreters_of, list_own_interpreting, list_tables_of
from forum_app.calendars.services import PERSON, Subject
from forum_app.db import db
from forum_app.events.models import Event, Room, Track
from forum_app.events.queries import list_own_events, list_participations, list_rooms, list_tracks
from forum_app.organizations.models import MemberRole
from forum_app.organizations.queries import list_memberships

MOST_EVENTS = 10


class Choice(NamedTuple):
    """value: in a form. row: what it is called after."""

    value: str
    subject: Subject
    row: object


def choices_of_person(user: User, now: datetime) -> list[Choice]:
    """Everything of theirs, organizations they speak for, where they interpret, and the agendas, tracks and
    rooms of their events that are not over; a constant number of statements."""
    found = [Choice(FeedScope.PERSON.value, PERSON, user)]
    for membership in list_memberships(user.id):
        if membership.role == MemberRole.REPRESENTATIVE:
            organization = membership.organization
            subject = Subject(FeedScope.ORGANIZATION, organization=organization)
            found.append(Choice(f"organization-{organization.id}", subject, organization))
    for interpreter, event in list_own_interpreting(user.id):
        subject = Subject(FeedScope.INTERPRETER, event=event, interpreter=interpreter)
        found.append(Choice(f"interpreter-{interpreter.id}", subject, interpreter))
    events = list_own_events(user, list_participations(user), now, limit=MOST_EVENTS)
    ids = [event.id for event in events]
    tracks = db.session.scalars(
        select(Track).where(Track.event_id.in_(ids)).order_by(Track.position, Track.id)
    ).all()
    rooms = db.session.scalars(
        select(Room).where(Room.event_id.in_(ids)).order_by(Room.position, Room.id)
    ).all()
    for event in events:
        found += _of_event(
            event, (t for t in tracks if t.event_id == event.id), (r for r in rooms if r.event_id == event.id)
        )
    return found


def choices_of_event(event: Event) -> list[Choice]:
    """The agenda, each track, room, table and interpreter, for organizers; four statements."""
    found = _of_event(event, list_tracks(event.id), list_rooms(event.id))
    for table in list_tables_of(event.id):
        found.append(Choice(f"table-{table.id}", Subject(FeedScope.TABLE, event=event, table=table), table))
    for person in list_interpreters_of(event.id):
        subject = Subject(FeedScope.INTERPRETER, event=event, interpreter=person)
        found.append(Choice(f"interpreter-{person.id}", subject, person))
    return found


def _of_event(event: Event, tracks: Iterable[Track], rooms: Iterable[Room]) -> list[Choice]:
    found = [Choice(f"event-{event.id}", Subject(FeedScope.EVENT, event=event), event)]
    found += [Choice(f"track-{t.id}", Subject(FeedScope.TRACK, event=event, track=t), t) for t in tracks]
    found += [Choice(f"room-{r.id}", Subject(FeedScope.ROOM, event=event, room=r), r) for r in rooms]
    return found


def chosen(choices: Sequence[Choice], value: str) -> Subject:
    """The subject of a value that was offered."""
    return next(choice.subject for choice in choices if choice.value == value)
