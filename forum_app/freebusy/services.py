"""Giving the forum another calendar, reading it again, taking it away."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select

from forum_app.accounts.models import User
from forum_app.audit.services import record
from forum_app.core.errors import Conflict, Invalid, PermissionDenied, Unavailable
from forum_app.core.freebusy.reader import Reading, read_busy
from forum_app.core.intervals import Interval
from forum_app.core.text import N_
from forum_app.db import after_commit, db
from forum_app.events.models import Event
from forum_app.freebusy.models import MOST_ADDRESS, Kind, OtherBusy, OtherCalendar
from forum_app.freebusy.queries import TAKING_PART, event_window, list_forgotten
from forum_app.queue import queue
from forum_app.registration.models import Registration
from forum_app.web.fetching import Fetched, parse_address

MOST_CALENDARS = 5
EVERY = timedelta(hours=1)
FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(hours=24)
LEASE = timedelta(minutes=10)
SHORTEST = timedelta(minutes=5)  # between two readings that the person asks for
KEPT = timedelta(days=7)  # after an event
READ_JOB = "forum_app.freebusy.jobs.read_calendar"


def _must_own(actor: User, event: Event, registration: Registration) -> None:
    if (
        registration.user_id != actor.id
        or registration.event_id != event.id
        or registration.state not in TAKING_PART
    ):
        raise PermissionDenied(N_("You can give only your own calendars."))


def _make_room(registration: Registration) -> None:
    # bookings hold this row while they look at the person's time, see meetings
    db.session.execute(select(Registration.id).where(Registration.id == registration.id).with_for_update())
    count = db.session.scalar(
        select(func.count(OtherCalendar.id)).where(OtherCalendar.registration_id == registration.id)
    )
    if (count or 0) >= MOST_CALENDARS:
        raise Invalid(N_("You have given as many calendars as are kept. Remove one first."))


@dataclass(frozen=True, slots=True)
class Upload:
    """What a file said. window: of the event's days at that moment."""

    reading: Reading
    window: Interval
    zone: str


def read_upload(data: bytes, *, event: Event, zone: str, own_domain: str) -> Upload:
    """Read a calendar file, before a transaction begins: it may take two seconds, and others write meanwhile.

    zone: IANA, for its floating times. own_domain: the forum's, whose own entries are no other calendar.
    Raises Invalid on the field file with the reader's sentence.
    """
    try:
        window = event_window(event)
        return Upload(read_busy(data, zone=zone, window=window, without=own_domain), window, zone)
    except Invalid as error:
        raise Invalid(error.message, field="file", **error.params) from error


def upload_calendar(
    *, actor: User, event: Event, registration: Registration, upload: Upload, now: datetime
) -> OtherCalendar:
    """Take a calendar that was read once; only its busy times on the event's days are kept."""
    _must_own(actor, event, registration)
    _make_room(registration)
    calendar = OtherCalendar(
        registration_id=registration.id, kind=Kind.UPLOAD, zone=upload.zone, created_at=now, tried_at=now
    )
    db.session.add(calendar)
    db.session.flush()
    _keep(calendar, upload.reading, upload.window, now)
    _record(actor, event, calendar, "freebusy.uploaded", now)
    return calendar


def subscribe_calendar(
    *, actor: User, event: Event, registration: Registration, address: str, zone: str, now: datetime
) -> OtherCalendar:
    """Have a calendar read from an address, now and each hour. Raises Invalid on the field address."""
    _must_own(actor, event, registration)
    try:
        parsed = parse_address(address)
    except (Invalid, Unavailable) as error:
        raise Invalid(error.message, field="address", **error.params) from error
    if len(parsed.url) > MOST_ADDRESS:
        raise Invalid(N_("This address is too long."), field="address")
    _make_room(registration)
    known = select(OtherCalendar.id).where(
        OtherCalendar.registration_id == registration.id, OtherCalendar.address == parsed.url
    )
    if db.session.scalar(known.limit(1)) is not None:
        raise Invalid(N_("This calendar is read already."), field="address")
    calendar = OtherCalendar(
        registration_id=registration.id,
        kind=Kind.SUBSCRIPTION,
        address=parsed.url,
        host=parsed.host,
        zone=zone,
        created_at=now,
        next_read_at=now,
    )
    db.session.add(calendar)
    db.session.flush()
    _record(actor, event, calendar, "freebusy.subscribed", now)
    _wake(calendar.id)
    return calendar


