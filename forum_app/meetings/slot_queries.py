"""Free slots: office hours less agenda, meetings, tables and interpreters; for any number of people at once.

All reading is done in a fixed number of statements, however many hosts are asked about.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import and_, or_, select

from forum_app.agenda.programme import busy_times
from forum_app.core.errors import NotFound
from forum_app.core.intervals import Interval, clip, cut_into_slots, grid_cells, merge
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.models import (
    GRID_MINUTES,
    Claim,
    Interpreter,
    Meeting,
    MeetingParticipant,
    MeetingRole,
    MeetingStatus,
    MeetingTable,
    OfficeHours,
    ResourceKind,
)
from forum_app.registration.models import Registration

CELL = timedelta(minutes=GRID_MINUTES)
Cells = dict[tuple[ResourceKind, int], set[datetime]]


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A time at which all needed are free. tables, interpreters: ids that are free, in their order."""

    start: datetime
    end: datetime
    tables: tuple[int, ...] = ()
    interpreters: tuple[int, ...] = ()

    @property
    def value(self) -> str:
        """The start as a form carries it."""
        return f"{self.start:%Y%m%dT%H%MZ}"


def claimed_cells(wanted: Mapping[ResourceKind, Collection[int]], window: Interval) -> Cells:
    """Which cells of the wanted resources are in use in window; one statement."""
    groups = [
        and_(Claim.resource_kind == kind, Claim.resource_id.in_(ids)) for kind, ids in wanted.items() if ids
    ]
    cells: Cells = {}
    if groups:
        rows = db.session.execute(
            select(Claim.resource_kind, Claim.resource_id, Claim.slot_at).where(
                or_(*groups), Claim.slot_at >= window.start, Claim.slot_at < window.end
            )
        )
        for kind, resource_id, slot_at in rows:
            cells.setdefault((kind, resource_id), set()).add(slot_at)
    return cells


def as_intervals(cells: Iterable[datetime]) -> list[Interval]:
    """Cells as spans of time."""
    return merge(Interval(cell, cell + CELL) for cell in cells)


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


def _table_ids(event_id: int) -> Sequence[int]:
    return db.session.scalars(
        select(MeetingTable.id)
        .where(MeetingTable.event_id == event_id)
        .order_by(MeetingTable.position, MeetingTable.id)
    ).all()


def _interpreter_ids(event_id: int) -> Sequence[int]:
    return db.session.scalars(
        select(Interpreter.id).where(Interpreter.event_id == event_id).order_by(Interpreter.id)
    ).all()


@dataclass(slots=True)
class Availability:
    """What is known about a time window at an event: who and what is in use, and when."""

    cells: Cells
    busy: Mapping[int, Sequence[Interval]]
    table_ids: Sequence[int] = ()
    interpreter_ids: Sequence[int] = ()
    _used: dict[tuple[ResourceKind, int], list[Interval]] = field(default_factory=dict)

    def used(self, kind: ResourceKind, resource_id: int) -> list[Interval]:
        """Spans in which a resource is claimed by meetings."""
        key = (kind, resource_id)
        if key not in self._used:
            self._used[key] = as_intervals(self.cells.get(key, ()))
        return self._used[key]

    def person_busy(self, user_id: int) -> list[Interval]:
        """Meetings and agenda items of a person."""
        return [*self.used(ResourceKind.PERSON, user_id), *self.busy.get(user_id, ())]

    def free(self, kind: ResourceKind, ids: Sequence[int], span: Interval) -> tuple[int, ...]:
        """Which of ids are free during span, in the given order."""
        needed = set(grid_cells(span.start, span.end, GRID_MINUTES))
        return tuple(i for i in ids if needed.isdisjoint(self.cells.get((kind, i), ())))


def read_availability(
    event_id: int, user_ids: Collection[int], window: Interval, *, interpreters: bool = True
) -> Availability:
    """Read all that limits meetings of these people in window; at most four statements."""
    tables = _table_ids(event_id)
    helpers = _interpreter_ids(event_id) if interpreters else []
    wanted = {
        ResourceKind.PERSON: user_ids,
        ResourceKind.TABLE: tables,
        ResourceKind.INTERPRETER: helpers,
    }
    return Availability(claimed_cells(wanted, window), busy_times(event_id, user_ids), tables, helpers)


def list_free_slots(
    event: Event,
    hosts: Sequence[Registration],
    *,
    now: datetime,
    guest: Registration | None = None,
    needs_interpreter: bool = False,
    most: int | None = None,
) -> dict[int, list[FreeSlot]]:
    """Coming free slots by registration id of the host, in order of time; five statements or six.

    A slot is within office hours, and host, guest (if given), a table and, where needed, an
    interpreter are free. most: so many per host.
    """
    found: dict[int, list[FreeSlot]] = {host.id: [] for host in hosts}
    hours = [h for h in list_office_hours([host.id for host in hosts]) if h.ends_at > now] if hosts else []
    if not hours:
        return found
    window = Interval(min(h.starts_at for h in hours), max(h.ends_at for h in hours))
    logins = {host.id: host.user_id for host in hosts}
    people = {login for login in logins.values() if login is not None}
    if guest is not None and guest.user_id is not None:
        people.add(guest.user_id)
    known = read_availability(event.id, people, window, interpreters=needs_interpreter)
    guest_busy = known.person_busy(guest.user_id) if guest is not None and guest.user_id else []
    for stretch in hours:
        login = logins[stretch.registration_id]
        slots = found[stretch.registration_id]
        if login is None or (most is not None and len(slots) >= most):
            continue
        busy = [*known.person_busy(login), *guest_busy]
        span = Interval(stretch.starts_at, stretch.ends_at)
        for slot in cut_into_slots([span], busy, stretch.slot_minutes, GRID_MINUTES):
            if slot.start < now or (most is not None and len(slots) >= most):
                continue
            tables = known.free(ResourceKind.TABLE, known.table_ids, slot)
            helpers = known.free(ResourceKind.INTERPRETER, known.interpreter_ids, slot)
            if tables and (helpers or not needs_interpreter):
                slots.append(FreeSlot(slot.start, slot.end, tables, helpers))
    return found


# --- A host's own view of office hours -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HoursPart:
    """One part of office hours. state: free, taken, blocked (agenda), full (no table) or past."""

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
    known = read_availability(event.id, {host.user_id}, window, interpreters=False)
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
            for time in clip(known.busy.get(host.user_id, ()), span)
        ]
        busy = known.person_busy(host.user_id)
        for slot in cut_into_slots([span], busy, stretch.slot_minutes, GRID_MINUTES):
            tables = known.free(ResourceKind.TABLE, known.table_ids, slot)
            state = "past" if slot.start < now else "free" if tables else "full"
            parts.append(HoursPart(slot.start, slot.end, state))
        views.append(HoursView(stretch, sorted(parts, key=lambda part: (part.start, part.end))))
    return views


def find_hours_at(registration_id: int, starts_at: datetime) -> OfficeHours | None:
    """Office hours of a host with a whole slot from starts_at on."""
    stretches = db.session.scalars(
        select(OfficeHours).where(
            OfficeHours.registration_id == registration_id,
            OfficeHours.starts_at <= starts_at,
            OfficeHours.ends_at > starts_at,
        )
    )
    for stretch in stretches:
        if starts_at + timedelta(minutes=stretch.slot_minutes) <= stretch.ends_at:
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
