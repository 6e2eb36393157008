"""Reading secret addresses, and what one person's feed is made of: columns only, since feeds are
fetched all day and mostly found unchanged."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property, lru_cache
from hmac import compare_digest
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, func, select, true
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from forum_app.accounts.links import digest
from forum_app.accounts.models import User
from forum_app.agenda.models import Bookmark, Speaker
from forum_app.calendars.models import FeedToken, Shown
from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import Lookup, db, run
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
MOST_SHOWN = 500  # addresses on an organizer's page


# --- Addresses -----------------------------------------------------------------------------------
_SUBJECTS = (
    joinedload(FeedToken.event),
    joinedload(FeedToken.track),
    joinedload(FeedToken.room),
    joinedload(FeedToken.organization),
    joinedload(FeedToken.table),
    joinedload(FeedToken.interpreter),
)


_OPEN_FEED = Lookup(
    FeedToken,
    select(FeedToken).where(FeedToken.token_hash == bindparam("token_hash"), FeedToken.revoked_at.is_(None)),
)
_OWNER = Lookup(User, select(User).where(User.id == bindparam("user_id"), User.disabled_at.is_(None)))


def get_open_feed(token: str) -> FeedToken:
    """The feed with that secret and its user; one NotFound for forged, revoked and closed accounts."""
    hashed = digest(token) if len(token) <= MOST_TOKEN else ""
    feed = _OPEN_FEED.one_or_none({"token_hash": hashed})
    user = _OWNER.one_or_none({"user_id": feed.user_id}) if feed is not None else None
    # an index finds the digest of the secret, never the secret, so its timing tells nothing
    if feed is None or user is None or not compare_digest(feed.token_hash, hashed):
        raise NotFound(N_("There is no such calendar."))
    set_committed_value(feed, "user", user)
    return feed


def get_feed(feed_id: int) -> FeedToken:
    """An address that still works, by its number, with its subject; raises NotFound."""
    feed = db.session.scalar(
        select(FeedToken).where(FeedToken.id == feed_id, FeedToken.revoked_at.is_(None)).options(*_SUBJECTS)
    )
    if feed is None:
        raise NotFound(N_("There is no such calendar."))
    return feed


def list_open_feeds(user_id: int) -> Sequence[FeedToken]:
    """Addresses of a person that still work with their subjects, newest first."""
    return db.session.scalars(
        select(FeedToken)
        .where(FeedToken.user_id == user_id, FeedToken.revoked_at.is_(None))
        .options(*_SUBJECTS)
        .order_by(FeedToken.created_at.desc(), FeedToken.id.desc())
    ).all()


def list_event_feeds(event_id: int) -> Sequence[FeedToken]:
    """Addresses of an event and its parts that still work, with their owners, newest first."""
    return db.session.scalars(
        select(FeedToken)
        .where(FeedToken.event_id == event_id, FeedToken.revoked_at.is_(None))
        .options(joinedload(FeedToken.user), *_SUBJECTS)
        .order_by(FeedToken.created_at.desc(), FeedToken.id.desc())
        .limit(MOST_SHOWN)
    ).all()


def count_open_feeds(user_id: int, event_id: int | None) -> int:
    """How many addresses of a person still work: of an event, or those of no event."""
    statement = select(func.count()).where(
        FeedToken.user_id == user_id, FeedToken.event_id == event_id, FeedToken.revoked_at.is_(None)
    )
    return db.session.scalar(statement) or 0


# --- What was shown ------------------------------------------------------------------------------
class ShownState(NamedTuple):
    """What a feed has shown. entries: JSON, see calendars/ledger.py."""

    fingerprint: str
    version: int
    entries: str


_SHOWN_OF_TOKEN = select(Shown.fingerprint, Shown.version, Shown.entries).where(
    Shown.token_id == bindparam("number")
)
_SHOWN_OF_EVENT = select(Shown.fingerprint, Shown.version, Shown.entries).where(
    Shown.event_id == bindparam("number")
)


def find_shown(*, token_id: int | None = None, event_id: int | None = None) -> ShownState | None:
    """What an address has shown, or an event's agenda."""
    statement = _SHOWN_OF_TOKEN if event_id is None else _SHOWN_OF_EVENT
    row = run(statement, {"number": token_id if event_id is None else event_id}).one_or_none()
    return None if row is None else ShownState(*tuple(row))


