"""What there is to be reminded of, and who chose what."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload, selectinload

from forum_app.accounts.models import User
from forum_app.agenda.models import Bookmark
from forum_app.agenda.permissions import Reader, reader_with, visible_to
from forum_app.agenda.queries import current_agendas
from forum_app.agenda.snapshot import PublishedItem
from forum_app.db import db
from forum_app.events.models import Event, EventRole
from forum_app.events.queries import list_people_with_role
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingStatus, MeetingTable
from forum_app.registration.models import ACTIVE, SEATED, Registration
from forum_app.reminders.models import LEADS, USUAL, Lead, ReminderChoice, SentReminder, Subject

OPENS = time(9)  # an event begins on a day; its doors, as far as we know, at nine
FURTHEST = max(LEADS.values()) + timedelta(days=2)
MOST_IDS = 500


@dataclass(frozen=True, slots=True)
class Coming:
    """Something of one person that begins soon. known_at: since when they know of it as it is.

    day: of its start in the event's zone, as an ordinal; what comes on one day is told in one mail.
    """

    user_id: int
    subject: Subject
    subject_id: int
    starts_at: datetime
    known_at: datetime
    day: int
    thing: Event | Meeting | PublishedItem


def list_events_ahead(now: datetime) -> Sequence[Event]:
    """Published events that begin within a week or have not ended."""
    day = now.date()
    return db.session.scalars(
        select(Event)
        .where(
            Event.published_at.is_not(None),
            Event.starts_on <= day + FURTHEST,
            Event.ends_on >= day - timedelta(days=1),
        )
        .order_by(Event.id)
    ).all()


def opens_at(event: Event) -> datetime:
    """When an event begins, as far as reminders go; UTC."""
    return datetime.combine(event.starts_on, OPENS, ZoneInfo(event.timezone)).astimezone(UTC)


def list_coming(event: Event, now: datetime, only: Collection[int] | None = None) -> list[Coming]:
    """All that people have before them at an event until a week from now; a fixed number of statements.

    only: ids of some hundred people at most, else everybody.
    """
    of_some = Registration.user_id.in_(only) if only is not None else Registration.user_id.is_not(None)
    registrations = db.session.scalars(
        select(Registration)
        .where(Registration.event_id == event.id, of_some, Registration.state.in_(ACTIVE))
        .options(joinedload(Registration.organization))
        .order_by(Registration.id)
    ).all()
    by_user = {row.user_id: row for row in registrations if row.user_id is not None}
    zone = ZoneInfo(event.timezone)
    until = now + FURTHEST

    def coming(
        user_id: int,
        subject: Subject,
        thing: Event | Meeting | PublishedItem,
        start: datetime,
        known: datetime,
    ) -> Coming:
        day = start.astimezone(zone).toordinal()
        return Coming(user_id, subject, thing.id, start, known, day, thing)

    found: list[Coming] = []
    start = opens_at(event)
    if now < start <= until:
        found += [
            coming(user_id, Subject.EVENT, event, start, row.state_changed_at)
            for user_id, row in by_user.items()
            if row.state in SEATED
        ]
    for user_id, meeting in _meetings(event.id, now, until, of_some, whole=only is not None):
        found.append(coming(user_id, Subject.MEETING, meeting, meeting.starts_at, meeting.changed_at))
    agenda = current_agendas([event.id]).get(event.id)
    if agenda is not None:
        items = [i for i in agenda.items if not i.is_cancelled and now < i.starts_at <= until]
        staff = {grant.user_id for grant in list_people_with_role(event.id, EventRole.ORGANIZER)}
        found += [
            coming(user_id, Subject.ITEM, item, item.starts_at, known)
            for user_id, item, known in _items(items, by_user, staff)
            if only is None or user_id in only
        ]
    return found


def _meetings(
    event_id: int, now: datetime, until: datetime, of_some: ColumnElement[bool], *, whole: bool
) -> Iterable[tuple[int, Meeting]]:
    """Who meets. whole: with table, room and the others, as a mail needs them."""
    rows = db.session.execute(
        select(Registration.user_id, Meeting)
        .join(MeetingParticipant, MeetingParticipant.meeting_id == Meeting.id)
        .join(Registration, Registration.id == MeetingParticipant.registration_id)
        .where(
            of_some,
            Registration.state.in_(ACTIVE),
            Meeting.event_id == event_id,
            Meeting.status == MeetingStatus.CONFIRMED,
            Meeting.starts_at > now,
            Meeting.starts_at <= until,
        )
        .options(*_WHOLE if whole else ())
    )
    for user_id, meeting in rows:
        if user_id is not None:
            yield user_id, meeting


_WHOLE = (
    joinedload(Meeting.table).joinedload(MeetingTable.room),
    selectinload(Meeting.participants)
    .joinedload(MeetingParticipant.registration)
    .joinedload(Registration.organization),
)


def _items(
    items: Sequence[PublishedItem], by_user: Mapping[int, Registration], staff: Collection[int]
) -> Iterable[tuple[int, PublishedItem, datetime]]:
    """Who speaks at an item, or chose it and may know of it."""
    chosen: dict[int, dict[int, datetime]] = defaultdict(dict)
    ids = [item.id for item in items]
    for start in range(0, len(ids), MOST_IDS):
        statement = select(Bookmark.item_id, Bookmark.user_id, Bookmark.created_at)
        for item_id, user_id, at in db.session.execute(
            statement.where(Bookmark.item_id.in_(ids[start : start + MOST_IDS]))
        ):
            chosen[item_id][user_id] = at
    readers: dict[int, Reader] = {}
    for item in items:
        people = dict(chosen[item.id])
        people |= {s.user_id: item.changed_at for s in item.speakers if s.user_id is not None}
        for user_id, at in people.items():
            if user_id not in readers:
                readers[user_id] = _reader(user_id, by_user.get(user_id), user_id in staff)
            if visible_to(item, readers[user_id]):
                yield user_id, item, max(at, item.changed_at)


def _reader(user_id: int, registration: Registration | None, staff: bool) -> Reader:
    if staff:
        return Reader(user_id=user_id, staff=True)
    return reader_with(_Login(user_id), registration)


@dataclass(frozen=True, slots=True)
class _Login:
    id: int


# --- Wishes and what went --------------------------------------------------------------------------
def list_people(user_ids: Iterable[int]) -> dict[int, User]:
    """Logins that are in use."""
    ids, people = sorted(user_ids), {}
    for start in range(0, len(ids), MOST_IDS):
        part = ids[start : start + MOST_IDS]
        for user in db.session.scalars(select(User).where(User.id.in_(part), User.disabled_at.is_(None))):
            people[user.id] = user
    return people


def list_choices(user_ids: Iterable[int]) -> dict[int, dict[Subject, tuple[Lead, ...]]]:
    """What each person wishes to be reminded of."""
    ids = sorted(user_ids)
    chosen = dict.fromkeys(ids, USUAL)
    for start in range(0, len(ids), MOST_IDS):
        part = ids[start : start + MOST_IDS]
        for row in db.session.scalars(select(ReminderChoice).where(ReminderChoice.user_id.in_(part))):
            chosen[row.user_id] = read_choice(row)
    return chosen


def choice_of(user_id: int) -> dict[Subject, tuple[Lead, ...]]:
    """What one person wishes."""
    return list_choices([user_id])[user_id]


def read_choice(row: ReminderChoice) -> dict[Subject, tuple[Lead, ...]]:
    """A row's choice; what is not known is left out."""
    return {
        subject: tuple(lead for lead in Lead if lead.value in row.wanted.get(subject.value, []))
        for subject in Subject
    }


Key = tuple[int, Subject, int, Lead, datetime]


def list_sent(since: datetime) -> set[Key]:
    """What went about things that begin after since."""
    rows = db.session.execute(
        select(
            SentReminder.user_id,
            SentReminder.subject,
            SentReminder.subject_id,
            SentReminder.lead,
            SentReminder.starts_at,
        ).where(SentReminder.starts_at > since)
    )
    return {(row[0], row[1], row[2], row[3], row[4]) for row in rows}