def ask_for_reading(
    *, actor: User, event: Event, registration: Registration, calendar: OtherCalendar, now: datetime
) -> None:
    """Read a subscription again soon instead of at its hour."""
    _must_own(actor, event, registration)
    if calendar.kind != Kind.SUBSCRIPTION:
        raise Conflict(N_("An uploaded file is read only once. Upload it again."))
    if calendar.tried_at is not None and now - calendar.tried_at < SHORTEST:
        raise Conflict(N_("This calendar was read a moment ago. Please wait five minutes."))
    calendar.next_read_at = now
    _wake(calendar.id)


def remove_calendar(
    *, actor: User, event: Event, registration: Registration, calendar: OtherCalendar, now: datetime
) -> None:
    """Forget a calendar with all that is kept of it."""
    _must_own(actor, event, registration)
    _record(actor, event, calendar, "freebusy.removed", now)
    db.session.delete(calendar)


def claim(calendar: OtherCalendar, now: datetime) -> bool:
    """Take a due reading, so that no other worker does it meanwhile."""
    if calendar.next_read_at is None or calendar.next_read_at > now:
        return False
    calendar.next_read_at = now + LEASE
    calendar.tried_at = now
    return True


def keep_reading(
    calendar: OtherCalendar, reading: Reading | None, window: Interval, fetched: Fetched, now: datetime
) -> None:
    """What came of a reading for a window; None: nothing has changed since the last one."""
    if reading is not None:
        _keep(calendar, reading, window, now)
        calendar.etag, calendar.modified = fetched.etag[:200], fetched.modified[:200]
    calendar.read_at = now
    calendar.problem, calendar.problem_params, calendar.failures = "", {}, 0
    # not all at the same minute
    calendar.next_read_at = now + EVERY + timedelta(seconds=calendar.id * 37 % 600)


def keep_failure(calendar: OtherCalendar, error: Invalid | Unavailable, now: datetime) -> None:
    """A reading failed: what is known stays, the person is told, the next try waits longer each time."""
    calendar.problem, calendar.problem_params = error.message, _plain(error.params)
    calendar.failures += 1
    calendar.next_read_at = now + min(FIRST_PAUSE * 2 ** min(calendar.failures - 1, 10), LONGEST_PAUSE)


def forget_calendars(*, now: datetime) -> int:
    """Delete what is of no use any more; how many."""
    rows = list_forgotten(now, KEPT)
    for calendar in rows:
        db.session.delete(calendar)
    return len(rows)


def _keep(calendar: OtherCalendar, reading: Reading, window: Interval, now: datetime) -> None:
    """Replace a calendar's busy times; in one transaction, under the lock that bookings respect."""
    db.session.execute(
        select(Registration.id).where(Registration.id == calendar.registration_id).with_for_update()
    )
    db.session.execute(delete(OtherBusy).where(OtherBusy.calendar_id == calendar.id))
    if reading.busy:
        db.session.execute(
            insert(OtherBusy),
            [
                {
                    "calendar_id": calendar.id,
                    "registration_id": calendar.registration_id,
                    "starts_at": span.start,
                    "ends_at": span.end,
                }
                for span in reading.busy
            ],
        )
    calendar.read_at = now
    calendar.read_from, calendar.read_to = window.start, window.end
    calendar.cut, calendar.cut_params = reading.cut or "", _plain(reading.params or {})


def _plain(params: dict[str, object]) -> dict[str, Any]:
    return {name: value if isinstance(value, int) else str(value) for name, value in params.items()}


def _record(actor: User, event: Event, calendar: OtherCalendar, action: str, now: datetime) -> None:
    # the kind alone: not even the host is anybody else's business
    record(
        actor=actor,
        action=action,
        subject=calendar,
        event_id=event.id,
        now=now,
        detail={"kind": str(calendar.kind)},
    )


def _wake(calendar_id: int) -> None:
    after_commit(lambda: queue.enqueue(READ_JOB, calendar_id))
