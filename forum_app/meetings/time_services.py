"""When an event has meetings (stretches of slots), and when a person has none (absences)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import contains_eager

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, NotFound, PermissionDenied
from forum_app.core.intervals import Interval, overlaps
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.making_services import check_day
from forum_app.meetings.models import (
    GRID_MINUTES,
    Absence,
    Meeting,
    MeetingParticipant,
    MeetingStatus,
    MeetingStretch,
)
from forum_app.meetings.permissions import can_act_for
from forum_app.meetings.resource_services import must_manage
from forum_app.meetings.slot_queries import cut_stretch, list_stretches
from forum_app.registration.models import Registration

MOST_STRETCHES = 60
MOST_ABSENCES = 30


# --- Stretches -------------------------------------------------------------------------------------


def save_stretch(
    *,
    actor: User,
    event: Event,
    span: Interval,
    slot_minutes: int,
    gap_minutes: int,
    now: datetime,
    stretch: MeetingStretch | None = None,
) -> MeetingStretch:
    """Add a stretch of slots, or change one; stretches never overlap. Meetings that exist stay."""
    must_manage(actor, event)
    check_day(event, span)
    if not 10 <= slot_minutes <= 120 or slot_minutes % GRID_MINUTES:
        raise Invalid(N_("A slot takes 10 to 120 minutes, in steps of 5."), field="slot_minutes")
    if not 0 <= gap_minutes <= 60 or gap_minutes % GRID_MINUTES:
        raise Invalid(N_("A pause takes 0 to 60 minutes, in steps of 5."), field="gap_minutes")
    if span.duration < timedelta(minutes=slot_minutes):
        raise Invalid(N_("This time is shorter than one slot."), field="slot_minutes")
    others = [known for known in list_stretches(event.id) if known is not stretch]
    if stretch is None and len(others) >= MOST_STRETCHES:
        raise Invalid(N_("There are too many meeting times. Remove some of them first."))
    if any(overlaps(span, Interval(known.starts_at, known.ends_at)) for known in others):
        raise Invalid(N_("There are meeting times at this time already."), field="starts")
    action = "meetings.times_added" if stretch is None else "meetings.times_changed"
    if stretch is None:
        stretch = MeetingStretch(event_id=event.id)
        db.session.add(stretch)
    stretch.starts_at, stretch.ends_at = span.start, span.end
    stretch.slot_minutes, stretch.gap_minutes = slot_minutes, gap_minutes
    try:
        db.session.flush()
    except IntegrityError as error:  # the same stretch at the same moment
        raise Conflict(N_("There are meeting times at this time already.")) from error
    _record_stretch(actor, event, stretch, action, now)
    return stretch


def remove_stretch(*, actor: User, event: Event, stretch: MeetingStretch, now: datetime) -> None:
    """Take a stretch away; meetings in it stay where they are."""
    must_manage(actor, event)
    _record_stretch(actor, event, stretch, "meetings.times_removed", now)
    db.session.delete(stretch)


def copy_stretches(*, actor: User, event: Event, day: date, now: datetime) -> int:
    """Give each other day of the event that has no meeting times those of one day; how many were added."""
    must_manage(actor, event)
    zone = ZoneInfo(event.timezone)
    known = list_stretches(event.id)
    pattern = [stretch for stretch in known if stretch.starts_at.astimezone(zone).date() == day]
    if not pattern:
        raise Invalid(N_("This day has no meeting times to copy."))
    taken = {stretch.starts_at.astimezone(zone).date() for stretch in known}
    added = 0
    for number in range((event.ends_on - event.starts_on).days + 1):
        other = event.starts_on + timedelta(days=number)
        if other in taken:
            continue
        for stretch in pattern:
            # the clock on the wall counts, also where summer time begins in between
            local = stretch.starts_at.astimezone(zone)
            start = datetime.combine(other, local.time(), zone)
            span = Interval(start, start + (stretch.ends_at - stretch.starts_at))
            save_stretch(
                actor=actor,
                event=event,
                span=span,
                slot_minutes=stretch.slot_minutes,
                gap_minutes=stretch.gap_minutes,
                now=now,
            )
            added += 1
    return added


def _record_stretch(actor: User, event: Event, stretch: MeetingStretch, action: str, now: datetime) -> None:
    record(
        actor=actor,
        action=action,
        subject=stretch,
        event_id=event.id,
        now=now,
        detail={
            "ends_at": stretch.ends_at.isoformat(),
            "slot_minutes": stretch.slot_minutes,
            "gap_minutes": stretch.gap_minutes,
            "slots": len(cut_stretch(stretch)),
        },
    )


# --- Absences --------------------------------------------------------------------------------------


def list_absences(registration_id: int) -> Sequence[Absence]:
    """Absences of a person in order of time."""
    return db.session.scalars(
        select(Absence).where(Absence.registration_id == registration_id).order_by(Absence.starts_at)
    ).all()


def get_absence(event_id: int, absence_id: int) -> Absence:
    """An absence of somebody at the event; whose it is, is for the caller to ask."""
    row = db.session.scalar(
        select(Absence)
        .join(Absence.registration)
        .where(Absence.id == absence_id, Registration.event_id == event_id)
        .options(contains_eager(Absence.registration))
    )
    if row is None:
        raise NotFound(N_("There is no such absence, or it is not yours."))
    return row


def declare_absence(
    *,
    actor: User,
    event: Event,
    registration: Registration,
    span: Interval,
    now: datetime,
    note: str = "",
) -> Absence:
    """From now on nobody books or schedules the person in span. Raises Conflict while they have meetings
    in it: those are cancelled with a sentence to the other side, or moved by the organizers."""
    if not can_act_for(actor, registration, event) or registration.event_id != event.id:
        raise PermissionDenied(N_("You can declare only your own absences."))
    check_day(event, span)
    if span.end <= now:
        raise Invalid(N_("This time has passed."), field="ends")
    # bookings hold this row while they look at the person's time, see Placing
    db.session.execute(select(Registration.id).where(Registration.id == registration.id).with_for_update())
    known = list_absences(registration.id)
    if len(known) >= MOST_ABSENCES:
        raise Invalid(N_("You have too many absences. Remove some of them first."))
    if any(overlaps(span, Interval(one.starts_at, one.ends_at)) for one in known):
        raise Invalid(N_("You have declared an absence at this time already."), field="starts")
    if _has_meetings(registration, span):
        raise Conflict(
            N_("You have meetings at this time. Cancel them first, or ask the organizers to move them.")
        )
    absence = Absence(registration_id=registration.id, starts_at=span.start, ends_at=span.end, note=note)
    db.session.add(absence)
    record(
        actor=actor,
        action="meetings.absence_declared",
        subject=absence,
        event_id=event.id,
        now=now,
        detail={"registration": registration.id, "ends_at": span.end.isoformat()},
    )
    return absence


def withdraw_absence(*, actor: User, event: Event, absence: Absence, now: datetime) -> None:
    """The person takes meetings at that time again."""
    if not can_act_for(actor, absence.registration, event):
        raise PermissionDenied(N_("You can declare only your own absences."))
    record(
        actor=actor,
        action="meetings.absence_withdrawn",
        subject=absence,
        event_id=event.id,
        now=now,
        detail={"registration": absence.registration_id, "ends_at": absence.ends_at.isoformat()},
    )
    db.session.delete(absence)


def _has_meetings(registration: Registration, span: Interval) -> bool:
    statement = (
        select(Meeting.id)
        .join(MeetingParticipant, MeetingParticipant.meeting_id == Meeting.id)
        .where(
            MeetingParticipant.registration_id == registration.id,
            Meeting.status == MeetingStatus.CONFIRMED,
            Meeting.starts_at < span.end,
            Meeting.ends_at > span.start,
        )
    )
    return db.session.scalar(statement.limit(1)) is not None
