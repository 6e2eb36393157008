"""At the door, and after the last day."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from forum_app.accounts.models import User
from forum_app.core.errors import Conflict, PermissionDenied
from forum_app.core.text import N_
from forum_app.db import db
from forum_app.events.models import Event
from forum_app.registration.models import TRANSITIONS, Registration, RegistrationState
from forum_app.registration.permissions import can_check_in, can_manage_registrations, is_over
from forum_app.registration.services.states import change_state

S = RegistrationState
NOT_ALLOWED = N_("You are not allowed to do this.")


def check_in(*, actor: User, registration: Registration, version: int, now: datetime) -> Registration:
    """Let a person in. version: of the row that was on the screen.

    Raises Conflict, saying what happened, when a colleague was faster or the person may not enter.
    """
    _hold(registration)
    if not can_check_in(actor, registration.event):
        raise PermissionDenied(NOT_ALLOWED)
    if registration.state == S.CHECKED_IN:
        raise Conflict(N_("%(name)s was checked in already by a colleague."), name=registration.name)
    if S.CHECKED_IN not in TRANSITIONS[registration.state]:
        raise Conflict(
            N_("%(name)s may not enter: the registration is not approved."),
            name=registration.name or registration.email,
        )
    if registration.version != version:
        raise Conflict(
            N_("Somebody changed the registration of %(name)s at this moment. Scan the ticket again."),
            name=registration.name,
        )
    change_state(actor=actor, registration=registration, to=S.CHECKED_IN, now=now)
    return registration


def undo_check_in(*, actor: User, registration: Registration, version: int, now: datetime) -> Registration:
    """Take a mistaken check-in back; Conflict when that was done already."""
    _hold(registration)
    if not can_check_in(actor, registration.event):
        raise PermissionDenied(NOT_ALLOWED)
    if registration.state != S.CHECKED_IN or registration.version != version:
        raise Conflict(
            N_("Somebody changed the registration of %(name)s at this moment. Scan the ticket again."),
            name=registration.name,
        )
    change_state(actor=actor, registration=registration, to=S.APPROVED, now=now, detail={"undone": True})
    return registration


def mark_no_shows(*, actor: User, event: Event, now: datetime) -> int:
    """After the last day: everybody approved who did not come is a no-show. Returns how many.

    Safe to repeat; who came late after all can still be checked in.
    """
    if not can_manage_registrations(actor, event):
        raise PermissionDenied(NOT_ALLOWED)
    if not is_over(event, now):
        raise Conflict(N_("No-shows are marked once the event is over."))
    rows = db.session.scalars(
        select(Registration)
        .where(Registration.event_id == event.id, Registration.state == S.APPROVED)
        .options(joinedload(Registration.type))
        .order_by(Registration.id)
        .with_for_update(of=Registration)
    ).all()
    for row in rows:
        change_state(actor=actor, registration=row, to=S.NO_SHOW, now=now)
    return len(rows)


def _hold(registration: Registration) -> None:
    # two staff at one ticket: the second waits here and then sees what the first did
    db.session.scalar(
        select(Registration)
        .where(Registration.id == registration.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
