"""The matrix: people by slots and tables by slots, one day at a time, one page of rows at a time."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, or_, select, union_all
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from forum_app.core.intervals import Interval, overlaps
from forum_app.db import db
from forum_app.events.models import Event, Room
from forum_app.meetings.busy_queries import Busy, Source, read_diary
from forum_app.meetings.models import (
    Meeting,
    MeetingParticipant,
    MeetingRequest,
    MeetingStatus,
    MeetingTable,
    RequestState,
)
from forum_app.meetings.slot_queries import list_slots
from forum_app.organizations.models import Kind, Organization
from forum_app.registration.models import Registration
from forum_app.web.tables import Page, TableState, contains, paginate

PEOPLE_SORTS = ("name", "-meetings", "-waiting")
TABLE_SORTS = ("place", "label")


@dataclass(slots=True)
class Cell:
    """One slot of one row. busy: why a person cannot meet then, when no meeting is the reason."""

    meetings: list[Meeting] = field(default_factory=list)
    busy: list[Busy] = field(default_factory=list)


@dataclass(slots=True)
class Line:
    """A row of the matrix. subject: a registration or a table; other: meetings outside the slots."""

    subject: Any
    cells: list[Cell]
    other: list[Meeting]
    meetings: int = 0
    waiting: int = 0

    @property
    def breaks(self) -> int:
        """Idle runs between two meetings of this day, as the scheduler counts them."""
        used = [n for n, cell in enumerate(self.cells) if cell.meetings]
        return sum(1 for earlier, later in pairwise(used) if later > earlier + 1)


@dataclass(slots=True)
class Matrix:
    """One page of rows over the slots of a day; page: of Lines."""

    day: date
    slots: Sequence[Interval]
    page: Page[Line]

    @property
    def has_other(self) -> bool:
        """Whether some meeting lies outside the slots."""
        return any(line.other for line in self.page.rows)


def day_window(event: Event, day: date) -> Interval:
    """A day at the event's place, in UTC."""
    zone = ZoneInfo(event.timezone)
    starts, ends = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    return Interval(starts.astimezone(UTC), ends.astimezone(UTC))


def slots_of_day(event: Event, day: date) -> list[Interval]:
    """The slots of the grid on a day; where there are none, the times at which meetings begin."""
    window = day_window(event, day)
    slots = [slot.span for slot in list_slots(event.id) if slot.start in window]
    if slots:
        return slots
    rows = db.session.execute(
        select(Meeting.starts_at, func.min(Meeting.ends_at))
        .where(Meeting.event_id == event.id, Meeting.status == MeetingStatus.CONFIRMED)
        .where(Meeting.starts_at >= window.start, Meeting.starts_at < window.end)
        .group_by(Meeting.starts_at)
        .order_by(Meeting.starts_at)
    )
    return [Interval(start, end) for start, end in rows]


def _meetings(event: Event, window: Interval) -> Select[Any]:
    people = selectinload(Meeting.participants).joinedload(MeetingParticipant.registration)
    return (
        select(Meeting)
        .where(Meeting.event_id == event.id, Meeting.status == MeetingStatus.CONFIRMED)
        .where(Meeting.starts_at < window.end, Meeting.ends_at > window.start)
        .options(
            people.joinedload(Registration.organization),
            joinedload(Meeting.table),
            joinedload(Meeting.interpreter),
        )
        .order_by(Meeting.starts_at, Meeting.id)
    )


