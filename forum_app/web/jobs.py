"""Forgetting what the house keeps for a while."""

from forum_app.db import transaction
from forum_app.queue import every, job
from forum_app.web import clock, submission
from forum_app.web.storage import current_storage
from forum_app.web.stored_files import remove_unused


@job(schedule=every(minute="37", hour="3"))
def forget_old() -> None:
    """Delete the keys of old forms, and uploads that nothing refers to."""
    with transaction():
        submission.forget_old(clock.now())
    remove_unused(current_storage(), clock.now())
