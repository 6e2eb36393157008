"""Free slots: when people, tables and interpreters are free together; for any number of people at once.

All reading is done in a fixed number of statements, however many hosts are asked about.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from forum_app.core.errors import NotFound
from forum_app.core.intervals import Interval, clip, cut_into_slots, merge
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.availability_queries import (
    Availability,
    FreeSlot,
    Wish,
    claimed_cells,
    read_availability,
    wish_of,
)
from forum_app.meetings.busy_queries import Diary, Source
from forum_app.meetings.models import (
    GRID_MINUTES,
    Meeting,
    MeetingFormat,
    MeetingParticipant,
    MeetingRole,
    MeetingStatus,
    MeetingStretch,
    OfficeHours,
    ResourceKind,
)
from forum_app.registration.models import Registration

__all__ = [
    "FreeSlot",
    "HoursPart",
    "HoursView",
    "Slot",
    "cut_stretch",
    "describe_office_hours",
    "find_hours_at",
    "get_office_hours",
    "get_stretch",
    "has_meetings_in",
    "list_common_slots",
    "list_free_slots",
    "list_office_hours",
    "list_slots",
    "list_stretches",
    "preferred_tables",
]


def list_office_hours(registration_ids: Collection[int]) -> Sequence[OfficeHours]:
    """Office hours of these people in order of time."""
    return db.session.scalars(
        select(OfficeHours)
        .where(OfficeHours.registration_id.in_(registration_ids))
        .order_by(OfficeHours.starts_at, OfficeHours.id)
    ).all()


def get_office_hours(event_id: int, hours_id: int) -> OfficeHours:
    """Office hours of the event, else NotFound."""
    row = db.session.scalar(
        select(OfficeHours).where(OfficeHours.id == hours_id, OfficeHours.event_id == event_id)
    )
    if row is None:
        raise NotFound(N_("There are no such office hours, or they are not yours."))
    return row


# --- The slots of an event -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot of an event's grid; index: 0 .. n-1 in order of time over all days."""

    index: int
    start: datetime
    end: datetime
    stretch_id: int

    @property
    def span(self) -> Interval:
        return Interval(self.start, self.end)


def list_stretches(event_id: int) -> Sequence[MeetingStretch]:
    """The stretches of an event in order of time."""
    return db.session.scalars(
        select(MeetingStretch).where(MeetingStretch.event_id == event_id).order_by(MeetingStretch.starts_at)
    ).all()


def get_stretch(event_id: int, stretch_id: int) -> MeetingStretch:
    """A stretch of the event, else NotFound."""
    row = db.session.scalar(
        select(MeetingStretch).where(MeetingStretch.id == stretch_id, MeetingStretch.event_id == event_id)
    )
    if row is None:
        raise NotFound(N_("There are no such meeting times."))
    return row


def cut_stretch(stretch: MeetingStretch) -> list[Interval]:
    """The slots of one stretch: every slot_minutes + gap_minutes, while they fit."""
    length = timedelta(minutes=stretch.slot_minutes)
    step = length + timedelta(minutes=stretch.gap_minutes)
    slots, start = [], stretch.starts_at
    while start + length <= stretch.ends_at:
        slots.append(Interval(start, start + length))
        start += step
    return slots


def list_slots(event_id: int) -> list[Slot]:
    """The slots of an event's days in order of time, as schedules number them; one statement."""
    cut = [(slot, stretch.id) for stretch in list_stretches(event_id) for slot in cut_stretch(stretch)]
    return [Slot(index, slot.start, slot.end, stretch) for index, (slot, stretch) in enumerate(cut)]


def list_free_slots(
    event: Event,
    hosts: Sequence[Registration],
    *,
    now: datetime,
    guest: Registration | None = None,
    needs_interpreter: bool = False,
    most: int | None = None,
    format: MeetingFormat = MeetingFormat.IN_PERSON,
    closed: bool = False,
    cleared: bool = False,
    direct: bool = False,
    without: Collection[int] = (),
) -> dict[int, list[FreeSlot]]:
    """Coming free slots by registration id of the host, in order of time; twelve statements at most.

    A slot is within office hours, and host, guest (if given), a table (unless remote) and, where needed,
    an interpreter are free. most: so many per host. closed, cleared: as the terms of the two say.
    direct: only in office hours that can be booked at once. without: meetings (ids) that do not count.
    """
    found: dict[int, list[FreeSlot]] = {host.id: [] for host in hosts}
    hours = [h for h in list_office_hours([host.id for host in hosts]) if h.ends_at > now] if hosts else []
    hours = [h for h in hours if h.direct] if direct else hours
    if not hours:
        return found
    window = Interval(min(h.starts_at for h in hours), max(h.ends_at for h in hours))
    logins = {host.id: host.user_id for host in hosts}
    guests = [guest.user_id] if guest is not None and guest.user_id is not None else []
    people = {login for login in [*logins.values(), *guests] if login is not None}
    known = read_availability(event, people, window, interpreters=needs_interpreter, without=without)
    wishes = {
        host.id: wish_of(
            [host] if guest is None else [host, guest],
            format=format,
            closed=closed,
            cleared=cleared,
            interpreter=needs_interpreter,
        )
        for host in hosts
    }
    for stretch in hours:
        login, wish = logins[stretch.registration_id], wishes[stretch.registration_id]
        slots = found[stretch.registration_id]
        if login is None or (most is not None and len(slots) >= most):
            continue
        who = [login, *guests]
        for span in _parts_of(stretch, known, who):
            if span.start < now or (most is not None and len(slots) >= most):
                continue
            if (slot := known.slot(who, span, wish)) is not None:
                slots.append(slot)
    return found


