"""Office hours of hosts."""

from datetime import datetime, timedelta

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.intervals import Interval, grid_cells, overlaps
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.meetings.making_services import check_day
from forum_app.meetings.models import (
    GRID_MINUTES,
    OfficeHours,
)
from forum_app.meetings.permissions import can_act_for, takes_meetings
from forum_app.meetings.slot_queries import has_meetings_in, list_office_hours
from forum_app.registration.models import Registration

MOST_OFFICE_HOURS = 30  # stretches per host; a page shows them all


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
