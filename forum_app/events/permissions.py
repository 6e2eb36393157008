"""Who may know of an event, and who works on it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import inspect

from forum_app.events.models import Event, EventRole, Visibility
from forum_app.events.queries import list_grants

MEMO = "forum_event_roles"


def roles_at(user: Any, event: Event) -> frozenset[EventRole]:
    """Roles of user at event; read once per user and database session."""
    if not user.is_authenticated:
        return frozenset()
    session = inspect(user).session
    memo = session.info.setdefault(MEMO, {}) if session is not None else {}
    if user.id not in memo:
        grants: dict[int, set[EventRole]] = {}
        for event_id, role in list_grants(user.id):
            grants.setdefault(event_id, set()).add(role)
        memo[user.id] = grants
    return frozenset(memo[user.id].get(event.id, ()))


def has_role(user: Any, event: Event, *roles: EventRole) -> bool:
    """Whether user has one of the roles at event; organizers and administrators have them all."""
    if not user.is_authenticated:
        return False
    if user.is_admin:
        return True
    held = roles_at(user, event)
    return EventRole.ORGANIZER in held or bool(held.intersection(roles))


def forget_roles(session: Any) -> None:
    """Read roles anew in this database session; to be called after a change of roles."""
    session.info.pop(MEMO, None)


def can_create_event(user: Any) -> bool:
    """Administrators of the installation; series are theirs too."""
    return bool(user.is_authenticated and user.is_admin)


def can_manage_event(user: Any, event: Event) -> bool:
    """Organizers of the event, and administrators."""
    return has_role(user, event)


def is_staff(user: Any, event: Event) -> bool:
    """Anybody with any role at the event."""
    return user.is_authenticated and (user.is_admin or bool(roles_at(user, event)))


# Upper features say who takes part in an event (a closed one exists only for those); they add
# themselves here, since events may not ask upwards.
takes_part_checks: list[Callable[[Any, Event], bool]] = []


def can_know_event(user: Any, event: Event) -> bool:
    """Whether event exists for user.

    A draft exists only for its staff; a closed event also for those who take part in it.
    """
    if event.is_published and event.visibility != Visibility.CLOSED:
        return True
    if is_staff(user, event):
        return True
    return event.is_published and any(check(user, event) for check in takes_part_checks)
