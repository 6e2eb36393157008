"""Reading the calendars that people subscribed to: no transaction while the other side is asked."""

import logging
from datetime import timedelta

from flask import current_app

from forum_app.config import Settings
from forum_app.core.errors import Invalid, Unavailable
from forum_app.core.freebusy.reader import read_busy
from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.freebusy.queries import event_window, find_calendar, list_due
from forum_app.freebusy.services import claim, forget_calendars, keep_failure, keep_reading
from forum_app.queue import every, job
from forum_app.web import clock
from forum_app.web.fetching import current_fetcher

MOST_AT_ONCE = 200
LONGEST = timedelta(minutes=2)
log = logging.getLogger(__name__)


@job(schedule=every(minute="*/5"))
def read_due() -> None:
    """Read all subscriptions whose time has come."""
    began = clock.now()
    due = list(list_due(began, MOST_AT_ONCE))
    db.session.rollback()
    for calendar_id in due:
        if (
            clock.now() - began > LONGEST
        ):  # slow ones do not keep a worker from its mail; the rest is still due
            break
        read_calendar(calendar_id)


@job(schedule=every(minute="41", hour="3"))
def forget_old() -> None:
    """Delete calendars of events that are over and of people who left."""
    with transaction():
        forget_calendars(now=clock.now())


@job()
def read_calendar(calendar_id: int | None = None) -> None:
    """Read one subscription, if it is due and nobody else does."""
    if calendar_id is None:
        return
    with transaction():
        calendar = find_calendar(calendar_id)
        if calendar is None or not claim(calendar, clock.now()):
            return
        event = db.session.get_one(Event, calendar.registration.event_id)
        window = event_window(event)
        address, zone = calendar.address, calendar.zone
        # what was read for other days is read anew, changed or not
        same = (calendar.read_from, calendar.read_to) == (window.start, window.end)
        etag, modified = (calendar.etag, calendar.modified) if same else ("", "")
    settings: Settings = current_app.config["FORUM_SETTINGS"]
    failure: Invalid | Unavailable | None = None
    reading = fetched = None
    try:
        fetched = current_fetcher().fetch(address, etag=etag, modified=modified)
        if fetched.body is not None:
            reading = read_busy(fetched.body, zone=zone, window=window, without=settings.uid_domain)
    except (Invalid, Unavailable) as error:
        failure = error
    with transaction():
        calendar = find_calendar(calendar_id)
        if calendar is None:  # removed meanwhile
            return
        if failure is not None or fetched is None:
            keep_failure(calendar, failure or Unavailable(""), clock.now())
            log.info("calendar %s could not be read (%s in a row)", calendar_id, calendar.failures)
        else:
            keep_reading(calendar, reading, window, fetched, clock.now())
