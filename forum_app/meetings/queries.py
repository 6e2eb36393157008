"""Reading people, requests and meetings of an event."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.models import (
    Interpreter,
    Meeting,
    MeetingParticipant,
    MeetingRequest,
    MeetingRole,
    MeetingStatus,
    MeetingTable,
    Priority,
    RequestState,
)
from forum_app.registration.models import Registration, RegistrationState
from forum_app.registration.queries import find_registration
from forum_app.web.tables import Page, TableState, contains, paginate

PRESENT = frozenset({RegistrationState.APPROVED, RegistrationState.CHECKED_IN})
OPEN = frozenset({RequestState.PENDING, RequestState.AGREED, RequestState.ACCEPTED})

PERSON = (
    joinedload(Registration.organization),
    joinedload(Registration.type),
    joinedload(Registration.user),
)


def pair_options() -> list[ORMOption]:
    """Both people of a request with what their names and permissions need."""
    asker, host = joinedload(MeetingRequest.asker), joinedload(MeetingRequest.host)
    return [
        asker.joinedload(Registration.organization),
        asker.joinedload(Registration.user),
        host.joinedload(Registration.organization),
        host.joinedload(Registration.user),
        host.joinedload(Registration.type),
        asker.joinedload(Registration.type),
    ]


def _meeting_options() -> list[ORMOption]:
    people = selectinload(Meeting.participants).joinedload(MeetingParticipant.registration)
    return [
        joinedload(Meeting.event),
        joinedload(Meeting.table).joinedload(MeetingTable.room),
        joinedload(Meeting.interpreter),
        people.joinedload(Registration.organization),
        people.joinedload(Registration.user),
    ]


# --- People ------------------------------------------------------------------------------------


def find_participant(user: Any, event: Event) -> Registration | None:
    """The registration with which user takes part in event (approved or checked in), else None."""
    registration = find_registration(user, event)
    if registration is None or registration.state not in PRESENT or registration.user_id is None:
        return None
    return registration


def is_present() -> ColumnElement[bool]:
    """SQL: this registration may take part in meetings; claims are kept by login, so there is one."""
    return Registration.state.in_(PRESENT) & Registration.user_id.is_not(None)


def get_participant(event_id: int, registration_id: int) -> Registration:
    """An approved or checked-in person of the event with login, organization and type, else NotFound."""
    row = db.session.scalar(
        select(Registration)
        .where(Registration.id == registration_id, Registration.event_id == event_id, is_present())
        .options(*PERSON)
    )
    if row is None:
        raise NotFound(N_("This person does not take part in the event, or cannot be asked."))
    return row


# --- Requests ----------------------------------------------------------------------------------


def get_request(event_id: int, request_id: int) -> MeetingRequest:
    """A request of the event with both people; who may see it is for the caller to ask."""
    row = db.session.scalar(
        select(MeetingRequest)
        .where(MeetingRequest.id == request_id, MeetingRequest.event_id == event_id)
        .options(*pair_options())
    )
    if row is None:
        raise NotFound(N_("There is no such request, or it is not open to you."))
    return row


def find_open_request(one_id: int, other_id: int) -> MeetingRequest | None:
    """The open request between two registrations, whoever asked; that of one_id first."""
    return db.session.scalar(
        select(MeetingRequest)
        .where(
            MeetingRequest.state.in_(OPEN),
            MeetingRequest.asker_id.in_((one_id, other_id)),
            MeetingRequest.host_id.in_((one_id, other_id)),
        )
        .order_by(MeetingRequest.asker_id != one_id)
        .limit(1)
    )


def count_pending_of(asker_id: int) -> int:
    """How many requests of this registration wait for an answer."""
    return (
        db.session.scalar(
            select(func.count()).where(
                MeetingRequest.asker_id == asker_id, MeetingRequest.state == RequestState.PENDING
            )
        )
        or 0
    )


def urgency() -> list[Any]:
    """Order of requests: waiting ones, must-haves, the oldest first."""
    pending = case((MeetingRequest.state == RequestState.PENDING, 0), else_=1)
    must = case((MeetingRequest.priority == Priority.MUST, 0), else_=1)
    return [pending, must, MeetingRequest.created_at, MeetingRequest.id]


def page_requests(event_id: int, state: TableState) -> Page[MeetingRequest]:
    """All requests of an event for its organizers; filters: state, priority."""
    asker, host = aliased(Registration), aliased(Registration)
    statement = (
        select(MeetingRequest)
        .join(asker, MeetingRequest.asker_id == asker.id)
        .join(host, MeetingRequest.host_id == host.id)
        .where(MeetingRequest.event_id == event_id)
        .options(*pair_options())
    )
    if state.q:
        pattern = contains(state.q)
        columns = [MeetingRequest.topic]
        for person in (asker, host):
            columns += [person.name_latin, person.name_native, person.name_kana]
        statement = statement.where(or_(*[c.ilike(pattern, escape="\\") for c in columns]))
    if chosen := state.filters.get("state"):
        statement = statement.where(MeetingRequest.state == RequestState(chosen))
    if chosen := state.filters.get("priority"):
        statement = statement.where(MeetingRequest.priority == Priority(chosen))
    return paginate(
        statement,
        state,
        sorts={
            "waiting": urgency(),
            "topic": [func.lower(MeetingRequest.topic), MeetingRequest.id],
            "created": [MeetingRequest.created_at, MeetingRequest.id],
        },
    )


def count_requests(event_id: int) -> dict[RequestState, int]:
    """How many requests of an event are in which state."""
    rows = db.session.execute(
        select(MeetingRequest.state, func.count())
        .where(MeetingRequest.event_id == event_id)
        .group_by(MeetingRequest.state)
    )
    return {row[0]: row[1] for row in rows}


# --- Meetings ----------------------------------------------------------------------------------


def _meetings() -> Select[Any]:
    return select(Meeting).options(*_meeting_options()).order_by(Meeting.starts_at, Meeting.id)


def get_meeting(event_id: int, meeting_id: int) -> Meeting:
    """A meeting of the event with table and people; who may see it is for the caller to ask."""
    row: Meeting | None = db.session.scalar(
        _meetings().where(Meeting.id == meeting_id, Meeting.event_id == event_id)
    )
    if row is None:
        raise NotFound(N_("There is no such meeting, or it is not open to you."))
    return row


def list_meetings_of(user_id: int, *, event_id: int | None = None) -> Sequence[Meeting]:
    """Meetings of a person in order of time, cancelled ones too, at all events or at one.

    Loaded with event, table, room, interpreter and participants (registration, organization, user):
    two statements whatever their number.
    """
    mine = (
        select(MeetingParticipant.meeting_id)
        .join(MeetingParticipant.registration)
        .where(Registration.user_id == user_id)
    )
    statement = _meetings().where(Meeting.id.in_(mine))
    if event_id is not None:
        statement = statement.where(Meeting.event_id == event_id)
    return db.session.scalars(statement).all()


def list_meetings_at(
    event_id: int,
    *,
    starts_from: datetime | None = None,
    starts_before: datetime | None = None,
    statuses: Collection[MeetingStatus] = tuple(MeetingStatus),
    interpreter_id: int | None = None,
) -> Sequence[Meeting]:
    """Meetings of an event in order of time, loaded as in list_meetings_of; of one interpreter if given."""
    statement = _meetings().where(Meeting.event_id == event_id, Meeting.status.in_(statuses))
    if starts_from is not None:
        statement = statement.where(Meeting.starts_at >= starts_from)
    if starts_before is not None:
        statement = statement.where(Meeting.starts_at < starts_before)
    if interpreter_id is not None:
        statement = statement.where(Meeting.interpreter_id == interpreter_id)
    return db.session.scalars(statement).all()


def count_meetings(event_id: int) -> dict[MeetingStatus, int]:
    """How many meetings of an event have which status."""
    rows = db.session.execute(
        select(Meeting.status, func.count()).where(Meeting.event_id == event_id).group_by(Meeting.status)
    )
    return {row[0]: row[1] for row in rows}


def participant_of(meeting: Meeting, role: MeetingRole) -> Registration | None:
    """The host or the guest of a loaded meeting."""
    return next((p.registration for p in meeting.participants if p.role == role), None)


def list_orphaned_meetings(now: datetime, most: int = 50) -> Sequence[Meeting]:
    """Coming meetings with somebody who no longer takes part in the event."""
    gone = (
        select(MeetingParticipant.meeting_id)
        .join(MeetingParticipant.registration)
        .where(Registration.state.not_in((*PRESENT, RegistrationState.NO_SHOW)))
    )
    return db.session.scalars(
        _meetings()
        .where(Meeting.status == MeetingStatus.CONFIRMED, Meeting.starts_at > now, Meeting.id.in_(gone))
        .limit(most)
    ).all()


def list_orphaned_requests(now: datetime, most: int = 50) -> Sequence[MeetingRequest]:
    """Waiting and agreed requests with somebody who no longer takes part, or of an event that is over."""
    asker, host = aliased(Registration), aliased(Registration)
    over = Event.ends_on < now.date()  # a day late west of UTC, never early anywhere
    staying = (*PRESENT, RegistrationState.NO_SHOW)
    return db.session.scalars(
        select(MeetingRequest)
        .join(asker, MeetingRequest.asker_id == asker.id)
        .join(host, MeetingRequest.host_id == host.id)
        .join(Event, MeetingRequest.event_id == Event.id)
        .where(
            MeetingRequest.state.in_((RequestState.PENDING, RequestState.AGREED)),
            or_(asker.state.not_in(staying), host.state.not_in(staying), over),
        )
        .options(*pair_options())
        .order_by(MeetingRequest.id)
        .limit(most)
    ).all()


# --- Tables and interpreters ---------------------------------------------------------------------


def list_tables(event_id: int) -> Sequence[MeetingTable]:
    """Tables of an event in their order, with rooms."""
    return db.session.scalars(
        select(MeetingTable)
        .where(MeetingTable.event_id == event_id)
        .options(joinedload(MeetingTable.room))
        .order_by(MeetingTable.position, MeetingTable.id)
    ).all()


def get_table(event_id: int, table_id: int) -> MeetingTable:
    """A table of the event, else NotFound."""
    row = db.session.scalar(
        select(MeetingTable)
        .where(MeetingTable.id == table_id, MeetingTable.event_id == event_id)
        .options(joinedload(MeetingTable.room))
    )
    if row is None:
        raise NotFound(N_("There is no such table at this event."))
    return row


def get_interpreter(event_id: int, interpreter_id: int) -> Interpreter:
    """An interpreter of the event, else NotFound."""
    row = db.session.scalar(
        select(Interpreter).where(Interpreter.id == interpreter_id, Interpreter.event_id == event_id)
    )
    if row is None:
        raise NotFound(N_("There is no such interpreter at this event."))
    return row
