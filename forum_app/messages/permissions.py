"""Who writes to the people of an event."""

from typing import Any

from forum_app.events.models import Event
from forum_app.events.permissions import can_manage_event


def can_write_messages(user: Any, event: Event) -> bool:
    """Organizers of the event, and administrators."""
    return can_manage_event(user, event)
