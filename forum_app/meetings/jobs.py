"""What follows from changes in lower features, and from time going by."""

from forum_app.db import transaction
from forum_app.meetings.interest_services import decline_unwelcome, expire_requests, remind_hosts
from forum_app.meetings.services import release_people_who_left
from forum_app.queue import every, job
from forum_app.web import clock


@job(schedule=every(minute="*"))
def release_departed() -> None:
    """Cancel meetings of people whose registration ended; frees tables and tells the other side."""
    with transaction():
        release_people_who_left(now=clock.now())


@job(schedule=every(minute="*/5"))
def tend_requests() -> None:
    """Remind of requests, decline for those who said no thanks, end what nobody answered."""
    for step in (remind_hosts, decline_unwelcome, expire_requests):
        with transaction():
            step(now=clock.now())
