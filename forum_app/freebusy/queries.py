"""Reading people's other calendars and the busy times in them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager

from forum_app.core.errors import NotFound
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.freebusy.models import OtherBusy, OtherCalendar
from forum_app.registration.models import Registration, RegistrationState
from forum_app.registration.queries import find_registration

TAKING_PART = frozenset({RegistrationState.APPROVED, RegistrationState.CHECKED_IN})


@dataclass(frozen=True, slots=True)
class CalendarView:
    """One of a person's calendars with how much of the event it takes."""

    calendar: OtherCalendar
    hours: float
    spans: int
    stale: bool


def event_window(event: Event) -> Interval:
    """From the first midnight of an event to the last, in its zone: all that is kept lies in it."""
    zone = ZoneInfo(event.timezone)
    opens = datetime.combine(event.starts_on, time(), zone)
    closes = datetime.combine(event.ends_on + timedelta(days=1), time(), zone)
    return Interval(opens, closes)


def find_own(user: Any, event: Event) -> Registration | None:
    """The registration with which user takes part in event, else None."""
    registration = find_registration(user, event)
    if registration is None or registration.state not in TAKING_PART or registration.user_id is None:
        return None
    return registration


def list_calendars(registration: Registration, event: Event) -> list[CalendarView]:
    """A person's calendars in the order in which they came; two statements."""
    calendars = db.session.scalars(
        select(OtherCalendar)
        .where(OtherCalendar.registration_id == registration.id)
        .order_by(OtherCalendar.id)
    ).all()
    taken: dict[int, list[Interval]] = {}
    for calendar_id, start, end in db.session.execute(
        select(OtherBusy.calendar_id, OtherBusy.starts_at, OtherBusy.ends_at).where(
            OtherBusy.registration_id == registration.id
        )
    ):
        taken.setdefault(calendar_id, []).append(Interval(start, end))
    window = event_window(event)
    return [
        CalendarView(
            one,
            sum((span.duration for span in taken.get(one.id, ())), timedelta()) / timedelta(hours=1),
            len(taken.get(one.id, ())),
            stale=one.read_at is not None and (one.read_from, one.read_to) != (window.start, window.end),
        )
        for one in calendars
    ]


def get_calendar(registration: Registration, calendar_id: int) -> OtherCalendar:
    """One of a person's own calendars, else NotFound."""
    row = db.session.scalar(
        select(OtherCalendar).where(
            OtherCalendar.id == calendar_id, OtherCalendar.registration_id == registration.id
        )
    )
    if row is None:
        raise NotFound(N_("There is no such calendar, or it is not yours."))
    return row


def list_due(now: datetime, most: int) -> Sequence[int]:
    """Subscriptions whose time to be read has come, of people who take part in events that are not over."""
    return db.session.scalars(
        select(OtherCalendar.id)
        .join(OtherCalendar.registration)
        .join(Event, Event.id == Registration.event_id)
        .where(
            OtherCalendar.next_read_at <= now,
            Registration.state.in_(TAKING_PART),
            Event.ends_on >= (now - timedelta(days=1)).date(),
        )
        .order_by(OtherCalendar.next_read_at)
        .limit(most)
    ).all()


def find_calendar(calendar_id: int) -> OtherCalendar | None:
    """A calendar with its registration, for the job; None once it was removed."""
    return db.session.scalar(
        select(OtherCalendar)
        .join(OtherCalendar.registration)
        .where(OtherCalendar.id == calendar_id)
        .options(contains_eager(OtherCalendar.registration))
        .execution_options(populate_existing=True)  # a reading takes a while
    )


def list_forgotten(now: datetime, kept: timedelta) -> Sequence[OtherCalendar]:
    """Calendars of people who no longer take part, and of events that are long over."""
    return db.session.scalars(
        select(OtherCalendar)
        .join(OtherCalendar.registration)
        .join(Event, Event.id == Registration.event_id)
        .where(or_(Registration.state.not_in(TAKING_PART), Event.ends_on < (now - kept).date()))
        .limit(500)
    ).all()


def other_busy(user_ids: Collection[int], window: Interval | None) -> list[tuple[int, Interval]]:
    """(login, time) by people's other calendars, at whatever event they gave them; one statement."""
    statement = (
        select(Registration.user_id, OtherBusy.starts_at, OtherBusy.ends_at)
        .join(Registration, Registration.id == OtherBusy.registration_id)
        .where(Registration.user_id.in_(user_ids))
    )
    if window is not None:
        statement = statement.where(OtherBusy.starts_at < window.end, OtherBusy.ends_at > window.start)
    return [
        (user_id, Interval(start, end))
        for user_id, start, end in db.session.execute(statement)
        if user_id is not None
    ]