def _parts_of(stretch: OfficeHours, known: Availability, user_ids: Sequence[int]) -> list[Interval]:
    """Office hours cut into slots around what these people have; the way to one building counts."""
    places = known.diary.buildings if len(known.diary.buildings) == 1 else ()
    busy = [time for one in user_ids for time in known.diary.busy(one, places)]
    return cut_into_slots(
        [Interval(stretch.starts_at, stretch.ends_at)], busy, stretch.slot_minutes, GRID_MINUTES
    )


def list_common_slots(
    event: Event,
    people: Sequence[Registration],
    *,
    minutes: int,
    wish: Wish,
    now: datetime,
    without: Collection[int] = (),
) -> list[FreeSlot]:
    """Coming times of that length at which all these people (the host first) and what they need are free.

    Tried are the host's office hours and the slots of the event.
    """
    length = timedelta(minutes=minutes)
    logins = [person.user_id for person in people if person.user_id is not None]
    spans = {slot.span for slot in list_slots(event.id) if slot.end - slot.start == length}
    hours = [h for h in list_office_hours([people[0].id]) if h.ends_at > now]
    bounds = [(span.start, span.end) for span in spans] + [(h.starts_at, h.ends_at) for h in hours]
    if not bounds:
        return []
    window = Interval(min(start for start, _ in bounds), max(end for _, end in bounds))
    known = read_availability(event, logins, window, interpreters=wish.interpreter, without=without)
    for stretch in hours:
        spans |= {span for span in _parts_of(stretch, known, logins) if span.duration == length}
    slots = [known.slot(logins, span, wish) for span in sorted(spans) if span.start >= now]
    return [slot for slot in slots if slot is not None]


# --- A host's own view of office hours -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HoursPart:
    """One part of office hours. state: free, taken, blocked (agenda, absence), full (no table) or past."""

    start: datetime
    end: datetime
    state: str
    meeting: Meeting | None = None


@dataclass(frozen=True, slots=True)
class HoursView:
    """Office hours with their parts in order of time."""

    hours: OfficeHours
    parts: Sequence[HoursPart]

    @property
    def has_meetings(self) -> bool:
        return any(part.state == "taken" for part in self.parts)


def describe_office_hours(
    event: Event, host: Registration, meetings: Sequence[Meeting], now: datetime
) -> list[HoursView]:
    """Office hours of one host cut into slots; meetings: the host's own, as list_meetings_of gives them."""
    hours = list_office_hours([host.id])
    if not hours or host.user_id is None:
        return [HoursView(h, ()) for h in hours]
    window = Interval(min(h.starts_at for h in hours), max(h.ends_at for h in hours))
    known = read_availability(event, {host.user_id}, window, interpreters=False)
    wish = wish_of([host])
    held = {Interval(m.starts_at, m.ends_at): m for m in meetings if m.status == MeetingStatus.CONFIRMED}
    views = []
    for stretch in hours:
        span = Interval(stretch.starts_at, stretch.ends_at)
        parts = [
            HoursPart(time.start, time.end, "taken", meeting)
            for time, meeting in held.items()
            if time.start < span.end and span.start < time.end
        ]
        parts += [
            HoursPart(time.start, time.end, "blocked")
            for time in clip(_other_than_meetings(known.diary, host.user_id), span)
        ]
        for slot in _parts_of(stretch, known, [host.user_id]):
            free = known.slot([host.user_id], slot, wish)
            state = "past" if slot.start < now else "free" if free else "full"
            parts.append(HoursPart(slot.start, slot.end, state))
        views.append(HoursView(stretch, sorted(parts, key=lambda part: (part.start, part.end))))
    return views


def _other_than_meetings(diary: Diary, user_id: int) -> list[Interval]:
    return merge(busy.span for busy in diary.entries[user_id] if busy.source != Source.MEETING)


def find_hours_at(registration_id: int, starts_at: datetime, *, direct: bool = False) -> OfficeHours | None:
    """Office hours of a host with a whole slot from starts_at on; direct: that can be booked at once."""
    stretches = db.session.scalars(
        select(OfficeHours).where(
            OfficeHours.registration_id == registration_id,
            OfficeHours.starts_at <= starts_at,
            OfficeHours.ends_at > starts_at,
        )
    )
    for stretch in stretches:
        fits = starts_at + timedelta(minutes=stretch.slot_minutes) <= stretch.ends_at
        if fits and (stretch.direct or not direct):
            return stretch
    return None


def has_meetings_in(host: Registration, window: Interval) -> bool:
    """Whether a host has confirmed meetings in window (claims are the truth)."""
    if host.user_id is None:
        return False
    return bool(claimed_cells({ResourceKind.PERSON: [host.user_id]}, window))


def preferred_tables(host: Registration, starts_at: datetime, free: Sequence[int]) -> list[int]:
    """Free tables, those at which the host sits nearest in time that day first: no needless walking."""
    day = timedelta(hours=12)
    rows = db.session.execute(
        select(Meeting.table_id, Meeting.starts_at)
        .join(Meeting.participants)
        .where(
            MeetingParticipant.registration_id == host.id,
            MeetingParticipant.role == MeetingRole.HOST,
            Meeting.status == MeetingStatus.CONFIRMED,
            Meeting.starts_at.between(starts_at - day, starts_at + day),
        )
    ).all()
    near = [table for table, start in sorted(rows, key=lambda row: abs(row[1] - starts_at))]
    order = {table: place for place, table in reversed(list(enumerate(near)))}
    return sorted(free, key=lambda table: order.get(table, len(near)))
