"""What follows from changes in lower features."""

from forum_app.db import transaction
from forum_app.meetings.services import release_people_who_left
from forum_app.queue import every, job
from forum_app.web import clock


@job(schedule=every(minute="*"))
def release_departed() -> None:
    """Cancel meetings of people whose registration ended; frees tables and tells the other side."""
    with transaction():
        release_people_who_left(now=clock.now())
