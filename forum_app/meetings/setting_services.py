"""What organizers set for meetings: when interest closes, limits by kind, kinds that do not meet."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event
from forum_app.meetings.interest_queries import event_ends_at, get_settings, list_limits
from forum_app.meetings.models import KindBar, KindLimit, MeetingRequest, MeetingSettings, RequestState
from forum_app.organizations.models import Kind

MOST_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one kind of organization; None: the default or none."""

    most_requests: int | None = None
    most_meetings: int | None = None
    least_meetings: int | None = None


def _must_manage(actor: User, event: Event) -> None:
    if not can_manage_event(actor, event):
        raise PermissionDenied(N_("Only organizers can change the rules for meetings."))


def save_settings(
    *,
    actor: User,
    event: Event,
    now: datetime,
    interest_closes_at: datetime | None = None,
    request_days: int = 10,
    walk_minutes: int = 10,
) -> MeetingSettings:
    """Set an event's rules. Requests that would wait beyond an earlier closing time end with it."""
    _must_manage(actor, event)
    if not 1 <= request_days <= 60:
        raise Invalid(N_("Please give a number of days from 1 to 60."), field="request_days")
    if not 0 <= walk_minutes <= 120 or walk_minutes % 5:
        raise Invalid(N_("Please give 0 to 120 minutes, in steps of 5."), field="walk_minutes")
    if interest_closes_at is not None and interest_closes_at > event_ends_at(event):
        raise Invalid(N_("Requests must close before the event is over."), field="interest_closes_at")
    settings = get_settings(event.id)
    db.session.add(settings)
    settings.interest_closes_at = interest_closes_at
    settings.request_days, settings.walk_minutes = request_days, walk_minutes
    try:
        db.session.flush()
    except IntegrityError as error:  # two organizers save the first settings at the same moment
        raise Conflict(N_("Somebody else changed the settings a moment ago. Look at them again.")) from error
    if interest_closes_at is not None:
        db.session.execute(
            update(MeetingRequest)
            .where(
                MeetingRequest.event_id == event.id,
                MeetingRequest.state == RequestState.PENDING,
                MeetingRequest.expires_at > interest_closes_at,
            )
            .values(expires_at=interest_closes_at, version=MeetingRequest.version + 1)
            .execution_options(synchronize_session=False)
        )
    record(
        actor=actor,
        action="meetings.settings_changed",
        subject=settings,
        event_id=event.id,
        now=now,
        detail={
            "interest_closes_at": interest_closes_at.isoformat() if interest_closes_at else None,
            "request_days": request_days,
            "walk_minutes": walk_minutes,
        },
    )
    return settings


def save_limits(*, actor: User, event: Event, limits: Mapping[Kind, Limits], now: datetime) -> None:
    """Set the limits of all kinds at once; a kind without any loses its row."""
    _must_manage(actor, event)
    known = list_limits(event.id)
    for kind, wanted in limits.items():
        values = (wanted.most_requests, wanted.most_meetings, wanted.least_meetings)
        if any(value is not None and not 0 <= value <= MOST_LIMIT for value in values):
            raise Invalid(N_("Please give a number from 0 to 200."))
        most = MOST_LIMIT if wanted.most_meetings is None else wanted.most_meetings
        if (wanted.least_meetings or 0) > most:
            raise Invalid(
                N_("The least number of meetings is larger than the most."), field=f"least_{kind.value}"
            )
        if values == (None, None, None):
            db.session.execute(
                delete(KindLimit).where(KindLimit.event_id == event.id, KindLimit.kind == kind)
            )
            continue
        row = known.get(kind) or KindLimit(event_id=event.id, kind=kind)
        row.most_requests, row.most_meetings, row.least_meetings = values
        db.session.add(row)
    db.session.flush()
    record(
        actor=actor,
        action="meetings.limits_changed",
        subject=event,
        event_id=event.id,
        now=now,
        detail={
            kind.value: [one.most_requests, one.most_meetings, one.least_meetings]
            for kind, one in limits.items()
        },
    )


def bar_kinds(*, actor: User, event: Event, one: Kind, other: Kind, now: datetime) -> KindBar:
    """People of these two kinds do not meet at the event; one may equal other."""
    _must_manage(actor, event)
    first, second = sorted((one, other))
    bar = KindBar(event_id=event.id, one=first, other=second)
    db.session.add(bar)
    try:
        db.session.flush()
    except IntegrityError as error:
        raise Conflict(N_("This pair is barred already.")) from error
    _record_bar(actor, event, bar, "meetings.kinds_barred", now)
    return bar


def allow_kinds(*, actor: User, event: Event, bar: KindBar, now: datetime) -> None:
    """Let two kinds meet again."""
    _must_manage(actor, event)
    _record_bar(actor, event, bar, "meetings.kinds_allowed", now)
    db.session.delete(bar)


def _record_bar(actor: User, event: Event, bar: KindBar, action: str, now: datetime) -> None:
    record(
        actor=actor,
        action=action,
        subject=event,
        event_id=event.id,
        now=now,
        detail={"one": bar.one.value, "other": bar.other.value},
    )