# --- Rows of a feed ------------------------------------------------------------------------------
class _EventColumns(NamedTuple):
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


class EventFacts(_EventColumns):
    """What entries say of an event; by value, so that a change there makes another feed."""

    @cached_property
    def venue(self) -> str:
        """In both languages, as digests of entries are made of it."""
        return repr((self.venue_en, self.venue_ja))

    @cached_property
    def named(self) -> str:
        """What its meetings show of it, as digests of entries are made of it."""
        return repr((self.slug, self.timezone, self.title_en, self.title_ja, self.venue))


_FACTS = attrgetter(*EventFacts._fields)
_facts: dict[int, EventFacts] = {}


def facts_of(event: Event) -> EventFacts:
    """The facts of an event row; the same object as long as they are the same, to be compared at a glance."""
    facts = EventFacts(*_FACTS(event))
    known = _facts.get(facts.id)
    if known == facts:
        return known
    if len(_facts) >= 100:
        _facts.clear()
    _facts[facts.id] = facts
    return facts


class PersonFacts(NamedTuple):
    """Whom one meets."""

    name_latin: str
    name_native: str
    organization_en: str | None
    organization_ja: str | None
    user_id: int | None = None
    registration_id: int | None = None
    organization_id: int | None = None


class MeetingFacts(NamedTuple):
    """One meeting of a person. Instants are aware, UTC.

    shown: all of it but id, sequence and changed_at, as text.
    """

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
    closed: bool = False
    others: tuple[PersonFacts, ...] = ()
    shown: str = ""


def meetings_of_user(user_id: int | BindParameter[int]) -> Select[Any]:
    """Ids of the meetings of a person at all events."""
    return (
        select(MeetingParticipant.meeting_id)
        .join(Registration, Registration.id == MeetingParticipant.registration_id)
        .where(Registration.user_id == user_id)
    )


def meetings_of_organization(organization_id: int) -> Select[Any]:
    """Ids of the meetings of an organization's people at all events."""
    return (
        select(MeetingParticipant.meeting_id)
        .join(Registration, Registration.id == MeetingParticipant.registration_id)
        .where(Registration.organization_id == organization_id)
    )


def meetings_at_table(table_id: int) -> Select[Any]:
    """Ids of the meetings that have a table."""
    return select(Meeting.id).where(Meeting.table_id == table_id)


def meetings_with_interpreter(interpreter_id: int) -> Select[Any]:
    """Ids of the meetings that an interpreter is planned for."""
    return select(Meeting.id).where(Meeting.interpreter_id == interpreter_id)


_COLUMNS: tuple[Any, ...] = (
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
    Meeting.closed,
)


def _meetings_and_people(mine: Select[Any], whom: ColumnElement[bool]) -> tuple[Select[Any], Select[Any]]:
    """Statements of the meetings with these ids, and of whom they are with."""
    meetings = (
        select(*_COLUMNS)
        .outerjoin(MeetingTable, MeetingTable.id == Meeting.table_id)
        .outerjoin(Room, Room.id == MeetingTable.room_id)
        .outerjoin(Interpreter, Interpreter.id == Meeting.interpreter_id)
        .where(Meeting.id.in_(mine))
        .order_by(Meeting.starts_at, Meeting.id)
    )
    people: Any = (
        select(
            MeetingParticipant.meeting_id,
            Registration.name_latin,
            Registration.name_native,
            Organization.name_en,
            Organization.name_ja,
            Registration.user_id,
            Registration.id,
            Registration.organization_id,
        )
        .join(Registration, Registration.id == MeetingParticipant.registration_id)
        .outerjoin(Organization, Organization.id == Registration.organization_id)
        .where(MeetingParticipant.meeting_id.in_(mine), whom)
        .order_by(MeetingParticipant.meeting_id, MeetingParticipant.registration_id)
    )
    return meetings, people


