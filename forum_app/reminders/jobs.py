"""Every five minutes: who is to be reminded of what."""

from forum_app.db import db, transaction
from forum_app.events.models import Event
from forum_app.queue import every, job
from forum_app.reminders.queries import list_events_ahead, list_people
from forum_app.reminders.services import forget_sent, list_due, remind
from forum_app.web import clock

AT_ONCE = 50


@job(schedule=every(minute="*/5"))
def send_reminders() -> None:
    """Queue what is due; safe with several workers, and when run again."""
    for event_id in [event.id for event in list_events_ahead(clock.now())]:
        people = sorted(list_due(db.session.get_one(Event, event_id), clock.now()))
        db.session.rollback()
        for start in range(0, len(people), AT_ONCE):
            with transaction():  # looks again, with what has changed since
                event, now = db.session.get_one(Event, event_id), clock.now()
                due = list_due(event, now, only=people[start : start + AT_ONCE])
                users = list_people(due)
                for user_id, things in sorted(due.items()):
                    remind(user=users[user_id], event=event, due=things, now=now)


@job(schedule=every(minute="41", hour="3"))
def forget_old() -> None:
    """Forget which reminders went about what is long over."""
    with transaction():
        forget_sent(now=clock.now())
