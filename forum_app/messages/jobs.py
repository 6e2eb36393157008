"""The worker's part: making the mails of a message, batch by batch."""

from forum_app.core.errors import Conflict
from forum_app.db import transaction
from forum_app.messages.queries import list_unfinished_ids
from forum_app.messages.services import finish_message, make_mails
from forum_app.queue import every, job
from forum_app.web import clock


@job()
def send(message_id: int) -> None:
    """Make all mails of a message; safe to run twice, and by two workers at once."""
    made = 1
    while made:
        with transaction():
            made = make_mails(message_id, now=clock.now())
    with transaction():
        finish_message(message_id, now=clock.now())


@job(schedule=every(minute="*"))
def look_after_messages() -> None:
    """Go on with messages whose worker died, or whose wake-up was lost."""
    for message_id in list_unfinished_ids():
        try:
            send(message_id)
        except Conflict:  # the database is busy: the next minute will do
            return