# Built once: feeds of persons are fetched all day, and building these costs as much as running them.
_OF_USER = _meetings_and_people(
    meetings_of_user(bindparam("user_id")), Registration.user_id.is_distinct_from(bindparam("user_id"))
)


def list_meeting_facts(mine: Select[Any]) -> list[MeetingFacts]:
    """The meetings with these ids, cancelled ones too, by time, and all who meet; two statements."""
    return _read_meetings(_meetings_and_people(mine, true()), {})


def list_own_meeting_facts(user_id: int) -> list[MeetingFacts]:
    """The meetings of a person, by time, and whom they meet; two statements."""
    return _read_meetings(_OF_USER, {"user_id": user_id})


def _read_meetings(
    statements: tuple[Select[Any], Select[Any]], values: Mapping[str, Any]
) -> list[MeetingFacts]:
    db.session.flush()
    rows = run(statements[0], values).all()
    people: dict[int, list[PersonFacts]] = {}
    if rows:
        for row in run(statements[1], values).all():
            people.setdefault(row[0], []).append(PersonFacts._make(row[1:]))
    return [_meeting_facts(tuple(row), tuple(people.get(row[0], ()))) for row in rows]


def _meeting_facts(row: tuple[Any, ...], others: tuple[PersonFacts, ...]) -> MeetingFacts:
    _, event_id, uid, _, status, starts, ends, topic, reason, created, _, *place, how, link, closed = row
    # plain tuples and texts: how anything else names itself takes ten times as long
    times = (_written(starts), _written(ends), _written(created))
    people = [person[:5] for person in others]
    shown = (event_id, uid, status.name, times, topic, reason, place, how.name, link, closed, people)
    return MeetingFacts._make((*row, others, repr(shown)))


_written = lru_cache(maxsize=1024)(datetime.isoformat)  # meetings share their times


_BOOKMARKED = select(Bookmark.item_id).where(Bookmark.user_id == bindparam("user_id"))


def list_bookmarked_ids(user_id: int) -> set[int]:
    """Ids of the items that a person put into their programme, at all events."""
    db.session.flush()
    return {row[0] for row in run(_BOOKMARKED, {"user_id": user_id}).all()}


def list_speaking_events(organization_id: int) -> Sequence[Event]:
    """Events at which somebody speaks for an organization."""
    ids = select(Speaker.event_id).where(Speaker.organization_id == organization_id)
    return db.session.scalars(select(Event).where(Event.id.in_(ids)).order_by(Event.id)).all()


def list_tables_of(event_id: int) -> Sequence[MeetingTable]:
    """Tables of an event, in their order."""
    return db.session.scalars(
        select(MeetingTable)
        .where(MeetingTable.event_id == event_id)
        .order_by(MeetingTable.position, MeetingTable.label, MeetingTable.id)
    ).all()


def list_interpreters_of(event_id: int) -> Sequence[Interpreter]:
    """Interpreters of an event."""
    return db.session.scalars(
        select(Interpreter).where(Interpreter.event_id == event_id).order_by(Interpreter.id)
    ).all()


def list_own_interpreting(user_id: int) -> Sequence[tuple[Interpreter, Event]]:
    """Where a person interprets."""
    rows = db.session.execute(
        select(Interpreter, Event)
        .join(Event, Event.id == Interpreter.event_id)
        .where(Interpreter.user_id == user_id)
        .order_by(Event.starts_on.desc(), Interpreter.id)
    )
    return [(interpreter, event) for interpreter, event in rows]


def list_events(event_ids: Iterable[int]) -> Sequence[Event]:
    """The events with these ids."""
    ids = sorted(event_ids)
    return db.session.scalars(select(Event).where(Event.id.in_(ids))).all() if ids else ()
