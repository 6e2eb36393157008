"""Use cases of events."""

from typing import Any

from forum_app.core.errors import NotFound
from forum_app.core.text import N_
from forum_app.events.models import Event
from forum_app.events.permissions import can_know_event
from forum_app.events.queries import find_event


def get_event(slug: str, user: Any) -> Event:
    """The event if it exists for user, else NotFound; every /events/<slug>/... begins with it."""
    event = find_event(slug)
    if event is None or not can_know_event(user, event):
        raise NotFound(N_("There is no such event, or it is not open to you."))
    return event
