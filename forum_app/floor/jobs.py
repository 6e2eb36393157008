"""What follows from freed time: offers are made, and lapse when nobody takes them."""

from forum_app.db import db, transaction
from forum_app.floor.queries import list_freed_meetings
from forum_app.floor.refill_services import lapse_what_cannot_be, offer_freed_time
from forum_app.meetings.models import Meeting
from forum_app.queue import every, job
from forum_app.web import clock


@job(schedule=every(minute="*"))
def offer_freed() -> None:
    """Lapse what was not taken in time, then offer what is free, each in its own transaction."""
    with transaction():
        lapse_what_cannot_be(now=clock.now())
    for meeting_id in list_freed_meetings(clock.now()):
        with transaction():
            meeting = db.session.get(Meeting, meeting_id)
            if meeting is not None:
                offer_freed_time(freed=meeting, now=clock.now())
