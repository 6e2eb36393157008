"""Tables and interpreters as booking and scheduling see them: which serve a meeting, and when."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from forum_app.core.intervals import Interval, merge
from forum_app.db import db
from forum_app.events.models import Room
from forum_app.meetings.models import (
    Interpreter,
    InterpreterHours,
    Meeting,
    MeetingStatus,
    MeetingTable,
    TableHours,
    TableKind,
)
from forum_app.meetings.queries import PRESENT
from forum_app.organizations.models import Organization
from forum_app.registration.models import Registration


@dataclass(frozen=True, slots=True)
class Place:
    """A table. building: of its room, None without one. hours: merged and sorted; empty: always there."""

    id: int
    kind: TableKind
    owner_id: int | None
    building: str | None
    hours: tuple[Interval, ...] = ()

    def is_there(self, span: Interval) -> bool:
        return not self.hours or any(stretch.covers(span) for stretch in self.hours)


@dataclass(frozen=True, slots=True)
class Helper:
    """An interpreter. pairs: of languages, without direction. most_run: None: no limit."""

    id: int
    pairs: frozenset[frozenset[str]]
    cleared_until: date | None
    most_run: timedelta | None
    hours: tuple[Interval, ...] = ()

    def is_there(self, span: Interval) -> bool:
        return not self.hours or any(stretch.covers(span) for stretch in self.hours)

    def may_take(self, span: Interval, held: Iterable[Interval]) -> bool:
        """Whether a meeting in span leaves them the rest that is due; held: their other meetings.

        Meetings are one run while the pauses between them are shorter than this meeting.
        """
        if self.most_run is None:
            return True
        total, first, last = span.duration, span.start, span.end
        others = merge(held)
        for one in reversed([one for one in others if one.start < span.start]):
            if first - one.end >= span.duration:
                break
            total, first = total + one.duration, one.start
        for one in [one for one in others if one.start > span.start]:
            if one.start - last >= span.duration:
                break
            total, last = total + one.duration, one.end
        # a single meeting that is longer than the longest run is still one meeting
        return total <= max(self.most_run, span.duration)


def list_places(event_id: int) -> list[Place]:
    """The tables of an event in their order; one statement."""
    rows = db.session.execute(
        select(
            MeetingTable.id,
            MeetingTable.kind,
            MeetingTable.owner_id,
            Room.building,
            TableHours.starts_at,
            TableHours.ends_at,
        )
        .outerjoin(Room, Room.id == MeetingTable.room_id)
        .outerjoin(TableHours, TableHours.table_id == MeetingTable.id)
        .where(MeetingTable.event_id == event_id)
        .order_by(MeetingTable.position, MeetingTable.id, TableHours.starts_at)
    )
    found: dict[int, tuple[tuple[TableKind, int | None, str | None], list[Interval]]] = {}
    for number, kind, owner, building, start, end in rows:
        hours = found.setdefault(number, ((kind, owner, building), []))[1]
        if start is not None:
            hours.append(Interval(start, end))
    return [Place(number, *facts, tuple(merge(hours))) for number, (facts, hours) in found.items()]


def list_helpers(event_id: int) -> list[Helper]:
    """The interpreters of an event in the order they were entered; one statement."""
    rows = db.session.execute(
        select(Interpreter, InterpreterHours.starts_at, InterpreterHours.ends_at)
        .outerjoin(InterpreterHours, InterpreterHours.interpreter_id == Interpreter.id)
        .where(Interpreter.event_id == event_id)
        .order_by(Interpreter.id, InterpreterHours.starts_at)
    )
    found: dict[int, tuple[Interpreter, list[Interval]]] = {}
    for row, start, end in rows:
        hours = found.setdefault(row.id, (row, []))[1]
        if start is not None:
            hours.append(Interval(start, end))
    return [as_helper(row, hours) for row, hours in found.values()]


def as_helper(row: Interpreter, hours: Iterable[Interval]) -> Helper:
    """A row and its hours as a value."""
    most = row.most_run_minutes
    return Helper(
        row.id,
        row.pairs,
        row.cleared_until,
        None if most is None else timedelta(minutes=most),
        tuple(merge(hours)),
    )


def serving_places(
    places: Iterable[Place], organizations: Sequence[int | None], *, closed: bool
) -> list[Place]:
    """Tables that serve a meeting of people from these organizations (the host's first), best first.

    A closed meeting needs a closed room, and only it uses one. A booth serves its own organization:
    the host's comes before open tables, those of the others after them.
    """
    if closed:
        return [place for place in places if place.kind == TableKind.CLOSED]
    host, others = organizations[0] if organizations else None, set(organizations[1:])

    def rank(place: Place) -> int | None:
        if place.kind == TableKind.OPEN:
            return 1
        if place.kind == TableKind.BOOTH and place.owner_id is not None:
            return 0 if place.owner_id == host else 2 if place.owner_id in others else None
        return None

    ranked = [(place_rank, place) for place in places if (place_rank := rank(place)) is not None]
    return [place for _, place in sorted(ranked, key=lambda pair: pair[0])]


def serving_helpers(
    helpers: Iterable[Helper], languages: Collection[str], *, cleared_on: date | None = None
) -> list[Helper]:
    """Interpreters for people who speak these languages; cleared_on: who must be cleared on that day.

    Between two languages the pair decides; people who name the same language are served by anybody who
    knows it, and among more than two languages one known pair is enough.
    """
    spoken = set(languages)

    def serves(helper: Helper) -> bool:
        if cleared_on is not None and (helper.cleared_until is None or helper.cleared_until < cleared_on):
            return False
        if len(spoken) == 2:
            return frozenset(spoken) in helper.pairs
        return any(pair & spoken if len(spoken) < 2 else pair <= spoken for pair in helper.pairs)

    return [helper for helper in helpers if serves(helper)]


# --- Rows for pages ----------------------------------------------------------------------------------


def list_table_rows(event_id: int) -> Sequence[MeetingTable]:
    """Tables in their order with room, owner and hours; two statements."""
    return db.session.scalars(
        select(MeetingTable)
        .where(MeetingTable.event_id == event_id)
        .options(
            joinedload(MeetingTable.room), joinedload(MeetingTable.owner), selectinload(MeetingTable.hours)
        )
        .order_by(MeetingTable.position, MeetingTable.id)
    ).all()


def list_interpreter_rows(event_id: int) -> Sequence[Interpreter]:
    """Interpreters in the order they were entered, with login and hours; two statements."""
    return db.session.scalars(
        select(Interpreter)
        .where(Interpreter.event_id == event_id)
        .options(joinedload(Interpreter.user), selectinload(Interpreter.hours))
        .order_by(Interpreter.id)
    ).all()


def count_planned(event_id: int, column: Any) -> dict[int, int]:
    """Confirmed meetings by table or interpreter; column: Meeting.table_id or Meeting.interpreter_id."""
    rows = db.session.execute(
        select(column, func.count())
        .where(Meeting.event_id == event_id, Meeting.status == MeetingStatus.CONFIRMED, column.is_not(None))
        .group_by(column)
    )
    return {row[0]: row[1] for row in rows}


def list_planned_of(event_id: int, column: Any, row_id: int) -> Sequence[Meeting]:
    """Confirmed meetings of one table or interpreter in order of time."""
    return db.session.scalars(
        select(Meeting)
        .where(Meeting.event_id == event_id, Meeting.status == MeetingStatus.CONFIRMED, column == row_id)
        .order_by(Meeting.starts_at)
    ).all()


def list_present_organizations(event_id: int) -> Sequence[Organization]:
    """Organizations that send somebody to the event or have a booth there, by name."""
    senders = select(Registration.organization_id).where(
        Registration.event_id == event_id, Registration.state.in_(PRESENT)
    )
    owners = select(MeetingTable.owner_id).where(MeetingTable.event_id == event_id)
    return db.session.scalars(
        select(Organization)
        .where(or_(Organization.id.in_(senders), Organization.id.in_(owners)))
        .order_by(Organization.sort_en, Organization.id)
    ).all()
