"""Reading the day: whose meetings are next, what was freed, what is offered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from forum_app.core.errors import NotFound
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.floor.models import Offer, OfferState
from forum_app.meetings.models import (
    Interpreter,
    Meeting,
    MeetingParticipant,
    MeetingRequest,
    MeetingStatus,
    MeetingTable,
    RequestState,
)
from forum_app.meetings.queries import list_meetings_at, list_meetings_of
from forum_app.registration.models import Registration

# What is freed and not yet on offer is looked for among the latest changes only.
LATEST = timedelta(days=2)


def day_window(event: Event, day: date) -> Interval:
    """A day in the event's zone."""
    zone = ZoneInfo(event.timezone)
    opens = datetime.combine(day, time(), zone)
    closes = datetime.combine(day + timedelta(days=1), time(), zone)
    return Interval(opens.astimezone(UTC), closes.astimezone(UTC))


def list_days(event: Event) -> list[date]:
    """The days of the event."""
    return [event.starts_on + timedelta(days=n) for n in range((event.ends_on - event.starts_on).days + 1)]


def find_interpreter(user: Any, event: Event) -> Interpreter | None:
    """The interpreter who signs in as user at event."""
    if not user.is_authenticated:
        return None
    return db.session.scalar(
        select(Interpreter).where(Interpreter.event_id == event.id, Interpreter.user_id == user.id)
    )


def list_day_of(user: Any, event: Event, window: Interval, interpreter: Interpreter | None) -> list[Meeting]:
    """The meetings in window in which user sits or interprets, loaded with people, table and room, by
    time; cancelled ones and those not held too."""
    found = {
        meeting.id: meeting
        for meeting in list_meetings_of(user.id, event_id=event.id)
        if window.start <= meeting.starts_at < window.end
    }
    if interpreter is not None:
        interpreted = list_meetings_at(
            event.id, starts_from=window.start, starts_before=window.end, interpreter_id=interpreter.id
        )
        found.update((meeting.id, meeting) for meeting in interpreted)
    return sorted(found.values(), key=lambda meeting: (meeting.starts_at, meeting.id))


@dataclass(frozen=True, slots=True)
class TableLine:
    """One table on the board: what goes on there now, and what is next."""

    table: MeetingTable
    now: Meeting | None
    next: Meeting | None


def list_board(event: Event, now: datetime, ahead: timedelta = timedelta(hours=4)) -> list[TableLine]:
    """Tables with what is on and what is next within ahead; tables without either are left out."""
    start = now - timedelta(hours=2)
    meetings = list_meetings_at(
        event.id, starts_from=start, starts_before=now + ahead, statuses=[MeetingStatus.CONFIRMED]
    )
    lines: dict[int, list[Meeting]] = {}
    for meeting in meetings:
        if meeting.table_id is not None and meeting.ends_at > now:
            lines.setdefault(meeting.table_id, []).append(meeting)
    found = []
    for rows in lines.values():
        current = rows[0] if rows[0].starts_at <= now else None
        coming = next((row for row in rows if row.starts_at > now), None)
        table = rows[0].table
        if table is not None:
            found.append(TableLine(table, current, coming))
    return sorted(found, key=lambda line: (line.table.position, line.table.label))


# --- Freed time ------------------------------------------------------------------------------------
_REQUEST = joinedload(Offer.request)
_OFFER = (
    _REQUEST.joinedload(MeetingRequest.asker).joinedload(Registration.organization),
    _REQUEST.joinedload(MeetingRequest.asker).joinedload(Registration.user),
    _REQUEST.joinedload(MeetingRequest.host).joinedload(Registration.organization),
    _REQUEST.joinedload(MeetingRequest.host).joinedload(Registration.user),
    joinedload(Offer.table).joinedload(MeetingTable.room),
)


def get_offer(event_id: int, offer_id: int) -> Offer:
    """An offer of the event with the two people; who may see it is for the caller to ask."""
    row = db.session.scalar(
        select(Offer).where(Offer.id == offer_id, Offer.event_id == event_id).options(*_OFFER)
    )
    if row is None:
        raise NotFound(N_("There is no such offer, or it is not open to you."))
    return row


def list_open_offers(event_id: int, now: datetime, *, registration_id: int | None = None) -> Sequence[Offer]:
    """Offers of an event that can still be answered, or those to one person, by time."""
    statement = select(Offer).where(
        Offer.event_id == event_id, Offer.state == OfferState.OPEN, Offer.expires_at > now
    )
    if registration_id is not None:
        statement = statement.join(Offer.request).where(
            or_(MeetingRequest.asker_id == registration_id, MeetingRequest.host_id == registration_id)
        )
    return db.session.scalars(statement.options(*_OFFER).order_by(Offer.starts_at, Offer.id)).all()


def list_offers_on(most: int = 200) -> Sequence[Offer]:
    """Open offers of all events, with the two people."""
    statement = select(Offer).where(Offer.state == OfferState.OPEN).options(*_OFFER).order_by(Offer.id)
    return db.session.scalars(statement.limit(most)).all()


def list_freed_meetings(now: datetime, most: int = 50) -> Sequence[int]:
    """Ids of meetings lately cancelled or not held whose time is not over and not on offer, at events
    with somebody who waits."""
    waiting = select(MeetingRequest.event_id).where(MeetingRequest.state == RequestState.AGREED)
    on_offer = select(Offer.freed_id).where(
        Offer.freed_id.is_not(None), Offer.state.in_((OfferState.OPEN, OfferState.TAKEN))
    )
    return db.session.scalars(
        select(Meeting.id)
        .where(
            Meeting.status != MeetingStatus.CONFIRMED,
            Meeting.ends_at > now,
            Meeting.changed_at > now - LATEST,
            Meeting.event_id.in_(waiting),
            Meeting.id.not_in(on_offer),
        )
        .order_by(Meeting.starts_at, Meeting.id)
        .limit(most)
    ).all()


def list_waiting(event_id: int) -> Sequence[MeetingRequest]:
    """Mutual interest that waits for a time, with both people."""
    return db.session.scalars(
        select(MeetingRequest)
        .where(MeetingRequest.event_id == event_id, MeetingRequest.state == RequestState.AGREED)
        .options(
            joinedload(MeetingRequest.asker).joinedload(Registration.user),
            joinedload(MeetingRequest.host).joinedload(Registration.user),
        )
        .order_by(MeetingRequest.created_at, MeetingRequest.id)
    ).all()


def list_tried(freed_id: int) -> Collection[int]:
    """Requests to which this freed time was offered before."""
    return set(db.session.scalars(select(Offer.request_id).where(Offer.freed_id == freed_id)))


def list_occupied(event_id: int, span: Interval) -> Collection[int]:
    """Registrations to whom other time that overlaps span is on offer."""
    rows = db.session.execute(
        select(MeetingRequest.asker_id, MeetingRequest.host_id)
        .join(Offer, Offer.request_id == MeetingRequest.id)
        .where(
            Offer.event_id == event_id,
            Offer.state == OfferState.OPEN,
            Offer.starts_at < span.end,
            Offer.ends_at > span.start,
        )
    )
    return {number for row in rows for number in row}


def count_meetings_by_person(event_id: int) -> dict[int, int]:
    """Confirmed meetings per registration: who has few comes first."""
    rows = db.session.execute(
        select(MeetingParticipant.registration_id, func.count())
        .join(MeetingParticipant.meeting)
        .where(Meeting.event_id == event_id, Meeting.status == MeetingStatus.CONFIRMED)
        .group_by(MeetingParticipant.registration_id)
    )
    return {row[0]: row[1] for row in rows}
