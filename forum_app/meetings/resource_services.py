"""Tables and interpreters of an event: adding, changing, their hours, removing."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.accounts.queries import find_user_by_email
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.intervals import Interval, overlaps
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.queries import list_rooms
from forum_app.meetings.making_services import check_day
from forum_app.meetings.models import (
    Interpreter,
    InterpreterHours,
    Meeting,
    MeetingStatus,
    MeetingTable,
    TableHours,
    TableKind,
)
from forum_app.organizations.models import Organization

MOST_TABLES = 200
MOST_HOURS = 30  # stretches per table or interpreter; a page shows them all
LONGEST_RUN = 480
TABLE_LABEL = "uq_meetings_table_event_id_label"
INTERPRETER_LOGIN = "uq_meetings_interpreter_event_id_user_id"
IN_USE_TABLE = N_("There are meetings at this table, or were. It stays, so that the past keeps its places.")
IN_USE_INTERPRETER = N_("This interpreter has meetings, or had. Move or cancel what is to come first.")


def must_manage(actor: User, event: Event) -> None:
    """Organizers only."""
    if not can_manage_event(actor, event):
        raise PermissionDenied(N_("Only organizers can change tables and interpreters."))


# --- Tables ---------------------------------------------------------------------------------------


def save_table(
    *,
    actor: User,
    event: Event,
    label: str,
    now: datetime,
    kind: TableKind = TableKind.OPEN,
    owner_id: int | None = None,
    room_id: int | None = None,
    position: int | None = None,
    table: MeetingTable | None = None,
) -> MeetingTable:
    """Add a table, or change one. owner_id: the organization whose booth it is. position: order among
    tables; a new one goes to the end. Kind and owner stay while meetings are planned at the table."""
    must_manage(actor, event)
    if room_id is not None and room_id not in {room.id for room in list_rooms(event.id)}:
        raise Invalid(N_("This room does not belong to the event."), field="room_id")
    if kind != TableKind.BOOTH:
        owner_id = None
    elif owner_id is None or db.session.get(Organization, owner_id) is None:
        raise Invalid(N_("Please choose the organization whose booth it is."), field="owner_id")
    created = table is None
    if table is None:
        table = MeetingTable(event_id=event.id, position=_next_position(event))
        db.session.add(table)
    elif (table.kind, table.owner_id) != (kind, owner_id) and _has_planned(Meeting.table_id == table.id, now):
        raise Conflict(N_("Meetings are planned at this table. Move them before it changes its kind."))
    table.label, table.kind, table.owner_id, table.room_id = label, kind, owner_id, room_id
    if position is not None:
        table.position = position
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, TABLE_LABEL):
            raise Invalid(N_("There is already a table with this label."), field="label") from error
        raise
    action = "meetings.table_added" if created else "meetings.table_changed"
    record(actor=actor, action=action, subject=table, event_id=event.id, now=now)
    return table


def add_tables(
    *,
    actor: User,
    event: Event,
    label: str,
    number: int,
    now: datetime,
    kind: TableKind = TableKind.OPEN,
    owner_id: int | None = None,
    room_id: int | None = None,
) -> list[MeetingTable]:
    """Add one table, or several with the label and a running number."""
    if not 1 <= number <= 50:
        raise Invalid(N_("Between 1 and 50 tables at once."), field="number")
    labels = [label] if number == 1 else [f"{label}{n}" for n in range(1, number + 1)]
    return [
        save_table(
            actor=actor, event=event, label=one, kind=kind, owner_id=owner_id, room_id=room_id, now=now
        )
        for one in labels
    ]


def _next_position(event: Event) -> int:
    count, last = db.session.execute(
        select(func.count(), func.coalesce(func.max(MeetingTable.position), 0)).where(
            MeetingTable.event_id == event.id
        )
    ).one()
    if count >= MOST_TABLES:
        raise Invalid(N_("There are too many tables. Remove some of them first."))
    return int(last) + 1


def _has_planned(condition: object, now: datetime) -> bool:
    planned = select(Meeting.id).where(
        condition,  # type: ignore[arg-type]
        Meeting.status == MeetingStatus.CONFIRMED,
        Meeting.ends_at > now,
    )
    return db.session.scalar(planned.limit(1)) is not None


def remove_table(*, actor: User, event: Event, table: MeetingTable, now: datetime) -> None:
    """Remove a table at which no meeting ever stood; the past keeps its places."""
    must_manage(actor, event)
    if db.session.scalar(select(Meeting.id).where(Meeting.table_id == table.id).limit(1)) is not None:
        raise Conflict(IN_USE_TABLE)
    record(actor=actor, action="meetings.table_removed", subject=table, event_id=event.id, now=now)
    _delete(table, IN_USE_TABLE)


def _delete(row: MeetingTable | Interpreter, sentence: str) -> None:
    """Delete what no meeting uses; the foreign key decides against a booking at the same moment."""
    db.session.delete(row)
    try:
        db.session.flush()
    except IntegrityError as error:
        raise Conflict(sentence) from error


# --- Interpreters ----------------------------------------------------------------------------------


def save_interpreter(
    *,
    actor: User,
    event: Event,
    now: datetime,
    name_latin: str = "",
    name_native: str = "",
    name_kana: str = "",
    languages: str = "en-ja",
    cleared_until: date | None = None,
    most_run_minutes: int | None = 60,
    email: str = "",
    interpreter: Interpreter | None = None,
) -> Interpreter:
    """Add an interpreter, or change one. At least one of the first two names is needed.

    languages: pairs, separated by commas. most_run_minutes: None: no rest is due. email: of the login that
    sees the day's list; "" for none.
    """
    must_manage(actor, event)
    if not name_latin and not name_native:
        raise Invalid(N_("Please give a name in at least one script."), field="name_latin")
    if not languages:
        raise Invalid(N_("Please choose at least one pair of languages."), field="languages")
    if most_run_minutes is not None and not 10 <= most_run_minutes <= LONGEST_RUN:
        raise Invalid(N_("Between 10 minutes and 8 hours."), field="most_run_minutes")
    user = find_user_by_email(email) if email else None
    if email and user is None:
        raise Invalid(
            N_("Nobody has an account with this address. Ask the person to sign up first."), field="email"
        )
    created = interpreter is None
    if interpreter is None:
        interpreter = Interpreter(event_id=event.id)
        db.session.add(interpreter)
    interpreter.name_latin, interpreter.name_native = name_latin, name_native
    interpreter.name_kana, interpreter.languages = name_kana, languages
    interpreter.cleared_until, interpreter.most_run_minutes = cleared_until, most_run_minutes
    interpreter.user_id = user.id if user is not None else None
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, INTERPRETER_LOGIN):
            raise Invalid(N_("This person is an interpreter of the event already."), field="email") from error
        raise
    action = "meetings.interpreter_added" if created else "meetings.interpreter_changed"
    record(actor=actor, action=action, subject=interpreter, event_id=event.id, now=now)
    return interpreter


def remove_interpreter(*, actor: User, event: Event, interpreter: Interpreter, now: datetime) -> None:
    """Remove an interpreter who has no meetings."""
    must_manage(actor, event)
    used = select(Meeting.id).where(Meeting.interpreter_id == interpreter.id).limit(1)
    if db.session.scalar(used) is not None:
        raise Conflict(IN_USE_INTERPRETER)
    record(
        actor=actor, action="meetings.interpreter_removed", subject=interpreter, event_id=event.id, now=now
    )
    _delete(interpreter, IN_USE_INTERPRETER)


# --- Hours of both -----------------------------------------------------------------------------------


def add_hours(
    *, actor: User, event: Event, row: MeetingTable | Interpreter, span: Interval, now: datetime
) -> TableHours | InterpreterHours:
    """A stretch in which a table or an interpreter is there. The first one ends their being there always."""
    must_manage(actor, event)
    check_day(event, span)
    if span.duration > timedelta(days=1):
        raise Invalid(N_("Hours lie within one day."), field="ends")
    if len(row.hours) >= MOST_HOURS:
        raise Invalid(N_("There are too many hours. Remove some of them first."))
    if any(overlaps(span, Interval(known.starts_at, known.ends_at)) for known in row.hours):
        raise Invalid(N_("There are hours at this time already."), field="starts")
    hours: TableHours | InterpreterHours
    if isinstance(row, MeetingTable):
        hours = TableHours(table_id=row.id, starts_at=span.start, ends_at=span.end)
        row.hours.append(hours)
    else:
        hours = InterpreterHours(interpreter_id=row.id, starts_at=span.start, ends_at=span.end)
        row.hours.append(hours)
    _record_hours(actor, event, row, span, now, "added")
    return hours


def remove_hours_of(
    *, actor: User, event: Event, row: MeetingTable | Interpreter, hours_id: int, now: datetime
) -> None:
    """Take a stretch away; when none is left, they are there all the time again."""
    must_manage(actor, event)
    hours = next((known for known in row.hours if known.id == hours_id), None)
    if hours is None:
        raise Conflict(N_("These hours are gone already."))
    span = Interval(hours.starts_at, hours.ends_at)
    row.hours.remove(hours)  # type: ignore[arg-type]
    _record_hours(actor, event, row, span, now, "removed")


def _record_hours(
    actor: User, event: Event, row: MeetingTable | Interpreter, span: Interval, now: datetime, what: str
) -> None:
    kind = "table" if isinstance(row, MeetingTable) else "interpreter"
    record(
        actor=actor,
        action=f"meetings.{kind}_hours_{what}",
        subject=row,
        event_id=event.id,
        now=now,
        detail={"starts_at": span.start.isoformat(), "ends_at": span.end.isoformat()},
    )


def missed_by(hours: Sequence[Interval], meetings: Sequence[Meeting]) -> list[Meeting]:
    """Meetings that lie outside of hours; all fit when there are no hours."""
    if not hours:
        return []
    return [
        meeting
        for meeting in meetings
        if not any(stretch.covers(Interval(meeting.starts_at, meeting.ends_at)) for stretch in hours)
    ]
