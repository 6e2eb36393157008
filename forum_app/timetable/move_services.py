"""An organizer's hand: a meeting to another time or table, pinned so that later runs leave it there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, PermissionDenied
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.booking_services import move_meeting
from forum_app.meetings.busy_queries import Busy, read_diary
from forum_app.meetings.models import Meeting, MeetingParticipant, MeetingStatus
from forum_app.meetings.slot_queries import list_slots
from forum_app.registration.models import Registration
from forum_app.timetable.permissions import can_schedule

ONLY_ORGANIZERS = N_("Only organizers can move or pin meetings.")
NOT_CONFIRMED = N_("This meeting was cancelled already.")


def place_meeting(
    *,
    actor: User,
    event: Event,
    meeting: Meeting,
    starts_at: datetime,
    table_id: int | None,
    pin: bool,
    now: datetime,
) -> bool:
    """Move a meeting (table_id None: the best free one, if the time changes) and pin it, or not.

    Whether it moved. Raises Conflict with free times if somebody or something is in use then.
    """
    if not can_schedule(actor, event):
        raise PermissionDenied(ONLY_ORGANIZERS)
    moves = starts_at != meeting.starts_at or (table_id is not None and table_id != meeting.table_id)
    if moves:
        move_meeting(actor=actor, meeting=meeting, starts_at=starts_at, table_id=table_id, now=now)
    if meeting.pinned != pin:
        pin_meeting(actor=actor, event=event, meeting=meeting, pinned=pin, now=now)
    return moves


def pin_meeting(*, actor: User, event: Event, meeting: Meeting, pinned: bool, now: datetime) -> None:
    """Let later runs leave a meeting where it is, or move it again."""
    if not can_schedule(actor, event):
        raise PermissionDenied(ONLY_ORGANIZERS)
    if meeting.status is not MeetingStatus.CONFIRMED:
        raise Conflict(NOT_CONFIRMED)
    if meeting.pinned == pinned:
        return
    meeting.pinned = pinned
    record(
        actor=actor,
        action="timetable.pinned" if pinned else "timetable.unpinned",
        subject=meeting,
        event_id=event.id,
        now=now,
    )


@dataclass(slots=True)
class Option:
    """A slot to which a meeting could go. people: what stands against it for each of them; tables:
    meetings at each table then, by table id; interpreter: what the interpreter has then."""

    span: Interval
    here: bool = False
    people: list[tuple[Registration, Busy]] = field(default_factory=list)
    tables: dict[int, Meeting] = field(default_factory=dict)
    interpreter: Meeting | None = None

    @property
    def free(self) -> bool:
        return not self.people and self.interpreter is None

    def table_taken(self, table_id: int | None) -> Meeting | None:
        return self.tables.get(table_id) if table_id is not None else None


def list_options(event: Event, meeting: Meeting, *, now: datetime) -> list[Option]:
    """Every coming slot, and where the meeting is now, with what stands against it; a fixed number of
    statements."""
    length = meeting.ends_at - meeting.starts_at
    starts = {slot.start for slot in list_slots(event.id) if slot.start > now} | {meeting.starts_at}
    spans = [Interval(start, start + length) for start in sorted(starts)]
    window = Interval(spans[0].start, spans[-1].end)
    people = [p.registration for p in meeting.participants]
    logins = {one.user_id for one in people if one.user_id is not None}
    diary = read_diary(event, logins, window=window, without={meeting.id})
    others = _meetings_in(event, window, meeting.id)
    options = []
    for span in spans:
        option = Option(span, here=span.start == meeting.starts_at)
        for one in people:
            if one.user_id is not None:
                option.people += [(one, busy) for busy in diary.clashes(one.user_id, span)]
        for other in others:
            if other.starts_at < span.end and other.ends_at > span.start:
                if other.table_id is not None:
                    option.tables.setdefault(other.table_id, other)
                if meeting.interpreter_id is not None and other.interpreter_id == meeting.interpreter_id:
                    option.interpreter = other
        options.append(option)
    return options


def _meetings_in(event: Event, window: Interval, without: int) -> Sequence[Meeting]:
    return db.session.scalars(
        select(Meeting)
        .where(
            Meeting.event_id == event.id,
            Meeting.status == MeetingStatus.CONFIRMED,
            Meeting.starts_at < window.end,
            Meeting.ends_at > window.start,
            Meeting.id != without,
        )
        .options(
            joinedload(Meeting.table),
            selectinload(Meeting.participants).joinedload(MeetingParticipant.registration),
        )
    ).all()
