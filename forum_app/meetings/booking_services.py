"""Meetings: accepting into a free slot, moving, cancelling. The claims table decides every race.

A meeting claims, for each cell of five minutes, its two people, its table and its interpreter; the
primary key of the claims lets one meeting have each. A booking that misses one cell undoes itself
with the whole transaction and offers the next free slots.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.intervals import Interval, grid_cells, overlaps
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.mail.rendering import message_domain
from forum_app.meetings.models import (
    GRID_MINUTES,
    REQUEST_TRANSITIONS,
    Claim,
    Meeting,
    MeetingParticipant,
    MeetingRequest,
    MeetingRole,
    MeetingStatus,
    RequestState,
    ResourceKind,
)
from forum_app.meetings.notices import notify_meeting
from forum_app.meetings.permissions import can_answer, can_cancel_meeting, can_move_meeting, is_self
from forum_app.meetings.queries import PRESENT, get_table, participant_of
from forum_app.meetings.slot_queries import (
    Availability,
    FreeSlot,
    find_hours_at,
    list_free_slots,
    preferred_tables,
    read_availability,
)
from forum_app.registration.models import Registration

ALTERNATIVES = 6  # enough to choose from, few enough to read on a phone

TAKEN = N_("This time was taken a moment ago. Nothing was changed; please choose one of the next free times.")
NO_TABLE = N_("No table is free at this time. Please choose one of the next free times.")
TABLE_TAKEN = N_("This table is in use at this time. Please choose another table or time.")
NO_INTERPRETER = N_("No interpreter is free at this time. Please choose one of the next free times.")
SPEAKING = N_("One of the two speaks on the agenda at this time. Please choose another time.")


# --- Claims ------------------------------------------------------------------------------------


def _claim(meeting: Meeting, kind: ResourceKind, resource_id: int) -> bool:
    """Claim one resource for the meeting's time; False (and nothing claimed) if a cell is taken.

    Waits for another transaction that has the cell in hand; the primary key decides.
    """
    cells = grid_cells(meeting.starts_at, meeting.ends_at, GRID_MINUTES)
    rows = [
        {"resource_kind": kind, "resource_id": resource_id, "slot_at": cell, "meeting_id": meeting.id}
        for cell in cells
    ]
    dialect = db.session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(Claim).values(rows).on_conflict_do_nothing().returning(Claim.slot_at)
    if len(db.session.execute(statement).all()) == len(rows):
        return True
    _release(meeting, kind)
    return False


def _release(meeting: Meeting, kind: ResourceKind | None = None) -> None:
    """Free what a meeting claims, all or of one kind."""
    statement = delete(Claim).where(Claim.meeting_id == meeting.id)
    if kind is not None:
        statement = statement.where(Claim.resource_kind == kind)
    db.session.execute(statement)


class _Booking:
    """One attempt to claim all that a meeting needs, with the way out if it fails."""

    def __init__(
        self, event: Event, meeting: Meeting, host: Registration, guest: Registration, now: datetime
    ) -> None:
        self.event, self.meeting, self.host, self.guest, self.now = event, meeting, host, guest, now
        self.needs_interpreter = bool(meeting.request and meeting.request.needs_interpreter)
        self.needs_interpreter = self.needs_interpreter or meeting.interpreter_id is not None
        self.people = sorted(r.user_id for r in (host, guest) if r.user_id is not None)
        self.span = Interval(meeting.starts_at, meeting.ends_at)

    def claim(self, table_id: int | None) -> None:
        """Claim people, table (table_id or the best free one) and interpreter; raises Conflict."""
        known = read_availability(self.event.id, self.people, self.span, interpreters=self.needs_interpreter)
        if any(overlaps(self.span, item) for person in self.people for item in known.busy.get(person, ())):
            raise self.refused(SPEAKING)
        # people first and in order of id: two bookings never wait for one another crosswise
        for person in self.people:
            if not _claim(self.meeting, ResourceKind.PERSON, person):
                raise self.refused(TAKEN)
        self.meeting.table_id = self._claim_table(known, table_id)
        if self.needs_interpreter:
            free = known.free(ResourceKind.INTERPRETER, known.interpreter_ids, self.span)
            kept = self.meeting.interpreter_id
            order = sorted(free, key=lambda one: one != kept)
            self.meeting.interpreter_id = self._first(ResourceKind.INTERPRETER, order, NO_INTERPRETER)
        try:
            db.session.flush()
        except IntegrityError as error:  # the table was removed at the same moment
            raise Conflict(TAKEN) from error

    def _claim_table(self, known: Availability, table_id: int | None) -> int:
        if table_id is not None:
            return self._first(ResourceKind.TABLE, [table_id], TABLE_TAKEN)
        free = known.free(ResourceKind.TABLE, known.table_ids, self.span)
        return self._first(
            ResourceKind.TABLE, preferred_tables(self.host, self.meeting.starts_at, free), NO_TABLE
        )

    def _first(self, kind: ResourceKind, ids: Sequence[int], refusal: str) -> int:
        for resource_id in ids:
            if _claim(self.meeting, kind, resource_id):
                return resource_id
        raise self.refused(refusal)

    def refused(self, sentence: str) -> Conflict:
        _release(self.meeting)  # so that what this attempt held counts as free again
        return Conflict(sentence, alternatives=self.alternatives())

    def alternatives(self) -> list[FreeSlot]:
        slots = list_free_slots(
            self.event,
            [self.host],
            now=self.now,
            guest=self.guest,
            needs_interpreter=self.needs_interpreter,
        )[self.host.id]
        wanted = self.meeting.starts_at
        later = [slot for slot in slots if slot.start >= wanted and slot.start != wanted]
        earlier = [slot for slot in slots if slot.start < wanted]
        same = [slot for slot in slots if slot.start == wanted]  # another table is free then
        return [*same, *later, *earlier][:ALTERNATIVES]


# --- Use cases ----------------------------------------------------------------------------------


def accept_request(
    *,
    actor: User,
    event: Event,
    request: MeetingRequest,
    starts_at: datetime,
    now: datetime,
    table_id: int | None = None,
) -> Meeting:
    """Accept a request into the slot that begins at starts_at, at a table (the best free one).

    Raises Conflict with FreeSlot alternatives when host, asker, table or interpreter are in use, when
    the request was answered meanwhile; Invalid when the time is not in the host's office hours.
    """
    if not can_answer(actor, request, event):
        raise PermissionDenied(N_("Only the person who was asked can answer this request."))
    if request.state != RequestState.PENDING:
        raise Conflict(N_("This request is no longer waiting for an answer."))
    host, guest = request.host, request.asker
    if host.state not in PRESENT or guest.state not in PRESENT:
        raise Conflict(N_("One of the two no longer takes part in the event."))
    hours = find_hours_at(host.id, starts_at)
    if hours is None:
        raise Invalid(N_("This time is not within the office hours."), field="slot")
    if starts_at < now:
        raise Invalid(N_("This time has passed."), field="slot")
    if table_id is not None:
        get_table(event.id, table_id)
    meeting = Meeting(
        event_id=event.id,
        request=request,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=hours.slot_minutes),
        topic=request.topic,
        uid=f"meeting-{secrets.token_hex(12)}@{message_domain()}",
        created_at=now,
        changed_at=now,
        participants=[
            MeetingParticipant(registration_id=host.id, role=MeetingRole.HOST),
            MeetingParticipant(registration_id=guest.id, role=MeetingRole.GUEST),
        ],
    )
    db.session.add(meeting)
    db.session.flush()
    _Booking(event, meeting, host, guest, now).claim(table_id)
    _answer(request, RequestState.ACCEPTED, now)
    record(
        actor=actor,
        action="meetings.accepted",
        subject=meeting,
        event_id=event.id,
        now=now,
        detail=_described(meeting),
    )
    notify_meeting(meeting, "accepted", actor=actor, now=now)
    return meeting


def move_meeting(
    *,
    actor: User,
    meeting: Meeting,
    starts_at: datetime,
    now: datetime,
    table_id: int | None = None,
) -> None:
    """Move a meeting to another time, another table or both; its length stays. table_id None: best free.

    Raises Conflict with FreeSlot alternatives; the meeting then stays where it was.
    """
    event = meeting.event
    if not can_move_meeting(actor, meeting):
        raise PermissionDenied(N_("Only organizers can move a meeting."))
    _must_be_confirmed(meeting)
    length = meeting.ends_at - meeting.starts_at
    if starts_at == meeting.starts_at and table_id in (None, meeting.table_id):
        raise Invalid(N_("The meeting is already at this time and table."), field="starts_at")
    check_day(event, Interval(starts_at, starts_at + length))
    host, guest = _both(meeting)
    if table_id is not None:
        get_table(event.id, table_id)
    before = _described(meeting)
    _release(meeting)
    meeting.starts_at, meeting.ends_at = starts_at, starts_at + length
    _Booking(event, meeting, host, guest, now).claim(table_id)
    _changed(meeting, now)
    record(
        actor=actor,
        action="meetings.moved",
        subject=meeting,
        event_id=event.id,
        now=now,
        detail={"from": before, "to": _described(meeting)},
    )
    notify_meeting(meeting, "moved", actor=actor, now=now)


def cancel_meeting(*, actor: User | None, meeting: Meeting, reason: str, now: datetime) -> None:
    """Cancel a meeting and free all it claims; its request ends with it. actor None: the system."""
    if actor is not None and not can_cancel_meeting(actor, meeting):
        raise PermissionDenied(N_("Only the two people and organizers can cancel a meeting."))
    _must_be_confirmed(meeting)
    _release(meeting)
    meeting.status = MeetingStatus.CANCELLED
    meeting.cancel_reason = reason
    meeting.cancelled_by_id = actor.id if actor is not None else None
    _changed(meeting, now)
    if meeting.request is not None and meeting.request.state == RequestState.ACCEPTED:
        guest = participant_of(meeting, MeetingRole.GUEST)
        by_guest = actor is not None and guest is not None and is_self(actor, guest)
        _answer(meeting.request, RequestState.WITHDRAWN if by_guest else RequestState.DECLINED, now)
    record(
        actor=actor,
        action="meetings.cancelled",
        subject=meeting,
        event_id=meeting.event_id,
        now=now,
        detail={"reason": reason, **_described(meeting)},
    )
    notify_meeting(meeting, "cancelled", actor=actor, now=now)


def _answer(request: MeetingRequest, state: RequestState, now: datetime) -> None:
    if state not in REQUEST_TRANSITIONS[request.state]:
        raise Conflict(N_("This request is no longer waiting for an answer."))
    request.state = state
    request.answered_at = now


def _changed(meeting: Meeting, now: datetime) -> None:
    meeting.sequence += 1
    meeting.changed_at = now


def _must_be_confirmed(meeting: Meeting) -> None:
    if meeting.status != MeetingStatus.CONFIRMED:
        raise Conflict(N_("This meeting was cancelled already."))


def _both(meeting: Meeting) -> tuple[Registration, Registration]:
    host = participant_of(meeting, MeetingRole.HOST)
    guest = participant_of(meeting, MeetingRole.GUEST)
    if host is None or guest is None:
        raise Conflict(N_("One of the two no longer takes part in the event."))
    return host, guest


def check_day(event: Event, span: Interval) -> None:
    """Meetings take place on the days of the event, on the grid of five minutes."""
    zone = ZoneInfo(event.timezone)
    opens = datetime.combine(event.starts_on, time(), zone).astimezone(UTC)
    closes = datetime.combine(event.ends_on + timedelta(days=1), time(), zone).astimezone(UTC)
    if not Interval(opens, closes).covers(span):
        raise Invalid(N_("The meeting must be on a day of the event."), field="starts_at")
    if span.start != span.start.replace(minute=span.start.minute // 5 * 5, second=0, microsecond=0):
        raise Invalid(
            N_("Times must fall on a multiple of %(minutes)s minutes."),
            field="starts_at",
            minutes=GRID_MINUTES,
        )


def _described(meeting: Meeting) -> dict[str, object]:
    """A meeting's time and place for the trail (UTC)."""
    return {
        "starts_at": meeting.starts_at.isoformat(),
        "ends_at": meeting.ends_at.isoformat(),
        "table_id": meeting.table_id,
        "interpreter_id": meeting.interpreter_id,
    }
