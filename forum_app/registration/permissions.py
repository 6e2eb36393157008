"""Who may do what with registrations, and when people may register."""

import enum
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event, EventRole, Visibility
from forum_app.events.permissions import can_manage_event, has_role, takes_part_checks
from forum_app.events.queries import Tile, dashboard_tiles
from forum_app.registration.models import (
    SEATED,
    ParticipantType,
    Registration,
    RegistrationState,
)
from forum_app.registration.queries import WAITING, count_by_state, find_active_state

MEMO = "forum_registration_state"
S = RegistrationState


def active_state(user: Any, event: Event) -> RegistrationState | None:
    """State of the active registration of user at event; read once per database transaction."""
    if not user.is_authenticated:
        return None
    session = db.session()
    seen_in, memo = session.info.get(MEMO, (None, {}))
    if seen_in is None or seen_in is not session.get_transaction():
        memo = {}
    key = (user.id, event.id)
    if key not in memo:
        memo[key] = find_active_state(user, event)
        session.info[MEMO] = (session.get_transaction(), memo)
    state: RegistrationState | None = memo[key]
    return state


def forget_states() -> None:
    """Registrations change: what active_state() remembers counts no longer."""
    db.session().info.pop(MEMO, None)


def takes_part(user: Any, event: Event) -> bool:
    """Whether user has an active registration at, or an invitation to, event."""
    return active_state(user, event) is not None


takes_part_checks.append(takes_part)


class Window(enum.StrEnum):
    """Whether people may register now; an invitation opens all but DRAFT and OVER."""

    OPEN = "open"
    DRAFT = "draft"
    NOT_YET = "not_yet"
    CLOSED = "closed"
    OVER = "over"
    INVITED_ONLY = "invited_only"


def is_over(event: Event, now: datetime) -> bool:
    """Whether the event's last day is past, in its own zone."""
    return now.astimezone(ZoneInfo(event.timezone)).date() > event.ends_on


def has_begun(event: Event, now: datetime) -> bool:
    """Whether the event's first day has come, in its own zone."""
    return now.astimezone(ZoneInfo(event.timezone)).date() >= event.starts_on


def registration_window(event: Event, now: datetime, *, invited: bool = False) -> Window:
    """Whether somebody may register for event at now. Without an opening time: once it is published."""
    if not event.is_published:
        return Window.DRAFT
    if is_over(event, now):
        return Window.OVER
    if invited:
        return Window.OPEN
    if event.visibility == Visibility.CLOSED:
        return Window.INVITED_ONLY
    if event.registration_opens_at is not None and now < event.registration_opens_at:
        return Window.NOT_YET
    if event.registration_closes_at is not None and now >= event.registration_closes_at:
        return Window.CLOSED
    return Window.OPEN


def may_choose(kind: ParticipantType, invitation: Registration | None) -> bool:
    """Whether a person may take this type: a type by invitation only with an invitation to it."""
    return not kind.by_invitation or (invitation is not None and invitation.type_id == kind.id)


def can_vet(user: Any, event: Event) -> bool:
    """Vetting officers and organizers see registrations and decide."""
    return has_role(user, event, EventRole.VETTING_OFFICER)


def can_manage_registrations(user: Any, event: Event) -> bool:
    """Organizers invite, move, export, see needs and keep the participant types."""
    return can_manage_event(user, event)


def can_check_in(user: Any, event: Event) -> bool:
    """Check-in staff and organizers."""
    return has_role(user, event, EventRole.CHECK_IN_STAFF)


def owns(user: Any, registration: Registration) -> bool:
    """Whether registration is the person's own; an invitation belongs to its verified address."""
    if not user.is_authenticated:
        return False
    if registration.user_id is not None:
        return bool(registration.user_id == user.id)
    return user.verified_at is not None and registration.email_key == user.email_key


def identity_is_settled(registration: Registration) -> bool:
    """Whether name and organization stand: somebody was vetted under them, or is in already."""
    if registration.cleared_until is not None or registration.state in (S.CHECKED_IN, S.NO_SHOW):
        return True
    decided = registration.state in SEATED or registration.state == S.WAITLISTED
    return decided and registration.type.needs_vetting


def registration_tiles(user: Any, event: Event, now: datetime) -> Iterator[Tile]:
    """Figures for the organizers' dashboard, by what the person may act on; one statement."""
    vets, admits = can_vet(user, event), can_check_in(user, event)
    if not (vets or admits):
        return
    counts = count_by_state(event.id)
    arrived = counts.get(S.CHECKED_IN, 0)
    seated = arrived + counts.get(S.APPROVED, 0) + counts.get(S.NO_SHOW, 0)
    if vets:
        yield Tile(
            N_("Waiting for vetting"),
            sum(counts.get(state, 0) for state in WAITING),
            "registration.vetting",
            hint=N_("The oldest comes first"),
            waiting=True,
            order=10,
        )
        yield Tile(
            N_("Approved participants"),
            seated,
            "registration.manage_index",
            hint=N_("%(waitlisted)s on the waitlist"),
            params={"waitlisted": counts.get(S.WAITLISTED, 0)},
            order=10,
        )
    if admits and has_begun(event, now):
        yield Tile(
            N_("Checked in"),
            arrived,
            "registration.check_in",
            hint=N_("of %(expected)s expected"),
            params={"expected": seated},
            order=11,
        )


dashboard_tiles.append(registration_tiles)
