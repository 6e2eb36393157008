"""Throwing away notes of changes that no process waits for any more."""

import time

from forum_app.calendars.keeping import forget_notes
from forum_app.db import transaction
from forum_app.queue import every, job

KEPT = 24 * 3600  # seconds; many times what a process may have slept and still trust its memory (watch.py)


@job(schedule=every(minute="47"))
def forget_changes() -> None:
    """Delete notes of changes a day after; by the system's clock, as the database wrote them."""
    with transaction():
        forget_notes(before=int(time.time()) - KEPT)
