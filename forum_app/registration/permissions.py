"""Who may do what with registrations."""

from typing import Any

from forum_app.events.models import Event
from forum_app.events.permissions import takes_part_checks
from forum_app.registration.queries import find_registration


def takes_part(user: Any, event: Event) -> bool:
    """Whether user has an active registration at, or an invitation to, event."""
    return find_registration(user, event) is not None


takes_part_checks.append(takes_part)
