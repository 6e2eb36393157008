"""Delivery in the worker."""

from forum_app.queue import every, job


@job(schedule=every(minute="*"))
def deliver_queued() -> None:
    """Deliver what is due."""
