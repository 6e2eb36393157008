"""What meetings are made of: office hours of hosts, tables and interpreters of an event."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.intervals import Interval, grid_cells, overlaps
from forum_app.core.text import N_
from forum_app.db import db, violated
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.events.queries import list_rooms
from forum_app.meetings.making_services import check_day
from forum_app.meetings.models import (
    GRID_MINUTES,
    Interpreter,
    Meeting,
    MeetingTable,
    OfficeHours,
)
from forum_app.meetings.permissions import can_act_for, takes_meetings
from forum_app.meetings.slot_queries import has_meetings_in, list_office_hours
from forum_app.registration.models import Registration

MOST_OFFICE_HOURS = 30  # stretches per host; a page shows them all
MOST_TABLES = 200
IN_USE_TABLE = N_("There are meetings at this table, or were. It stays, so that the past keeps its places.")
IN_USE_INTERPRETER = N_("This interpreter has meetings, or had. Move or cancel what is to come first.")
TABLE_LABEL = "uq_meetings_table_event_id_label"


# --- Office hours --------------------------------------------------------------------------------


def publish_office_hours(
    *,
    actor: User,
    event: Event,
    host: Registration,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    slot_minutes: int = 20,
    direct: bool = False,
    note_en: str = "",
    note_ja: str = "",
) -> OfficeHours:
    """Publish a stretch of time that is cut into slots of slot_minutes. Own stretches never overlap."""
    if not can_act_for(actor, host, event) or host.event_id != event.id:
        raise PermissionDenied(N_("You can publish only your own office hours."))
    if not takes_meetings(host):
        raise PermissionDenied(N_("Your participant type does not take meetings. Ask the organizers."))
    if ends_at <= starts_at:
        raise Invalid(N_("The end must be after the start."), field="ends_at")
    span = Interval(starts_at, ends_at)
    check_day(event, span)
    grid_cells(span.start, span.end, GRID_MINUTES)
    if not 10 <= slot_minutes <= 120 or slot_minutes % GRID_MINUTES:
        raise Invalid(N_("A slot takes 10 to 120 minutes, in steps of 5."), field="slot_minutes")
    if span.duration < timedelta(minutes=slot_minutes):
        raise Invalid(N_("These office hours are shorter than one slot."), field="slot_minutes")
    if ends_at <= now:
        raise Invalid(N_("This time has passed."), field="ends_at")
    own = list_office_hours([host.id])
    if len(own) >= MOST_OFFICE_HOURS:
        raise Invalid(N_("You have too many office hours. Remove some of them first."))
    if any(overlaps(span, Interval(known.starts_at, known.ends_at)) for known in own):
        raise Invalid(N_("You already have office hours at this time."), field="starts_at")
    hours = OfficeHours(
        event_id=event.id,
        registration_id=host.id,
        starts_at=starts_at,
        ends_at=ends_at,
        slot_minutes=slot_minutes,
        direct=direct,
        note_en=note_en,
        note_ja=note_ja,
    )
    db.session.add(hours)
    record(
        actor=actor,
        action="meetings.office_hours_published",
        subject=hours,
        event_id=event.id,
        now=now,
        detail={"ends_at": ends_at.isoformat(), "slot_minutes": slot_minutes, "direct": direct},
    )
    return hours


def remove_office_hours(*, actor: User, event: Event, hours: OfficeHours, now: datetime) -> None:
    """Remove a stretch; raises Conflict while it has meetings."""
    host = hours.registration
    if not can_act_for(actor, host, event):
        raise PermissionDenied(N_("You can remove only your own office hours."))
    if has_meetings_in(host, Interval(hours.starts_at, hours.ends_at)):
        raise Conflict(N_("There are meetings in these office hours. Cancel or move them first."))
    record(
        actor=actor,
        action="meetings.office_hours_removed",
        subject=hours,
        event_id=event.id,
        now=now,
        detail={"ends_at": hours.ends_at.isoformat()},
    )
    db.session.delete(hours)


# --- Tables ---------------------------------------------------------------------------------------


def _must_manage(actor: User, event: Event) -> None:
    if not can_manage_event(actor, event):
        raise PermissionDenied(N_("Only organizers can change tables and interpreters."))


def save_table(
    *,
    actor: User,
    event: Event,
    label: str,
    now: datetime,
    room_id: int | None = None,
    position: int | None = None,
    table: MeetingTable | None = None,
) -> MeetingTable:
    """Add a table, or change one. position: order among tables; a new one goes to the end."""
    _must_manage(actor, event)
    if room_id is not None and room_id not in {room.id for room in list_rooms(event.id)}:
        raise Invalid(N_("This room does not belong to the event."), field="room_id")
    created = table is None
    if table is None:
        count, last = db.session.execute(
            select(func.count(), func.coalesce(func.max(MeetingTable.position), 0)).where(
                MeetingTable.event_id == event.id
            )
        ).one()
        if count >= MOST_TABLES:
            raise Invalid(N_("There are too many tables. Remove some of them first."))
        table = MeetingTable(event_id=event.id, position=last + 1)
        db.session.add(table)
    table.label, table.room_id = label, room_id
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


def remove_table(*, actor: User, event: Event, table: MeetingTable, now: datetime) -> None:
    """Remove a table at which no meeting ever stood; the past keeps its places."""
    _must_manage(actor, event)
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
    interpreter: Interpreter | None = None,
) -> Interpreter:
    """Add an interpreter, or change one. At least one of the first two names is needed."""
    _must_manage(actor, event)
    if not name_latin and not name_native:
        raise Invalid(N_("Please give a name in at least one script."), field="name_latin")
    created = interpreter is None
    if interpreter is None:
        interpreter = Interpreter(event_id=event.id)
        db.session.add(interpreter)
    interpreter.name_latin, interpreter.name_native = name_latin, name_native
    interpreter.name_kana, interpreter.languages = name_kana, languages
    action = "meetings.interpreter_added" if created else "meetings.interpreter_changed"
    record(actor=actor, action=action, subject=interpreter, event_id=event.id, now=now)
    return interpreter


def remove_interpreter(*, actor: User, event: Event, interpreter: Interpreter, now: datetime) -> None:
    """Remove an interpreter who has no meetings."""
    _must_manage(actor, event)
    used = select(Meeting.id).where(Meeting.interpreter_id == interpreter.id).limit(1)
    if db.session.scalar(used) is not None:
        raise Conflict(IN_USE_INTERPRETER)
    record(
        actor=actor, action="meetings.interpreter_removed", subject=interpreter, event_id=event.id, now=now
    )
    db.session.delete(interpreter)
