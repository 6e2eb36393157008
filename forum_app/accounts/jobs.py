"""Forgetting what has had its day."""

from forum_app.accounts import attempts, links, sessions
from forum_app.db import transaction
from forum_app.queue import every, job
from forum_app.web import clock


@job(schedule=every(minute="17", hour="3"))
def forget_old() -> None:
    """Delete old attempts, dead links and ended sessions."""
    for forget in (attempts.forget_old, links.forget_old, sessions.forget_old):
        with transaction():
            forget(clock.now())
