"""An organizer's hand: a meeting to another time or table, pinned so that later runs leave it there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import combinations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, PermissionDenied
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.availability_queries import Availability, Wish, read_availability, wish_of
from forum_app.meetings.booking_services import move_meeting, people_of
from forum_app.meetings.busy_queries import Busy
from forum_app.meetings.models import Meeting, MeetingStatus
from forum_app.meetings.rule_queries import list_terms, today_at
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
    """A slot to which a meeting could go. people: what stands against it for each of them; tables: those
    at which it could be then (None: it needs none); taken: meetings at other tables, by table id; helped:
    whether it has the interpreter it needs, this one or another."""

    span: Interval
    here: bool = False
    people: list[tuple[Registration, Busy]] = field(default_factory=list)
    tables: tuple[int, ...] | None = None
    taken: dict[int, Meeting] = field(default_factory=dict)
    helped: bool = True

    @property
    def free(self) -> bool:
        return not self.people and self.tables != () and self.helped

    def may_have(self, table_id: int | None) -> bool:
        """Whether the meeting could be at this table then; None: at any."""
        return table_id is None or self.tables is None or table_id in self.tables


def list_options(event: Event, meeting: Meeting, *, now: datetime) -> list[Option]:
    """Every coming slot, and where the meeting is now, with what stands against it; a fixed number of
    statements."""
    length = meeting.ends_at - meeting.starts_at
    starts = {slot.start for slot in list_slots(event.id) if slot.start > now} | {meeting.starts_at}
    spans = [Interval(start, start + length) for start in sorted(starts)]
    window = Interval(spans[0].start, spans[-1].end)
    people = people_of(meeting)
    logins = {one.user_id: one for one in people if one.user_id is not None}
    wish = _wish(event, meeting, people, today_at(event, now))
    known = read_availability(event, logins, window, interpreters=wish.interpreter, without=[meeting.id])
    others = _meetings_in(event, window, meeting.id)
    options = []
    for span in spans:
        option = Option(span, here=span.start == meeting.starts_at)
        option.people = _clashes(known, logins, span, ())
        if not wish.remote:
            option.tables = known.free_tables(logins, span, wish)
            # that each table is too far is for somebody to know
            option.people = option.people or ([] if option.tables else _clashes(known, logins, span, None))
        option.taken = {
            other.table_id: other
            for other in others
            if other.table_id is not None and other.starts_at < span.end and other.ends_at > span.start
        }
        option.helped = not wish.interpreter or bool(known.free_helpers(span, wish))
        options.append(option)
    return options


def _clashes(
    known: Availability, logins: Mapping[int, Registration], span: Interval, places: tuple[str, ...] | None
) -> list[tuple[Registration, Busy]]:
    return [
        (person, busy)
        for login, person in logins.items()
        for busy in known.diary.clashes(login, span, places)
    ]


def _wish(event: Event, meeting: Meeting, people: Sequence[Registration], today: date) -> Wish:
    pairs = list(combinations([person.id for person in people], 2))
    terms = list_terms(event, pairs, today).values()
    return wish_of(
        people,
        format=meeting.format,
        closed=meeting.closed or any(one.closed for one in terms),
        cleared=any(one.needs_clearance for one in terms),
        interpreter=meeting.interpreter_id is not None,
    )


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
        .options(joinedload(Meeting.table))
    ).all()
