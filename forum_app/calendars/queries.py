"""Reading secret addresses, and what one person's feed is made of: columns only, since feeds are
fetched all day and mostly found unchanged."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from hmac import compare_digest
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from forum_app.accounts.links import digest
from forum_app.accounts.models import User
from forum_app.agenda.models import Bookmark
from forum_app.calendars.models import FeedToken
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, Room, Visibility
from forum_app.meetings.models import (
    Interpreter,
    Meeting,
    MeetingFormat,
    MeetingParticipant,
    MeetingStatus,
    MeetingTable,
)
from forum_app.organizations.models import Organization
from forum_app.registration.models import Registration

MOST_TOKEN = 100


# --- Addresses -----------------------------------------------------------------------------------
def get_open_feed(token: str) -> FeedToken:
    """The feed with that secret and its user; one NotFound for forged, revoked and closed accounts."""
    hashed = digest(token) if len(token) <= MOST_TOKEN else ""
    feed = db.session.scalar(
        select(FeedToken)
        .join(FeedToken.user)
        .where(
            FeedToken.token_hash == hashed,
            FeedToken.revoked_at.is_(None),
            User.disabled_at.is_(None),
        )
        .options(joinedload(FeedToken.user))
    )
    # an index finds the digest of the secret, never the secret, so its timing tells nothing
    if feed is None or not compare_digest(feed.token_hash, hashed):
        raise NotFound(N_("There is no such calendar."))
    return feed


def list_open_feeds(user_id: int) -> Sequence[FeedToken]:
    """Addresses of a person that still work, newest first."""
    return db.session.scalars(
        select(FeedToken)
        .where(FeedToken.user_id == user_id, FeedToken.revoked_at.is_(None))
        .order_by(FeedToken.created_at.desc(), FeedToken.id.desc())
    ).all()


def count_open_feeds(user_id: int) -> int:
    """How many addresses of a person still work."""
    statement = select(func.count()).where(FeedToken.user_id == user_id, FeedToken.revoked_at.is_(None))
    return db.session.scalar(statement) or 0


# --- Rows of a feed ------------------------------------------------------------------------------
class EventFacts(NamedTuple):
    """What entries say of an event; by value, so that a change there makes another feed."""

    id: int
    slug: str
    title_en: str
    title_ja: str
    venue_en: str
    venue_ja: str
    address_en: str
    address_ja: str
    timezone: str
    starts_on: date
    ends_on: date
    visibility: Visibility
    created_at: datetime
    version: int


def facts_of(event: Event) -> EventFacts:
    """The facts of an event row."""
    return EventFacts(*(getattr(event, name) for name in EventFacts._fields))


class PersonFacts(NamedTuple):
    """Whom one meets."""

    name_latin: str
    name_native: str
    organization_en: str | None
    organization_ja: str | None


class MeetingFacts(NamedTuple):
    """One meeting of a person. Instants are aware, UTC."""

    id: int
    event_id: int
    uid: str
    sequence: int
    status: MeetingStatus
    starts_at: datetime
    ends_at: datetime
    topic: str
    cancel_reason: str
    created_at: datetime
    changed_at: datetime
    table: str | None
    room_en: str | None
    room_ja: str | None
    interpreter_latin: str | None
    interpreter_native: str | None
    format: MeetingFormat = MeetingFormat.IN_PERSON
    link: str = ""
    others: tuple[PersonFacts, ...] = ()


def list_meeting_facts(user_id: int) -> list[MeetingFacts]:
    """All meetings of a person at all events, cancelled ones too, by time; two statements."""
    mine = (
        select(MeetingParticipant.meeting_id)
        .join(Registration, Registration.id == MeetingParticipant.registration_id)
        .where(Registration.user_id == user_id)
    )
    columns: list[Any] = [
        Meeting.id,
        Meeting.event_id,
        Meeting.uid,
        Meeting.sequence,
        Meeting.status,
        Meeting.starts_at,
        Meeting.ends_at,
        Meeting.topic,
        Meeting.cancel_reason,
        Meeting.created_at,
        Meeting.changed_at,
        MeetingTable.label,
        Room.name_en,
        Room.name_ja,
        Interpreter.name_latin,
        Interpreter.name_native,
        Meeting.format,
        Meeting.link,
    ]
    rows = db.session.execute(
        select(*columns)
        .outerjoin(MeetingTable, MeetingTable.id == Meeting.table_id)
        .outerjoin(Room, Room.id == MeetingTable.room_id)
        .outerjoin(Interpreter, Interpreter.id == Meeting.interpreter_id)
        .where(Meeting.id.in_(mine))
        .order_by(Meeting.starts_at, Meeting.id)
    ).all()
    others: dict[int, list[PersonFacts]] = {}
    if rows:
        for meeting_id, *person in db.session.execute(
            select(
                MeetingParticipant.meeting_id,
                Registration.name_latin,
                Registration.name_native,
                Organization.name_en,
                Organization.name_ja,
            )
            .join(Registration, Registration.id == MeetingParticipant.registration_id)
            .outerjoin(Organization, Organization.id == Registration.organization_id)
            .where(
                MeetingParticipant.meeting_id.in_(mine),
                Registration.user_id.is_distinct_from(user_id),
            )
            .order_by(MeetingParticipant.meeting_id, MeetingParticipant.registration_id)
        ):
            others.setdefault(meeting_id, []).append(PersonFacts(*person))
    return [MeetingFacts(*row)._replace(others=tuple(others.get(row.id, ()))) for row in rows]


def list_bookmarked_ids(user_id: int) -> set[int]:
    """Ids of the items that a person put into their programme, at all events."""
    return set(db.session.scalars(select(Bookmark.item_id).where(Bookmark.user_id == user_id)))


def list_events(event_ids: Iterable[int]) -> Sequence[Event]:
    """The events with these ids."""
    ids = sorted(event_ids)
    return db.session.scalars(select(Event).where(Event.id.in_(ids))).all() if ids else ()