def page_people(event: Event, day: date, state: TableState) -> Matrix:
    """People who have meetings or mutual interest; filters: kind, show (free: nothing yet, waiting)."""
    wish = union_all(
        *[
            select(side.label("person")).where(
                MeetingRequest.event_id == event.id, MeetingRequest.state == RequestState.AGREED
            )
            for side in (MeetingRequest.asker_id, MeetingRequest.host_id)
        ]
    ).subquery()
    waits = select(wish.c.person, func.count().label("n")).group_by(wish.c.person).subquery()
    meets = (
        select(MeetingParticipant.registration_id.label("person"), func.count().label("n"))
        .join(MeetingParticipant.meeting)
        .where(Meeting.event_id == event.id, Meeting.status == MeetingStatus.CONFIRMED)
        .group_by(MeetingParticipant.registration_id)
        .subquery()
    )
    held, waiting = func.coalesce(meets.c.n, 0), func.coalesce(waits.c.n, 0)
    statement: Any = (
        select(Registration, held.label("held"), waiting.label("waiting"))
        .outerjoin(meets, meets.c.person == Registration.id)
        .outerjoin(waits, waits.c.person == Registration.id)
        .outerjoin(Registration.organization)
        .options(contains_eager(Registration.organization))
        .where(Registration.event_id == event.id, held + waiting > 0)
    )
    if state.q:
        statement = statement.where(
            _matches(
                state.q,
                [Registration.name_latin, Registration.name_native, Registration.name_kana],
                [Organization.name_en, Organization.name_ja, Organization.short_name],
            )
        )
    if chosen := state.filters.get("kind"):
        statement = statement.where(Organization.kind == Kind(chosen))
    if state.filters.get("show") == "waiting":
        statement = statement.where(waiting > 0)
    elif state.filters.get("show") == "free":
        statement = statement.where(held == 0)
    name = [Registration.name_latin, Registration.name_kana, Registration.id]
    page = paginate(
        statement, state, sorts={"name": name, "meetings": [held, *name], "waiting": [waiting, *name]}
    )
    lines = [Line(row[0], [], [], row[1], row[2]) for row in page.rows]
    slots, window = slots_of_day(event, day), day_window(event, day)
    by_person = {line.subject.id: line for line in lines}
    mine = select(MeetingParticipant.meeting_id).where(MeetingParticipant.registration_id.in_(by_person))
    meetings = db.session.scalars(_meetings(event, window).where(Meeting.id.in_(mine))).all()
    _fill(
        lines,
        slots,
        meetings,
        lambda meeting: [by_person.get(p.registration_id) for p in meeting.participants],
    )
    logins = {line.subject.user_id for line in lines if line.subject.user_id is not None}
    diary = read_diary(event, logins, window=window)
    for line in lines:
        for busy in diary.entries.get(line.subject.user_id or 0, ()):
            if busy.source is Source.MEETING and busy.meeting_id in {m.id for m in meetings}:
                continue
            for cell, slot in zip(line.cells, slots, strict=True):
                if overlaps(busy.span, slot):
                    cell.busy.append(busy)
    return Matrix(day, slots, Page(lines, page.total, state))


def page_tables(event: Event, day: date, state: TableState) -> Matrix:
    """Tables of the event with who sits there."""
    statement = (
        select(MeetingTable)
        .outerjoin(MeetingTable.room)
        .options(
            contains_eager(MeetingTable.room),
            joinedload(MeetingTable.owner),
            selectinload(MeetingTable.hours),
        )
        .where(MeetingTable.event_id == event.id)
    )
    if state.q:
        statement = statement.where(_matches(state.q, [MeetingTable.label], [Room.name_en, Room.name_ja]))
    page = paginate(
        statement,
        state,
        sorts={
            "place": [MeetingTable.position, MeetingTable.id],
            "label": [MeetingTable.label, MeetingTable.id],
        },
    )
    lines = [Line(table, [], []) for table in page.rows]
    slots, window = slots_of_day(event, day), day_window(event, day)
    by_table = {line.subject.id: line for line in lines}
    meetings = db.session.scalars(_meetings(event, window).where(Meeting.table_id.in_(by_table))).all()
    _fill(lines, slots, meetings, lambda meeting: [by_table.get(meeting.table_id or 0)])
    for line in lines:
        line.meetings = len({m.id for cell in line.cells for m in cell.meetings} | {m.id for m in line.other})
    return Matrix(day, slots, Page(lines, page.total, state))


def _matches(q: str, *columns: Iterable[Any]) -> Any:
    pattern = contains(q)
    return or_(*[column.ilike(pattern, escape="\\") for group in columns for column in group])


def _fill(
    lines: Sequence[Line],
    slots: Sequence[Interval],
    meetings: Iterable[Meeting],
    lines_of: Callable[[Meeting], Iterable[Line | None]],
) -> None:
    """Put each meeting into the slots it shares an instant with."""
    for line in lines:
        line.cells = [Cell() for _ in slots]
    at: dict[int, list[int]] = defaultdict(list)
    for meeting in meetings:
        span = Interval(meeting.starts_at, meeting.ends_at)
        at[meeting.id] = [n for n, slot in enumerate(slots) if overlaps(span, slot)]
        for one in lines_of(meeting):
            if one is not None:
                for n in at[meeting.id]:
                    one.cells[n].meetings.append(meeting)
                if not at[meeting.id]:
                    one.other.append(meeting)
